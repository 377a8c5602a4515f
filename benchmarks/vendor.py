"""What it costs to ask a vendor, against the vendor's own call; and how often fifty processes ask."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.homes import NAME, PROGRAM, Home, home
from benchmarks.pairs import Row, run, started

FLOOR = "the vendor's call"
SECONDS = 0.3
ROUNDS = 9
_VENDOR = """\
#!/bin/sh
echo called >> "{calls}"
sleep {seconds}
cat "{answer}"
"""
_GITHUB = '{"data": {"repository": {"isInOrganization": false}}, "total_count": 0, "secrets": []}'


def rows() -> Iterator[Row]:
    """A cold `get`, how it grows with the names, `run`, three vendors, and many processes at once."""
    with home(0) as where:
        pulumi = _vendor(where, "pulumi", _environment(50))
        asking = where.with_variables(SOPHIA_SECRETS_PULUMI=str(pulumi))
        yield _row(asking, pulumi, f"cold get, a vendor of {SECONDS:g} s", 1.06, forget, "get", NAME)
        yield _many_processes(asking, pulumi, "fifty first starts at once", forget)
        asking.compile_route()
        yield _row(asking, pulumi, "cold get, asked before", 1.06, expire, "get", NAME)
        yield _row(
            asking, pulumi, "cold run -- true of 50 names, asked before", 1.8, expire, "run", "--", "true"
        )
        yield _many_processes(asking, pulumi, "fifty processes miss at once", expire)
        for names in (1, 1000, 10_000):
            _answer(where, "pulumi").write_text(_environment(names))
            yield _row(
                asking, pulumi, f"cold get from {names:,} names, asked before", None, expire, "get", NAME
            )
        _answer(where, "pulumi").write_text(_environment(50))
        three = where.with_variables(
            SOPHIA_SECRETS_PULUMI=str(pulumi),
            SOPHIA_SECRETS_GH=str(_vendor(where, "gh", _GITHUB)),
            SOPHIA_SECRETS_FLY=str(_vendor(where, "fly", "[]")),
            GITHUB_REPOSITORY="octo/app",
            FLY_APP_NAME="my-app",
            FLY_API_TOKEN="benchmark",
            GH_TOKEN="benchmark",
        )
        yield _row(three, pulumi, "cold list, three vendors side by side", 1.06, forget, "list", "--names")


def _row(
    where: Home,
    vendor: Path,
    what: str,
    goal: float | None,
    before: Callable[[Home], None],
    *arguments: str,
) -> Row:
    calls = vendor.with_suffix(".calls")
    floor = [str(vendor)]
    calls.unlink(missing_ok=True)
    ratio = started([PROGRAM, *arguments], where.environ, floor, rounds=ROUNDS, before=lambda: before(where))
    each = (len(calls.read_text().splitlines()) - 2 * ROUNDS) / ROUNDS
    return Row(what, ratio, FLOOR, goal, f"{each:g} vendor call(s)")


def _vendor(where: Home, name: str, answer: str) -> Path:
    """A program that sleeps, says this, and keeps count of its starts."""
    program = where.root / name
    _answer(where, name).write_text(answer)
    text = _VENDOR.format(calls=program.with_suffix(".calls"), seconds=SECONDS, answer=_answer(where, name))
    program.write_text(text)
    program.chmod(0o755)
    return program


def _answer(where: Home, name: str) -> Path:
    return where.root / f"{name}.answer"


def _environment(names: int) -> str:
    """What `pulumi env open` prints of an environment of so many variables, `NAME` among them."""
    words: Sequence[str] = [NAME, *(f"OTHER_{number:05}" for number in range(names - 1))]
    variables = {word: {"value": f"value-{'x' * 30}", "trace": {}} for word in words}
    return json.dumps({"value": {"environmentVariables": {"value": variables, "trace": {}}}, "trace": {}})


def forget(where: Home) -> None:
    """Nothing is cached and no route is known."""
    shutil.rmtree(where.root / "sophia" / "cache", ignore_errors=True)


def expire(where: Home) -> None:
    """Nothing is cached any more; the route is."""
    for record in (where.root / "sophia" / "cache").glob("*.record"):
        record.unlink()


def _many_processes(where: Home, vendor: Path, what: str, begin: Callable[[Home], None]) -> Row:
    calls = vendor.with_suffix(".calls")
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
