"""The whole program under strace: a signal or an error at the n-th call that touches its state."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
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
KILL = "signal=KILL"


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
    """The `number`-th time that the program makes `call`; `what` is what it was made on."""

    call: str
    number: int
    what: str


@dataclass(frozen=True)
class Struck:
    """How a run with an injection ended, and whether the injection met a call on the state."""

    done: Done
    hit: bool
    told: str
    call: str


class Traced:
    """
    One command line of the program, to be run under strace again and again.

    A call counts where it is made on `place`, the program's own directory unless said otherwise.
    With `as_it_is` its threads are its own, each with its own count of its calls.
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

    def points(self) -> list[Point]:
        """Every call on the place, in order, from a run without a fault."""
        struck = self._run([])
        assert struck.code == 0, struck.said
        counts: dict[str, int] = {}
        found = []
        for line in self._log.read_bytes().splitlines():
            match = _LINE.match(line)
            if match is None:
                continue
            call = match[1].decode()
            counts[call] = counts.get(call, 0) + 1
            if self._touches(line):
                found.append(Point(call, counts[call], self._name(line)))
        return found

    def at(self, point: Point, action: str) -> Struck:
        """Run it with `action` (`signal=KILL`, `error=ENOSPC`) at that call."""
        done = self._run(["-e", f"inject={point.call}:{action}:when={point.number}"])
        lines = self._log.read_bytes().splitlines()
        calls = [line for line in lines if _LINE.match(line)]
        if action == KILL:
            met = calls[-1:] if b"killed by SIGKILL" in lines[-1] else []
        else:
            met = [line for line in calls if b"(INJECTED)" in line]
        return Struck(done, any(map(self._touches, met)), f"{action} at {point}: {done}", point.call)

    def _touches(self, line: bytes) -> bool:
        return self._place in line

    def _name(self, line: bytes) -> str:
        after = line.partition(b" = ")[0].rpartition(self._place)[2]
        return re.split(rb'[>"]', after)[0].decode("utf-8", "replace")

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
