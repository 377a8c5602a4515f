"""A program and its vendors in one directory, put back as it was after every fault."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any, Protocol

from sophia_secrets.state import keys
from sophia_secrets.state.audit import Actor, AuditLog
from tests.faults.injected import Point, Struck, Traced
from tests.faults.soak import sample
from tests.program import Program
from tests.vendors.fly_cli import TOKEN as FLY_TOKEN
from tests.vendors.fly_cli import FlyCli
from tests.vendors.pulumi_cli import PulumiCli
from tests.vendors.pulumi_cloud import TOKEN as PULUMI_TOKEN
from tests.world import ENVIRONMENT, World

STATE, HOME = "home/sophia", "home"
OLD, NEW, OTHER = "canary-old-7f3a91", "canary-new-55c2e0", "canary-other-0b8d4c"


class Room:
    """A program with its vendors in one directory, which can be put back as it was."""

    def __init__(self, root: Path) -> None:
        self.program = Program(root / "live")
        self._kept = root / "kept"
        self.fly = FlyCli.install(self.program.root / "fly")
        self.pulumi = PulumiCli(self.program.root / "pulumi")
        self.program.environment.update(
            PULUMI_ACCESS_TOKEN=PULUMI_TOKEN,
            PULUMI_ENVIRONMENT=ENVIRONMENT,
            FLY_API_TOKEN=FLY_TOKEN,
            FLY_APP_NAME="my-app",
            SOPHIA_SECRETS_GH="/nowhere/gh",
            SOPHIA_SECRETS_PULUMI=str(self.pulumi.path),
            SOPHIA_SECRETS_FLY=str(self.fly.program),
        )

        self.define(SHARED_KEY="s")

    def define(self, **values: str) -> None:
        """What the Pulumi environment holds."""
        World.define(self, values)  # type: ignore[arg-type]

    def keep(self) -> None:
        shutil.copytree(self.program.root, self._kept, symlinks=True)

    def restore(self) -> None:
        shutil.rmtree(self.program.root)
        shutil.copytree(self._kept, self.program.root, symlinks=True)

    @contextmanager
    def log(self) -> Iterator[AuditLog | None]:
        """The audit log, or None where a kill left none behind yet."""
        state = self.program.sophia / "state"
        directory = state / "audit" / f"{socket.gethostname()}-{os.geteuid()}"
        if not directory.is_dir():
            yield None
            return
        key = keys.derive(keys.load(str(state), None, create=False).key, b"audit")
        log = AuditLog(str(directory), key, actor=Actor("test", "test", 1))
        try:
            yield log
        finally:
            log.close()

    def events(self) -> list[dict[str, Any]]:
        """What the log holds; it must verify."""
        with self.log() as log:
            if log is None:
                return []
            verdict = log.verify()
            assert verdict.ok, verdict.first_bad
            return list(log.read())

    def local_value(self) -> str:
        """What the vault holds, or nothing where it cannot be read."""
        return self.program("get", "API_KEY", "--backend", "local").out.rstrip("\n")

    def fly_value(self) -> str:
        return self.fly.values()["API_KEY"]

    def intents(self, backend: str) -> int:
        return sum(e["outcome"] == "intent" and e["backend"] == backend for e in self.events())


# What can be there before a fault.

EXPORTED, BEFORE = "../home/exported/out.env", "as it was\n"
EXPORT = ("export", "API_KEY", "--output", EXPORTED)


def exported(room: Room) -> Path:
    return room.program.cwd / EXPORTED


def stored(room: Room) -> None:
    room.program.store("OTHER_KEY", "untouched")
    room.program.store("API_KEY", OLD)


def at_the_vendor(room: Room) -> None:
    room.define(API_KEY=OLD)


def cached(room: Room) -> None:
    room.define(API_KEY=OLD)
    assert room.program("get", "API_KEY").out == f"{OLD}\n"


def beside_a_file(room: Room) -> None:
    cached(room)
    exported(room).parent.mkdir(mode=0o700)
    exported(room).write_text(BEFORE)
    exported(room).chmod(0o600)


def at_fly(room: Room) -> None:
    room.program.store("API_KEY", OLD, "fly")


def held_by_two(room: Room) -> None:
    room.program.store("API_KEY", OLD, "fly")
    room.program.store("API_KEY", OLD, "local")


class Struckable(Protocol):
    """
    A command line, what is there before it, where below the program's root its calls count, and how
    many of its points are usually met.
    """

    @property
    def arguments(self) -> tuple[str, ...]: ...
    @property
    def stdin(self) -> str: ...
    @property
    def usual(self) -> int: ...
    @property
    def reach(self) -> str: ...
    def prepare(self, room: Room) -> None: ...
    def check(self, room: Room, before: list[dict[str, Any]], struck: Struck) -> None: ...


def strike_everywhere(tmp_path: Path, scene: Struckable, *actions: str) -> None:
    """The command with each action at its points (every one under soak), two rooms side by side."""
    free: Queue[tuple[Room, list[dict[str, Any]], Traced]] = Queue()
    points: list[Point] = []
    sides: list[Traced] = []
    for side in range(2):
        room = Room(tmp_path / str(side))
        scene.prepare(room)
        before = room.events()
        room.keep()
        place = room.program.root / scene.reach
        traced = Traced(room.program, *scene.arguments, stdin=scene.stdin, place=place)
        points = traced.points()
        sides.append(traced)
        free.put((room, before, traced))

    def strike(at: tuple[Point, str]) -> AssertionError | None:
        room, before, traced = free.get()
        try:
            struck = traced.strike(*at, room.restore)
            try:
                scene.check(room, before, struck)
            except AssertionError as error:
                error.add_note(struck.told)
                return error
            return None
        finally:
            free.put((room, before, traced))

    chosen = sample([(point, action) for point in points for action in actions], scene.usual)
    with ThreadPoolExecutor(2) as side_by_side:
        told = list(side_by_side.map(strike, chosen))
    shifted = sum(traced.shifted for traced in sides)
    print(f"{len(told)} of {len(points) * len(actions)} struck, each at its call; {shifted} again")
    if failed := [error for error in told if error is not None]:
        raise ExceptionGroup(f"{len(failed)} of {len(told)} do not hold", failed)
