"""The whole program in odd surroundings: users, umasks, homes, locales, clocks, many at once, CI."""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.measured import peak
from tests.faults.soak import sample
from tests.faults.test_leaks import spy
from tests.program import PROGRAM, Done, Program
from tests.world import World

SHIFTED = Path(__file__).with_name("shifted.py")
NOBODY = ("unshare", "--user", "--map-user=54321", "--map-group=54321")
"""A user without root's powers and without an entry among the users."""
NAMESPACES = subprocess.run([*NOBODY, "true"], capture_output=True, check=False).returncode == 0
as_nobody = pytest.mark.skipif(not NAMESPACES, reason="no user namespace can be made here")


def started(
    sophia: Program, *command: str | Path, stdin: bytes = b"", without: tuple[str, ...] = (), **more: str
) -> Done:
    """A command of any kind, in the program's environment."""
    environment = {k: v for k, v in sophia.full_environment(**more).items() if k not in without}
    done = subprocess.run(
        [str(part) for part in command],
        input=stdin, capture_output=True, cwd=sophia.cwd, env=environment, timeout=60, check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode("utf-8", "replace"))


# ---- users and homes


@as_nobody
def test_F5_a_user_without_entry_or_home_is_told_which_variable_helps(sophia: Program) -> None:
    nowhere = ("HOME", "SOPHIA_SECRETS_HOME")
    done = started(sophia, *NOBODY, PROGRAM, "get", "X_KEY", without=nowhere, X_KEY="canary-5d1e")
    assert (done.code, done.out) == (6, "")
    assert "SOPHIA_SECRETS_HOME" in done.err
    assert "Traceback" not in done.err
    done = started(
        sophia, *NOBODY, PROGRAM, "get", "X_KEY",
        without=nowhere, X_KEY="canary-5d1e", SOPHIA_SECRETS_AUDIT="best-effort",
    )  # fmt: skip
    assert (done.code, done.out) == (0, "canary-5d1e\n")
    assert "audited" in done.err


@as_nobody
def test_F5_a_user_without_entry_is_audited_by_number(sophia: Program) -> None:
    done = started(
        sophia, *NOBODY, PROGRAM, "set", "API_KEY", "--backend", "local", stdin=b"v1", without=("HOME",)
    )
    assert done.code == 0, done.said
    done = started(sophia, *NOBODY, PROGRAM, "get", "API_KEY", without=("HOME",))
    assert (done.code, done.out) == (0, "v1\n")
    log = started(sophia, *NOBODY, PROGRAM, "audit", "log", "--json", without=("HOME",))
    assert log.code == 0, log.said
    assert '"user":"54321"' in log.out.replace(" ", "")


@as_nobody
def test_F5_a_read_only_home_reads_where_the_log_may_be_missing_and_refuses_where_not(
    sophia: Program, vendors: World
) -> None:
    vendors.define({"API_KEY": "v1"})
    sophia.store("LOCAL_KEY", "v2")
    sealed = f"mount --bind {sophia.home} {sophia.home} && mount -o remount,bind,ro {sophia.home}"

    def read_only(*arguments: str, stdin: bytes = b"", **more: str) -> Done:
        script = f'{sealed} || exit 99; exec {PROGRAM} "$@"'
        start = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh")
        return started(sophia, *start, *arguments, stdin=stdin, **more)

    done = read_only("get", "API_KEY")
    if done.code == 99:
        pytest.skip("nothing may be mounted here")
    assert (done.code, done.out) == (6, "")
    assert "SOPHIA_SECRETS_HOME" in done.err
    for name, value in (("API_KEY", "v1\n"), ("LOCAL_KEY", "v2\n")):
        done = read_only("get", name, SOPHIA_SECRETS_AUDIT="best-effort")
        assert (done.code, done.out) == (0, value), done.said
    done = read_only("set", "LOCAL_KEY", "--backend", "local", stdin=b"v3")
    assert done.code == 6
    done = read_only("set", "LOCAL_KEY", "--backend", "local", stdin=b"v3", SOPHIA_SECRETS_AUDIT="off")
    assert done.code in (4, 5, 6)
    assert "Traceback" not in done.err
    assert sophia("get", "LOCAL_KEY").out == "v2\n"


