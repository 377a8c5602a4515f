"""The whole program under strace: a signal or an error at the n-th call that touches its state."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from tests.program import PROGRAM, Done, Program

DRIVER = Path(__file__).with_name("one_thread.py")
CALLS = (
    "openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2",
    "unlink", "unlinkat", "ftruncate", "flock", "mkdir", "mkdirat", "fchmod",
)  # fmt: skip
_LINE = re.compile(rb"(?:\d+ +)?([a-z]\w*)\(")
_NAMED = re.compile(rb'"([^"]*)"|<([^>]*)>')
_DRAWN = re.compile(r"[0-9a-f]{16,}")
KILL = "signal=KILL"
TRIES = 5


@cache
def _refusal() -> str:
    strace = shutil.which("strace")
    if strace is None:
        return "strace is not installed"
    tried = subprocess.run(
        [strace, "-o", "/dev/null", "-e", "trace=write", "true"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else "strace may not trace here (no ptrace in this container)"


needs_strace = pytest.mark.skipif(bool(_refusal()), reason=_refusal() or "strace works here")


@dataclass(frozen=True)
class Point:
    """
    The `nth` time that the program makes `call` on `what`, and the `number`-th that it makes it.

    Two are the same whatever their numbers: a number counts what the interpreter opens too, which
    is more in a run that compiles a module.
    """

    call: str
    number: int = field(compare=False)
    what: str
    nth: int = 1


@dataclass(frozen=True)
class Struck:
    """How a run with an injection ended, and the call on the state that the injection met."""

    done: Done
    met: Point | None
    told: str
    call: str


class Traced:
    """
    One command line of the program, to be run under strace again and again.

    A call counts where it is made on `place`, the program's own directory unless said otherwise.
    With `as_it_is` its threads are its own, each with its own count of its calls. `shifted` counts
    the runs in which a number led to another call.
    """

    def __init__(
        self,
        program: Program,
        *arguments: str,
        stdin: str = "",
        as_it_is: bool = False,
        place: Path | None = None,
    ) -> None:
        self._start = ["-f", str(PROGRAM)] if as_it_is else [sys.executable, "-P", str(DRIVER)]
        self._program = program
        self._arguments = arguments
        self._stdin = stdin
        self._log = program.root / "strace.txt"
        self._place = bytes(place or program.sophia)
        self.recorded: dict[Point, Point] = {}
        self.shifted = 0

    def points(self) -> list[Point]:
        """Every call on the place, in order, from a run without a fault."""
        done = self._run([])
        assert done.code == 0, done.said
        self.recorded = {point: point for _, point in self._made() if point}
        return list(self.recorded)

    def at(self, point: Point, action: str) -> Struck:
        """Run it with `action` (`signal=KILL`, `error=ENOSPC`) at the call of that number."""
        done = self._run(["-e", f"inject={point.call}:{action}:when={point.number}"])
        made = self._made()
        if action == KILL:
            killed = b"killed by SIGKILL" in self._log.read_bytes().splitlines()[-1]
            met = [point for _, point in made[-1:]] if killed else []
        else:
            met = [point for line, point in made if b"(INJECTED)" in line]
        on_place = next((point for point in met if point), None)
        return Struck(done, on_place, f"{action} at {point}: {done}", point.call)

    def strike(self, point: Point, action: str, put_back: Callable[[], object]) -> Struck:
        """
        Run it with `action` at that very point; `put_back` makes all as it was before a run.

        Where the number led to another call the run counts for nothing: the numbers are recorded
        anew and it is struck again. A point that is never met is a failure.
        """
        met: list[Point | None] = []
        for _ in range(TRIES):
            put_back()
            at = self.recorded.get(point)
            if at is not None:
                struck = self.at(at, action)
                if struck.met == point:
                    return struck
                met.append(struck.met)
            self.shifted += 1
            put_back()
            self.points()
        raise AssertionError(f"{action} never met {point}, but {met}")

    def _made(self) -> list[tuple[bytes, Point | None]]:
        """The calls of the last run, each with its point where it was made on the place."""
        numbers: Counter[str] = Counter()
        times: Counter[tuple[str, str]] = Counter()
        made: list[tuple[bytes, Point | None]] = []
        for line in self._log.read_bytes().splitlines():
            match = _LINE.match(line)
            if match is None:
                continue
            call = match[1].decode()
            numbers[call] += 1
            point = None
            if self._place in line:
                what = self._name(line)
                times[call, what] += 1
                point = Point(call, numbers[call], what, times[call, what])
            made.append((line, point))
        return made

    def _name(self, line: bytes) -> str:
        """The paths below the place that a call was made on, and a name given beside its directory."""
        names = []
        for given, of_descriptor in _NAMED.findall(line.partition(b") = ")[0]):
            before, placed, below = (given or of_descriptor).partition(self._place)
            if placed:
                names.append(below)
            elif given and not given.startswith(b"/"):
                names.append(before)
        return _DRAWN.sub("*", b" ".join(names).decode("utf-8", "replace"))

    def _run(self, injection: list[str]) -> Done:
        done = subprocess.run(
            ["strace", "-y", "-s0", "-o", str(self._log), "-e", f"trace={','.join(CALLS)}", *injection,
             *self._start, *self._arguments],
            input=self._stdin.encode(),
            capture_output=True,
            cwd=self._program.cwd,
            env=self._program.full_environment(PYTHONHASHSEED="0"),
            timeout=60,
            check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())
