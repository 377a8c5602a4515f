"""
The whole program killed at every call that touches its state (faults X3 and X6, goal 2).

A kill takes nothing back that was told, leaves every value old or new, and the next command works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.injected import KILL, Point, Struck, Traced, needs_strace
from tests.faults.rooms import (
    BEFORE,
    EXPORT,
    HOME,
    NEW,
    OLD,
    OTHER,
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
from tests.program import Done

pytestmark = needs_strace


@dataclass(frozen=True)
class Killed:
    """
    A command to be killed: what is there before, what holds just after the kill, and what holds
    once the command was given again (`again` is then its input) and did its job.
    """

    arguments: tuple[str, ...]
    prepare: Callable[[Room], None]
    after_kill: Callable[[Room, Struck], None]
    at_last: Callable[[Room, Done], None]
    stdin: str = ""
    again: str = ""
    usual: int = 8
    reach: str = STATE

    def check(self, room: Room, before: list[dict[str, Any]], struck: Struck) -> None:
        assert "Traceback" not in struck.done.err
        after = room.events()
        assert after[: len(before)] == before
        if OLD in struck.done.out:
            assert "found" in [event["outcome"] for event in after[len(before) :]]
        self.after_kill(room, struck)
        told = room.events()
        repeated = self.repeat(room)
        assert (repeated.code, "Traceback" in repeated.err) == (0, False), repeated.said
        self.at_last(room, repeated)
        at_last = room.events()
        assert at_last[: len(told)] == told
        with room.log() as log:
            assert log is not None
            assert not log.verify().pending

    def repeat(self, room: Room) -> Done:
        """The command once more, and how it ended."""
        return room.program(*self.arguments, stdin=self.again or self.stdin)


def printed_whole_or_not(room: Room, struck: Struck) -> None:
    assert struck.done.out in ("", f"{OLD}\n")


def printed(room: Room, repeated: Done) -> None:
    assert repeated.out == f"{OLD}\n"


def file_is_whole_or_as_it_was(room: Room, struck: Struck) -> None:
    held = exported(room).read_text()
    assert held in (BEFORE, WHOLE)
    if held == WHOLE:
        assert ("export", "found") in [(event["command"], event["outcome"]) for event in room.events()]
    assert {path.stat().st_mode & 0o777 for path in exported(room).parent.iterdir()} == {0o600}


def file_is_whole(room: Room, repeated: Done) -> None:
    assert exported(room).read_text() == WHOLE


def local_is_old_or_new(room: Room, struck: Struck) -> None:
    held = room.local_value()
    assert held in (OLD, NEW)
    if held == NEW:
        assert room.intents("local") == 3


def local_is_new(room: Room, repeated: Done) -> None:
    assert room.local_value() == NEW
    assert room.program("get", "OTHER_KEY").out == "untouched\n"


def local_is_whole_or_missing(room: Room, struck: Struck) -> None:
    assert room.local_value() in ("", NEW)


def local_is_there(room: Room, repeated: Done) -> None:
    assert room.local_value() == NEW


def fly_is_old_or_new(room: Room, struck: Struck) -> None:
    assert room.fly_value() in (OLD, NEW)
    if room.fly_value() == NEW:
        assert room.intents("fly") == 2


def fly_is_new(room: Room, repeated: Done) -> None:
    assert room.fly_value() == NEW


def each_is_old_or_new(room: Room, struck: Struck) -> None:
    assert {room.fly_value(), room.local_value()} <= {OLD, NEW}


def all_are_equal(room: Room, repeated: Done) -> None:
    (value,) = {room.fly_value(), room.local_value()}
    # One that was sealed goes on with its value; one that was not begins anew with the second.
    assert value == (NEW if "Resuming the rotation" in repeated.err else OTHER)
    assert room.program("rotation", "status", "--json").json["rotations"] == []


WHOLE = f"API_KEY='{OLD}'\n"
GET, SET = ("get", "API_KEY"), ("set", "API_KEY", "--backend")
RUN = ("run", "--only", "API_KEY", "--", "printenv", "API_KEY")
SCENES = {
    "get, local": Killed((*GET, "--backend", "local"), stored, printed_whole_or_not, printed),
    "get, nothing cached": Killed(GET, at_the_vendor, printed_whole_or_not, printed),
    "get, cached": Killed(GET, cached, printed_whole_or_not, printed),
    "run": Killed(RUN, cached, printed_whole_or_not, printed),
    "export, to a file": Killed(
        EXPORT,
        beside_a_file,
        file_is_whole_or_as_it_was,
        file_is_whole,
        reach=HOME,
    ),
    "set, local": Killed((*SET, "local"), stored, local_is_old_or_new, local_is_new, NEW, usual=9),
    "set, local, on a fresh machine": Killed(
        (*SET, "local"), lambda room: None, local_is_whole_or_missing, local_is_there, NEW, usual=9
    ),
    "set, fly": Killed((*SET, "fly"), at_fly, fly_is_old_or_new, fly_is_new, NEW, usual=8),
    "rotate, fly and local": Killed(
        ("rotate", "API_KEY", "--yes"), held_by_two, each_is_old_or_new, all_are_equal, NEW, OTHER
    ),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_X3_X6_killed_at_any_call_nothing_told_is_lost_and_the_next_command_works(
    tmp_path: Path, scene: Killed
) -> None:
    strike_everywhere(tmp_path, scene, KILL)


@pytest.mark.parametrize(
    ("call", "number"),
    [("flock", 1), ("write", 1), ("pwrite64", 1), ("pwrite64", 2), ("flock", 2), ("fsync", 1), ("flock", 3)],
)
def test_X3_killed_while_a_thread_writes_the_log_nothing_told_is_lost(
    tmp_path: Path, call: str, number: int
) -> None:
    room = Room(tmp_path)
    stored(room)
    before = room.events()
    struck = Traced(room.program, *GET, as_it_is=True).at(Point(call, number, "the log"), KILL)
    assert (struck.done.code, struck.met is not None) == (-9, True), struck.told
    SCENES["get, local"].check(room, before, struck)