@as_nobody
def test_F3_a_umask_of_0777_keeps_nothing_from_working(sophia: Program) -> None:
    def closed(*arguments: str, stdin: bytes = b"") -> Done:
        return started(
            sophia, *NOBODY, "sh", "-c", f'umask 0777; exec {PROGRAM} "$@"', "sh", *arguments, stdin=stdin
        )

    assert closed("set", "API_KEY", "--backend", "local", stdin=b"v1").code == 0
    assert closed("set", "API_KEY", "--backend", "local", stdin=b"v2").code == 0
    assert closed("get", "API_KEY").out == "v2\n"
    assert closed("audit", "verify").code == 0
    modes = {path.stat().st_mode & 0o777 for path in sophia.sophia.rglob("*")}
    assert modes == {0o700, 0o600}


# ---- locales and clocks


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize(
    "locale", sample(("C", "POSIX", "C.UTF-8", "en_US.ISO-8859-1", "ja_JP.eucJP", "nowhere"), 3)
)
def test_E1_the_same_bytes_in_every_locale_and_encoding(sophia: Program, locale: str, encoding: str) -> None:
    value = "ключ 🔑 é\u2028\u202e"
    sophia.store("API_KEY", value)
    more = {"LC_ALL": locale, "LANG": locale, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    assert sophia("get", "API_KEY", **more).out == f"{value}\n"
    assert sophia("get", "API_KEY", "--json", **more).json["value"] == value
    assert sophia("list", "--names", **more).out == "API_KEY\n"
    done = sophia("set", "API_KEY", "--backend", "local", "--raw", stdin=value, **more)
    assert (done.code, "Traceback" in done.err) == (0, False), done.said
    assert sophia("explain", "API_KEY", **more).code == 0


HOUR, YEAR = 3600.0, 365.25 * 86400


def test_C7_whatever_the_clock_says_the_value_is_right_and_no_age_is_negative(
    sophia: Program, vendors: World
) -> None:
    def at(shift: float, *arguments: str) -> Done:
        return started(sophia, sys.executable, "-P", SHIFTED, str(shift), *arguments)

    jumps = [-HOUR, HOUR, 10 * YEAR, -10 * YEAR, 1e6 - time.time(), 80 * YEAR, -1.0]
    for turn, shift in enumerate([0.0, *sample(jumps, 5), 0.0]):
        vendors.define({"API_KEY": f"value {turn}"})
        now = at(shift, "get", "API_KEY", "--no-cache")
        assert (now.code, now.out) == (0, f"value {turn}\n"), now.said
        cached = at(shift, "get", "API_KEY")
        assert (cached.code, cached.out in {f"value {n}\n" for n in range(turn + 1)}) == (0, True), (
            cached.said
        )
        if turn and abs(shift) >= HOUR:
            assert cached.out == f"value {turn}\n", "a jump of the clock never makes an old value young"
        for arguments in sample([("cache", "status"), ("audit", "log"), ("info", "API_KEY")], 2):
            shown = at(shift, *arguments)
            assert (shown.code, "Traceback" in shown.err) == (0, False), shown.said
            assert not any(word.startswith("-") and word[1:2].isdecimal() for word in shown.out.split())
    assert sophia("audit", "verify").code == 0


# ---- process 1, and what other users see


@as_nobody
def test_E4_as_process_1_the_command_keeps_its_exit_code_and_its_signals(sophia: Program) -> None:
    sophia.store("API_KEY", "v1")

    def first(*command: str) -> Done:
        alone = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child")
        return started(sophia, *alone, PROGRAM, "run", "--", "sh", "-c", *command)

    done = first('echo "$$ $API_KEY"; exit 7')
    assert (done.code, done.out) == (7, "1 v1\n"), done.err
    # Only a process 1 that asked for a signal gets it: the command is process 1, not our child.
    done = first("trap 'echo caught; exit 9' TERM; kill -TERM 1; exit 8")
    assert (done.code, done.out) == (9, "caught\n")


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc to look into")
def test_L1_no_process_list_ever_shows_a_value(sophia: Program, vendors: World) -> None:
    """Every command line and environment on this machine, looked at all the while that values travel."""
    value = b"canary-process-list-41c7"
    seen: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                for file in ("cmdline", "environ"):
                    try:
                        if value in (process / file).read_bytes():
                            seen.append((process / "cmdline").read_text())
                    except OSError:
                        continue

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for backend in ("github", "pulumi", "fly", "local"):
            assert sophia("set", "API_KEY", "--backend", backend, stdin=value).code == 0
        assert sophia("rotate", "API_KEY", "--yes", stdin=value + b"-2").code == 0
        assert sophia("copy", "API_KEY", "--from", "local", "--to", "fly", "--yes").code == 0
        (sophia.cwd / "values.env").write_bytes(b"B_KEY=" + value)
        assert sophia("import", "values.env", "--backend", "fly", "--yes").code == 0
    finally:
        over.set()
        looker.join()
    assert seen == []


# ---- many at once


def at_once(sophia: Program, commands: list[tuple[tuple[str, ...], str]]) -> list[Done]:
    """The command lines, all started before any is waited for."""
    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(lambda each: sophia(*each[0], stdin=each[1]), commands))


