"""What a person sees and types, in a real pseudo-terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

import pytest

from tests.program import PROGRAM, Program
from tests.terminal import Terminal
from tests.world import World

BREAKS_NOWHERE = re.compile(r"/\S{30}|age1\S{50}|\S{60}")
"""Paths and keys stand in a sentence whole, so that they can be copied."""


def test_L10_the_prompt_shows_where_the_value_goes_and_never_the_value(sophia: Program) -> None:
    with Terminal(sophia, "set", "API_KEY", "--backend", "local") as terminal:
        terminal.wait_for("hidden")
        assert "local → " in terminal.screen
        assert not terminal.echoes
        terminal.type("typed-canary-1\n")
        terminal.wait_for("Again")
        terminal.type("typed-canary-1\n")
        assert terminal.end() == 0
        assert b"typed-canary-1" not in terminal.raw
        assert terminal.echoes
    assert sophia("get", "API_KEY").out == "typed-canary-1\n"


def test_two_entries_that_differ_store_nothing(sophia: Program) -> None:
    with Terminal(sophia, "set", "API_KEY", "--backend", "local") as terminal:
        terminal.wait_for("hidden")
        terminal.type("one\n")
        terminal.wait_for("Again")
        terminal.type("two\n")
        assert terminal.end() == 2
        assert "differ" in terminal.screen
    assert sophia("get", "API_KEY").code == 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_L10_the_echo_comes_back_however_the_prompt_ends(sophia: Program, number: int, code: int) -> None:
    with Terminal(sophia, "set", "API_KEY", "--backend", "local") as terminal:
        terminal.wait_for("hidden")
        if number == signal.SIGINT:
            terminal.type("half\x03")
        else:
            os.kill(terminal.pid, number)
        assert terminal.end() == code
        assert terminal.echoes
        assert "Traceback" not in terminal.screen
        if number == signal.SIGINT:
            assert "\nerror: Interrupted." in terminal.screen
    assert sophia("get", "API_KEY").code == 3


@pytest.mark.parametrize("keys", ["\r", "\x04"], ids=["enter", "end of file"])
def test_nothing_entered_is_not_asked_for_again(sophia: Program, keys: str) -> None:
    with Terminal(sophia, "set", "API_KEY", "--backend", "local") as terminal:
        terminal.wait_for("hidden")
        terminal.type(keys)
        assert terminal.end() == 2
    assert "Again" not in terminal.screen
    assert "error: Nothing was entered, so nothing was stored." in terminal.screen.splitlines()


@pytest.mark.parametrize("keys", ["\x04", "\x03"], ids=["end of file", "interrupt"])
def test_a_question_that_gets_no_answer_leaves_the_cursor_at_the_start_of_a_line(
    sophia: Program, keys: str
) -> None:
    sophia.store("API_KEY", "v")
    with Terminal(sophia, "delete", "API_KEY", "--backend", "local") as terminal:
        terminal.wait_for("[y/N]")
        terminal.type(keys)
        assert terminal.end() == 130
    assert terminal.raw.endswith(b"\n")
    assert "[y/N] error" not in terminal.screen
    assert sophia("get", "API_KEY").out == "v\n"


def test_L10_without_a_controlling_terminal_nothing_is_asked(sophia: Program) -> None:
    """Standard input is a terminal, but not ours to open by name."""
    master, slave = os.openpty()
    try:
        done = subprocess.run(
            [str(PROGRAM), "set", "API_KEY", "--backend", "local"],
            stdin=slave,
            env=sophia.full_environment(),
            capture_output=True,
            text=True,
            start_new_session=True,
            timeout=30,
            check=False,
        )
    finally:
        os.close(master)
        os.close(slave)
    assert done.returncode == 2
    assert "no terminal" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("list",),
        ("explain", "API_KEY"),
        ("doctor",),
        ("backends",),
        ("info", "API_KEY"),
        ("audit", "log"),
        ("config", "show"),
        (),
    ],
)
def test_tables_fit_80_columns_and_cut_nothing(
    sophia: Program, vendors: World, command: tuple[str, ...]
) -> None:
    vendors.define({"API_KEY": "v", "A" * 70: "v"})
    sophia.store("API_KEY", "v", "fly")
    with Terminal(sophia, *command) as terminal:
        assert terminal.end() == 0
        codes = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\n]*\r(?!\r?\n)")
        lines = codes.sub("", terminal.raw.decode()).splitlines()
        assert [line for line in lines if len(line) > 80 and not BREAKS_NOWHERE.search(line)] == []
        assert "Traceback" not in terminal.screen


def test_colour_only_on_a_terminal_and_never_with_no_color(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    with Terminal(sophia, "list") as terminal:
        terminal.end()
        assert b"\x1b[32m" in terminal.raw
    for variables, flags in (({"NO_COLOR": "1"}, ()), ({}, ("--no-color",))):
        with Terminal(sophia, "list", *flags, **variables) as terminal:
            terminal.end()
            assert b"\x1b" not in terminal.raw
    assert "\x1b" not in sophia("list").said


def test_a_spinner_says_who_is_asked_and_leaves_nothing(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "v"})
    with Terminal(sophia, "get", "API_KEY", "--no-cache") as terminal:
        assert terminal.end() == 0
        assert b"Asking pulumi (acme/app/production)" in terminal.raw
        assert terminal.screen == "v"


def test_delete_asks_and_takes_no_for_an_answer(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    with Terminal(sophia, "delete", "API_KEY", "--backend", "local") as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("n\n")
        assert terminal.end() == 130
    assert sophia("get", "API_KEY").code == 0
    with Terminal(sophia, "delete", "API_KEY", "--backend", "local") as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("y\n")
        assert terminal.end() == 0
    assert sophia("get", "API_KEY").code == 3


def test_I5_a_hostile_name_moves_nothing_on_the_screen(sophia: Program, vendors: World) -> None:
    with vendors.pulumi.service() as service:
        body = {"values": {"environmentVariables": {"A\x1b[2J\x1b]0;owned\x07": "v", "B_KEY": "v"}}}
        service.define("acme/app/production", json.dumps(body))
    with Terminal(sophia, "list") as terminal:
        terminal.end()
        assert b"\x1b[2J" not in terminal.raw
        assert b"\x1b]" not in terminal.raw
        assert "B_KEY" in terminal.screen
        assert terminal.screen.startswith("NAME")
