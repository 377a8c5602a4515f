"""Little memory, and a long log: what the whole program takes of either (faults R2 and R4)."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys

import pytest

from sophia_secrets.state import keys
from sophia_secrets.state.audit import Actor, AuditLog, Event
from tests.faults.injected import needs_strace
from tests.faults.measured import peak
from tests.faults.soak import examples
from tests.program import PROGRAM, Done, Program
from tests.world import World

NAMES = 10_000


def limited(sophia: Program, kilobytes: int, *arguments: str) -> Done:
    """The program with so much address space."""
    done = subprocess.run(
        ["sh", "-c", f'ulimit -v {kilobytes}; exec {PROGRAM} "$@"', "sh", *arguments],
        capture_output=True, text=True, env=sophia.full_environment(), cwd=sophia.cwd, check=False, timeout=120,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not hold a process to its address space")
def test_R2_ten_thousand_names_fit_in_256_mebibytes(sophia: Program, vendors: World) -> None:
    names = [f"SERVICE_{n % 97:02}_KEY_{n:05}" for n in range(NAMES)]
    vendors.define({name: f"value of {name}" for name in names})
    cold = limited(sophia, 256 * 1024, "get", names[-1])
    assert (cold.code, cold.out) == (0, f"value of {names[-1]}\n"), cold.err[-500:]
    listed = limited(sophia, 256 * 1024, "list", "--names")
    assert listed.code == 0, listed.err[-500:]
    assert sorted(listed.out.split()) == sorted(names)
    shape = limited(sophia, 256 * 1024, "list", "--json").json
    assert len(shape["secrets"]) == NAMES
    warm = limited(sophia, 256 * 1024, "get", names[0])
    assert (warm.code, warm.out) == (0, f"value of {names[0]}\n")


def grow(sophia: Program, lines: int) -> None:
    """Append so many events to the program's log, faster than it would."""
    state = sophia.sophia / "state"
    directory = state / "audit" / f"{socket.gethostname()}-{os.geteuid()}"
    key = keys.derive(keys.load(str(state), None, create=False).key, b"audit")
    log = AuditLog(str(directory), key, actor=Actor("ada", "engine", 1), sync=False)
    events = [Event("get", "found", f"KEY_{n % 50}", "pulumi", "acme/app/production") for n in range(2000)]
    for _ in range(lines // len(events)):
        log.append(events)
    log.close()


def read_of_the_state(sophia: Program, *arguments: str) -> int:
    """How many bytes of its own files the program reads for a command."""
    record = sophia.root / "reads.txt"
    done = subprocess.run(
        ["strace", "-f", "-y", "-s0", "-o", str(record), "-e", "trace=read,pread64,preadv,mmap,sendfile",
         str(PROGRAM), *arguments],
        capture_output=True, env=sophia.full_environment(), cwd=sophia.cwd, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ours = [line for line in record.read_text().splitlines() if f"<{sophia.sophia}" in line]
    assert not any(re.search(r"\bmmap\(", line) for line in ours)
    return sum(int(found[1]) for line in ours if (found := re.search(r"= (\d+)$", line)))


@needs_strace
def test_R4_a_long_log_costs_a_get_nothing_and_verify_no_memory(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    sophia("get", "API_KEY")
    get = ("get", "API_KEY", "--backend", "local")
    short = read_of_the_state(sophia, *get)
    lines = examples(200_000, 1_000_000)
    grow(sophia, lines)
    sophia(*get)
    long = read_of_the_state(sophia, *get)
    # A page of counters and the end of a line are all that may be more.
    assert long <= short + 8192, f"{long} bytes after {lines} more events, {short} before"
    code, most = peak([str(PROGRAM), "audit", "verify", "--json"], sophia.full_environment())
    assert (code, most <= 100 * 1024) == (0, True), f"{most} kB"


@needs_strace
def test_R4_a_get_is_not_slower_with_a_long_log(sophia: Program) -> None:
    sophia.store("API_KEY", "v")

    def fastest() -> float:
        """User and system seconds of the best of several runs: what other processes do is not in it."""
        best = 1e9
        for _ in range(5):
            before = os.times()
            assert sophia("get", "API_KEY", "--backend", "local").code == 0
            after = os.times()
            best = min(best, sum(after[2:4]) - sum(before[2:4]))
        return best

    short = fastest()
    grow(sophia, examples(200_000, 1_000_000))
    assert fastest() <= short * 1.5 + 0.02
