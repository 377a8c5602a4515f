"""What the audit log and the metadata hold when the disk, the machine or a process fails."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sophia_secrets import errors
from sophia_secrets.state import audit_disk, chain, files
from sophia_secrets.state.audit import Actor, AuditLog, Event
from sophia_secrets.state.audit_read import Query
from sophia_secrets.state.counters import Counters
from sophia_secrets.state.facts import Facts
from tests import whole_log
from tests.faults import audit_harness as harness

KEY = b"k" * 32
METADATA_KEY = b"m" * 32


def a_log(directory: Path, *, max_bytes: int = 1 << 24, sync: bool = True, pid: int = 1) -> AuditLog:
    return AuditLog(
        str(directory / "log"),
        KEY,
        actor=Actor("ada", "engine", pid),
        max_bytes=max_bytes,
        sync=sync,
        counters=Counters(METADATA_KEY),
    )


def get(name: str) -> Event:
    return Event("get", "found", name, "pulumi", "acme/app")


def names_in(log: AuditLog) -> list[object]:
    return [event["name"] for event in log.read(Query(outcome="found"))]


def assert_counts_agree(log: AuditLog) -> None:
    """The counters say what the log says, and so does what is rebuilt from it."""
    expected = Counter(names_in(log))
    counts = log.counts([str(name) for name in expected])
    assert {name: count.times for name, count in counts.items()} == expected
    rebuilt = whole_log.rebuild(log).counts
    assert {name: (c.times, c.last) for name, c in counts.items()} == {
        name: (c.times, c.last) for name, c in rebuilt.items()
    }


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A log with a few lines, one rotation behind it and the next one near."""
    log = a_log(tmp_path, max_bytes=900)
    for number in range(5):
        log.append([get(f"OLD_{number}")])
    return tmp_path


def appends(directory: Path) -> list[list[Event]]:
    return [[get("NEW_0")], [get("NEW_1"), get("NEW_2")], [get("NEW_3")]]


def count_of_calls(begun: Path, *, locks: bool = False) -> int:
    trial = begun / "trial"
    shutil.copytree(begun / "log", trial / "log")
    log = a_log(trial, max_bytes=900)
    with harness.each_call(None, 0, locks=locks) as count:
        for events in appends(trial):
            log.append(events)
    shutil.rmtree(trial)
    return count[0]


def restored(begun: Path, name: str) -> Path:
    fresh = begun / name
    shutil.copytree(begun / "log", fresh / "log")
    return fresh


@pytest.mark.parametrize(
    "act",
    [
        *(harness.failing(getattr(errno, n)) for n in ("ENOSPC", "EIO", "EROFS", "EACCES", "EMFILE")),
        harness.half_and_full,
    ],
    ids=["ENOSPC", "EIO", "EROFS", "EACCES", "EMFILE", "half a write"],
)
def test_A1_whatever_call_fails_an_event_is_on_disk_or_the_caller_is_told(
    begun: Path, act: harness.Act
) -> None:
    calls = count_of_calls(begun)
    assert calls > 30
    told: list[errors.SophiaError] = []
    for at in range(1, calls + 1):
        fresh = restored(begun, f"at{at}")
        log = a_log(fresh, max_bytes=900)
        acknowledged = [f"OLD_{number}" for number in range(5)]
        with harness.each_call(act, at):
            for events in appends(fresh):
                try:
                    log.append(events)
                except (errors.AuditFailed, errors.UnsafeState) as error:
                    told.append(error)
                else:
                    acknowledged += [event.name for event in events]
        verdict = log.verify()
        assert verdict.ok, (at, verdict.first_bad)
        assert [name for name in names_in(log) if name in acknowledged] == acknowledged
        log.append([get("AFTER")])
        verdict = log.verify()
        assert verdict.ok, (at, verdict.first_bad)
        assert not verdict.pending
        assert names_in(log)[-1] == "AFTER"
        assert_counts_agree(log)
        shutil.rmtree(fresh)
    assert len(told) > 10
    assert {error.exit_code for error in told} == {6}
    assert all(error.hint for error in told)


