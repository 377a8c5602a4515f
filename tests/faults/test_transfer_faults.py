"""Copy, move, sync and import, killed at any point: nothing is lost, and a second run finishes the job."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.canary import kept_files, leaks
from tests.faults.injected import KILL, Struck, needs_strace
from tests.faults.killed_at import run_killed_at
from tests.faults.rooms import NEW, OLD, Room, strike_everywhere
from tests.faults.soak import SOAK
from tests.faults.test_kills import Killed
from tests.program import Done, Program
from tests.world import World

CANARY = "canary-carried-0001"
STEP = 1 if SOAK else 7
"""Every call is killed at under soak, else every seventh."""

NAMES = ("A_KEY", "B_KEY", "C_KEY")


@pytest.mark.parametrize(
    "command",
    [
        ("copy", *NAMES, "--from", "local", "--to", "fly", "--yes"),
        ("move", *NAMES, "--from", "local", "--to", "fly", "--yes"),
        ("sync", "--from", "pulumi", "--to", "local", "--delete", "--yes"),
        ("import", "secrets.env", "--backend", "fly", "--yes"),
    ],
    ids=["copy", "move", "sync", "import"],
)
def test_X6_a_transfer_killed_at_any_call_loses_nothing_and_is_finished_by_a_second_run(
    sophia: Program, vendors: World, command: tuple[str, ...]
) -> None:
    values = {name: f"{CANARY}-{name}" for name in NAMES}
    vendors.define(values)
    file = sophia.cwd / "secrets.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    file.chmod(0o600)
    number, ended = 1 - STEP, False
    while not ended:
        number += STEP
        assert number < 60
        vendors.fly.update(apps={"my-app": {"secrets": {}, "machines": [], "deployed": False}})
        if command[0] == "sync":
            sophia.store("OLD_KEY", "old")
            sophia("delete", "A_KEY", "--backend", "local", "--yes", "--if-exists")
        else:
            for name, value in values.items():
                sophia.store(name, value)
        ended = run_killed_at(sophia, number, *command, calls="rename,fsync,unlink") is not None
        if command[0] in ("copy", "move"):
            there = vendors.fly.values()
            lacking = [name for name in NAMES if there.get(name) != values[name]]
            assert set(lacking) <= set(sophia("list", "--backend", "local", "--names").out.split())
        again = sophia(*command)
        assert again.code == 0, again.said
        assert leaks(CANARY, [("again", again.said.encode()), *kept_files(sophia.home)]) == []
        if command[0] == "sync":
            assert sophia("diff", "pulumi", "local", "--exit-code").code == 0
        else:
            assert vendors.fly.values() == values
        if command[0] == "move":
            assert sophia("list", "--backend", "local", "--names").out == ""
    assert number > 8
    assert sophia("audit", "verify").code == 0


TWO = {"A_KEY": OLD, "B_KEY": NEW}


def in_the_vault(room: Room) -> None:
    for name, value in TWO.items():
        room.program.store(name, value)


def at_pulumi(room: Room) -> None:
    room.define(**TWO)
    room.program.store("OLD_KEY", "old")
    room.program.store("A_KEY", NEW)


def in_a_file(room: Room) -> None:
    room.program.store("OTHER_KEY", "untouched")
    file = room.program.cwd / "secrets.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in TWO.items()))
    file.chmod(0o600)


def of_the_vault(room: Room) -> dict[str, str]:
    """What the vault holds now; a value that cannot be read is none."""
    names = room.program("list", "--backend", "local", "--names").out.split()
    return {name: room.program("get", name, "--backend", "local").out.rstrip("\n") for name in names}


def each_is_somewhere(room: Room, struck: Struck) -> None:
    at_fly, kept = room.fly.values(), of_the_vault(room)
    assert at_fly.items() <= TWO.items()
    assert kept.items() <= TWO.items()
    assert {**kept, **at_fly} == TWO


def the_vault_is_as_before(room: Room, struck: Struck) -> None:
    assert of_the_vault(room) == TWO
    assert room.fly.values().items() <= TWO.items()


def each_is_old_or_new(room: Room, struck: Struck) -> None:
    kept = of_the_vault(room)
    assert kept.pop("OLD_KEY", "old") == "old"
    assert kept.pop("A_KEY") in (NEW, OLD)
    assert kept.items() <= TWO.items()


def fly_has_no_other(room: Room, struck: Struck) -> None:
    assert room.fly.values().items() <= TWO.items()


def fly_has_all(room: Room, repeated: Done) -> None:
    assert room.fly.values() == TWO


def fly_alone_has_all(room: Room, repeated: Done) -> None:
    assert (room.fly.values(), of_the_vault(room)) == (TWO, {})


@dataclass(frozen=True)
class Moved(Killed):
    """A move: where Fly had taken the values, a second one cannot prove them and names the way on."""

    def repeat(self, room: Room) -> Done:
        done = super().repeat(room)
        if done.code == 0:
            return done
        assert of_the_vault(room) == room.fly.values() == TWO
        way = re.search(
            r"Run `sophia-secrets (delete [A-Z_]+ --backend fly)`, likewise for B_KEY, then", done.err
        )
        assert way is not None, done.said
        for line in (way[1], way[1].replace("A_KEY", "B_KEY")):
            assert room.program(*line.split(), "--yes").code == 0
        return super().repeat(room)


def the_vault_has_all(room: Room, repeated: Done) -> None:
    assert of_the_vault(room) == TWO


BETWEEN = ("--from", "local", "--to", "fly", "--yes")
SCENES = {
    "copy": Killed(("copy", *TWO, *BETWEEN), in_the_vault, the_vault_is_as_before, fly_has_all, usual=5),
    "move": Moved(("move", *TWO, *BETWEEN), in_the_vault, each_is_somewhere, fly_alone_has_all, usual=5),
    "sync": Killed(
        ("sync", "--from", "pulumi", "--to", "local", "--delete", "--yes"),
        at_pulumi,
        each_is_old_or_new,
        the_vault_has_all,
        usual=5,
    ),
    "import": Killed(
        ("import", "secrets.env", "--backend", "fly", "--yes"),
        in_a_file,
        fly_has_no_other,
        fly_has_all,
        usual=5,
    ),
}


@needs_strace
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_X3_X6_a_transfer_killed_at_any_call_on_the_state_leaves_every_value_whole(
    tmp_path: Path, scene: Killed
) -> None:
    strike_everywhere(tmp_path, scene, KILL)
