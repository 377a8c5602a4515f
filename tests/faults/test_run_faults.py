"""`run` among hostile commands, full disks, missing terminals and signals at every moment."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.canary import leaks
from tests.program import PROGRAM, Program

VALUE = 'canary-"7f3a"/\\é?=&<x>'
PEM = "-----BEGIN KEY-----\nQ2FuYXJ5TGluZU9uZQ==\nQ2FuYXJ5TGluZVR3bw==\n-----END KEY-----\n"


def child(sophia: Program, body: str) -> list[str]:
    """A Python command that has the value as `V`, its bytes as `B`, and `out(bytes)`."""
    head = (
        "import os, sys, time, json, base64, urllib.parse\n"
        "V = os.environ.get('A_KEY', ''); B = V.encode(); P = os.environ.get('PEM', '').encode()\n"
        "def out(data, fd=1):\n"
        "    while data: data = data[os.write(fd, data):]\n"
    )
    script = sophia.cwd / "child.py"
    script.write_text(head + body)
    return [sys.executable, str(script)]


def masked(sophia: Program, body: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(PROGRAM), "run", "--mask", "--", *child(sophia, body)],
        capture_output=True,
        env=sophia.full_environment(**more),
        cwd=sophia.cwd,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program's directory with two secrets in it."""
    sophia = Program(tmp_path_factory.mktemp("stored"))
    sophia.store("A_KEY", VALUE)
    sophia.store("PEM", PEM)
    return sophia.sophia


@pytest.fixture
def secret(sophia: Program, stored: Path) -> Program:
    shutil.copytree(stored, sophia.sophia)
    return sophia


HOSTILE = {
    "raw": "out(b'<' + B + b'>\\n')",
    "on standard error": "out(b'<' + B + b'>\\n', 2)",
    "byte by byte with pauses": "for i in B: out(bytes([i])); time.sleep(0.002)",
    "in two halves with a long pause": "out(B[:9]); time.sleep(0.3); out(B[9:])",
    "twice with one byte of overlap cut away": "out(B + B + B[:-1] + B)",
    "in base64 at three alignments": "\n".join(
        f"out(base64.b64encode(b'{'x' * n}' + B + b'{'y' * n}') + b'\\n')" for n in range(3)
    ),
    "in JSON": "print(json.dumps({'a': V})); print(json.dumps(json.dumps(V)[1:-1], ensure_ascii=False))",
    "in JSON, not escaped": "print(json.dumps(V, ensure_ascii=False))",
    "in a URL": "print(urllib.parse.quote(V)); print(urllib.parse.quote_plus(V))",
    "as Python shows it": "print(repr(V))",
    "overwritten by carriage returns": "out(b'\\r'.join([B] * 5))",
    "between colour codes": "out(b'\\x1b[31m' + B + b'\\x1b[0m\\n')",
    "in a line of a megabyte": "out(b'x' * 700000 + B + b'y' * 700000)",
    "a thousand times": "out((B + b'\\n') * 1000)",
    "at the end without a newline": "out(B)",
    "by a child that outlives it a little": (
        "if os.fork() == 0: time.sleep(0.1); out(B); os._exit(0)"
    ),
    "a multi-line value": "out(P)",
    "a multi-line value line by line, indented": "for line in P.split(b'\\n'): out(b'    ' + line + b'\\r\\n')",
    "a multi-line value byte by byte": "for i in P: out(bytes([i]))",
    "a multi-line value in JSON": "print(json.dumps(P.decode()))",
}  # fmt: skip


@pytest.mark.parametrize("how", HOSTILE)
def test_L8_L9_no_value_gets_through_the_mask(secret: Program, how: str) -> None:
    done = masked(secret, HOSTILE[how])
    assert done.returncode == 0
    said = done.stdout + done.stderr
    assert b"***" in said
    assert leaks(VALUE, [("output", said)]) == []
    secret_lines = PEM.splitlines()[1:3]
    assert not any(line.encode() in said for line in secret_lines)
    assert not any(base64.b64encode(line.encode()) in said for line in secret_lines)
    assert json.dumps(VALUE, ensure_ascii=False)[1:-1].encode() not in said
    assert urllib.parse.quote_plus(VALUE).encode() not in said


