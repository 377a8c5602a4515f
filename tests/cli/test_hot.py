"""
The hot path and the full program, driven over the same generated states: they must not differ.

`SOPHIA_HOT_STATES` says how many states are generated (500 by default; 10,000 take some minutes),
`SOPHIA_HOT_FIRST` at which number they begin: the number in a failure gives that state again.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sophia_secrets import cli, errors, hot
from sophia_secrets.cli import frequent
from sophia_secrets.hot import audit, listing, names
from sophia_secrets.hot import run as hot_run
from sophia_secrets.launch import inherited
from sophia_secrets.operations import routing
from sophia_secrets.operations.fetch import ChainQuery, gather
from sophia_secrets.operations.opening import open_session
from tests.cli.test_run import PROBE, STATUS, probed
from tests.hot_states import NAMES, State, keep_in_vault
from tests.program import PROGRAM, Program

COUNT = int(os.environ.get("SOPHIA_HOT_STATES", "500"))
FIRST = int(os.environ.get("SOPHIA_HOT_FIRST", "0"))
OWN = ("seq", "time", "pid", "duration_ms", "mac")
"""What differs between any two events."""

FLAGS = (
    *([] for _ in range(20)), *(["--raw"] for _ in range(6)), ["--json"], ["--offline"], ["--reason", "why"], ["--explain"],
    ["--no-cache"], ["--backend", "env"], ["--bogus"], ["--strict"], ["--max-stale", "1s"], ["--raw", "--raw"],
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What one way of doing it came to."""

    code: int
    out: bytes
    err: bytes
    events: tuple[dict[str, Any], ...]
    counted: int


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Files that were made a moment ago may be compiled in, nothing waits for the disk, and the whole
    program reads its arguments with Typer.
    """
    monkeypatch.setattr(frequent, "plain", lambda arguments: None)
    monkeypatch.setattr(routing, "RACY", -60.0)
    monkeypatch.setattr(os, "fsync", lambda fd: None)


def test_the_hot_path_differs_from_the_whole_program_in_no_generated_state(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for number in range(FIRST, FIRST + COUNT):
        root = tmp_path / str(number)
        state = State(root, number)
        rng = random.Random(f"asked {number}")
        with standing_in(state):
            for name in rng.sample(NAMES, 3):
                full(state, ["get", name])
        happened = state.happen()
        seen[happened] += 1
        with standing_in(state):
            for _ in range(2):
                arguments = ["get", rng.choice(NAMES), *rng.choice(FLAGS)]
                text = partial(hot.answer, arguments, environ_of(state))
                was_hot = compared(state, arguments, text, f"state {number}, after `{happened}`, {arguments}")
                answered[happened] += was_hot
        shutil.rmtree(root)
    if COUNT >= 500:
        assert answered["nothing"] > seen["nothing"] // 8, "the hot path answers what it should"
        assert answered["an_unrelated_variable"], "a variable that does not matter does not matter"


def compared(state: State, arguments: list[str], ask: Callable[[], bytes | None], where: str) -> bool:
    """Whether the hot path answered; it answered as the full program does, or left nothing behind."""
    before = tree(state)
    log_before = events(state)
    text = ask()
    if text is None:
        assert tree(state) == before, f"{where}: the hot path left something behind"
        return False
    own = added(log_before, events(state))
    counted = counts(state, arguments[1] if len(arguments) > 1 else "")
    said = full(state, arguments)
    assert (said.code, said.out, said.err) == (0, text, b""), where
    assert own == said.events, where
    assert said.counted == counted + sum(event["outcome"] == "found" for event in own), where
    return True


def test_a_hot_list_differs_from_the_whole_programs_in_no_generated_state(tmp_path: Path) -> None:
    answered: Counter[str] = Counter()
    for number in range(FIRST, FIRST + COUNT):
        root = tmp_path / str(number)
        state = State(root, number)
        arguments = [["list", "--names"], ["list"], ["list", "--json"], ["completion", "--names"]][number % 4]
        with standing_in(state):
            full(state, ["list"])
        happened = state.happen()
        with standing_in(state):
            if arguments[0] == "list":
                text = partial(listing.answer, arguments[1:], environ_of(state))
            else:
                text = partial(names.answer, environ_of(state))
            was_hot = compared(state, arguments, text, f"state {number}, after `{happened}`, {arguments}")
            answered[arguments[-1]] += was_hot
        shutil.rmtree(root)
    if COUNT >= 500:
        assert min(answered[word] for word in ("list", "--names", "--json")) > COUNT // 200, answered


def test_a_variable_that_is_no_text_is_shown_by_the_whole_program(tmp_path: Path) -> None:
    state = State(tmp_path, 1573)
    assert "\udcff" in state.environ["EMPTY"], "the state that told the two apart"
    with standing_in(state):
        full(state, ["list"])
        assert listing.answer(["--names"], environ_of(state)) is not None
        assert listing.answer([], environ_of(state)) is None


def test_a_hot_audit_log_differs_from_the_whole_programs_in_no_generated_state(tmp_path: Path) -> None:
    answered: Counter[str] = Counter()
    for number in range(FIRST, FIRST + COUNT // 2):
        root = tmp_path / str(number)
        state = State(root, number)
        rng = random.Random(f"looked {number}")
        with standing_in(state):
            for name in rng.sample(NAMES, 3):
                full(state, ["get", name, *rng.choice(([], [], ["--reason", "why"], ["--json"]))])
            log = state.session().log.directory
        happened = state.happen() if number % 2 else damage(rng, Path(log) / "audit.jsonl")
        with standing_in(state):
            for _ in range(2):
                name, last = rng.choice(NAMES), str(rng.randrange(-1, 5))
                options = rng.choice(([], ["--last", last], ["-n", last], ["--name", name, "--last", last]))
                arguments = ["audit", "log", *options]
                text = partial(audit.answer, options, environ_of(state))
                was_hot = compared(state, arguments, text, f"state {number}, after `{happened}`, {arguments}")
                answered[happened] += was_hot
        shutil.rmtree(root)
    if COUNT >= 500:
        assert min(answered["nothing"], answered["a bad line"]) > COUNT // 200, answered


def damage(rng: random.Random, log: Path) -> str:
    """What was done to the log; there may be none."""
    if not log.exists():
        return "no log"
    lines = log.read_bytes().splitlines(keepends=True)
    at = rng.randrange(len(lines))
    lines[at] = rng.choice([
        b"{}\n", b"[1]\n", b"not JSON\n", b'{"name": NaN}\n', b'{"name": 1e400, "user": -Infinity}\n', lines[at] * 2,
        lines[at][:-1] + b" \n", b" " + lines[at], b"\xff\xfe\n", b"\xef\xbb\xbf" + lines[at], lines[at][:40], b"\n",
        b'{"name": "\x1b[31m", "command": "get"}\n', '{"name": "\u202e\u4e2d"}\n'.encode(), b"[" * 50_000 + b"\n",
    ])  # fmt: skip
    log.write_bytes(b"".join(lines))
    return "a bad line"


class Became(BaseException):
    """Stands for an `execve`, after which there is no process of ours."""

    def __init__(self, path: str, arguments: tuple[bytes, ...], variables: dict[bytes, bytes]) -> None:
        super().__init__(path)
        self.all = path, arguments, variables


@pytest.fixture
def no_exec(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(path: str, arguments: tuple[bytes, ...], variables: dict[bytes, bytes]) -> None:
        raise Became(path, arguments, variables)

    monkeypatch.setattr(os, "execve", become)
    monkeypatch.setattr(inherited, "restore", lambda: None)


@pytest.mark.usefixtures("no_exec")
def test_a_hot_run_differs_from_the_whole_program_in_no_generated_state(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for number in range(FIRST, FIRST + COUNT):
        root = tmp_path / str(number)
        state = State(root, number)
        rng = random.Random(f"ran {number}")
        words = rng.choice([["true"], ["sh", "-c", "env"], ["/bin/echo", "x"], ["no-such-program"], ["/"]])
        with standing_in(state):
            started(state, ["run", "--", "true"])
        happened = state.happen()
        seen[happened] += 1
        with standing_in(state):
            was_hot = ran_the_same(state, words, f"state {number}, after `{happened}`, {words}")
            answered[happened] += was_hot
        shutil.rmtree(root)
    if COUNT >= 500:
        assert answered["nothing"] > seen["nothing"] // 16, "the hot path answers what it should"


def ran_the_same(state: State, words: list[str], where: str) -> bool:
    """Whether the hot path had it ready; then as the full program has it, or it left nothing behind."""
    before = tree(state)
    log_before = events(state)
    ready = hot_run.prepare(words, environ_of(state))
    if ready is None:
        assert tree(state) == before, f"{where}: the hot path left something behind"
        return False
    own = added(log_before, events(state))
    counted = counts(state, "API_KEY")
    became, err, others = started(state, ["run", "--", *words])
    assert became == (ready.command.path, ready.command.arguments, ready.variables), where
    assert list(became[2]) == list(ready.variables), f"{where}: the order of the variables"
    assert err == b"", where
    assert own == others, where
    took = any(event["name"] == "API_KEY" for event in own)
    assert counts(state, "API_KEY") == counted + (1 if took else 0), where
    return True


def started(state: State, arguments: list[str]) -> tuple[Any, bytes, tuple[dict[str, Any], ...]]:
    """What the full program starts, says on standard error, and puts in the log."""
    before = events(state)
    became = None
    with caught() as (_, err):
        try:
            cli.answer(arguments)
        except Became as instead:
            became = instead.all
        said = err()
    return became, said, added(before, events(state))


def full(state: State, arguments: list[str]) -> Said:
    """The full program, in this process, with its streams caught."""
    before = events(state)
    with caught() as (out, err):
        code = cli.answer(arguments)
        said = out(), err()
    return Said(
        code, *said, added(before, events(state)), counts(state, arguments[1] if len(arguments) > 1 else "")
    )


def added(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    # What the log says of itself (`audit`) is said by whoever comes first.
    fresh = [
        event for event in after[len(before) :] if event.get("command") != "audit" and "torn" not in event
    ]
    return tuple({key: value for key, value in event.items() if key not in OWN} for event in fresh)


def events(state: State) -> list[dict[str, Any]]:
    found = []
    for path in state.state.glob("audit/*/audit.jsonl"):
        if path.is_file():
            for line in path.read_bytes().splitlines():
                try:
                    found.append(json.loads(line))
                except (ValueError, RecursionError):
                    found.append({"torn": True})
    return found


def counts(state: State, name: str) -> int:
    try:
        found = state.session().log.counts([name])
    except (errors.SophiaError, OSError):
        return -1
    return found[name].times if name in found else 0


def tree(state: State) -> dict[str, tuple[int, bytes]]:
    """Every file of the world, what it holds and when it was changed."""
    return {
        str(path): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(state.home.rglob("*"))
        if path.name != "create.lock"
    }


def environ_of(state: State) -> dict[bytes, bytes]:
    return {os.fsencode(name): os.fsencode(value) for name, value in state.environ.items()}


@contextmanager
def standing_in(state: State) -> Iterator[None]:
    """This process has the state's environment and working directory."""
    kept, here = dict(os.environ), os.getcwd()
    os.environ.clear()
    os.environ.update(state.environ)
    os.chdir(state.cwd)
    try:
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(kept)


