"""
An audit log of 1,000,000 events: questions to it, each as a ratio to reading its files once, and a
warm `get` beside it, as a ratio to the same with an empty log.

The reading is that of `cat`: every byte, from the page cache, in one run with what is compared.
`SOPHIA_BENCH_EVENTS` makes the log shorter.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import log
from benchmarks.homes import NAME, PROGRAM, home
from benchmarks.pairs import Row, run, seconds, started
from sophia_secrets.operations.recording import audit_directory
from sophia_secrets.state import keys
from sophia_secrets.state.audit import Actor, AuditLog, Event

EVENTS = int(os.environ.get("SOPHIA_BENCH_EVENTS", "1000000"))
SHORTER = min(EVENTS, 100_000)
ROUNDS = 5
_START = 1_760_000_000.0
_BACKENDS = ("github", "pulumi", "fly", "local", "env")


def fill(home: Path, events: int = EVENTS) -> Path:
    """An audit log of that many events in a home of its own; its directory."""
    state = home / "state"
    state.mkdir(parents=True, mode=0o700, exist_ok=True)
    home.chmod(0o700)
    key = keys.derive(keys.load(str(state), None).key, b"audit")
    directory = Path(audit_directory(str(state)))
    _write(AuditLog(str(directory), key, actor=Actor("ada", "engine", 4242), sync=False), events)
    return directory


def _write(audit: AuditLog, events: int) -> None:
    for first in range(0, events, 1000):
        audit.append([_event(number) for number in range(first, min(first + 1000, events))])


def _event(number: int) -> Event:
    backend = _BACKENDS[number % 5]
    outcome = "absent" if number % 17 == 0 else "found"
    return Event(
        ("get", "run", "export")[number % 3],
        outcome,
        f"SERVICE_{number * 7919 % 100}_KEY",
        backend,
        f"acme/{backend}",
        cached=number % 4 > 0,
        degraded=number % 101 == 0,
        duration_ms=number % 90,
        time=_START + number * 31.0,
    )


def read_once(directory: Path) -> None:
    """Every byte of the log."""
    buffer = bytearray(1 << 20)
    for path in sorted(directory.glob("audit*.jsonl")):
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def _ask(home: Path, *arguments: str) -> None:
    environment = {"PATH": os.environ["PATH"], "SOPHIA_SECRETS_HOME": str(home)}
    subprocess.run(
        [PROGRAM, "audit", *arguments], env=environment, cwd=home, stdout=subprocess.DEVNULL, check=True
    )


def rows() -> Iterator[Row]:
    """The questions, and the `get`."""
    whole = f"a log of {EVENTS:,} events"
    for label, ratio in asked():
        yield Row(f"`{label}`, {whole}", ratio, "reading it once")
    yield Row(f"`get`, warm, beside {whole}", beside(), "the same beside an empty one", 1.1)
    yield Row(f"an append to {whole}", appended_to(), "to an empty one", 1.05)
    with home(0) as where:
        fill(where.root / "sophia", SHORTER)
        where.compile_route()
        for goal, more in ((1.7, ("--last", "20")), (5.5, ("--name", "SERVICE_7_KEY"))):
            arguments = [PROGRAM, "audit", "log", *more]
            what = f"`audit log {' '.join(more)}`, of {SHORTER:,} events"
            yield Row(what, started(arguments, where.environ), "python -c pass", goal)


def appended_to() -> float:
    """How many times longer the usual append takes where the log is long: p50 against p50."""
    with tempfile.TemporaryDirectory(prefix="sophia-bench-") as directory:
        root = Path(directory).resolve()
        root.chmod(0o700)
        long, short = log.open_log(root / "long", sync=False), log.open_log(root / "short", sync=False)
        _write(long, EVENTS)
        usual = [log.spread(each)[0] for each in (short, long, short)]
        return usual[1] * 2 / (usual[0] + usual[2])


def beside(rounds: int = ROUNDS * 4) -> float:
    """How many times longer a warm `get` takes where the log is long: the median of interleaved pairs."""
    with home() as long, home() as short:
        fill(long.root / "sophia")
        ratios = []
        for where in (long, short):
            os.chdir(where.cwd)
            for _ in range(2):
                where.run("get", NAME)
            where.compile_route()
        for _ in range(rounds):
            taken = []
            for where in (short, long, short):
                os.chdir(where.cwd)
                taken.append(run([PROGRAM, "get", NAME], where.environ).seconds)
            ratios.append(taken[1] * 2 / (taken[0] + taken[2]))
        return statistics.median(ratios)


def asked(events: int = EVENTS, rounds: int = ROUNDS) -> list[tuple[str, float]]:
    """What was asked, and how many times a reading it took: medians of interleaved pairs."""
    questions = {
        "audit --help": ("--help",),
        "audit log --last 20": ("log", "--last", "20"),
        "audit log --last 20 --name, one of 100": ("log", "--last", "20", "--name", "SERVICE_7_KEY"),
        "audit report": ("report",),
        "audit report --since, the last tenth": ("report", "--since", _tenth(events)),
        "audit verify": ("verify",),
    }
    with tempfile.TemporaryDirectory(prefix="audit-queries-") as root:
        home = Path(root) / "home"
        directory = fill(home, events)
        ratios: dict[str, list[float]] = {label: [] for label in questions}
        for arguments in questions.values():
            _ask(home, *arguments)
        for _ in range(rounds):
            for label, arguments in questions.items():
                reading = seconds(lambda: read_once(directory))
                asking = seconds(lambda arguments=arguments: _ask(home, *arguments))  # type: ignore[misc]
                ratios[label].append(asking / reading)
        return [(label, statistics.median(found)) for label, found in ratios.items()]


def _tenth(events: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_START + events * 31.0 * 0.9))
