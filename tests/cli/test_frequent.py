"""The most frequent command lines come to the same with Typer and without it, over generated states."""

from __future__ import annotations

import os
import random
import re
import shutil
from pathlib import Path

import pytest

from sophia_secrets.cli import frequent
from sophia_secrets.operations import routing
from tests.cli.test_hot import Said, full, standing_in
from tests.hot_states import NAMES, State
from tests.program import Program

COUNT = int(os.environ.get("SOPHIA_HOT_STATES", "200"))
LINES = (
    ["get", ""], ["get", "", "--raw"], ["get", "", "--backend", "pulumi"], ["get", "", "-b", "fly"], ["list"], ["list", "--names"], ["list", "--json"], ["--json", "list"],
    ["explain", ""], ["info", ""], ["delete", "", "--backend", "local", "--yes"], ["delete", "", "-b", "fly"],
    ["delete", "", "-b", "local", "--if-exists", "-y"], ["delete", "", "-b", "local", "--if-exists"],
    ["set", "", "--backend", "local"], ["set", "", "-b", "env"], ["set", "", "--backend", "pulumi"],
    ["set", "", "-b", "local", "--generate", "hex:8"], ["set", "", "-b", "fly", "--generate", "nonsense"],
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled, and nothing waits for the disk."""
    monkeypatch.setattr(routing, "RACY", 1e9)
    monkeypatch.setattr(os, "fsync", lambda fd: None)


def said(state: State, arguments: list[str], value: bytes) -> Said:
    """The full program with this value on its standard input."""
    kept = os.dup(0)
    reading, writing = os.pipe()
    os.write(writing, value)
    os.close(writing)
    os.dup2(reading, 0)
    os.close(reading)
    try:
        return full(state, arguments)
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def alike(one: Said) -> tuple[object, ...]:
    """What has to be the same, however often it was done: not the version, the id, the count and what was made."""
    err = re.sub(rb"version [0-9]+|[0-9]+ s ago", b"", one.err)
    events = [
        {key: value for key, value in event.items() if key not in ("id", "version", "fingerprint")}
        for event in one.events
    ]
    return one.code, one.out, err, events


def test_no_generated_state_tells_which_of_the_two_read_the_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_us = frequent.plain
    codes = set()
    for number in range(COUNT):
        root = tmp_path / str(number)
        state = State(root, number)
        rng = random.Random(f"said {number}")
        arguments = [word or rng.choice(NAMES) for word in rng.choice(LINES)]
        state.happen()
        with standing_in(state):
            monkeypatch.setattr(frequent, "plain", lambda arguments: None)
            said(state, arguments, b"value")
            typer = said(state, arguments, b"value")
            monkeypatch.setattr(frequent, "plain", by_us)
            ours = said(state, arguments, b"value")
        assert alike(ours) == alike(typer), f"state {number}, {arguments}"
        codes.add(ours.code)
        shutil.rmtree(root)
    assert len(codes) > 3


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["get"], ["get", "--help"], ["get", "-x"], ["get", "A", "B"], ["get", "A", "--json"], ["get", "A B"],
        ["list", "PREFIX"], ["ls"], ["explain"], ["info", "--json", "A"], ["--profile", "p", "list"],
        ["delete", "A"], ["delete", "A", "-b", "local", "-x"],
        ["set", "A"], ["set", "A", "value"], ["set", "A", "--backend", "-"], ["set", "A", "-b", "local", "--raw"],
        ["set", "A", "-b", "local", "--generate"], ["set", "A", "-b", "local", "--generate", "--raw"],
    ],
)  # fmt: skip
def test_whatever_else_is_asked_for_is_read_by_typer(arguments: list[str]) -> None:
    assert frequent.plain(arguments) is None


def test_a_wrong_command_line_is_told_as_ever(sophia: Program) -> None:
    done = sophia("get", "API_KEY", "--bogus")
    assert (done.code, done.out) == (2, "")
    assert "There is no option `--bogus` here." in done.err
