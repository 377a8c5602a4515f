"""The process runner against real children that misbehave, and against its own death."""

import fcntl
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sophia_secrets import errors
from sophia_secrets.backends.base import Call, Completed, Ended, Scratch, Steps
from sophia_secrets.core.model import SecretValue
from sophia_secrets.process import Cancel, Event, run, run_all

PATH = "/usr/bin:/bin"
PYTHON = os.path.realpath(sys.executable)


def call(program: str, *arguments: str, **more: object) -> Call:
    environment = more.pop("environment", {"PATH": PATH})
    return Call(program, arguments, environment, **more)  # type: ignore[arg-type]


def shell(script: str, **more: object) -> Call:
    return call("sh", "-c", script, **more)


def python(script: str, **more: object) -> Call:
    return call("python", "-I", "-S", "-c", textwrap.dedent(script), **more)


def once(asked: Call) -> Steps[Completed]:
    return (yield asked)


def answer(asked: Call, **more: object) -> Completed:
    return run(once(asked), programs={"python": PYTHON}, path=PATH, **more)  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_soon(pid: int) -> bool:
    until = time.monotonic() + 5
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(pid)


def appears(place: Path) -> str:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if place.exists() and (text := place.read_text()).endswith("\n"):
            return text
        time.sleep(0.005)
    raise AssertionError(f"{place} did not appear")


