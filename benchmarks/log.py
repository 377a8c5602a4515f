"""The audit log: appending from one process and from eight, and verifying."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.pairs import Row, called, seconds
from sophia_secrets.state import files
from sophia_secrets.state.audit import Actor, AuditLog, Event
from sophia_secrets.state.audit_event import DONE
from sophia_secrets.state.counters import Counters
from sophia_secrets.state.facts import Facts

KEY = bytes(32)
ONCE, TOGETHER, LINES = 2000, 500, 100_000
APPEND = "lock, write, unlock"


def rows() -> Iterator[Row]:
    """Each figure against the least that the operating system needs for it."""
    with TemporaryDirectory(prefix="sophia-bench-") as directory:
        root = Path(directory).resolve()
        root.chmod(0o700)
        log = open_log(root / "one", sync=False)
        ratio, taken = called(lambda: appended(log, ONCE), lambda: written(root / "floor", ONCE))
        yield Row("audit append, 1 process", ratio, APPEND, None, f"{ONCE / taken:,.0f} events/s")
        ratio, taken = called(
            lambda: together(lambda: appended(open_log(root / "eight", sync=False), TOGETHER)),
            lambda: together(lambda: written(root / "floor8", TOGETHER)),
            rounds=5,
        )
        rate = f"{8 * TOGETHER / taken:,.0f} events/s (goal 50,000)"
        yield Row("audit append, 8 processes", ratio, APPEND, None, rate)
        alone, slowest = spread(open_log(root / "one", sync=False))
        yield Row("the slowest of 100 appends, 1 process", slowest / alone, "the usual one", None)
        synced = open_log(root / "synced", sync=True)
        ratio, _ = called(lambda: appended(synced, 50), lambda: written(root / "floor-sync", 50, sync=True))
        yield Row("audit append, synced", ratio, "lock, write, fsync, unlock")
        yield _synced_together(root)
        yield _facts_together(root)
        yield _verified(root)


def spread(log: AuditLog) -> tuple[float, float]:
    """Seconds of the usual append, and of the slowest one in a hundred (p50 and p99)."""
    taken = sorted(seconds(lambda: appended(log, 1)) for _ in range(ONCE))
    return taken[ONCE // 2], taken[ONCE * 99 // 100]


def _synced_together(root: Path) -> Row:
    """Writers that each sync after they let go of the lock, against ones that sync while they hold it."""
    ratio, _ = called(
        lambda: together(lambda: appended(open_log(root / "synced8", sync=True), 25)),
        lambda: together(lambda: written(root / "floor8-sync", 25, sync=True)),
        rounds=5,
    )
    return Row("audit append, synced, 8 processes", ratio, "lock, write, fsync, unlock", 0.4)


def _facts_together(root: Path) -> Row:
    """Outcomes of writes to one target, each in the log and in the target's facts."""

    def recorded() -> None:
        facts = Facts(str(root / "facts"), KEY, open_log(root / "written", sync=True))
        for _ in range(10):
            facts.record("fly", "my-app", [Event("set", DONE, "SERVICE_API_KEY")])

    ratio, _ = called(
        lambda: together(recorded), lambda: together(lambda: replaced(root / "floor-facts", 10)), rounds=5
    )
    return Row("metadata of a write, 8 processes", ratio, "lock, new file, fsync, rename, unlock")


def _verified(root: Path) -> Row:
    log = open_log(root / "long", sync=False)
    for _ in range(LINES // 1000):
        log.append([event() for _ in range(1000)])
    ratio, taken = called(log.verify, lambda: read(root / "long"), rounds=5)
    return Row(
        "audit verify, 100,000 lines",
        ratio,
        "reading them",
        None,
        f"{LINES / taken:,.0f} lines/s (goal 500,000)",
    )


def open_log(directory: Path, *, sync: bool) -> AuditLog:
    actor = Actor("ada", "engine", os.getpid())
    return AuditLog(str(directory), KEY, actor=actor, sync=sync, counters=Counters(KEY))


def event() -> Event:
    return Event(
        "get", "found", "SERVICE_API_KEY", "pulumi", "acme/app/production", cached=True, duration_ms=3
    )


def appended(log: AuditLog, count: int) -> None:
    for _ in range(count):
        log.append([event()], 60.0)


def written(path: Path, count: int, *, sync: bool = False) -> None:
    """As many lines of that length, each written under a lock."""
    line = b"x" * 299 + b"\n"
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        for _ in range(count):
            fcntl.flock(fd, fcntl.LOCK_EX)
            os.write(fd, line)
            if sync:
                files.durable(fd)
            fcntl.flock(fd, fcntl.LOCK_UN)
    finally:
        os.close(fd)


def replaced(path: Path, count: int) -> None:
    """A small file made anew so many times, under a lock."""
    lock = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for _ in range(count):
            fcntl.flock(lock, fcntl.LOCK_EX)
            fd = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.write(fd, b"x" * 299 + b"\n")
            files.durable(fd)
            os.close(fd)
            os.rename(path.with_suffix(".new"), path)
            fcntl.flock(lock, fcntl.LOCK_UN)
    finally:
        os.close(lock)


def together(work: Callable[[], None], processes: int = 8) -> None:
    """The same work in so many processes at once."""
    pids = []
    for _ in range(processes):
        pid = os.fork()
        if not pid:
            try:
                work()
            except BaseException:  # noqa: BLE001  a child never goes on as its parent
                os._exit(1)
            os._exit(0)
        pids.append(pid)
    if any(os.waitpid(pid, 0)[1] for pid in pids):
        raise RuntimeError("one of the processes failed")


def read(directory: Path) -> None:
    for path in directory.glob("audit*.jsonl"):
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
