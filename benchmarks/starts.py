"""Commands that ask no vendor, against `python -c pass` in the same environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence

from benchmarks.homes import NAME, PROGRAM, Home, home
from benchmarks.pairs import BARE, Row, peak_memory, started

FLOOR = "python -c pass"


def rows() -> Iterator[Row]:
    """The quick commands, and how `get` grows with the names."""
    with home(100) as small:
        small.run("set", "VAULT_KEY", "--backend", "local", stdin=b"value")
        small.compile_route()
        yield _row("--version", 1.15, small, "--version")
        yield _row("get, warm, 100 names", 1.20, small, "get", NAME)
        relaxed = small.with_variables(SOPHIA_SECRETS_AUDIT_SYNC="writes")
        relaxed.compile_route()
        yield _row("get, warm, not synced", 1.15, relaxed, "get", NAME)
        yield _row("get from the vault, warm", None, small, "get", "VAULT_KEY")
        yield _row("run -- true, 100 names", 1.30, small, "run", "--", "true")
        yield _row("--help", 1.15, small, "--help")
        yield _row("completion bash", 1.15, small, "completion", "bash")
        yield _row("completing a name, 100 names", 1.15, small, "completion", "--names")
        yield _row("list, 100 names", 1.3, small, "list")
        yield _row("list --json, 100 names", 1.3, small, "list", "--json")
        held_twice = small.with_variables(**{NAME: "a copy"})
        yield _row("list --json, one of 100 names held twice", 7, held_twice, "list", "--json")
        yield _row("audit log --last 20", 1.7, small, "audit", "log", "--last", "20")
        for arguments in (
            ["get", "--help"],
            ["backends"],
            ["config", "show"],
            ["audit", "log", "--backend", "pulumi"],
            ["audit", "verify"],
            ["cache", "status"],
            ["explain", NAME],
            ["info", NAME],
            ["get", NAME, "--backend", "pulumi"],
            ["set", "OTHER_KEY", "--backend", "local", "--generate", "hex:16"],
            ["delete", "OTHER_KEY", "--backend", "local", "--if-exists", "--yes"],
        ):
            yield _row(" ".join(arguments), 7, small, *arguments)
        small.compile_route()
        yield from _memory(small)
        yield from _instructions(small)
    for names, goal in ((1, 1.20), (50, 1.20), (1000, 1.20), (10_000, 1.45)):
        with home(names - 1, [NAME] if names <= 50 else ["ANOTHER_KEY"]) as large:
            large.compile_route()
            yield _row(f"get, warm, {names:,} names", goal, large, "get", NAME)
            if names <= 50:
                continue
            if names == 1000:
                yield _row("list, 1,000 names", 1.3, large, "list")
                yield _row("list --names, 1,000 names", 1.2, large, "list", "--names")
                yield _row("list --json, 1,000 names", 1.3, large, "list", "--json")
                yield _row("export --format json, 1,000 names", None, large, "export", "--format", "json")
            else:
                yield _row("list, 10,000 names", 2.3, large, "list")


def _row(what: str, goal: float | None, where: Home, *arguments: str) -> Row:
    return Row(what, started([PROGRAM, *arguments], where.environ), FLOOR, goal)


def _memory(where: Home) -> Iterator[Row]:
    """The most memory of a warm `get`, where the system tells it of a process that has not ended."""
    if sys.platform != "linux":
        return
    mine = peak_memory([PROGRAM, "get", NAME], where.environ)
    bare = peak_memory([*BARE[:2], "import os; os.write(1, b'x')"], where.environ)
    more = f"{(mine - bare) / 2**20:+.1f} MiB (goal +2)"
    yield Row("memory of a warm get", mine / bare, FLOOR, None, more)


def _instructions(where: Home) -> Iterator[Row]:
    """The same by count of instructions, where valgrind is: the figure that does not depend on the machine's day."""
    valgrind = shutil.which("valgrind")
    if valgrind is None or sys.platform != "linux":
        return
    bare = _count(valgrind, BARE, where)
    for what, arguments in (
        ("--version", ["--version"]),
        ("get, warm, 100 names", ["get", NAME]),
        ("list, 100 names", ["list"]),
        ("list --json, 100 names", ["list", "--json"]),
        ("audit log --last 20", ["audit", "log", "--last", "20"]),
        ("explain, without Typer", ["explain", NAME]),
        ("backends, with Typer", ["backends"]),
    ):
        yield Row(f"instructions: {what}", _count(valgrind, [PROGRAM, *arguments], where) / bare, FLOOR)


def _count(valgrind: str, arguments: Sequence[str], where: Home) -> int:
    done = subprocess.run(
        [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", *arguments],
        env=where.environ,
        capture_output=True,
        check=True,
    )
    counted = next(line for line in done.stderr.decode().splitlines() if "refs:" in line)
    return int(counted.rpartition(":")[2].replace(",", ""))
