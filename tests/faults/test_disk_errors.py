"""A disk that says no in its other ways, takes half of a write, or cannot hold an exported file (goal 3)."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults import test_disk
from tests.faults.injected import Point, Struck, Traced, needs_strace
from tests.faults.rooms import NEW, OLD, Room, cached, held_by_two, stored, strike_everywhere
from tests.faults.soak import sample
from tests.program import Done, Program

OTHERS = ("error=EACCES", "error=EROFS", "error=EDQUOT", "error=EMFILE")
ALL = (*OTHERS, "error=ENOSPC", "error=EIO")
NOT_AGAIN = ("rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat")
"""No file system of this machine's own interrupts these, and Python does not make them again."""

HALVED = Path(__file__).with_name("short_writes.py")


def in_few_words(done: Done) -> None:
    """One or two sentences of what happened, and what to do."""
    told = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert told, done.said
    assert any(line.startswith("hint: ") for line in done.err.splitlines()), done.said
    assert all(line.count(". ") <= 1 for line in told), told


@dataclass(frozen=True)
class Told(test_disk.Refused):
    """As `Refused`, and a refusal has few words and a hint."""

    def check(self, room: Room, before: list[dict[str, Any]], struck: Struck) -> None:
        if struck.done.code:
            in_few_words(struck.done)
        super().check(room, before, struck)


@dataclass(frozen=True)
class GoesOn(Told):
    """As `Told`, and nothing comes of it where the interpreter makes the call again."""

    def check(self, room: Room, before: list[dict[str, Any]], struck: Struck) -> None:
        assert struck.call in NOT_AGAIN or struck.done.code == 0
        super().check(room, before, struck)


def as_a(kind: type[test_disk.Refused], scene: test_disk.Refused, usual: int) -> test_disk.Refused:
    fields = {field.name: getattr(scene, field.name) for field in dataclasses.fields(scene)}
    return kind(**{**fields, "usual": usual})


@needs_strace
@pytest.mark.parametrize("name", test_disk.SCENES)
def test_A1_A3_however_the_disk_refuses_a_call_the_answer_is_typed_true_and_short(
    tmp_path: Path, name: str
) -> None:
    strike_everywhere(tmp_path, as_a(Told, test_disk.SCENES[name], 7), *OTHERS)


@needs_strace
@pytest.mark.parametrize("name", test_disk.SCENES)
def test_A1_A3_an_interrupted_call_is_made_again_or_told_of(tmp_path: Path, name: str) -> None:
    strike_everywhere(tmp_path, as_a(GoesOn, test_disk.SCENES[name], 5), "error=EINTR")


def half_by_half(room: Room, *arguments: str, stdin: str = "") -> Done:
    done = subprocess.run(
        [sys.executable, "-P", str(HALVED), *arguments],
        input=stdin, capture_output=True, text=True, cwd=room.program.cwd,
        env=room.program.full_environment(), timeout=60, check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def test_X3_on_a_disk_that_takes_half_of_each_write_all_of_it_is_written(tmp_path: Path) -> None:
    room = Room(tmp_path)
    stored(room)
    held_by_two(room)
    done = half_by_half(room, "set", "API_KEY", "--backend", "local", stdin=NEW)
    assert done.code == 0, done.said
    assert half_by_half(room, "get", "API_KEY", "--backend", "local").out == f"{NEW}\n"
    assert room.local_value() == NEW
    done = half_by_half(room, "rotate", "API_KEY", "--yes", stdin=OLD)
    assert done.code == 0, done.said
    assert (room.local_value(), room.fly_value()) == (OLD, OLD)
    cached(room)
    assert half_by_half(room, "get", "API_KEY", "--no-cache").out == f"{OLD}\n"
    assert half_by_half(room, "export", "API_KEY", "--output", "out.env").code == 0
    assert (room.program.cwd / "out.env").read_text() == f"API_KEY='{OLD}'\n"
    assert len(room.events()) > 8


@needs_strace
@pytest.mark.parametrize("before", [None, "kept\n"], ids=["new file", "over an old one"])
def test_E2_whatever_call_refuses_the_file_of_an_export_it_is_whole_or_as_it_was(
    sophia: Program, before: str | None
) -> None:
    sophia.store("API_KEY", NEW)
    place = sophia.root / "exported"
    place.mkdir(mode=0o700)
    file = place / "out.env"

    def begin() -> None:
        for path in place.iterdir():
            path.unlink()
        if before is not None:
            file.write_text(before)

    traced = Traced(sophia, "export", "API_KEY", "--output", str(file), place=place)
    begin()
    points = traced.points()
    assert {"openat", "write", "fsync"} <= {point.call for point in points}
    chosen: list[tuple[Point, str]] = [(point, action) for point in points for action in ALL]
    for point, action in sample(chosen, 13):
        struck = traced.strike(point, action, begin)
        done, held = struck.done, file.read_text() if file.exists() else None
        assert "Traceback" not in done.said, struck.told
        assert done.code in (0, 1, 2), struck.told
        assert held == f"API_KEY='{NEW}'\n" or (done.code and held == before), struck.told
        assert [path for path in place.iterdir() if path != file] == [], struck.told
        assert NEW not in done.said
        if done.code:
            in_few_words(done)
        if held is not None and held != before:
            assert os.stat(file).st_mode & 0o777 == 0o600
        assert sophia("export", "API_KEY", "--output", str(file)).code == 0


@needs_strace
def test_E2_a_disk_of_no_space_names_the_way_out(sophia: Program) -> None:
    sophia.store("API_KEY", NEW)
    for error, words in (
        ("ENOSPC", "df -h"),
        ("EDQUOT", "df -h"),
        ("EROFS", "writable"),
        ("EIO", "Try again"),
    ):
        traced = Traced(
            sophia, "export", "API_KEY", "--output", str(sophia.cwd / "out.env"), place=sophia.cwd
        )
        at = next(point for point in traced.points() if point.call == "write")
        done = traced.at(at, f"error={error}").done
        assert done.code == 1, done.said
        assert words in done.err.splitlines()[1], done.said


@needs_strace
def test_E2_a_vault_that_may_not_be_read_names_the_way_to_see_why(sophia: Program) -> None:
    sophia.store("API_KEY", NEW)
    traced = Traced(sophia, "get", "API_KEY", "--backend", "local")
    vault = "/state/secrets.env.age"
    at = next(point for point in traced.points() if (point.call, point.what) == ("openat", vault))
    done = traced.at(at, "error=EACCES").done
    assert (done.code, done.out) == (4, "")
    assert "hint: See who may read it with `ls -ld " in done.err
    assert "secrets.env.age`." in done.err
