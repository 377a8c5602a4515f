"""
The whole program on a disk that is full or broken at any call (faults A1 and A3, goal 3).

No value leaves unaudited, a write says truly what became of it, nothing is left half written.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.injected import Struck, needs_strace
from tests.faults.rooms import (
    BEFORE,
    EXPORT,
    HOME,
    NEW,
    OLD,
    STATE,
    Room,
    at_fly,
    at_the_vendor,
    beside_a_file,
    cached,
    exported,
    held_by_two,
    stored,
    strike_everywhere,
)
from tests.faults.soak import SOAK
from tests.program import PROGRAM, Done, Program

FULL, BROKEN = "error=ENOSPC", "error=EIO"
TYPED = (2, 4, 5, 6)
"""What a disk can be the cause of: never 0 with nothing done, never 1 (unexpected), never 3 (not there)."""


@dataclass(frozen=True)
class Refused:
    """A command that a call is refused in, and what holds afterwards."""

    arguments: tuple[str, ...]
    prepare: Callable[[Room], None]
    holds: Callable[[Room, Done, list[dict[str, Any]]], None]
    stdin: str = ""
    usual: int = 8
    reach: str = STATE
    codes: tuple[int, ...] = TYPED

    def check(self, room: Room, before: list[dict[str, Any]], struck: Struck) -> None:
        done = struck.done
        assert "Traceback" not in done.said
        assert done.code in (0, *self.codes)
        assert done.code == 0 or "error: " in done.err
        after = room.events()
        assert after[: len(before)] == before
        self.holds(room, done, after[len(before) :])
        repeated = room.program(*self.arguments, stdin=self.stdin)
        assert repeated.code == 0, repeated.said
        room.events()


def audited_or_not_printed(room: Room, done: Done, events: list[dict[str, Any]]) -> None:
    assert done.out == (f"{OLD}\n" if done.code == 0 else "")
    if done.code == 0:
        assert "found" in [event["outcome"] for event in events]


def told_truly(done: Done, held: set[str], events: list[dict[str, Any]]) -> None:
    assert held <= {OLD, NEW}
    if done.code == 0:
        assert held == {NEW}
    elif held != {OLD}:
        said = ("The write was made", "unknown", "may or may not have changed")
        assert any(words in done.err for words in said)
    if NEW in held:
        assert "intent" in [event["outcome"] for event in events]


def local_told_truly(room: Room, done: Done, events: list[dict[str, Any]]) -> None:
    told_truly(done, {room.local_value()}, events)
    assert room.program("get", "OTHER_KEY").out == "untouched\n"


def fly_told_truly(room: Room, done: Done, events: list[dict[str, Any]]) -> None:
    told_truly(done, {room.fly_value()}, events)


def both_told_truly(room: Room, done: Done, events: list[dict[str, Any]]) -> None:
    held = {room.fly_value(), room.local_value()}
    assert held <= {OLD, NEW}
    if done.code == 0:
        assert held == {NEW}


def file_told_truly(room: Room, done: Done, events: list[dict[str, Any]]) -> None:
    assert done.out == ""
    held = exported(room).read_text()
    assert held == f"API_KEY='{OLD}'\n" or (done.code and held == BEFORE)
    if held != BEFORE:
        assert "found" in [event["outcome"] for event in events]
    assert list(exported(room).parent.iterdir()) == [exported(room)]
    assert exported(room).stat().st_mode & 0o777 == 0o600


GET = ("get", "API_KEY")
SCENES = {
    "get, local": Refused((*GET, "--backend", "local"), stored, audited_or_not_printed),
    "get, nothing cached": Refused(GET, at_the_vendor, audited_or_not_printed, usual=10),
    "get, cached": Refused(GET, cached, audited_or_not_printed, usual=10),
    "run": Refused(
        ("run", "--only", "API_KEY", "--", "printenv", "API_KEY"), cached, audited_or_not_printed, usual=8
    ),
    # A file of the user's own that cannot be written is exit 1.
    "export, to a file": Refused(
        EXPORT, beside_a_file, file_told_truly, usual=8, reach=HOME, codes=(1, *TYPED)
    ),
    "set, local": Refused(("set", "API_KEY", "--backend", "local"), stored, local_told_truly, NEW),
    "set, fly": Refused(("set", "API_KEY", "--backend", "fly"), at_fly, fly_told_truly, NEW),
    "rotate, fly and local": Refused(
        ("rotate", "API_KEY", "--yes"), held_by_two, both_told_truly, NEW, usual=6
    ),
}


@needs_strace
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_A1_A3_whatever_call_the_disk_refuses_the_answer_is_typed_and_true(
    tmp_path: Path, scene: Refused
) -> None:
    strike_everywhere(tmp_path, scene, FULL, BROKEN)


@pytest.mark.parametrize("kilobytes", [16, 64, 160] if SOAK else [160])
def test_A1_on_a_small_full_disk_what_was_acknowledged_is_there_once_there_is_room(
    sophia: Program, tmp_path: Path, kilobytes: int
) -> None:
    """As the kernel says it: a real file system that the program fills by itself."""
    script = f"""
        set -e
        mount -t tmpfs -o size={kilobytes}k,mode=0700 none {sophia.home}
        for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
            code=0
            head -c 9000 /dev/urandom | base64 -w0 | cut -c1-12000 >{tmp_path}/value
            {PROGRAM} set KEY_$n --backend local <{tmp_path}/value >{tmp_path}/out 2>>{tmp_path}/err || code=$?
            test ! -s {tmp_path}/out
            echo $code $n $(cut -c1-40 {tmp_path}/value)
        done
        mount -o remount,size=4m {sophia.home}
        for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
            echo held $n $({PROGRAM} get KEY_$n 2>/dev/null | cut -c1-40)
        done
        {PROGRAM} audit verify --json
    """
    done = subprocess.run(
        ["unshare", "--mount", *(["--user", "--map-root-user"] if os.geteuid() else []), "sh", "-c", script],
        capture_output=True, text=True, env=sophia.full_environment(), cwd=sophia.cwd, check=False, timeout=120,
    )  # fmt: skip
    if not done.stdout:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    errors = (tmp_path / "err").read_text()
    assert "Traceback" not in errors
    told, directory = errors.splitlines(), sophia.sophia / "state"
    full = [told[n + 1] for n, line in enumerate(told) if line.startswith("error: ") and "No space" in line]
    assert full
    assert {f"`df -h {directory}" in hint for hint in full} == {True}, full
    assert "went wrong" not in errors
    lines = [line.split() for line in done.stdout.splitlines()]
    given = {n: (int(code), value) for code, n, value in (line for line in lines if line[0].isdecimal())}
    held = {line[1]: "".join(line[2:]) for line in lines if line[0] == "held"}
    codes = {code for code, _ in given.values()}
    assert codes != {0}, "the disk was never full"
    assert 0 in codes or kilobytes < 160
    assert codes <= {0, *TYPED}
    for n, (code, value) in given.items():
        assert held[n] == value or (code != 0 and not held[n]), (n, code)
    assert json.loads(done.stdout.splitlines()[-1])["ok"], done.stdout