def children() -> list[int]:
    with open(f"/proc/self/task/{threading.get_native_id()}/children") as file:
        return [int(pid) for pid in file.read().split()]


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After every test: no child, no zombie, no descriptor and no directory more than before."""
    private = tmp_path / "private"
    private.mkdir()
    monkeypatch.setenv("TMPDIR", str(private))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    fds, before = os.listdir("/proc/self/fd"), children()
    yield
    assert children() == before
    assert os.listdir("/proc/self/fd") == fds
    assert os.listdir(private) == []


@pytest.fixture(params=["pidfd", "thread"])
def each_watch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "thread":
        monkeypatch.delattr(os, "pidfd_open")
    return str(request.param)


class TestWhatAChildGets:
    def test_L2_the_environment_is_the_calls_and_nothing_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GH_TOKEN", "canary-token")
        monkeypatch.setenv("SOPHIA_SECRETS_CACHE_KEY", "canary-key")
        done = answer(call("env", "-0", environment={"A": "1", "B": "line\nline"}))
        assert sorted(done.stdout.split(b"\0")) == [b"", b"A=1", b"B=line\nline"]
        assert answer(call("env", environment={})).stdout == b""

    def test_L1_the_arguments_are_passed_as_they_are(self) -> None:
        odd = ["", "a b", "$HOME", "`id`", "*", "é", "-n", "a'b\"c", "two\nlines"]
        done = answer(python("import sys, json; print(json.dumps(sys.argv[1:]))"))
        assert json.loads(done.stdout) == []
        asked = python("import sys, json; print(json.dumps(sys.argv[1:]))")
        asked = Call(asked.program, (*asked.arguments, *odd), asked.environment)
        assert json.loads(answer(asked).stdout) == odd

    def test_V7_there_is_no_terminal_to_open_and_the_session_is_new(self) -> None:
        done = answer(
            python("""
                import os
                try:
                    os.open("/dev/tty", os.O_RDWR)
                except OSError as problem:
                    print(problem.errno, os.getsid(0) == os.getpid() == os.getpgid(0))
            """)
        )
        assert done.stdout == b"6 True\n"  # ENXIO

    def test_V7_even_from_a_terminal_nothing_reaches_it(self, tmp_path: Path) -> None:
        result = tmp_path / "result"
        pid, terminal = os.forkpty()
        if pid == 0:  # a process with a controlling terminal
            try:
                done = answer(shell("exec 2>/dev/null; echo seen >/dev/tty || echo none; cat"))
                result.write_text(done.stdout.decode())
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        try:
            shown = os.read(terminal, 1000)
        except OSError:
            shown = b""
        os.close(terminal)
        assert (result.read_text(), shown) == ("none\n", b"")

    def test_only_the_three_streams_are_open(self) -> None:
        inheritable = os.open("/dev/null", os.O_RDONLY)
        os.set_inheritable(inheritable, True)
        done = answer(python("import os; print(os.listdir('/proc/self/fd'))"))
        os.close(inheritable)
        assert done.stdout == b"['0', '1', '2', '3']\n"  # the fourth is the listing itself

    def test_empty_input_is_a_closed_pipe_and_no_character_device(self) -> None:
        done = answer(
            python("""
                import os, stat, sys
                print(stat.S_ISFIFO(os.fstat(0).st_mode), sys.stdin.buffer.read())
            """)
        )
        assert done.stdout == b"True b''\n"

    @pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="elsewhere /dev/stdin shares its position"
    )
    @pytest.mark.parametrize("has_memory_files", [True, False])
    def test_X5_an_input_asked_for_as_a_file_is_whole_each_time_it_is_opened(
        self, has_memory_files: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if not has_memory_files:
            monkeypatch.delattr(os, "memfd_create")
        asked = python(
            """
            import os, sys
            for _ in range(3):
                with open("/dev/stdin", "rb") as file:
                    sys.stdout.buffer.write(file.read() + b"|")
            sys.stdout.buffer.write(sys.stdin.buffer.read())
            print(os.fstat(0).st_nlink, oct(os.fstat(0).st_mode & 0o077), file=sys.stderr)
            """,
            stdin=b"a\r\nb\0\xff",
            stdin_as_file=True,
        )
        done = answer(asked)
        assert done.stdout == b"a\r\nb\0\xff|" * 3 + b"a\r\nb\0\xff"
        links, others = done.stderr.split()
        assert links == "0", "nobody finds it by a name"
        assert has_memory_files or others == "0o0"

    @pytest.mark.parametrize("size", [1, 65536, 65537, 200_000, 1_000_000, 3_000_000])
    def test_X5_all_of_the_input_arrives(self, size: int) -> None:
        content = os.urandom(size)
        done = answer(call("sha256sum", stdin=content))
        assert done.stdout.split()[0].decode() == hashlib.sha256(content).hexdigest()

    def test_X5_many_large_inputs_at_once_arrive(self) -> None:
        contents = [os.urandom(900_000) for _ in range(12)]
        done = run_all(
            {content: once(call("sha256sum", stdin=content)) for content in contents}, path=PATH, limit=12
        )
        for content, one in done.items():
            assert one.stdout.split()[0].decode() == hashlib.sha256(content).hexdigest()

    def test_the_working_directory_is_empty_and_private_unless_it_is_given(self, tmp_path: Path) -> None:
        done = answer(shell("pwd -P; ls -A; stat -c %a ."))
        place, mode = done.stdout.decode().split()
        assert mode == "700"
        assert place.startswith(str(tmp_path / "private"))
        assert answer(shell("pwd -P", directory=str(tmp_path))).stdout.decode() == f"{tmp_path}\n"

    def test_a_scratch_directory_is_there_for_its_call_and_gone_after_it(self, tmp_path: Path) -> None:
        session = tmp_path / "session"
        session.write_text("token")
        scratch = Scratch("DIR", files={"a.yml": b"x: 1\n"}, links={"s": str(session), "none": "/nowhere"})
        umask = os.umask(0)
        done = answer(
            shell(
                'cd "$DIR"; cat a.yml s; stat -c %a . a.yml; echo log >log; ls',
                scratch=(scratch,),
            )
        )
        os.umask(umask)
        assert done.stdout.decode().split() == ["x:", "1", "token700", "600", "a.yml", "log", "s"]
        assert session.read_text() == "token"

    def test_I9_a_program_planted_in_the_working_directory_is_not_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        canary = tmp_path / "canary"
        for name in ("gh", "fly", "flyctl", "pulumi"):
            (tmp_path / name).write_text(f"#!/bin/sh\ntouch {canary}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.chdir(tmp_path)
        for word in ("gh", "fly", "pulumi"):
            for path in (":/nowhere", ".:/nowhere", "./:", ""):
                done = run(once(call(word, directory=str(tmp_path))), path=path)
                assert done.ended is Ended.NOT_FOUND
            relative = run(once(call(word)), programs={word: f"./{word}"}, path="")
            assert relative.ended is Ended.NOT_RUNNABLE
        assert not canary.exists()


class TestHowAChildEnds:
    def test_exit_codes_and_signals_are_told_apart(self, each_watch: str) -> None:
        assert answer(shell("echo out; echo err >&2; exit 3")) == Completed(
            Ended.EXITED, 3, b"out\n", "err\n", shutil.which("sh", path=PATH) or ""
        )
        killed = answer(shell("kill -9 $$"))
        assert (killed.ended, killed.code, killed.ok) == (Ended.SIGNALLED, 9, False)
        assert answer(shell("true")).ok

    def test_a_status_that_someone_else_took_is_no_success(self, each_watch: str) -> None:
        before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        try:
            done = answer(shell("exit 0"))
        finally:
            signal.signal(signal.SIGCHLD, before)
        assert (done.ended, done.code, done.ok) == (Ended.EXITED, 255, False)
        assert "status" in done.detail

    def test_V1_a_child_that_hangs_is_ended_at_its_timeout(self, each_watch: str) -> None:
        start = time.monotonic()
        done = answer(shell("echo $$; exec sleep 60", timeout=0.3))
        assert done.ended is Ended.TIMED_OUT
        assert 0.3 <= time.monotonic() - start < 3
        assert not alive(int(done.stdout))

    def test_V1_a_child_that_drips_is_ended_at_its_timeout(self) -> None:
        start = time.monotonic()
        done = answer(shell("while :; do printf x; sleep 0.05; done", timeout=0.4))
        assert done.ended is Ended.TIMED_OUT
        assert set(done.stdout) == {ord("x")}
        assert time.monotonic() - start < 3

    def test_V1_a_whole_group_that_ignores_the_request_is_killed(self, each_watch: str) -> None:
        start = time.monotonic()
        done = answer(shell("trap '' TERM; sleep 60 & echo $$ $!; while :; do sleep 1; done", timeout=0.3))
        assert done.ended is Ended.TIMED_OUT
        assert time.monotonic() - start < 0.3 + 3
        assert all(gone_soon(int(pid)) for pid in done.stdout.split())

    def test_V1_a_child_may_tidy_up_when_asked_to_end(self, tmp_path: Path) -> None:
        done = answer(shell(f"trap 'echo tidy >{tmp_path}/tidy; exit 0' TERM; sleep 60 & wait", timeout=0.3))
        assert done.ended is Ended.TIMED_OUT
        assert (tmp_path / "tidy").read_text() == "tidy\n"

    def test_V1_the_deadline_of_everything_ends_a_call_and_starts_no_other(self) -> None:
        def two() -> Steps[list[Completed]]:
            first = yield shell("exec sleep 60")
            second = yield shell("echo started")
            return [first, second]

        first, second = run(two(), path=PATH, deadline=time.monotonic() + 0.3)
        assert (first.ended, second.ended, second.stdout) == (Ended.TIMED_OUT, Ended.TIMED_OUT, b"")
        assert "no time" in second.detail

    def test_V2_what_a_child_leaves_behind_neither_blocks_nor_dies(
        self, each_watch: str, tmp_path: Path
    ) -> None:
        start = time.monotonic()
        done = answer(shell(f"setsid sh -c 'echo $$ >{tmp_path}/pid; exec sleep 60' & echo done"))
        took = time.monotonic() - start
        sleeper = int(appears(tmp_path / "pid"))
        assert alive(sleeper)
        os.kill(sleeper, signal.SIGKILL)
        assert (done.ended, done.code, done.stdout) == (Ended.EXITED, 0, b"done\n")
        assert took < 10

    def test_V2_a_timeout_does_not_kill_what_was_detached(self, tmp_path: Path) -> None:
        done = answer(
            shell(f"setsid sh -c 'echo $$ >{tmp_path}/pid; exec sleep 60' & exec sleep 60", timeout=0.5)
        )
        sleeper = int(appears(tmp_path / "pid"))
        assert alive(sleeper)
        os.kill(sleeper, signal.SIGKILL)
        assert done.ended is Ended.TIMED_OUT

    def test_V2_what_a_child_said_last_is_all_there(self) -> None:
        # The child fills the pipe, leaves, and something else holds the pipe open.
        done = answer(
            python("""
                import os, subprocess
                subprocess.Popen(["setsid", "sleep", "1"])
                os.write(1, b"x" * 65536)
            """)
        )
        assert done.stdout == b"x" * 65536

    def test_V3_output_up_to_the_limit_is_kept_and_one_byte_more_is_too_much(self) -> None:
        exact = answer(shell("head -c 100000 /dev/zero", output_limit=100_000))
        assert (exact.ended, len(exact.stdout)) == (Ended.EXITED, 100_000)
        over = answer(shell("head -c 100001 /dev/zero; exec sleep 60", output_limit=100_000))
        assert (over.ended, over.stdout) == (Ended.TOO_MUCH_OUTPUT, b"")

    def test_V3_endless_output_is_ended_at_sixteen_mebibytes(self) -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        done = answer(call("cat", "/dev/zero"))
        assert (done.ended, done.stdout) == (Ended.TOO_MUCH_OUTPUT, b"")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024

    def test_V3_error_text_is_kept_to_its_limit_and_drained_beyond_it(self) -> None:
        done = answer(shell("head -c 5000000 /dev/zero | tr '\\0' e >&2; echo out"))
        assert (done.code, done.stdout, done.stderr) == (0, b"out\n", "e" * 65536)

    def test_V3_both_streams_are_drained_together(self) -> None:
        done = answer(
            python("""
                import os
                for _ in range(30):
                    os.write(2, b"e" * 65536)
                    os.write(1, b"o" * 65536)
            """)
        )
        assert (done.code, len(done.stdout)) == (0, 30 * 65536)

    def test_V10_a_child_that_never_reads_its_input_ends_as_it_likes(self) -> None:
        done = answer(shell("exec <&-; echo closed; exit 4", stdin=b"v" * 200_000))
        assert (done.ended, done.code, done.stdout) == (Ended.EXITED, 4, b"closed\n")


class TestWhatCannotStart:
    @pytest.mark.parametrize(
        ("content", "mode", "ended", "detail"),
        [
            (None, 0, Ended.NOT_FOUND, "does not exist"),
            (b"#!/nowhere/interpreter\n", 0o755, Ended.NOT_RUNNABLE, "interpreter of"),
            (b"not a program\n", 0o755, Ended.NOT_RUNNABLE, "Exec format error"),
            (b"\x7fELF\x02\x01\x01" + bytes(60), 0o755, Ended.NOT_RUNNABLE, ""),
            (b"#!/bin/sh\n", 0o644, Ended.NOT_RUNNABLE, "not executable"),
        ],
    )
    def test_V9_a_file_that_is_no_program_is_told(
        self, content: bytes | None, mode: int, ended: Ended, detail: str, tmp_path: Path
    ) -> None:
        program = tmp_path / "gh"
        if content is not None:
            program.write_bytes(content)
            program.chmod(mode)
        done = run(once(call("gh")), programs={"gh": str(program)}, path=PATH)
        assert done.ended is ended
        assert detail in done.detail

    def test_V9_a_program_that_vanishes_after_the_lookup_is_not_found(self, tmp_path: Path) -> None:
        program = tmp_path / "gh"
        program.write_text('#!/bin/sh\nrm -- "$0"\n')
        program.chmod(0o755)

        def two() -> Steps[list[Completed]]:
            return [(yield call("gh", environment={"PATH": PATH})), (yield call("gh"))]

        first, second = run(two(), programs={"gh": str(program)}, path=PATH)
        assert (first.ended, second.ended) == (Ended.EXITED, Ended.NOT_FOUND)

    def test_V9_a_program_that_is_being_written_is_not_runnable(self, tmp_path: Path) -> None:
        program = tmp_path / "gh"
        shutil.copy("/bin/true", program)
        with open(program, "ab"):
            done = run(once(call("gh")), programs={"gh": str(program)}, path=PATH)
        assert (done.ended, done.detail) == (Ended.NOT_RUNNABLE, f"{program}: Text file busy")

    def test_too_long_an_argument_list_is_not_runnable(self) -> None:
        done = answer(call("true", "x" * 200_000))
        assert (done.ended, "Argument list too long" in done.detail) == (Ended.NOT_RUNNABLE, True)

    def test_a_missing_working_directory_is_not_a_missing_program(self) -> None:
        done = answer(call("true", directory="/nowhere/at/all"))
        assert done.ended is Ended.NOT_RUNNABLE
        assert done.detail == "/nowhere/at/all: No such file or directory"

    @pytest.mark.parametrize("bad", ["canary\0canary", "canary\ud800canary"])
    def test_L3_text_that_no_program_can_be_given_is_told_without_the_text(self, bad: str) -> None:
        for asked in (call("true", bad), call("true", environment={"TOKEN": bad})):
            done = answer(asked)
            assert done.ended is Ended.NOT_RUNNABLE
            assert "canary" not in done.detail

    def test_R1_no_descriptor_left_is_a_kind_of_failure(self, each_watch: str) -> None:
        asked = [shell("echo ok", scratch=(Scratch("D", {"f": b"x"}),)) for _ in range(3)]
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
        os.close(lowest)
        ends = set()
        try:
            for spare in range(14):
                resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + spare, hard))
                done = run_all({n: once(one) for n, one in enumerate(asked)}, path=PATH).values()
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                ends |= {(one.ended, one.stdout) for one in done}
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert {end for end, _ in ends} == {Ended.NOT_RUNNABLE, Ended.EXITED}
        assert (Ended.EXITED, b"ok\n") in ends

    def test_no_place_for_private_directories_is_a_kind_of_failure(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "mkdir", full)
        assert answer(call("pwd")).stdout == b"/\n"
        done = answer(shell("true", scratch=(Scratch("D"),)))
        assert (done.ended, done.detail) == (Ended.NOT_RUNNABLE, "No space left on device")


class TestSideBySide:
    def test_two_children_overlap_in_time(self, tmp_path: Path) -> None:
        # Each waits for the other: one after the other would never end.
        def meet(mine: str, other: str) -> Call:
            return shell(f"echo >{tmp_path}/{mine}; until [ -e {tmp_path}/{other} ]; do sleep 0.01; done")

        done = run_all({"a": once(meet("a", "b")), "b": once(meet("b", "a"))}, path=PATH)
        assert [one.ended for one in done.values()] == [Ended.EXITED, Ended.EXITED]

    def test_R1_no_more_than_the_limit_run_at_once_and_all_run(self) -> None:
        now = most = 0

        def observe(event: Event) -> None:
            nonlocal now, most
            now += 1 if event.ended is None else -1
            most = max(most, now)

        done = run_all({n: once(shell(f"echo {n}")) for n in range(40)}, path=PATH, limit=3, observe=observe)
        assert {n: int(one.stdout) for n, one in done.items()} == {n: n for n in range(40)}
        assert (now, most) == (0, 3)

    def test_results_keep_their_order_and_steps_without_calls_have_one_too(self) -> None:
        def nothing() -> Steps[str]:
            return "nothing"
            yield

        def slow() -> Steps[str]:
            return (yield shell("sleep 0.2; printf slow")).stdout.decode()

        done = run_all({"slow": slow(), "nothing": nothing()}, path=PATH)
        assert list(done.items()) == [("slow", "slow"), ("nothing", "nothing")]

    def test_the_observer_sees_starts_ends_and_what_never_started(self) -> None:
        seen: list[Event] = []

        def three() -> Steps[None]:
            yield shell("exit 2", label="first")
            yield call("no-such-program-here")
            yield shell("kill $$")

        run(three(), path=PATH, observe=seen.append)
        assert [(one.label, one.ended, one.code) for one in seen] == [
            ("first", None, 0),
            ("first", Ended.EXITED, 2),
            ("no-such-program-here", Ended.NOT_FOUND, 0),
            ("sh", None, 0),
            ("sh", Ended.SIGNALLED, 15),
        ]
        assert seen[1].seconds > 0

    def test_R1_two_hundred_runs_leave_no_descriptor_and_no_child(self) -> None:
        fds = len(os.listdir("/proc/self/fd"))
        for _ in range(200):
            assert answer(call("true", stdin=b"x", scratch=(Scratch("D", {"f": b"x"}),))).ok
        assert len(os.listdir("/proc/self/fd")) == fds
        assert children() == []


class TestStopping:
    def test_X7_a_generator_that_raises_takes_the_others_along(self, tmp_path: Path) -> None:
        closed = []

        def raises() -> Steps[None]:
            yield shell(f"until [ -s {tmp_path}/pid ]; do sleep 0.01; done")
            raise errors.BadOutput("what it said is not JSON")

        def waits() -> Steps[None]:
            try:
                yield shell(f"echo $$ >{tmp_path}/pid; exec sleep 60")
            finally:
                closed.append(True)

        with pytest.raises(errors.BadOutput) as caught:
            run_all({"a": waits(), "b": raises(), "c": waits()}, path=PATH)
        assert not alive(int((tmp_path / "pid").read_text()))
        assert closed == [True, True]
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None

    @pytest.mark.parametrize("script", ["exec sleep 60", "trap '' TERM; while :; do sleep 1; done"])
    def test_X7_a_cancel_from_another_thread_ends_everything(
        self, script: str, each_watch: str, tmp_path: Path
    ) -> None:
        closed = []

        def waits(n: int) -> Steps[None]:
            try:
                yield shell(f"{{ echo $$; }} >{tmp_path}/{n}; {script}")
            finally:
                closed.append(n)

        with Cancel() as cancel:

            def stop() -> None:
                for n in range(3):
                    appears(tmp_path / str(n))
                cancel.cancel()

            thread = threading.Thread(target=stop)
            thread.start()
            start = time.monotonic()
            with pytest.raises(errors.Interrupted):
                run_all({n: waits(n) for n in range(3)}, path=PATH, cancel=cancel)
            thread.join()
        assert time.monotonic() - start < 10
        assert sorted(closed) == [0, 1, 2]
        assert not [n for n in range(3) if alive(int((tmp_path / str(n)).read_text()))]

    def test_X7_a_cancel_before_the_start_starts_nothing(self, tmp_path: Path) -> None:
        with Cancel() as cancel:
            cancel.cancel()
            with pytest.raises(errors.Interrupted):
                answer(shell(f"touch {tmp_path}/started"), cancel=cancel)
        assert not (tmp_path / "started").exists()

    def test_X7_an_interrupt_ends_the_children_and_comes_through(self, tmp_path: Path) -> None:
        def interrupt() -> None:
            appears(tmp_path / "pid")
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            answer(shell(f"echo $$ >{tmp_path}/pid; exec sleep 60"))
        thread.join()
        assert not alive(int((tmp_path / "pid").read_text()))

    def test_X7_a_second_interrupt_kills_what_ignored_the_first(self, tmp_path: Path) -> None:
        def interrupt() -> None:
            appears(tmp_path / "pid")
            for _ in range(2):
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                time.sleep(0.2)

        thread = threading.Thread(target=interrupt)
        thread.start()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            answer(shell(f"trap '' TERM INT; echo $$ >{tmp_path}/pid; while :; do sleep 1; done"))
        thread.join()
        assert time.monotonic() - start < 10
        assert not alive(int((tmp_path / "pid").read_text()))


class TestOurOwnDeath:
    @pytest.mark.parametrize("size", [20_000, 700_000, 2_000_000])
    def test_X5_value_is_whole_or_absent(self, size: int, tmp_path: Path) -> None:
        # The child waits until its parent is dead, and only then reads.
        script = f"cd {tmp_path}; echo $$ >pid; sleep 0.3; cat >part && mv part stored"
        parent = os.fork()
        if parent == 0:
            try:
                answer(shell(script, stdin=b"v" * size))
            finally:
                os._exit(0)
        try:
            child = int(appears(tmp_path / "pid"))
        finally:
            os.kill(parent, signal.SIGKILL)
            os.waitpid(parent, 0)
        assert alive(child)
        assert gone_soon(child)
        assert (tmp_path / "stored").read_bytes() == b"v" * size
        shutil.rmtree(tmp_path / "private")
        (tmp_path / "private").mkdir()


class TestWhatAChildSays:
    def test_L7_error_text_is_redacted_however_it_is_spelled_and_split(self) -> None:
        value = "first-line-of-it\nsecond-line-of-it"
        script = r"""
            import base64, json, os, sys, time
            value = sys.stdin.read()
            def say(text):
                for at in range(0, len(text), 7):
                    os.write(2, text[at:at + 7].encode())
                os.write(2, b"\n")
            say(value)
            for line in value.split("\n"):
                say(f"{line} is invalid")
            say(json.dumps({"value": value}))
            for before in range(3):
                say(base64.b64encode(b"x" * before + value.encode()).decode())
            say("\x1b[31mend\x1b[0m")
        """
        done = answer(python(script, stdin=value.encode(), secrets=(SecretValue(value),)))
        assert done.code == 0
        lines = done.stderr.splitlines()
        assert lines[:4] == ["***", "*** is invalid", "*** is invalid", '{"value": "***"}']
        assert all("***" in line and len(line) <= 12 for line in lines[4:7])
        assert lines[7] == "end"
        assert done.showable

    def test_L7_a_short_value_makes_error_text_unfit_to_show(self) -> None:
        done = answer(shell("echo pin 123 >&2", secrets=(SecretValue("123"),)))
        assert (done.showable, done.stderr) == (False, "pin 123\n")

    def test_L7_error_text_that_a_kill_cut_off_shows_no_part_of_a_value(self) -> None:
        done = answer(
            shell("printf 'bad: sk-live-0123' >&2; exec sleep 60", timeout=0.3,
                  secrets=(SecretValue("sk-live-0123456789"),))
        )  # fmt: skip
        assert (done.ended, done.stderr) == (Ended.TIMED_OUT, "bad: ***")

    def test_L6_no_value_is_in_a_repr_on_the_way(self) -> None:
        asked = shell(
            "cat; cat >&2 </dev/null", stdin=b"canary-value", secrets=(SecretValue("canary-value"),)
        )
        done = answer(asked)
        assert done.stdout == b"canary-value"
        assert "canary" not in repr(asked) + repr(done)


def test_X5_a_user_who_has_many_large_pipes_still_gets_all_of_the_input() -> None:
    # Beyond `pipe-user-pages-soft` an ordinary user's new pipes are small; root's are not.
    script = """
        import os, sys
        from tests.faults.test_process_faults import answer, call
        if os.geteuid() == 0:
            os.setgroups([]); os.setgid(65534); os.setuid(65534)
        import fcntl
        held = []
        for _ in range(70):
            pipe = os.pipe()
            held.append(pipe)
            try:
                fcntl.fcntl(pipe[1], fcntl.F_SETPIPE_SZ, 1 << 20)
            except OSError:
                break
        last = os.pipe()
        print(fcntl.fcntl(last[1], fcntl.F_GETPIPE_SZ))
        done = answer(call("wc", "-c", stdin=b"v" * 60_000))
        print(done.ended.value, int(done.stdout))
    """
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True, text=True, cwd=root, check=False,
        env={"PYTHONPATH": root, "TMPDIR": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    if "Permission" in done.stderr:
        pytest.skip("the interpreter cannot be used by another user here")
    size, result = done.stdout.splitlines()
    assert int(size) < 60_000
    assert result == "exited 60000"