def test_L8_what_is_no_secret_passes_unchanged(secret: Program) -> None:
    body = "out(bytes(range(256)) * 5000 + B + bytes(reversed(range(256))) * 5000)"
    done = masked(secret, body)
    assert done.stdout == bytes(range(256)) * 5000 + b"***" + bytes(reversed(range(256))) * 5000


def test_L8_values_that_begin_others_and_short_ones(sophia: Program) -> None:
    for name, value in (("A_KEY", "prefix"), ("B_KEY", "prefix-and-more"), ("C_KEY", "abc")):
        sophia.store(name, value)
    done = masked(sophia, "out(b'<prefix-and-more> <prefix-and> <prefix> abc\\n')")
    assert done.stdout == b"<***> <***-and> <***> abc\n"
    assert b"C_KEY" in done.stderr


def test_L9_the_streams_stay_apart_and_in_order_where_they_are_one(secret: Program) -> None:
    body = "for i in range(50): out(b'o%d\\n' % i); out(b'e%d\\n' % i, 2)"
    apart = masked(secret, body)
    assert apart.stdout == b"".join(b"o%d\n" % i for i in range(50))
    assert apart.stderr == b"".join(b"e%d\n" % i for i in range(50))
    together = subprocess.run(
        [str(PROGRAM), "run", "--mask", "--", *child(secret, body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=secret.full_environment(),
        timeout=60,
        check=True,
    )
    assert together.stdout == b"".join(b"o%d\ne%d\n" % (i, i) for i in range(50))


# The end of a supervised command


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", -15), ("kill -KILL $$", -9), ("kill -QUIT $$", -3)],
)
def test_E4_a_supervised_command_ends_as_it_would_alone(secret: Program, script: str, code: int) -> None:
    assert secret("run", "--mask", "--", "sh", "-c", script).code == code


def test_E4_what_cannot_be_started_is_told_so_under_supervision_too(secret: Program) -> None:
    lost = secret.cwd / "lost"
    lost.write_text("#!/no/such/interpreter\n")
    lost.chmod(0o700)
    assert secret("run", "--mask", "--", "./lost").code == 126
    plain = secret.cwd / "plain"
    plain.write_text("echo $A_KEY; exit 3\n")
    plain.chmod(0o700)
    done = secret("run", "--mask", "--", "./plain")
    assert (done.code, done.out) == (3, "***\n")


def started(sophia: Program, *options: str, script: str, **more: Any) -> subprocess.Popen[bytes]:
    """A running command that has said `up`, without a terminal."""
    process = subprocess.Popen(
        [str(PROGRAM), "run", *options, "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
        bufsize=0,
        env=sophia.full_environment(),
        start_new_session=True,
        **more,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    return process


@pytest.mark.parametrize("options", [(), ("--mask",)])
@pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "USR1", "QUIT"])
def test_E4_G4_a_signal_reaches_the_command_once(
    secret: Program, options: tuple[str, ...], name: str
) -> None:
    # It ends a little after the first, so that a second one would be seen.
    wait = "i=0; while [ $i -lt 60 ]; do sleep 0.1; i=$((i+1)); done"
    script = f"trap 'echo got {name}; i=57' {name}; echo up; {wait}; exit 9"
    process = started(secret, *options, script=script)
    process.send_signal(getattr(signal, f"SIG{name}"))
    out, _ = process.communicate(timeout=30)
    assert (out, process.returncode) == (f"got {name}\n".encode(), 9)


def test_E4_a_signal_that_was_ignored_stays_ignored_under_supervision(secret: Program) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    process = started(secret, "--mask", script="echo up; sleep 0.5; exit 4", preexec_fn=ignore)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=30)
    assert process.returncode == 4


def test_L9_a_reader_that_goes_away_ends_the_command_not_the_wait(secret: Program) -> None:
    line = f"{PROGRAM} run --mask -- yes | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, env=secret.full_environment(), timeout=30, check=False
    )
    assert done.stdout.split() == [b"y", b"141"]
    assert done.stderr == b""


def test_V2_what_the_command_leaves_running_does_not_hold_us(secret: Program) -> None:
    process = started(secret, "--mask", script="echo up; sleep 60 & echo $!")
    out, _ = process.communicate(timeout=20)
    left = int(out)
    assert process.returncode == 0
    os.kill(left, 0)
    os.kill(left, signal.SIGKILL)


