"""A vendor's program that is started before the rest of this one is imported, and taken over by it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sophia_secrets.backends.pulumi import variables
from sophia_secrets.launch import ahead
from sophia_secrets.state import route, route_call
from tests.cli.test_imports import CIPHER, GET, RUN, compile_route, imported, settled
from tests.cli.test_many_processes import expire, leading, routed, start
from tests.program import Program
from tests.terminal import Terminal
from tests.world import World

__all__ = ["routed", "settled"]

AHEAD = {
    "sophia_secrets.errors",
    "sophia_secrets.hot.missing",
    "sophia_secrets.launch",
    "sophia_secrets.launch.ahead",
    "sophia_secrets.launch.dangerous",
    "sophia_secrets.launch.termination",
    "sophia_secrets.launch.private",
    "sophia_secrets.launch.inherited",
    "sophia_secrets.state.flight",
    "sophia_secrets.state.route_call",
}

_PROBE = """\
#!/bin/sh
echo called >> "{calls}"
{{
    pwd | sed 's/sophia-secrets-[0-9a-f]*/RANDOM/'
    ls -A .
    stat -c '%a' .
    env | sed 's/sophia-secrets-[0-9a-f]*/RANDOM/' | grep -v '^_=' | sort
    printf '%s\\n' "$0" "$@"
    ls -la "$PULUMI_CREDENTIALS_PATH" | cut -d' ' -f1
    cat "$PULUMI_CREDENTIALS_PATH"/* 2>/dev/null
    if [ -p /dev/stdin ]; then echo a pipe; fi; wc -c
    ls /proc/$$/fd
    grep -E '^(Sig(Blk|Ign|Cgt)|ShdPnd|NoNewPrivs)' /proc/self/status
    ulimit -a
    umask
    if [ "$(cut -d' ' -f6 /proc/$$/stat)" = $$ ]; then echo "its own session"; fi
}} > "{probe}" 2>&1
{then}
"""

_ANSWER = """echo '{"value": {"environmentVariables": {"value": {"API_KEY": {"value": "v", "trace": {}}}, "trace": {}}}, "trace": {}}'"""


@pytest.fixture
def probing(settled: Program, vendors: World, tmp_path: Path) -> Program:
    """A `pulumi` that says how it was started, and a route with no record."""
    place(settled, tmp_path, _ANSWER)
    assert settled("get", "API_KEY").out == "v\n"
    compile_route(settled, "API_KEY", tmp_path)
    expire(settled)
    (tmp_path / "calls").unlink()
    return settled


def place(sophia: Program, root: Path, then: str) -> None:
    program = root / "probing" / "pulumi"
    program.parent.mkdir(exist_ok=True)
    program.write_text(_PROBE.format(calls=root / "calls", probe=root / "probe", then=then))
    program.chmod(0o755)
    sophia.environment["SOPHIA_SECRETS_PULUMI"] = str(program)


def calls(root: Path) -> int:
    log = root / "calls"
    return len(log.read_text().splitlines()) if log.exists() else 0


def left_over(sophia: Program) -> list[Path]:
    """Private directories that are still there."""
    return list(sophia.sophia.rglob("sophia-secrets-*"))


def first_start(sophia: Program, *arguments: str) -> set[str]:
    """The modules that were imported when the vendor's program was started ahead."""
    modules = imported(sophia, *arguments, until="os.posix_spawn")
    for place in left_over(sophia):
        shutil.rmtree(place)
    return modules


def test_a_get_that_misses_starts_the_vendor_before_anything_heavy_is_imported(routed: Program) -> None:
    assert first_start(routed, "get", "API_KEY") - CIPHER - GET == AHEAD


def test_a_run_that_misses_does_too(routed: Program) -> None:
    assert first_start(routed, "run", "--", "true") - CIPHER - RUN == AHEAD - RUN


@pytest.mark.parametrize("arguments", [["get", "API_KEY"], ["run", "--", "printenv", "API_KEY"]])
def test_what_was_started_ahead_is_what_the_runner_would_have_started(
    probing: Program, tmp_path: Path, arguments: list[str]
) -> None:
    assert probing(*arguments).out == "v\n"
    started_ahead = (tmp_path / "probe").read_text()
    assert (calls(tmp_path), left_over(probing)) == (1, [])
    for kept in probing.sophia.glob("cache/**/*.r*"):
        kept.unlink()
    assert probing(*arguments).out == "v\n"
    assert calls(tmp_path) == 2
    assert without_glibcs_own(started_ahead) == without_glibcs_own((tmp_path / "probe").read_text())
    assert "a pipe\n0\n0\n1\n" in started_ahead
    assert "its own session" in started_ahead


def without_glibcs_own(probe: str) -> str:
    """glibc's posix_spawn leaves its own two signals, 32 and 33, ignored (sysdeps/unix/sysv/linux/spawni.c)."""
    return re.sub(
        r"(?<=SigIgn:\t)[0-9a-f]{16}", lambda found: f"{int(found[0], 16) & ~(3 << 31):016x}", probe
    )


def test_without_a_token_too(settled: Program, vendors: World, tmp_path: Path) -> None:
    del settled.environment["PULUMI_ACCESS_TOKEN"]
    place(settled, tmp_path, _ANSWER)
    settled.environment["PULUMI_HOME"] = str(tmp_path / "pulumi-home")
    (tmp_path / "pulumi-home").mkdir()
    (tmp_path / "pulumi-home" / "credentials.json").write_text(json.dumps({"current": "https://x.test"}))
    compile_route(settled, "API_KEY", tmp_path)
    expire(settled)
    (tmp_path / "calls").unlink()
    assert first_start(settled, "get", "API_KEY") - CIPHER - GET == AHEAD
    assert settled("get", "API_KEY").out == "v\n"
    assert (calls(tmp_path), left_over(settled)) == (1, [])


def test_no_value_of_a_variable_is_in_the_route(probing: Program) -> None:
    (kept,) = probing.sophia.glob("cache/routes/*.route")
    token = probing.environment["PULUMI_ACCESS_TOKEN"]
    assert token.encode() not in kept.read_bytes()
    assert b"PULUMI_ACCESS_TOKEN" in kept.read_bytes()


def test_a_variable_that_the_vendor_is_given_is_given_as_it_is_now(probing: Program, tmp_path: Path) -> None:
    assert probing("get", "API_KEY", LANG="xx_YY", HTTPS_PROXY="http://proxy.test").out == "v\n"
    assert calls(tmp_path) == 1
    assert "LANG=xx_YY" in (tmp_path / "probe").read_text()
    assert "HTTPS_PROXY=http://proxy.test" in (tmp_path / "probe").read_text()


def test_every_variable_that_pulumi_may_be_given_is_looked_at() -> None:
    names = {os.fsencode(name) for name in variables.SYSTEM | variables.CREDENTIALS}
    assert {
        name for name in names if not name.startswith(route.PREFIXES) and name not in route.NAMES
    } <= route_call.PASSED


def test_a_program_that_is_found_first_now_is_the_one_that_is_started(
    settled: Program, vendors: World, tmp_path: Path
) -> None:
    place(settled, tmp_path, _ANSWER)
    del settled.environment["SOPHIA_SECRETS_PULUMI"]
    first, second = tmp_path / "first", tmp_path / "probing"
    first.mkdir()
    settled.environment["PATH"] = f"{first}:{second}:/usr/bin:/bin"
    compile_route(settled, "API_KEY", tmp_path)
    expire(settled)
    assert first_start(settled, "get", "API_KEY") - CIPHER - GET == AHEAD
    (tmp_path / "calls").unlink()
    other = first / "pulumi"
    other.write_text(f"#!/bin/sh\necho other >> {tmp_path / 'calls'}\n{_ANSWER}\n")
    other.chmod(0o755)
    assert settled("get", "API_KEY").out == "v\n"
    assert (tmp_path / "calls").read_text() == "other\n"


@pytest.mark.parametrize("way", ["replaced", "writable by others", "gone"])
def test_a_program_that_is_another_now_is_not_started_ahead(
    probing: Program, tmp_path: Path, way: str
) -> None:
    program = tmp_path / "probing" / "pulumi"
    match way:
        case "replaced":
            program.unlink()
            place(probing, tmp_path, _ANSWER.replace('"v"', '"another"'))
        case "writable by others":
            program.chmod(0o777)
        case _:
            program.unlink()
    done = probing("get", "API_KEY")
    if way == "replaced":
        assert (done.out, calls(tmp_path)) == ("another\n", 1)
    else:
        assert (done.out, calls(tmp_path)) == ("", 0)
        assert "pulumi" in done.err
        assert done.code != 0
    assert left_over(probing) == []


@pytest.mark.parametrize(
    ("then", "code", "words"),
    [
        ("echo 'error: [401] Unauthorized: no credentials provided' >&2; exit 255", 4, "pulumi login"),
        ("echo 'error: something new' >&2; exit 255", 5, "failed (exit 255)"),
        ("kill -9 $$", 5, "was stopped"),
        ("echo '{'", 5, "pulumi"),
    ],
)
def test_how_it_fails_is_told_as_if_it_had_not_been_started_ahead(
    probing: Program, tmp_path: Path, then: str, code: int, words: str
) -> None:
    program = tmp_path / "probing" / "pulumi"
    program.unlink()
    place(probing, tmp_path, f"if [ -e {tmp_path}/fail ]; then\n{then}\nexit; fi\n{_ANSWER}")
    compile_route(probing, "API_KEY", tmp_path)
    expire(probing)
    (tmp_path / "calls").unlink()
    (tmp_path / "fail").touch()
    assert first_start(probing, "get", "API_KEY") - CIPHER - GET == AHEAD
    ahead_said = probing("get", "API_KEY")
    for kept in probing.sophia.glob("cache/**/*.r*"):
        kept.unlink()
    said = probing("get", "API_KEY")
    assert (ahead_said.code, ahead_said.out, ahead_said.err) == (said.code, said.out, said.err)
    assert said.code == code
    assert words in said.err
    assert calls(tmp_path) == 2
    assert left_over(probing) == []


def test_a_person_at_a_terminal_waits_no_longer_for_it_than_anyone(routed: Program, vendors: World) -> None:
    before = vendors.starts()["pulumi"]
    with Terminal(routed, "get", "API_KEY") as terminal:
        assert terminal.end() == 0
        assert "v" in terminal.screen
    assert vendors.starts()["pulumi"] == before + 1


def test_who_does_not_lead_starts_nothing(routed: Program) -> None:
    with leading(routed) as (lead, _):
        child = start(routed)
        time.sleep(0.5)
        assert list(routed.sophia.rglob("sophia-secrets-*")) == []
        lead.fail("not_permitted", "Pulumi does not let us in.", "Run `pulumi login`.")
        assert "Pulumi does not let us in." in child.communicate(timeout=60)[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("known", [True, False])
def test_whoever_is_stopped_meanwhile_leaves_no_vendor_at_work_and_nothing_of_it(
    hanging: Program, tmp_path: Path, number: int, known: bool
) -> None:
    if not known:
        for kept in hanging.sophia.glob("cache/**/*.r*"):
            kept.unlink()
    child = start(hanging)
    pid = pid_of(tmp_path / "pid")
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert child.returncode == (130 if number == signal.SIGINT else -number), err
    assert (out, left_over(hanging)) == ("", [])
    assert "Traceback" not in err
    assert not is_there(pid)


def test_a_second_signal_ends_it_at_once(hanging: Program, tmp_path: Path) -> None:
    (tmp_path / "stubborn").touch()
    child = start(hanging)
    pid = pid_of(tmp_path / "pid")
    child.send_signal(signal.SIGTERM)
    while is_there(pid) and child.poll() is None:
        time.sleep(0.05)
        child.send_signal(signal.SIGTERM)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGTERM
    if is_there(pid):
        os.killpg(pid, signal.SIGKILL)


def test_a_hang_up_that_was_ignored_stays_ignored(hanging: Program, tmp_path: Path) -> None:
    child = start(hanging, "nohup")
    pid = pid_of(tmp_path / "pid")
    child.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert child.poll() is None
    assert is_there(pid)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGTERM


@pytest.fixture
def hanging(probing: Program, tmp_path: Path) -> Program:
    """A `pulumi` that does not end by itself, with a route; a file `stubborn` makes it ignore SIGTERM."""
    program = tmp_path / "probing" / "pulumi"
    program.unlink()
    hang = f"""if [ -e {tmp_path}/hang ]; then
        if [ -e {tmp_path}/stubborn ]; then trap '' TERM; fi
        echo $$ > {tmp_path}/pid
        exec sleep 60
    fi
    {_ANSWER}"""
    place(probing, tmp_path, hang)
    compile_route(probing, "API_KEY", tmp_path)
    expire(probing)
    (tmp_path / "hang").touch()
    return probing


def pid_of(file: Path) -> int:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if file.exists() and file.read_text().strip():
            return int(file.read_text())
        time.sleep(0.005)
    raise AssertionError("it was never started")


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not re.search(r"^State:\s+Z", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)


@pytest.fixture
def sleeping(tmp_path: Path) -> Iterator[ahead.Ahead]:
    ahead.begin(ahead.Plan("/bin/sleep", ["60"], {"A": "b"}, [("D", {"f": b"x"})]), str(tmp_path))
    (begun,) = ahead._under_way
    yield begun
    ahead.drop()


def test_what_nobody_takes_is_ended_with_its_directory(sleeping: ahead.Ahead, tmp_path: Path) -> None:
    pid = sleeping.running.pid
    assert Path(f"/proc/{pid}/cwd").resolve().parent.parent == tmp_path
    assert [each.name for each in Path(sleeping.places[0]).iterdir()] == ["f"]
    ahead.drop()
    assert not is_there(pid)
    assert list(tmp_path.iterdir()) == []
    ahead.drop()


def test_another_call_does_not_take_it_and_ends_it(sleeping: ahead.Ahead, tmp_path: Path) -> None:
    from sophia_secrets import process
    from sophia_secrets.backends.base import Call, Completed, Scratch, Steps

    def steps(call: Call) -> Steps[Completed]:
        return (yield call)

    pid = sleeping.running.pid
    alike = Call("sleep", ("0",), {"A": "b"}, scratch=(Scratch("D", {"f": b"x"}),))
    done = process.run(steps(alike), programs={"sleep": "/bin/sleep"}, path="")
    assert done.ok
    assert not is_there(pid)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_started_leaves_nothing(tmp_path: Path) -> None:
    here = os.getcwd()
    descriptors = len(os.listdir("/proc/self/fd"))
    for plan in (ahead.Plan("/no/such/program", [], {}), ahead.Plan("/bin/true", ["a\0b"], {})):
        with pytest.raises((OSError, ValueError)):
            ahead.begin(plan, str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert os.getcwd() == here
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert ahead.take() is None