def test_K4_twelve_first_starts_at_once_agree_on_one_key(sophia: Program) -> None:
    names = [f"KEY_{n}" for n in range(12)]
    done = at_once(sophia, [(("set", name, "--backend", "local"), f"value of {name}") for name in names])
    assert [each.code for each in done] == [0] * 12, [each.said for each in done if each.code]
    assert [sophia("get", name).out for name in names[::4]] == [f"value of {name}\n" for name in names[::4]]
    assert sophia("list", "--names").out.split() == sorted(names)
    verdict = sophia("audit", "verify", "--json").json
    assert (verdict["ok"], verdict["events"] >= 24) == (True, True)
    assert [path.name for path in sophia.files() if path.suffix == ".tmp"] == []


def test_X9_ten_writers_of_one_name_all_say_what_is_so(sophia: Program) -> None:
    values = [f"value-{n}" for n in range(10)]
    done = at_once(sophia, [(("set", "API_KEY", "--backend", "local", "--json"), value) for value in values])
    assert [each.code for each in done] == [0] * 10, [each.said for each in done if each.code]
    assert sorted(each.json["version"] for each in done) == list(range(1, 11))
    assert sophia("get", "API_KEY").out.rstrip("\n") in values
    assert sophia("info", "API_KEY", "--json").json["version"] == 10
    assert sophia("audit", "verify").code == 0
    written = [event["version"] for event in sophia.events() if event["outcome"] == "done"]
    assert written == sorted(set(written)), "versions strictly increase along the log"


# ---- vendors


QUIET = {
    "gh": ("GH_NO_UPDATE_NOTIFIER=", ("GH_DEBUG=", "DEBUG=", "GH_FORCE_TTY=")),
    "pulumi": ("PULUMI_SKIP_UPDATE_CHECK=", ("PULUMI_DEBUG_COMMANDS=",)),
    "fly": ("FLY_NO_UPDATE_CHECK=", ("FLY_UPDATE_CHECK=", "LOG_LEVEL=", "DEV=")),
}


@pytest.mark.parametrize("word", QUIET)
def test_V8_no_vendor_updates_itself_or_writes_what_it_does(
    sophia: Program, vendors: World, tmp_path: Path, word: str
) -> None:
    program, record = spy(tmp_path, word, "exit 1")
    sophia.environment[f"SOPHIA_SECRETS_{word.upper()}"] = str(program)
    before = program.read_bytes()
    asked = {"GH_DEBUG": "api", "DEBUG": "api", "GH_FORCE_TTY": "1", "PULUMI_DEBUG_COMMANDS": "1",
             "FLY_UPDATE_CHECK": "1", "LOG_LEVEL": "debug", "DEV": "1"}  # fmt: skip
    backend = {"gh": "github"}.get(word, word)
    sophia("list", "--no-cache", "--backend", backend, **asked)
    environment = record.read_text().partition("ENVIRONMENT")[2].splitlines()
    wanted, unwanted = QUIET[word]
    assert any(line.startswith(wanted) and line != wanted for line in environment), environment
    assert not any(line.startswith(unwanted) for line in environment)
    assert program.read_bytes() == before


