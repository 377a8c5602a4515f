"""Starting programs in interleaved pairs, and timing calls against a floor: medians of ratios."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

BARE = (sys.executable, "-c", "pass")
ROUNDS = int(os.environ.get("SOPHIA_BENCH_ROUNDS", "21"))


@dataclass(frozen=True)
class Row:
    """One line of the table: `ratio` to `floor`, the `goal` it is held against, and what more there is to say."""

    what: str
    ratio: float
    floor: str
    goal: float | None = None
    more: str = ""


@dataclass(frozen=True)
class Ran:
    """One run: seconds on the wall, and the exit code."""

    seconds: float
    code: int


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> Ran:
    """Start a program with its streams on `/dev/null` and wait for its end."""
    silent = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    began = time.perf_counter()
    pid = os.posix_spawn(arguments[0], list(arguments), dict(environ), file_actions=silent)
    _, status = os.waitpid(pid, 0)
    return Ran(time.perf_counter() - began, os.waitstatus_to_exitcode(status))


def peak_memory(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """
    The most bytes that a program had in memory until it wrote its answer (Linux).

    It writes into a pipe that is full, and is looked at while it waits there: what `wait4` tells
    of a child counts what its parent had at the start.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, bytes(4096))
    except BlockingIOError:
        os.set_blocking(writing, True)
    answer = [(os.POSIX_SPAWN_DUP2, writing, 1)]
    pid = os.posix_spawn(arguments[0], list(arguments), dict(environ), file_actions=answer)
    os.close(writing)
    time.sleep(1.0)
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    while os.read(reading, 1 << 20):
        pass
    os.close(reading)
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError(f"{' '.join(arguments)} failed")
    return peak * 1024


def started(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    floor: Sequence[str] = BARE,
    *,
    rounds: int = ROUNDS,
    before: Callable[[], object] | None = None,
) -> float:
    """
    How many times as long as `floor` a program takes: the median over pairs.

    Each run stands between two of the floor, so that a machine that slows down slows both.
    `before` is called before each. Raises `RuntimeError` where the program fails: a fast failure
    is no figure.
    """
    ratios = []
    for _ in range(rounds):
        if before is not None:
            before()
        first = run(floor, environ).seconds
        ran = run(arguments, environ)
        second = run(floor, environ).seconds
        if ran.code != 0:
            raise RuntimeError(f"{' '.join(arguments)} ended with {ran.code}")
        ratios.append(ran.seconds * 2 / (first + second))
    return statistics.median(ratios)


def called(
    work: Callable[[], object], floor: Callable[[], object], *, rounds: int = 7
) -> tuple[float, float]:
    """The median ratio of a call's time to the floor's, and the median seconds of the call."""
    ratios, taken = [], []
    for _ in range(rounds):
        first, mine, second = seconds(floor), seconds(work), seconds(floor)
        ratios.append(mine * 2 / (first + second))
        taken.append(mine)
    return statistics.median(ratios), statistics.median(taken)


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes, once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
