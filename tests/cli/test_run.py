"""`run` as a user does it: the command in the place of the program, and nothing else different."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.program import PROGRAM, Program
from tests.world import World

VALUE = "canary-7f3a-value"

# A shell changes its own signal mask, so the signals are those of a `cat` that is started directly.
STATUS = (
    "Umask",
    "Uid",
    "Gid",
    "Groups",
    "SigPnd",
    "SigBlk",
    "SigIgn",
    "SigCgt",
    "Shd",
    "Cap",
    "NoNew",
    "Seccomp",
    "Cpus",
    "Mems",
    "PPid",
)
PROBE = r"""
p=/proc/$$
cat $p/limits
set -- $(cut -d' ' -f4-8,18,19 $p/stat); echo "ppid=$1 pgrp=$2 session=$3 tty=$4 foreground=$5 priority=$6 nice=$7"
for link in cwd root exe ns/pid ns/mnt ns/user fd/0 fd/1 fd/2 fd/3 fd/9; do echo "$link=$(readlink $p/$link)"; done
for fd in $p/fd/*; do [ ${fd##*/} -lt 10 ] && echo "open ${fd##*/} $(grep flags $p/fdinfo/${fd##*/})"; done
cat $p/oom_score_adj $p/personality $p/timerslack_ns 2>/dev/null
umask; locale; echo "inherited: $(cat <&3)"; echo "words: $0"
tr '\0' '\n' <$p/cmdline; tr '\0' '\n' <$p/environ | grep -av '^SECRET=' | sort
"""


def probed(sophia: Program, start: list[str], command: list[str], **more: str) -> list[str]:
    """What the command prints, started by these words with unusual things to inherit."""
    place = sophia.root / "given"
    place.write_bytes(b"through descriptor 3")
    environment = {key.encode(): value.encode() for key, value in sophia.full_environment(**more).items()}
    environment |= {b"NOT_UTF8": b"\xff\xfe", b"EMPTY": b"", b"N\xe4ME": b"1", b"dotted.name": b"x"}

    def inherit() -> None:
        os.umask(0o027)
        os.nice(3)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGTSTP):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGWINCH])
        for limit, soft in ((resource.RLIMIT_CORE, 8192), (resource.RLIMIT_NOFILE, 500)):
            hard = resource.getrlimit(limit)[1]
            resource.setrlimit(limit, (soft if hard == -1 else min(soft, hard), hard))
        os.dup2(given.fileno(), 3, inheritable=True)

    with (
        open(place, "rb") as given,
        open(sophia.root / "in", "w+b") as stdin,
        open(sophia.root / "out", "w+b") as out,
    ):
        done = subprocess.run(
            [*start, *command],
            stdin=stdin,
            stdout=out,
            stderr=subprocess.DEVNULL,
            pass_fds=(3,),
            env=environment,
            cwd=sophia.cwd,
            preexec_fn=inherit,
            timeout=60,
            check=True,
        )
        assert done.returncode == 0
        out.seek(0)
        return out.read().decode("utf-8", "surrogateescape").splitlines()


@pytest.mark.parametrize("locale", ["C.UTF-8", "C", "POSIX"])
def test_E3_E6_E7_the_command_cannot_tell_that_it_was_started_by_us(sophia: Program, locale: str) -> None:
    if not os.path.isdir("/proc/self"):
        pytest.skip("the probe reads /proc")
    sophia.store("SECRET", VALUE)
    us = [str(PROGRAM), "run", "--only", "SECRET", "--"]
    shell = ["sh", "-c", PROBE, "argv-zero", "a b", "--json", "-v", "--"]
    direct = probed(sophia, ["env"], shell, LC_ALL=locale)
    assert len(direct) > 40
    assert probed(sophia, us, shell, LC_ALL=locale) == direct
    status = [
        line for line in probed(sophia, ["env"], ["cat", "/proc/self/status"]) if line.startswith(STATUS)
    ]
    assert "SigBlk:\t0000000008000800" in status
    assert [
        line for line in probed(sophia, us, ["cat", "/proc/self/status"]) if line.startswith(STATUS)
    ] == status


def test_E1_the_locale_that_python_sets_for_itself_is_not_the_commands(sophia: Program) -> None:
    done = sophia("run", "--", "env", LANG="")
    assert done.code == 0
    assert "LC_CTYPE" not in done.out


def test_the_process_is_the_same_one(sophia: Program) -> None:
    started = subprocess.Popen(
        [str(PROGRAM), "run", "--", "sh", "-c", "echo $$"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=sophia.full_environment(),
    )
    out, _ = started.communicate(timeout=30)
    assert int(out) == started.pid


# Which secrets


def test_all_that_can_be_read_is_handed_over_where_nothing_is_declared(sophia: Program) -> None:
    sophia.store("A_KEY", "one")
    sophia.store("B_KEY", "line\nline\n")
    done = sophia("run", "--", "sh", "-c", 'printf %s "$A_KEY,$B_KEY,$HOME"')
    assert (done.code, done.out, done.err) == (0, f"one,line\nline\n,{sophia.home}", "")


def test_the_declared_secrets_are_handed_over_and_no_other(sophia: Program) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text("[secrets.A_KEY]\n[secrets.OPTIONAL]\n")
    sophia.store("A_KEY", "one")
    sophia.store("B_KEY", "two")
    done = sophia("run", "--", "sh", "-c", 'printf %s "$A_KEY,$B_KEY"')
    assert (done.code, done.out, done.err) == (0, "one,", "")


def test_a_required_secret_that_is_missing_starts_nothing(sophia: Program) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text("[secrets.A_KEY]\nrequired = true\n")
    done = sophia("run", "--", "touch", "started")
    assert done.code == 3
    assert "`A_KEY` was not found" in done.err
    assert not (sophia.cwd / "started").exists()


def test_a_name_that_was_named_and_is_missing_starts_nothing(sophia: Program) -> None:
    sophia.store("A_KEY", "one")
    for option, told in (
        ("--only", "Neither a secret `B_KEY` nor one that begins with `B_KEY_` was found"),
        ("--file", "`B_KEY` was not found"),
    ):
        done = sophia("run", option, "B_KEY", "--", "touch", "started")
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith(f"error: {told} (local: absent, env: absent).\n")
        assert "Did you mean A_KEY (local)?" in done.err
    assert not (sophia.cwd / "started").exists()
    outcomes = [event["outcome"] for event in sophia.events() if event.get("command") == "run"]
    assert (outcomes.count("absent"), outcomes.count("found")) == (2, 0)


def test_only_takes_names_and_prefixes(sophia: Program) -> None:
    for name in ("AWS_A", "AWS_B", "OTHER"):
        sophia.store(name, name.lower())
    assert (
        sophia("run", "--only", "AWS", "--", "sh", "-c", "echo $AWS_A,$AWS_B,$OTHER").out == "aws_a,aws_b,\n"
    )
    assert sophia(
        "run", "--only=OTHER", "--only", "AWS_B", "--", "sh", "-c", "echo $AWS_A,$AWS_B,$OTHER"
    ).out == ",aws_b,other\n"  # fmt: skip


def test_a_scope_gives_its_secrets_and_takes_the_others_out(sophia: Program) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text(
        '[secrets.WEB_KEY]\nscopes = ["web"]\n[secrets.JOB_KEY]\nscopes = ["jobs"]\n'
    )
    sophia.store("WEB_KEY", "w")
    sophia.store("JOB_KEY", "j")
    show = ("--", "sh", "-c", 'echo "$WEB_KEY,${JOB_KEY-unset},$OTHER"')
    assert sophia("run", "--scope", "web", *show, JOB_KEY="inherited", OTHER="o").out == "w,unset,o\n"
    assert sophia("run", "--scope", "wbe", *show).code == 2


def test_pristine_starts_from_nothing(sophia: Program) -> None:
    sophia.store("A_KEY", "one")
    assert sophia("run", "--pristine", "--", "env").out == "A_KEY=one\n"
    assert sophia("run", "--pristine", "--preserve", "HOME", "--", "env").out.splitlines() == [
        f"HOME={sophia.home}",
        "A_KEY=one",
    ]


def test_a_secret_replaces_the_inherited_variable_and_says_so_without_values(sophia: Program) -> None:
    sophia.store("A_KEY", "from-local")
    done = sophia("run", "--", "sh", "-c", "echo $A_KEY", A_KEY="from-parent")
    assert done.out == "from-local\n"
    assert done.err.count("A_KEY") == 1
    assert "from-" not in done.err
    kept = sophia("run", "--preserve", "A_KEY", "--", "sh", "-c", "echo $A_KEY", A_KEY="from-parent")
    assert (kept.out, "from-local" in kept.said) == ("from-parent\n", False)
    assert kept.err == "note: No secret is handed over to the command.\n"


def test_I8_dangerous_names_are_left_out_with_a_warning_unless_named(sophia: Program) -> None:
    for name in ("PATH", "BASH_ENV", "NODE_OPTIONS", "GIT_SSH", "LD_AUDIT"):
        sophia.store(name, "/evil")
    done = sophia("run", "--", "env", "-0")
    assert "/evil" not in done.out
    assert "BASH_ENV, GIT_SSH, LD_AUDIT, NODE_OPTIONS, PATH" in done.err
    named = sophia("run", "--only", "NODE_OPTIONS", "--", "env", "-0")
    assert ("NODE_OPTIONS=/evil" in named.out, named.err) == (True, "")


def test_I8_the_command_is_found_with_the_original_path(sophia: Program) -> None:
    sophia.store("PATH", "/nowhere")
    done = sophia("run", "--only", "PATH", "--", "env")
    assert "PATH=/nowhere\n" in done.out


def test_L2_G3_the_key_the_identity_and_the_collection_stay_here(sophia: Program) -> None:
    blob = {"SOPHIA_GITHUB_SECRETS_JSON": '{"CANARY_KEY": "canary"}', "SOPHIA_SECRETS_IDENTITY": "x"}
    key = {"SOPHIA_SECRETS_CACHE_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
    done = sophia("run", "--preserve", "SOPHIA_SECRETS_CACHE_KEY", "--", "env", **blob, **key)
    assert done.code == 0, done.err
    assert "SOPHIA_SECRETS_HOME" in done.out
    assert not any(name in done.out for name in (*blob, *key))


def test_one_vendor_call_and_one_line_a_name(sophia: Program, vendors: Any) -> None:
    vendors.define({"A_KEY": "one", "B_KEY": "two"})
    before = vendors.starts()
    done = sophia("run", "--no-cache", "--", "sh", "-c", "echo $A_KEY$B_KEY")
    assert (done.code, done.out) == (0, "onetwo\n"), done.err
    after = vendors.starts()
    assert {name: after[name] - before[name] for name in after} == {"github": 0, "pulumi": 1, "fly": 0}
    events = [event for event in sophia.events() if event.get("command") == "run"]
    assert [(each["name"], each["outcome"], each["backend"]) for each in events] == [
        ("A_KEY", "found", "pulumi"),
        ("B_KEY", "found", "pulumi"),
    ]


def test_a_workflow_is_told_to_hide_the_values_before_the_command_speaks(sophia: Program) -> None:
    sophia.store("A_KEY", "one%\ntwo-line")
    done = sophia("run", "--", "sh", "-c", "echo spoke >&2", GITHUB_ACTIONS="true")
    lines = done.err.splitlines()
    assert lines[-1] == "spoke"
    assert {"::add-mask::one%25%0Atwo-line", "::add-mask::two-line"} <= set(lines[:-1])


# Files


def test_a_file_holds_the_exact_value_for_the_command_and_what_it_starts(sophia: Program) -> None:
    sophia.store("CERT", "-----BEGIN\nx\n\n")
    script = 'stat -Lc %a "$CERT"; cat "$CERT"; sh -c "cat $CERT"; cat "$CERT"'
    done = sophia("run", "--file", "CERT", "--", "sh", "-c", script)
    assert (done.code, done.out) == (0, "600\n" + "-----BEGIN\nx\n\n" * 3)
    assert VALUE not in sophia("run", "--file", "CERT", "--", "env").out


def test_a_value_too_large_for_a_variable_goes_into_a_file(sophia: Program) -> None:
    sophia.store("BIG", "x" * 200_000)
    refused = sophia("run", "--", "touch", "started")
    assert refused.code == 2
    assert "`BIG`" in refused.err
    assert "200,005 bytes" in refused.err
    assert not (sophia.cwd / "started").exists()
    done = sophia("run", "--file", "BIG", "--", "sh", "-c", 'wc -c <"$BIG"')
    assert (done.code, done.out.strip()) == (0, "200000")


# How it ends


@pytest.mark.parametrize("code", [0, 7, 255])
def test_E4_the_exit_code_is_the_commands(sophia: Program, code: int) -> None:
    assert sophia("run", "--", "sh", "-c", f"exit {code}").code == code


def test_E4_a_command_killed_by_a_signal_is_seen_so(sophia: Program) -> None:
    assert sophia("run", "--", "sh", "-c", "kill -TERM $$").code == -signal.SIGTERM


def test_E4_no_such_command_is_127_and_resolves_nothing(sophia: Program) -> None:
    sophia.store("A_KEY", "one")
    done = sophia("run", "--", "no-such-command")
    assert (done.code, done.out) == (127, "")
    assert done.err.startswith("error: `no-such-command`: command not found.\n")
    assert sophia("run", "--", "./nor-this").code == 127
    assert [event for event in sophia.events() if event.get("command") == "run"] == []


def test_E4_what_cannot_be_started_is_126(sophia: Program) -> None:
    plain = sophia.cwd / "plain"
    plain.write_text("#!/bin/sh\n")
    assert sophia("run", "--", "./plain").code == 126
    assert sophia("run", "--", "/tmp").code == 126
    lost = sophia.cwd / "lost"
    lost.write_text("#!/no/such/interpreter\n")
    lost.chmod(0o700)
    done = sophia("run", "--", "./lost")
    assert (done.code, "interpreter" in done.err) == (126, True)


def test_a_script_without_a_first_line_is_read_by_a_shell(sophia: Program) -> None:
    script = sophia.cwd / "script"
    script.write_text('echo "$1,$A_KEY"\n')
    script.chmod(0o700)
    sophia.store("A_KEY", "one")
    assert sophia("run", "--", "./script", "x").out == "x,one\n"


def test_a_command_is_needed(sophia: Program) -> None:
    done = sophia("run", "--only", "A_KEY")
    assert (done.code, done.out) == (2, "")
    assert "run -- env" in done.err


def test_a_closed_pipe_ends_the_command_as_without_us(sophia: Program) -> None:
    line = f"{PROGRAM} run -- yes | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        env=sophia.full_environment(),
        timeout=30,
        check=False,
        restore_signals=True,
    )
    assert done.stdout.split() == [b"y", b"141"]


@pytest.mark.parametrize("options", [[], ["--mask"]])
def test_a_hundred_megabytes_go_through_standard_input(sophia: Program, options: list[str]) -> None:
    line = f"head -c 100000000 /dev/zero | {PROGRAM} run {' '.join(options)} -- wc -c"
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, env=sophia.full_environment(), timeout=60, check=True
    )
    assert done.stdout.strip() == b"100000000"


# At a terminal


@pytest.fixture
def shell(sophia: Program) -> Any:
    """An interactive bash on a terminal of its own, with a secret stored."""
    sophia.store("A_KEY", VALUE)
    environment = {**sophia.full_environment(PS1="ready> ", TERM="xterm"), "S": str(PROGRAM)}
    child = pexpect.spawn(
        "bash",
        ["--norc", "--noprofile", "-i"],
        env=environment,  # type: ignore[arg-type]
        cwd=str(sophia.cwd),
        encoding="utf-8",
        timeout=20,
        dimensions=(24, 100),
    )
    child.expect_exact("ready> ")
    # Only what is printed counts from here on, not the line that is typed.
    child.sendline("stty -echo; PS1='[rea''dy]'")
    child.expect_exact("[ready]")
    yield child
    child.close(force=True)


def code_of(shell: Any) -> int:
    shell.expect_exact("[ready]")
    shell.sendline("echo code=$?.")
    shell.expect(r"code=(\d+)\.")
    code = int(shell.match.group(1))
    shell.expect_exact("[ready]")
    return code


@pytest.mark.parametrize("options", ["", "--mask"])
def test_E4_interrupt_suspend_and_foreground_are_the_commands(
    sophia: Program, shell: Any, options: str
) -> None:
    # Not a shell: one that has called vfork can be stopped by nobody until its child lives.
    script = (
        "import signal, time\n"
        "def told(*_):\n    print('told', flush=True); raise SystemExit(9)\n"
        "signal.signal(signal.SIGINT, told); print('up', flush=True)\n"
        "while True: time.sleep(0.1)\n"
    )
    (sophia.cwd / "job.py").write_text(script)
    shell.sendline(f"$S run {options} -- python job.py")
    shell.expect_exact("up")
    shell.send("\x1a")
    shell.expect("Stopped")
    shell.expect_exact("[ready]")
    shell.sendline("stty -a | tr ' ;' '\\n' | grep -x -e icanon -e opost | wc -l")
    shell.expect_exact("2")
    shell.expect_exact("[ready]")
    shell.sendline("fg")
    shell.expect_exact("run")
    time.sleep(0.3)
    shell.send("\x03")
    shell.expect_exact("told")
    assert code_of(shell) == 9
    assert "told" not in shell.before


@pytest.mark.parametrize("options", ["", "--mask"])
def test_the_commands_streams_are_terminals_of_the_right_size(shell: Any, options: str) -> None:
    test = "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && stty size && tty && : </dev/tty && exit 5"
    shell.sendline(f"$S run {options} -- sh -c '{test}'")
    shell.expect_exact("24 100")
    assert code_of(shell) == 5


@pytest.mark.parametrize("options", ["", "--mask"])
def test_a_new_window_size_reaches_the_command(shell: Any, options: str) -> None:
    script = 'trap "stty size; exit 4" WINCH; echo up; while :; do sleep 0.1; done'
    shell.sendline(f"$S run {options} -- sh -c '{script}'")
    shell.expect_exact("up")
    shell.setwinsize(33, 77)
    shell.expect_exact("33 77")
    assert code_of(shell) == 4


def test_L9_in_a_pipeline_the_keys_are_the_other_programs(shell: Any) -> None:
    test = "[ -t 0 ] && [ ! -t 1 ] && [ -t 2 ] && echo $A_KEY; sleep 30"
    reader = "read line; echo piped-$line; read key </dev/tty; echo key-$key"
    shell.sendline(f"$S run --mask -- sh -c '{test}' | sh -c '{reader}'")
    shell.expect_exact("piped-***")
    shell.sendline("pressed")
    shell.expect_exact("key-pressed")
    shell.send("\x03")
    shell.expect_exact("[ready]")


def test_a_shell_under_supervision_has_jobs_of_its_own(shell: Any) -> None:
    shell.sendline("$S run --mask -- bash --norc --noprofile -i")
    shell.expect_exact("[ready]")
    shell.sendline("sleep 60")
    time.sleep(0.5)
    shell.send("\x1a")
    shell.expect("Stopped")
    shell.expect_exact("[ready]")
    shell.sendline("fg")
    time.sleep(0.5)
    shell.send("\x03")
    shell.expect_exact("[ready]")
    shell.sendline('echo "<$A_KEY>"; exit 8')
    shell.expect_exact("<***>")
    assert code_of(shell) == 8


def test_at_a_terminal_the_command_is_the_foreground_job_itself(shell: Any) -> None:
    """Its own group's leader, in the shell's session, in front: as without us."""
    read = 'set -- $(cut -d" " -f1,5,8 /proc/$$/stat); [ $1 = $2 ] && [ $2 = $3 ] && exit 6'
    shell.sendline(f"$S run -- sh -c '{read}'")
    assert code_of(shell) == 6


def test_the_program_is_started_by_module_too(sophia: Program) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sophia_secrets", "run", "--", "sh", "-c", "pwd; exit 3"],
        capture_output=True,
        env=sophia.full_environment(),
        cwd=sophia.cwd,
        timeout=30,
        check=False,
    )
    assert (done.returncode, Path(done.stdout.decode().strip())) == (3, sophia.cwd)


def test_the_options_behind_the_command_are_the_commands_own(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    assert sophia("run", "sh", "-c", "echo $API_KEY").out == "v\n"
    assert sophia("run", "--only", "API_KEY", "printenv", "API_KEY").out == "v\n"
    assert sophia("run", "echo", "--json", "--strict").out == "--json --strict\n"


def test_strict_starts_nothing_where_a_backend_that_failed_may_hold_more(
    sophia: Program, vendors: World
) -> None:
    vendors.pulumi_fails(503, {"code": 503, "message": "down"})
    sophia.store("API_KEY", "v")
    done = sophia("run", "--strict", "--", "echo", "started")
    assert (done.code, done.out) == (5, "")


@pytest.mark.parametrize("masked", [(), ("--mask",)])
def test_verbose_says_by_name_what_is_handed_over_and_what_is_not_there(
    sophia: Program, masked: tuple[str, ...]
) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text("[secrets.A_KEY]\n[secrets.PIN]\n[secrets.GONE]\n")
    sophia.store("A_KEY", "canary-long-enough")
    sophia.store("PIN", "12")
    done = sophia("run", "--verbose", *masked, "--", "sh", "-c", "echo $PIN")
    assert (done.code, done.out) == (0, "12\n")
    assert "Declared, and not found: GONE." in done.err
    assert "Handed over: A_KEY, PIN." in done.err
    assert ("Too short to be hidden without hiding everything else: PIN." in done.err) is bool(masked)
    assert "canary" not in done.said


def test_E4_what_cannot_be_started_under_supervision_has_the_same_codes(sophia: Program) -> None:
    sophia.store("A_KEY", "value")
    script = sophia.cwd / "script"
    script.write_text("#!/nowhere/interpreter\n")
    script.chmod(0o755)
    for words in (("--",), ("--mask", "--")):
        done = sophia("run", *words, "./script")
        assert done.code == 126
        assert "its interpreter does not exist" in done.err
        done = sophia("run", *words, "nowhere-at-all")
        assert done.code == 127


def test_E4_a_supervised_command_that_is_killed_is_seen_so(sophia: Program) -> None:
    sophia.store("A_KEY", "value")
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
        assert sophia("run", "--mask", "--", "sh", "-c", f"kill -{int(number)} $$").code == -number


def test_E4_a_signal_that_is_sent_to_the_supervisor_reaches_the_command(sophia: Program) -> None:
    sophia.store("A_KEY", "value")
    script = "trap 'echo heard; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    child = subprocess.Popen(
        [PROGRAM, "run", "--mask", "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
        cwd=sophia.cwd,
        env=sophia.full_environment(),
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    child.send_signal(signal.SIGTERM)
    out, _ = child.communicate(timeout=60)
    assert (child.returncode, out) == (5, b"heard\n")


def test_L9_masked_output_that_nobody_takes_ends_the_command(sophia: Program) -> None:
    sophia.store("A_KEY", "value-long-enough")
    child = subprocess.Popen(
        [PROGRAM, "run", "--mask", "--", "sh", "-c", "while echo $A_KEY; do :; done"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=sophia.cwd,
        env=sophia.full_environment(),
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"***\n"
    child.stdout.close()
    assert child.stderr is not None
    with child.stderr:
        assert b"value-long-enough" not in child.stderr.read()
    assert child.wait(timeout=60) != 0


def test_L9_masked_output_that_the_disk_refuses_is_said(sophia: Program) -> None:
    sophia.store("A_KEY", "value-long-enough")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [PROGRAM, "run", "--mask", "--", "sh", "-c", "echo $A_KEY"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=sophia.cwd,
            env=sophia.full_environment(),
            check=False,
        )
    assert b"error: The output could not be written: No space left on device." in done.stderr
    assert b"value-long-enough" not in done.stderr