def test_V3_a_hundred_megabytes_of_output_take_no_memory(
    sophia: Program, vendors: World, tmp_path: Path
) -> None:
    def taken(name: str, script: str) -> tuple[int, int]:
        program, _ = spy(tmp_path, name, script)
        environment = sophia.full_environment(SOPHIA_SECRETS_PULUMI=str(program))
        return peak([str(PROGRAM), "get", "API_KEY", "--backend", "pulumi", "--no-cache"], environment)

    code, usual = taken("quiet", "exit 1")
    assert code == 5
    for number, script in enumerate(
        ("head -c 100000000 /dev/zero", "head -c 100000000 /dev/zero >&2; exit 1")
    ):
        code, most = taken(f"loud{number}", script)
        assert (code, most - usual <= 64 * 1024) == (5, True), f"{most} kB after {usual} kB"


def test_G5_a_cache_from_another_machine_is_no_answer(
    sophia: Program, vendors: World, tmp_path: Path
) -> None:
    vendors.define({"API_KEY": "v1"})
    sophia("get", "API_KEY")
    other = Program(tmp_path / "other", dict(sophia.environment))
    other("list")
    shutil.rmtree(other.sophia / "cache")
    shutil.copytree(sophia.sophia / "cache", other.sophia / "cache")
    vendors.define({"API_KEY": "v2"})
    done = other("get", "API_KEY")
    assert (done.code, done.out) == (0, "v2\n")
    shutil.rmtree(other.sophia / "cache")
    shutil.copytree(sophia.sophia / "cache", other.sophia / "cache")
    assert other("get", "API_KEY", "--offline").code == 5


# ---- CI


@pytest.mark.parametrize(
    "arguments",
    [
        ("delete", "API_KEY", "--backend", "local"),
        ("rotate", "API_KEY"),
        ("copy", "API_KEY", "--from", "local", "--to", "fly"),
        ("move", "API_KEY", "--from", "local", "--to", "fly"),
        ("sync", "--from", "local", "--to", "fly"),
    ],
    ids=" ".join,
)
def test_G4_nothing_is_asked_where_there_is_no_terminal(
    sophia: Program, vendors: World, arguments: tuple[str, ...]
) -> None:
    sophia.store("API_KEY", "v1")
    done = started(sophia, "setsid", "--wait", PROGRAM, *arguments, CI="true")
    assert (done.code, done.out) == (2, "")
    assert "--yes" in done.err
    assert sophia("get", "API_KEY", "--backend", "local").out == "v1\n"
    assert "API_KEY" not in vendors.fly.values()


@pytest.mark.parametrize("hardest", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda s: s.name)
@pytest.mark.parametrize("command", ["get", "set"])
def test_G4_a_cancelled_job_leaves_a_state_that_works(
    sophia: Program, vendors: World, tmp_path: Path, command: str, hardest: signal.Signals
) -> None:
    """The runner sends SIGINT, then SIGTERM, then SIGKILL: a hanging vendor holds up none of them."""
    program, record = spy(tmp_path, "hanging", "cat >/dev/null; exec sleep 60")
    variable = {"get": "SOPHIA_SECRETS_PULUMI", "set": "SOPHIA_SECRETS_FLY"}[command]
    arguments = {"get": ("get", "API_KEY"), "set": ("set", "API_KEY", "--backend", "fly")}[command]
    process = subprocess.Popen(
        [str(PROGRAM), *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=sophia.cwd,
        env=sophia.full_environment(CI="true", **{variable: str(program)}),
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(b"canary-cancelled")
    process.stdin.close()
    process.stdin = None
    waited = time.monotonic()
    while not record.exists():
        assert time.monotonic() < waited + 20
        time.sleep(0.02)
    for sent in itertools.takewhile(lambda s: s != hardest, (signal.SIGINT, signal.SIGTERM)):
        process.send_signal(sent)
    process.send_signal(hardest)
    out, err = process.communicate(timeout=7.5)
    assert out == b""
    assert b"Traceback" not in err
    assert process.returncode != 0
    vendors.define({"API_KEY": "v1"})
    assert sophia("get", "API_KEY").out == "v1\n"
    assert sophia("set", "API_KEY", "--backend", "fly", stdin="v2").code == 0
    assert vendors.fly.values() == {"API_KEY": "v2"}
    assert sophia("audit", "verify").code == 0