def test_A1_a_failed_write_leaves_nothing_of_its_events(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(begun)
    before = (begun / "log" / "audit.jsonl").read_bytes()
    real = files.write_all

    def half(fd: int, data: bytes) -> None:
        real(fd, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write_all", half)
    with pytest.raises(errors.AuditFailed):
        log.append([get("REFUSED"), get("REFUSED")])
    monkeypatch.undo()
    assert (begun / "log" / "audit.jsonl").read_bytes() == before
    log.append([get("NEXT")])
    assert list(log.read(Query(name="REFUSED"))) == []
    assert list(log.read(Query(outcome="recovered"))) == []


def test_A1_the_error_names_the_place_and_the_way_out(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append([get("A")])
    real = files.write_all

    def full(fd: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    files.write_all = full
    try:
        with pytest.raises(errors.AuditFailed) as caught:
            log.append([get("B")])
    finally:
        files.write_all = real
    assert str(tmp_path / "log") in caught.value.message
    assert "No space left on device" in caught.value.message
    assert "SOPHIA_SECRETS_HOME" in caught.value.hint


def test_A1_a_file_size_limit_gives_a_real_short_write(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append([get("A")])
    size = (tmp_path / "log" / "audit.jsonl").stat().st_size

    def work(acknowledge: object) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))
        child = AuditLog(str(tmp_path / "log"), KEY, actor=Actor("ada", "engine", 2))
        with pytest.raises(errors.AuditFailed, match="File too large"):
            child.append([get("B")])

    assert harness.in_a_child(work)[1] == 0
    assert names_in(log) == ["A"]
    assert log.verify().ok
    log.append([get("C")])
    assert names_in(log) == ["A", "C"]
    assert [event["outcome"] for event in log.read(Query(command="audit"))] == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_A1_a_full_disk_as_the_kernel_says_it(tmp_path: Path) -> None:
    a_log(tmp_path).append([get("A")])
    program = (
        "from sophia_secrets.state.audit import *\n"
        "from sophia_secrets import errors\n"
        "import sys\n"
        f"log = AuditLog({str(tmp_path / 'log')!r}, b'k' * 32, actor=Actor('ada', 'engine', 3))\n"
        "try:\n"
        "    log.append([Event('get', 'found', 'B')])\n"
        "except errors.AuditFailed as error:\n"
        "    print(error.message); sys.exit(error.exit_code)\n"
        "print('delivered')\n"
    )
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(tmp_path / "log" / "audit.jsonl")]
    inject = ["-e", "trace=write,openat", "-e", "inject=write:error=ENOSPC:when=1"]
    python = os.path.realpath(sys.executable)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ran = subprocess.run(
        [*strace, *inject, python, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if "ptrace" in ran.stderr:
        pytest.skip("this machine does not let a process be traced")
    assert ran.returncode == 6, ran.stderr
    assert "No space left on device" in ran.stdout
    assert names_in(a_log(tmp_path)) == ["A"]


def test_A2_a_log_that_another_process_holds_is_given_up_in_time(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append([get("A")])
    held_r, held_w = os.pipe()
    end_r, end_w = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(end_w)
        lock = files.Lock(files.open_directory(str(tmp_path / "log")), audit_disk.HEAD)
        lock.acquire()
        os.write(held_w, b"x")
        os.read(end_r, 1)
        os._exit(0)
    os.close(end_r)
    try:
        os.read(held_r, 1)
        with pytest.raises(errors.AuditFailed, match="locked by another process") as caught:
            log.append([get("B")], deadline_seconds=0.2)
        assert "fuser" in caught.value.hint
        assert os.waitpid(pid, os.WNOHANG) == (0, 0), "the holder was still there"
    finally:
        os.close(end_w)
        os.waitpid(pid, 0)
        os.close(held_r)
        os.close(held_w)
    log.append([get("C")])
    assert names_in(log) == ["A", "C"]


def test_A2_a_disk_that_hangs_is_given_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(tmp_path)
    log.append([get("A")])
    reader, writer = os.pipe()
    real = files.write_all

    def hangs(fd: int, data: bytes) -> None:
        os.read(reader, 1)
        real(fd, data)

    monkeypatch.setattr(files, "write_all", hangs)
    with pytest.raises(errors.AuditFailed, match="did not take the event in time"):
        log.append([get("B")], deadline_seconds=0.2)
    os.write(writer, b"x")
    monkeypatch.setattr(files, "write_all", real)
    log.append([get("C")])
    assert log.verify().ok
    os.close(reader)
    os.close(writer)


def test_A3_a_write_whose_outcome_could_not_be_logged_is_an_intent_alone(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    facts = Facts(str(tmp_path / "facts"), METADATA_KEY, log)
    log.append([Event("set", "intent", "A", "fly", "app", id="1" * 16)])
    real = files.write_all

    def full(fd: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    files.write_all = full
    try:
        with pytest.raises(errors.AuditFailed):
            facts.record("fly", "app", [Event("set", "done", "A", id="1" * 16, fingerprint="ff")])
    finally:
        files.write_all = real
    assert [(event["id"], event["outcome"]) for event in log.read()] == [("1" * 16, "intent")]
    assert facts.load("fly", "app") == {}


@pytest.mark.parametrize("act", [harness.dying, harness.dying_halfway], ids=["before", "halfway"])
def test_A6_X3_killed_at_any_call_nothing_acknowledged_is_lost(begun: Path, act: harness.Act) -> None:
    calls = count_of_calls(begun, locks=True)
    killed = recovered = 0
    for at in range(1, calls + 1):
        fresh = restored(begun, f"at{at}")

        def work(acknowledge: object, fresh: Path = fresh, at: int = at) -> None:
            log = a_log(fresh, max_bytes=900)
            with harness.each_call(act, at, locks=True):
                for number, events in enumerate(appends(fresh)):
                    log.append(events)
                    acknowledge(number)  # type: ignore[operator]

        acknowledged, status = harness.in_a_child(work)
        assert os.WIFSIGNALED(status)
        killed += 1
        log = a_log(fresh, max_bytes=900)
        verdict = log.verify()
        assert verdict.ok, (at, verdict.first_bad)
        wanted = [f"OLD_{number}" for number in range(5)]
        wanted += [event.name for number in acknowledged for event in appends(fresh)[number]]
        assert [name for name in names_in(log) if name in wanted] == wanted
        log.append([get("AFTER")])
        verdict = log.verify()
        assert verdict.ok, (at, verdict.first_bad)
        assert not verdict.pending
        recovered += len(list(log.read(Query(outcome="recovered"))))
        assert list(log.read(Query(outcome="gap"))) == []
        assert_counts_agree(log)
        shutil.rmtree(fresh)
    assert killed == calls
    assert recovered >= 3


@pytest.mark.parametrize("act", [harness.dying, harness.dying_halfway], ids=["before", "halfway"])
def test_X3_killed_at_any_call_facts_are_the_old_ones_or_the_new_ones(
    tmp_path: Path, act: harness.Act
) -> None:
    base = tmp_path / "base"
    base.mkdir()

    def facts_at(directory: Path) -> Facts:
        return Facts(str(directory / "facts"), METADATA_KEY, a_log(directory))

    def change(facts: Facts) -> None:
        facts.record(
            "fly", "app", [Event("set", "done", "A", digest="d2"), Event("set", "done", "B", digest="e1")]
        )

    facts_at(base).record("fly", "app", [Event("set", "done", "A", digest="d1")])
    with harness.each_call(None, 0) as count:
        trial = tmp_path / "trial"
        shutil.copytree(base, trial)
        count[0] = 0
        change(facts_at(trial))
    for at in range(1, count[0] + 1):
        fresh = tmp_path / f"at{at}"
        shutil.copytree(base, fresh)

        def work(acknowledge: object, fresh: Path = fresh, at: int = at) -> None:
            with harness.each_call(act, at):
                change(facts_at(fresh))

        _, status = harness.in_a_child(work)
        assert os.WIFSIGNALED(status)
        facts = facts_at(fresh)
        found = facts.load("fly", "app")
        assert {name: (f.version, f.digest) for name, f in found.items()} in (
            {"A": (1, "d1")},
            {"A": (2, "d2")},
            {"A": (2, "d2"), "B": (1, "e1")},
        )
        log = a_log(fresh)
        assert log.verify().ok
        before = found["A"].version
        facts.record("fly", "app", [Event("set", "done", "A", digest="d3")])
        assert facts.load("fly", "app")["A"].version == before + 1
        assert whole_log.rebuild(log).facts[("fly", "app")] == facts.load("fly", "app")
        shutil.rmtree(fresh)


def test_X4_lines_not_yet_synced_that_a_power_cut_took_are_no_tampering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = a_log(tmp_path)
    log.append([get("A"), get("B")])
    monkeypatch.setattr(files, "durable", lambda fd: (_ for _ in ()).throw(OSError(errno.EIO, "gone")))
    path = tmp_path / "log" / "audit.jsonl"
    synced = path.read_bytes()
    with pytest.raises(errors.AuditFailed):
        log.append([get("C"), get("D")])
    monkeypatch.undo()
    whole = path.read_bytes()
    head = (tmp_path / "log" / "audit.head").read_bytes()
    for size in range(len(synced), len(whole), 13):
        path.write_bytes(whole[:size])
        (tmp_path / "log" / "audit.head").write_bytes(head)
        assert not a_log(tmp_path).verify().ok, "nothing takes lines away while the machine runs"
        with monkeypatch.context() as patched:
            patched.setattr(audit_disk, "_boot", b"0" * 36)
            log = a_log(tmp_path)
            verdict = log.verify()
            assert verdict.ok, verdict.first_bad
            assert verdict.pending
            log.append([get("AFTER")])
            verdict = log.verify()
            assert verdict.ok, (size, verdict.first_bad)
            assert not verdict.pending
            assert names_in(log)[:2] == ["A", "B"]
            assert len(list(log.read(Query(outcome="recovered")))) == 1
            assert_counts_agree(log)
    # What was known to be on the disk is never excused.
    path.write_bytes(synced[:-20])
    (tmp_path / "log" / "audit.head").write_bytes(head)
    monkeypatch.setattr(audit_disk, "_boot", b"0" * 36)
    log = a_log(tmp_path)
    assert log.verify().state == "altered"
    log.append([get("AFTER")])
    assert log.verify().state == "altered"
    assert len(list(log.read(Query(outcome="gap")))) == 1


def test_A6_a_head_far_behind_the_log_takes_in_every_line_that_fits(begun: Path) -> None:
    head = (begun / "log" / "audit.head").read_bytes()
    log = a_log(begun, max_bytes=900)
    for number in range(9):
        log.append([get(f"NEW_{number}")])
    expected = names_in(log)
    (begun / "log" / "audit.head").write_bytes(head)
    verdict = log.verify()
    assert verdict.ok, verdict.first_bad
    assert verdict.pending
    log.append([get("AFTER")])
    assert log.verify().ok
    assert names_in(log) == [*expected, "AFTER"]


def test_A6_a_recovery_that_is_torn_itself_is_recovered(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append([get("A")])
    path = tmp_path / "log" / "audit.jsonl"
    head = (tmp_path / "log" / "audit.head").read_bytes()
    path.write_bytes(path.read_bytes() + b'{"seq":2,"time":"20')
    for cut in (150, 60, 5):
        log.append([get("B")])
        assert log.verify().ok
        whole = path.read_bytes()
        last = whole.rstrip(b"\n").rfind(b"\n", 0, whole.rstrip(b"\n").rfind(b"\n"))
        path.write_bytes(whole[: last + 1 + cut])
        (tmp_path / "log" / "audit.head").write_bytes(head)
        assert log.verify().ok
    log.append([get("C")])
    verdict = log.verify()
    assert verdict.ok, verdict.first_bad
    assert names_in(log) == ["A", "C"]


def test_X3_eight_processes_lose_no_event_and_miscount_none(tmp_path: Path) -> None:
    def work(number: int) -> None:
        log = a_log(tmp_path, max_bytes=60_000, sync=False, pid=number)
        for step in range(200):
            log.append(
                [get(f"NAME_{step % 7}"), get(f"OWN_{number}")] if step % 10 == 0 else [get(f"OWN_{number}")]
            )

    harness.in_children(8, work)
    log = a_log(tmp_path)
    verdict = log.verify()
    assert verdict.ok, verdict.first_bad
    events = list(log.read())
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    counted = Counter(event["pid"] for event in events if event["outcome"] == "found")
    assert counted == dict.fromkeys(range(8), 220)
    assert list(log.read(Query(outcome="recovered"))) == []
    before = (tmp_path / "log" / "counters").read_bytes()
    assert_counts_agree(log)
    assert (tmp_path / "log" / "counters").read_bytes() == before, "no rebuilding was needed"


def test_X8_a_log_opened_before_a_fork_serves_both_sides(tmp_path: Path) -> None:
    log = a_log(tmp_path, sync=False)
    log.append([get("A")])
    harness.in_children(4, lambda number: log.append([get(f"CHILD_{number}")]))
    log.append([get("B")])
    assert log.verify().ok
    assert sorted(map(str, names_in(log))) == ["A", "B", *(f"CHILD_{number}" for number in range(4))]


def test_X9_versions_strictly_increase_whoever_writes(tmp_path: Path) -> None:
    def work(number: int) -> None:
        log = a_log(tmp_path, sync=False, pid=number)
        facts = Facts(str(tmp_path / "facts"), METADATA_KEY, log)
        for step in range(12):
            facts.record("fly", "app", [Event("set", "done", "A", digest=f"{number}.{step}")])

    harness.in_children(6, work)
    log = a_log(tmp_path)
    versions = [event["version"] for event in log.read(Query(name="A", outcome="done"))]
    assert versions == list(range(1, 73))
    facts = Facts(str(tmp_path / "facts"), METADATA_KEY, log)
    last = next(log.read(Query(name="A", last=1)))
    assert (facts.load("fly", "app")["A"].version, facts.load("fly", "app")["A"].digest) == (
        72,
        last["digest"],
    )
    assert log.verify().ok


def test_F1_no_link_is_followed_and_a_pipe_never_blocks(tmp_path: Path) -> None:
    for name in ("audit.jsonl", "audit.head"):
        for kind in ("link", "hard link", "pipe", "directory"):
            base = tmp_path / f"{name}-{kind}"
            a_log(base).append([get("A")])
            path = base / "log" / name
            kept = path.read_bytes()
            victim = base / "victim"
            path.rename(victim)
            if kind == "link":
                path.symlink_to(victim)
            elif kind == "hard link":
                path.hardlink_to(victim)
            elif kind == "pipe":
                os.mkfifo(path, 0o600)
            else:
                path.mkdir()
            with pytest.raises((errors.UnsafeState, errors.AuditFailed)):
                a_log(base).append([get("B")])
            assert victim.read_bytes() == kept


def test_F5_a_home_that_cannot_be_written_is_said_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((errors.AuditFailed, errors.UnsafeState)) as caught:
        a_log(tmp_path / "file").append([get("A")])
    assert caught.value.exit_code == 6
    assert caught.value.hint


def test_A5_a_tail_cut_while_processes_append_is_never_hidden(tmp_path: Path) -> None:
    log = a_log(tmp_path, sync=False)
    log.append([get(f"N{number}") for number in range(20)])
    path = tmp_path / "log" / "audit.jsonl"
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(lines[:15]) + b"\n")
    harness.in_children(4, lambda number: log.append([get(f"M{number}")]))
    verdict = log.verify()
    assert verdict.first_bad is not None
    assert verdict.first_bad[:2] == ("audit.jsonl", 16)
    assert len(list(log.read(Query(outcome="gap")))) == 1
    assert chain.parse_head(log.head()) is not None