def test_the_standard_input_is_let_go_by_the_supervisor_too(secret: Program) -> None:
    reader, writer = os.pipe()
    process = started(secret, "--mask", script="exec 0<&-; echo up; sleep 2", stdin=reader)
    os.close(reader)
    deadline = time.monotonic() + 10
    with pytest.raises(BrokenPipeError):
        while time.monotonic() < deadline:
            os.write(writer, b"x")
            time.sleep(0.02)
    os.close(writer)
    process.terminate()
    process.communicate(timeout=20)


def test_a_pipe_that_only_the_command_was_given_ends_when_it_lets_go(secret: Program) -> None:
    reader, writer = os.pipe()
    script = f"bash -c 'echo ready >&{writer}; exec {writer}>&-; echo up; sleep 5'"
    process = started(secret, "--mask", script=f"exec {script}", pass_fds=(writer,))
    os.close(writer)
    with open(reader, "rb") as end:
        assert end.read() == b"ready\n"
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=20)


# What fails before the start


@pytest.mark.parametrize("options", [(), ("--mask",)])
def test_A1_where_the_event_cannot_be_written_nothing_starts(
    secret: Program, options: tuple[str, ...]
) -> None:
    (log,) = [path for path in secret.files() if path.name.endswith(".jsonl") or path.suffix == ".log"][:1]
    log.unlink()
    log.mkdir()
    done = secret("run", *options, "--", "touch", "started")
    assert (done.code, done.out) == (6, "")
    assert not (secret.cwd / "started").exists()


