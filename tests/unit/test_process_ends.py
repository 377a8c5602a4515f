"""How a child's start, streams and end are told: with process descriptors, and where the system has none."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sophia_secrets.backends.base import Call, Completed, Ended, Steps
from sophia_secrets.errors import Interrupted
from sophia_secrets.launch import termination
from sophia_secrets.process import Cancel, Event, child, run, watch

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


@pytest.fixture(params=["process descriptors", "none", "refused"], autouse=True)
def watched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, flags: int = 0) -> int:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if request.param == "none":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    elif request.param == "refused":
        monkeypatch.setattr(os, "pidfd_open", refused)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = os.listdir("/dev/fd")
    yield
    assert os.listdir("/dev/fd") == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def program(place: Path, script: str, interpreter: str = "/bin/sh") -> str:
    path = place / "program"
    path.write_text(f"#!{interpreter}\n{script}\n")
    path.chmod(0o755)
    return str(path)


def asked(path: str, *arguments: str, **more: object) -> Steps[Completed]:
    return (yield Call("gh", arguments, ENVIRONMENT, **more))  # type: ignore[arg-type]


def done(path: str, *arguments: str, **more: object) -> Completed:
    return run(asked(path, *arguments, **more), programs={"gh": path}, path="")


def test_an_exit_is_told_with_both_streams_and_standard_input(tmp_path: Path) -> None:
    found = done(program(tmp_path, "cat; echo words >&2; exit 3"), stdin=b"in")
    assert (found.ended, found.code, found.stdout, found.stderr) == (Ended.EXITED, 3, b"in", "words\n")


def test_a_signal_is_told_by_its_number(tmp_path: Path) -> None:
    found = done(program(tmp_path, "kill -9 $$"))
    assert (found.ended, found.code) == (Ended.SIGNALLED, signal.SIGKILL)


def test_V1_what_does_not_end_in_time_is_asked_to_end(tmp_path: Path) -> None:
    found = done(program(tmp_path, "echo begun; exec sleep 60"), timeout=0.3)
    assert (found.ended, found.detail) == (Ended.TIMED_OUT, "it did not end in time")


def test_V1_what_does_not_end_when_it_is_asked_to_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "GRACE", 0.1)
    script = f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.1; done"
    found = done(program(tmp_path, script), timeout=2)
    assert found.ended is Ended.TIMED_OUT
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_V2_what_a_program_leaves_behind_is_neither_waited_for_nor_killed(tmp_path: Path) -> None:
    found = done(program(tmp_path, f"sleep 30 & echo $! > {tmp_path}/pid; echo told"))
    assert (found.ended, found.code, found.stdout) == (Ended.EXITED, 0, b"told\n")
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_V3_endless_output_ends_the_program_and_is_no_answer(tmp_path: Path) -> None:
    found = done(program(tmp_path, "exec cat /dev/zero"), output_limit=100_000)
    assert (found.ended, found.stdout) == (Ended.TOO_MUCH_OUTPUT, b"")
    assert found.detail == "more than 100000 bytes of output"


def test_V3_of_endless_words_the_beginning_is_kept(tmp_path: Path) -> None:
    found = done(program(tmp_path, "head -c 1000000 /dev/zero | tr '\\0' x >&2; echo told"))
    assert (found.ended, found.stdout) == (Ended.EXITED, b"told\n")
    assert found.stderr == "x" * child.STDERR_LIMIT


def test_a_status_that_other_code_took_is_a_failure_that_says_so(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        found = done(program(tmp_path, "exit 0"))
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert (found.ended, found.code) == (Ended.EXITED, child.STATUS_LOST)
    assert found.detail == "its exit status was taken by other code of this process"


def test_V9_a_missing_interpreter_and_a_missing_program_are_told_apart(tmp_path: Path) -> None:
    path = program(tmp_path, "", interpreter="/nowhere/sh")
    assert (done(path).ended, done(path).detail) == (
        Ended.NOT_RUNNABLE,
        f"the interpreter of {path} does not exist",
    )
    missing = str(tmp_path / "missing")
    assert done(missing).ended is Ended.NOT_FOUND


def test_V9_a_program_that_vanishes_after_it_was_found_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(tmp_path, "exit 0")

    def vanished(*_: object) -> watch.Watch:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    monkeypatch.setattr(child, "watch", vanished)
    assert done(path).ended is Ended.NOT_RUNNABLE
    os.unlink(path)
    assert done(path).ended is Ended.NOT_FOUND


@pytest.mark.parametrize("argument", ["a\0b", "\ud800"])
def test_L3_what_cannot_be_passed_to_a_program_is_told_without_it(tmp_path: Path, argument: str) -> None:
    found = done(program(tmp_path, "exit 0"), argument)
    assert found.ended is Ended.NOT_RUNNABLE
    assert found.detail == "an argument or a variable cannot be passed to a program"


def test_R1_a_child_that_cannot_be_watched_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(pid: int) -> watch.Watch:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(child, "watch", none_left)
    found = done(program(tmp_path, "exec sleep 60"))
    assert (found.ended, found.detail) == (Ended.NOT_RUNNABLE, "Too many open files")


def test_a_directory_that_is_not_there_is_told_by_its_path(tmp_path: Path) -> None:
    found = done(program(tmp_path, "exit 0"), directory=str(tmp_path / "none"))
    assert found.ended is Ended.NOT_RUNNABLE
    assert found.detail == f"{tmp_path}/none: No such file or directory"


def test_nothing_is_started_after_the_deadline(tmp_path: Path) -> None:
    path = program(tmp_path, f"touch {tmp_path}/started")
    found = run(asked(path), programs={"gh": path}, path="", deadline=time.monotonic())
    assert (found.ended, found.detail) == (Ended.TIMED_OUT, "no time was left to start it")
    assert not (tmp_path / "started").exists()


def test_X7_what_was_cancelled_ends_its_program_and_starts_no_other(tmp_path: Path) -> None:
    path = program(tmp_path, f"touch {tmp_path}/started; exec sleep 60")
    with Cancel() as cancel:

        def steps() -> Steps[None]:
            yield Call("gh", (), ENVIRONMENT)

        def noticed(_: Event) -> None:
            cancel.cancel()

        with pytest.raises(Interrupted):
            run(steps(), programs={"gh": path}, path="", cancel=cancel, observe=noticed)
        (tmp_path / "started").unlink(missing_ok=True)
        with pytest.raises(Interrupted):
            run(steps(), programs={"gh": path}, path="", cancel=cancel)
        assert not (tmp_path / "started").exists()


def test_a_termination_whose_exception_python_dropped_ends_the_child_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(tmp_path, "exec sleep 60")
    raised: list[int] = []
    monkeypatch.setattr(termination, "_raised", raised)

    def dropped(event: Event) -> None:
        # As `_raise` does in a callback of a weak reference, whose exceptions go nowhere.
        raised.append(signal.SIGTERM)

    with pytest.raises(termination.Terminated):
        run(asked(path), programs={"gh": path}, path="", observe=dropped)