@contextmanager
def caught() -> Iterator[tuple[Any, Any]]:
    """What is written to descriptors 1 and 2 meanwhile."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)

        def read(file: Any) -> Any:
            def all_of_it() -> bytes:
                file.seek(0)
                return file.read()  # type: ignore[no-any-return]

            return all_of_it

        try:
            yield read(out), read(err)
        finally:
            for fd, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, fd)
                os.close(copy)


@pytest.fixture
def warm(sophia: Program) -> Program:
    """The installed program, which answers `get API_KEY` by the hot path."""
    environ = sophia.full_environment()
    keep_in_vault(environ, sophia.cwd, {"API_KEY": "value"})
    session = open_session("get", environ=environ, cwd=str(sophia.cwd))
    routing.remember(session, gather(session, ChainQuery(("API_KEY",))), session.clock())
    here = os.getcwd()
    os.chdir(sophia.cwd)
    try:
        text = hot.answer(["get", "API_KEY"], {os.fsencode(n): os.fsencode(v) for n, v in environ.items()})
    finally:
        os.chdir(here)
    assert text == b"value\n"
    return sophia


def start(warm: Program, stdout: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(PROGRAM), "get", "API_KEY"],
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=warm.cwd,
        env=warm.full_environment(),
        check=False,
    )


def test_E2_a_full_disk_is_exit_1_an_error_and_a_hint(warm: Program) -> None:
    with open("/dev/full", "wb", buffering=0) as full_disk:
        done = start(warm, full_disk.fileno())
    assert done.returncode == 1
    said = done.stderr.decode().splitlines()
    assert [line.partition(": ")[0] for line in said] == ["error", "hint"]
    assert said[0].startswith("error: Standard output could not be written")


def test_E2_a_pipe_that_nobody_reads_ends_it_as_it_would_end_cat(warm: Program) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = start(warm, writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


def test_A1_a_log_that_somebody_holds_gives_nothing_out(warm: Program) -> None:
    (log,) = warm.sophia.glob("state/audit/*")
    with open(log / "audit.head", "rb") as head:
        fcntl.flock(head, fcntl.LOCK_EX)
        done = warm("get", "API_KEY")
    assert (done.code, done.out) == (6, "")
    assert "locked by another process" in done.err
    assert warm("get", "API_KEY").out == "value\n"


def test_E3_E7_the_command_of_a_hot_run_cannot_tell_that_it_was_started_by_us(warm: Program) -> None:
    if not os.path.isdir("/proc/self"):
        pytest.skip("the probe reads /proc")
    here = os.getcwd()
    os.chdir(warm.cwd)
    try:
        environ = {os.fsencode(n): os.fsencode(v) for n, v in warm.full_environment().items()}
        assert hot_run.prepare(["true"], environ) is not None
    finally:
        os.chdir(here)
    us = [str(PROGRAM), "run", "--"]
    shell = ["sh", "-c", PROBE, "argv-zero", "a b", "--json", "-v", "--"]
    assert probed(warm, us, shell) == probed(warm, ["env", "API_KEY=value"], shell)
    status = [
        [line for line in probed(warm, start, ["cat", "/proc/self/status"]) if line.startswith(STATUS)]
        for start in (us, ["env"])
    ]
    assert status[0] == status[1]


def test_E7_no_start_leaves_a_core_file_with_values_in_it(sophia: Program) -> None:
    if not os.path.isdir("/proc/self"):
        pytest.skip("the limits are read from /proc")
    started = subprocess.Popen(
        [
            "sh",
            "-c",
            'ulimit -c unlimited; exec "$@"',
            "sh",
            str(PROGRAM),
            "set",
            "NAME",
            "--backend",
            "local",
        ],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=sophia.full_environment(),
        cwd=sophia.cwd,
    )
    core = re.compile(r"^Max core file size +(\S+)", re.MULTILINE)
    wanted = time.monotonic() + 30
    soft = ""
    while soft != "0" and time.monotonic() < wanted:
        found = core.search(Path(f"/proc/{started.pid}/limits").read_text())
        soft = found[1] if found else ""
        time.sleep(0.02)
    started.communicate(b"value")
    assert (soft, started.returncode) == ("0", 0)