def test_E5_too_much_for_the_system_is_2_and_nothing_starts(sophia: Program) -> None:
    for number in range(3):
        sophia.store(f"KEY_{number}", chr(65 + number) * 100_000)
    command = [str(PROGRAM), "run", "--", "touch", "started"]
    done = subprocess.run(
        ["bash", "-c", 'ulimit -s 1024; exec "$@"', "-", *command],
        capture_output=True,
        env=sophia.full_environment(),
        cwd=sophia.cwd,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert b"The largest secret is `KEY_0` with 100,007" in done.stderr
    assert b"AAAA" not in done.stderr
    assert not (sophia.cwd / "started").exists()


@pytest.mark.parametrize(("size", "code"), [(131_069, 0), (131_070, 2)])
def test_E5_the_boundary_is_the_systems_own(sophia: Program, size: int, code: int) -> None:
    if os.sysconf("SC_PAGE_SIZE") != 4096 or sys.platform != "linux":
        pytest.skip("the boundary is 32 pages, and this one is of 4096 bytes")
    sophia.store("N", "x" * size)
    assert sophia("run", "--", "true").code == code
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run(["true"], env={"N": "x" * 131_070}, check=False)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("options", ["", "--mask"])
def test_F7_closed_descriptors_are_given_on_closed_or_empty(
    secret: Program, closed: str, options: str
) -> None:
    result = secret.root / "result"
    script = f'echo "$A_KEY"; echo "$A_KEY" >&2; cat; echo done >{result}; exit 5'
    done = subprocess.run(
        ["bash", "-c", f"{PROGRAM} run {options} -- sh -c '{script}' {closed}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=secret.full_environment(),
        timeout=30,
        check=False,
    )
    assert (done.returncode, result.read_text()) == (5, "done\n")
    for path in secret.files():
        assert VALUE.encode() not in path.read_bytes()


def test_F7_an_exec_gives_closed_descriptors_on_as_closed(secret: Program) -> None:
    line = f"{PROGRAM} run -- sh -c 'ls /proc/$$/fd >{secret.root}/fds' <&- >&- 2>&-"
    subprocess.run(["bash", "-c", line], env=secret.full_environment(), timeout=30, check=False)
    assert "2" not in (secret.root / "fds").read_text().split()


def test_a_system_without_memory_files_hands_over_an_unlinked_file(sophia: Program) -> None:
    sophia.store("CERT", PEM)
    (sophia.root / "site").mkdir()
    (sophia.root / "site" / "sitecustomize.py").write_text("import os; del os.memfd_create\n")
    script = 'stat -Lc "%a %h" "$CERT"; cat "$CERT" "$CERT"; readlink "$CERT" | grep -o deleted'
    done = sophia(
        "run", "--file", "CERT", "--", "sh", "-c", script, PYTHONPATH=str(sophia.root / "site")
    )  # fmt: skip
    assert (done.code, done.out) == (0, f"600 0\n{PEM}{PEM}deleted\n")
    assert not any(PEM.encode() in path.read_bytes() for path in sophia.files())


# At a terminal, supervised


def at_terminal(sophia: Program, *words: str) -> Any:
    return pexpect.spawn(
        str(PROGRAM),
        list(words),
        env=sophia.full_environment(TERM="xterm"),  # type: ignore[arg-type]
        cwd=str(sophia.cwd),
        timeout=20,
        echo=True,
    )


def test_L9_a_prompt_is_seen_before_it_is_answered_and_the_value_never(secret: Program) -> None:
    body = (
        "for i in P: out(bytes([i]))\n"
        "out(b'\\x1b[1mGo on? \\x1b[0m')\n"
        "answer = sys.stdin.readline()\n"
        "out(b'told ' + answer.encode() + B); sys.exit(3)\n"
    )
    shown = at_terminal(secret, "run", "--mask", "--", *child(secret, body))
    shown.expect_exact(b"\x1b[1mGo on? \x1b[0m")
    before = shown.before
    shown.sendline("yes")
    shown.expect_exact(b"told yes")
    shown.expect(pexpect.EOF)
    shown.close()
    assert shown.exitstatus == 3
    seen = before + shown.before
    assert leaks(VALUE, [("terminal", seen)]) == []
    assert b"Q2FuYXJ5" not in seen
    assert b"***" in seen


def test_L9_a_value_that_is_typed_is_hidden_in_its_echo(sophia: Program) -> None:
    sophia.store("A_KEY", "canary-typed")
    shown = at_terminal(sophia, "run", "--mask", "--", "sh", "-c", "printf 'value: '; read x; echo got")
    shown.expect_exact(b"value: ")
    shown.sendline("canary-typed")
    shown.expect_exact(b"got")
    assert b"canary-typed" not in shown.before
    shown.close(force=True)


def test_L9_standard_error_stays_apart_where_it_is_no_terminal(secret: Program) -> None:
    errors = secret.root / "errors"
    script = '[ -t 1 ] && [ ! -t 2 ] && echo "$A_KEY" >&2; echo shown'
    shown = pexpect.spawn(
        "bash",
        ["-c", f"{PROGRAM} run --mask -- sh -c '{script}' 2>{errors}"],
        env=secret.full_environment(),  # type: ignore[arg-type]
        timeout=20,
    )
    shown.expect_exact(b"shown")
    shown.expect(pexpect.EOF)
    shown.close()
    assert errors.read_bytes() == b"***\n"


def test_E4_the_terminal_is_as_it_was_when_the_command_dies(secret: Program) -> None:
    line = f"{PROGRAM} run --mask -- sh -c 'stty raw -echo; kill -KILL $$'"
    shown = pexpect.spawn(
        "bash",
        ["-c", f"stty -a >before; {line}; stty -a >after; echo over"],
        env=secret.full_environment(),  # type: ignore[arg-type]
        cwd=str(secret.cwd),
        timeout=20,
    )
    shown.expect_exact(b"over")
    shown.close(force=True)
    assert (secret.cwd / "after").read_text() == (secret.cwd / "before").read_text() != ""


def test_E4_a_terminal_that_hangs_up_ends_the_command(secret: Program) -> None:
    place = secret.root / "pid"
    script = f"echo $$ >{place}; echo up; while :; do sleep 0.2; done"
    shown = at_terminal(secret, "run", "--mask", "--", "sh", "-c", script)
    shown.expect_exact(b"up")
    pid = int(place.read_text())
    supervisor = shown.pid
    shown.close(force=False)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(Path(f"/proc/{each}").exists() for each in (pid, supervisor)):
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_E4_a_supervisor_that_is_killed_takes_the_command_along(secret: Program) -> None:
    place = secret.root / "pid"
    shown = at_terminal(
        secret, "run", "--mask", "--", "sh", "-c", f"echo $$ >{place}; echo up; while :; do sleep 0.2; done"
    )
    shown.expect_exact(b"up")
    pid = int(place.read_text())
    os.kill(shown.pid, signal.SIGKILL)
    shown.wait()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()
    shown.close(force=True)
