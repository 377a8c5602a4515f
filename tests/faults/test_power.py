"""The power goes, and what was not synced goes with it (fault X4, goal 4: all single losses)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.injected import needs_strace
from tests.faults.power import record, restore
from tests.faults.soak import sample
from tests.program import Done, Program

pytestmark = needs_strace
OTHER_BOOT = Path(__file__).with_name("other_boot.py")
OLD, NEW = "canary-old-19cc", "canary-new-72e0"
SET = ("set", "API_KEY", "--backend", "local")


def rebooted(sophia: Program, *arguments: str, stdin: str = "") -> Done:
    """The program after the machine came up again."""
    done = subprocess.run(
        [sys.executable, "-P", str(OTHER_BOOT), *arguments],
        input=stdin.encode(), capture_output=True, cwd=sophia.cwd, env=sophia.full_environment(),
        timeout=60, check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def whole_lines(sophia: Program) -> list[dict[str, Any]]:
    """The log's lines as they stand, before anybody mends it."""
    files = [path.read_bytes() for path in sophia.sophia.rglob("audit.jsonl")]
    lines = [line for data in files for line in data.split(b"\n")]
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]


@pytest.mark.parametrize("start", ["with a value", "on a fresh machine"])
def test_X4_whatever_a_power_cut_takes_nothing_acknowledged_is_lost(sophia: Program, start: str) -> None:
    if start == "with a value":
        sophia.store("API_KEY", OLD)
    before = whole_lines(sophia)
    recording = record(sophia, *SET, stdin=NEW)
    assert recording.done is not None
    assert recording.done.code == 0, recording.done.said
    possible = {OLD, NEW} if before else {"", NEW}
    states = list(recording.states())
    assert len(states) > 20
    for what, ended, tree in sample(states[:-3], 8) + states[-3:]:
        restore(sophia.sophia, tree)
        left = whole_lines(sophia)
        assert left[: len(before)] == before, what
        held = rebooted(sophia, "get", "API_KEY")
        assert held.out.rstrip("\n") in ({NEW} if ended else possible), (what, held.said)
        assert held.code in (0, 3), (what, held.said)
        if ended:
            assert [event["outcome"] for event in left[len(before) :]][:2] == ["intent", "done"], what
        elif held.out == f"{NEW}\n":
            assert "intent" in [event["outcome"] for event in left[len(before) :]], what
        verified = rebooted(sophia, "audit", "verify", "--json")
        assert verified.json["ok"], (what, verified.out)
        again = rebooted(sophia, *SET, stdin=NEW)
        assert again.code == 0, (what, again.said)
        assert rebooted(sophia, "get", "API_KEY").out == f"{NEW}\n", what
        assert rebooted(sophia, "audit", "verify").code == 0, what


def test_X4_a_value_that_was_printed_is_in_the_log_after_the_cut(sophia: Program) -> None:
    sophia.store("API_KEY", OLD)
    sophia("get", "API_KEY")
    before = whole_lines(sophia)
    recording = record(sophia, "get", "API_KEY")
    assert recording.done is not None
    assert recording.done.out == f"{OLD}\n"
    for what, ended, tree in sample(list(recording.states()), 8):
        restore(sophia.sophia, tree)
        left = whole_lines(sophia)
        assert left[: len(before)] == before, what
        if ended:
            assert left[-1]["outcome"] == "found", what
        assert rebooted(sophia, "audit", "verify", "--json").json["ok"], what
        assert rebooted(sophia, "get", "API_KEY").out == f"{OLD}\n", what
