"""What it costs to ask a vendor, against the vendor's own call; and how often fifty processes ask."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.homes import NAME, PROGRAM, Home, home
from benchmarks.pairs import Row, run, started

FLOOR = "the vendor's call"
SECONDS = 0.3
_VENDOR = """\
#!/bin/sh
echo called >> "{calls}"
sleep {seconds}
echo '{{"value": {{"environmentVariables": {{"value": {{"{name}": {{"value": "value", "trace": {{}}}}}}, "trace": {{}}}}}}, "trace": {{}}}}'
"""


def rows() -> Iterator[Row]:
    """A cold `get`, and many at once."""
    with home(0) as where:
        calls = where.root / "calls"
        vendor = where.root / "pulumi"
        vendor.write_text(_VENDOR.format(calls=calls, seconds=SECONDS, name=NAME))
        vendor.chmod(0o755)
        asking = where.with_variables(SOPHIA_SECRETS_PULUMI=str(vendor))
        forget(asking)
        cold = started(
            [PROGRAM, "get", NAME], asking.environ, [str(vendor)], rounds=9, before=lambda: forget(asking)
        )
        yield Row(f"cold get, a vendor of {SECONDS:g} s", cold, FLOOR, 1.06)
        yield _crowd(asking, vendor, calls, "fifty first starts at once", forget)
        asking.compile_route()
        known = started(
            [PROGRAM, "get", NAME], asking.environ, [str(vendor)], rounds=9, before=lambda: expire(asking)
        )
        yield Row("the same, asked before", known, FLOOR, 1.06)
        yield _crowd(asking, vendor, calls, "fifty processes miss at once", expire)


def forget(where: Home) -> None:
    """Nothing is cached and no route is known."""
    shutil.rmtree(where.root / "sophia" / "cache", ignore_errors=True)


def expire(where: Home) -> None:
    """Nothing is cached any more; the route is."""
    for record in (where.root / "sophia" / "cache").glob("*.record"):
        record.unlink()


def _crowd(where: Home, vendor: Path, calls: Path, what: str, begin: Callable[[Home], None]) -> Row:
    alone = min(run([str(vendor)], where.environ).seconds for _ in range(3))
    begin(where)
    calls.unlink()
    began = time.perf_counter()
    silent = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    pids = [
        os.posix_spawn(PROGRAM, [PROGRAM, "get", NAME], where.environ, file_actions=silent) for _ in range(50)
    ]
    codes = {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids}
    taken = time.perf_counter() - began
    if codes != {0}:
        raise RuntimeError(f"fifty processes ended with {sorted(codes)}")
    count = len(calls.read_text().splitlines())
    return Row(what, taken / alone, FLOOR, 1.8, f"{count} vendor call(s) (goal 1)")
