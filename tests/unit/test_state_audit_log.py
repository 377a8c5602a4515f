"""The log's doors: what is told to whom, how long is waited, and the words for each thing that stops it."""

from __future__ import annotations

import errno
import gc
import json
import os
import time
from _thread import start_new_thread
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from types import SimpleNamespace

import pytest

from sophia_secrets import errors
from sophia_secrets.state import audit, audit_disk, chain, files
from sophia_secrets.state.audit import Actor, AuditLog, Event
from sophia_secrets.state.audit_event import write_actor, write_event
from sophia_secrets.state.audit_read import Query

KEY = b"k" * 32
ADA = Actor("ada", "engine", 42)
NOON = 1_800_000_000.0


def a_log(place: Path, **options: object) -> AuditLog:
    options = {"clock": lambda: NOON, "sync": False} | options
    return AuditLog(str(place / "log"), KEY, actor=ADA, **options)  # type: ignore[arg-type]


def get(name: str, outcome: str = "found", at: float = 0.0) -> Event:
    return Event("get", outcome, name, "pulumi", "acme/app", time=at)


def fields_of(event: Event) -> bytes:
    return write_event(event, NOON, write_actor(ADA))


def descriptors() -> int:
    gc.collect()  # what an earlier test's error still holds
    return len(os.listdir("/dev/fd"))


def raising(error: BaseException) -> Callable[..., object]:
    def call(*arguments: object, **options: object) -> object:
        raise error

    return call


# What is told


def test_no_event_touches_nothing(tmp_path: Path) -> None:
    a_log(tmp_path).append([])
    assert os.listdir(tmp_path) == []


def test_events_are_told_once_they_are_durable_with_the_last_ones_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []
    log = a_log(tmp_path, sync=True, on_append=lambda fields, last: done.append((fields, last)))
    log.append([get("A")])
    monkeypatch.setattr(files, "durable", lambda fd: done.append("durable"))
    log.append([get("B"), get("C", "absent")])
    assert done == [
        ([fields_of(get("A"))], 1), "durable", ([fields_of(get("B")), fields_of(get("C", "absent"))], 3),
    ]  # fmt: skip


def test_what_failed_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    log = a_log(tmp_path, sync=True, on_append=lambda fields, last: done.append(last))
    monkeypatch.setattr(files, "durable", raising(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(errors.AuditFailed):
        log.append([get("A")])
    assert done == []


def test_accesses_are_what_was_found_under_a_name_at_its_own_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = a_log(tmp_path)
    accesses: list[list[tuple[bytes, int, int]]] = []

    def append(directory: int, fields: list[bytes], found: list[tuple[bytes, int, int]]) -> tuple[int, int]:
        accesses.append(found)
        return os.open(os.devnull, os.O_RDONLY), 1

    log._writer = SimpleNamespace(append=append)  # type: ignore[assignment]
    log.append([get("A"), get("B", "absent"), get("", "found"), get("C", at=1.5)])
    assert accesses == [[(b'"A"', int(NOON * 1000), 0), (b'"C"', 1500, 3)]]


def test_the_logs_clock_is_asked(tmp_path: Path) -> None:
    assert a_log(tmp_path).now() == NOON
    assert a_log(tmp_path, clock=time.time).now() > NOON - 10**9


def test_a_log_is_put_away_at_sixteen_megabytes_and_synced_unless_told(tmp_path: Path) -> None:
    log = AuditLog(str(tmp_path / "log"), KEY, actor=ADA)
    assert (log._writer._max_bytes, log._writer._sync, log._sync) == (16 << 20, True, True)


def test_X4_the_head_learns_what_is_synced_only_where_it_is(tmp_path: Path) -> None:
    log = a_log(tmp_path, sync=True)
    path = tmp_path / "log" / "audit.head"
    log.append([get("A")])
    head = chain.unpack_head(KEY, path.read_bytes())
    assert head is not None
    assert head.synced == 1
    a_log(tmp_path).append([get("B")])
    head = chain.unpack_head(KEY, path.read_bytes())
    assert head is not None
    assert head.synced == 1


# How long is waited


@pytest.mark.parametrize(
    ("given", "lock", "whole"), [({}, 105.0, 5.25), ({"deadline_seconds": 2.0}, 102.0, 2.25)]
)
def test_A2_a_lock_and_a_disk_are_waited_for_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, float], lock: float, whole: float
) -> None:
    log = a_log(tmp_path)
    waited: list[float] = []
    acquire, in_time = files.Lock.acquire, audit._in_time

    def acquired(self: files.Lock, deadline: float | None = None, shared: bool = False) -> bool:
        waited.append(deadline or 0.0)
        return acquire(self, deadline, shared)

    def watched(work: Callable[[], None], seconds: float) -> BaseException | None:
        waited.append(seconds)
        return in_time(work, seconds)

    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(files.Lock, "acquire", acquired)
    monkeypatch.setattr(audit, "_in_time", watched)
    log.append([get("A")], **given)
    assert waited == [whole, lock]


def test_A2_what_the_hot_path_waited_is_not_waited_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = a_log(tmp_path)
    waited: list[float] = []
    in_time = audit._in_time

    def watched(work: Callable[[], None], seconds: float) -> BaseException | None:
        waited.append(seconds)
        return in_time(work, 60.0)

    monkeypatch.setattr(audit, "_in_time", watched)
    for spent in (3.0, 30.0):
        audit.count_wait(spent)
        log.append([get("A")])
        log.append([get("B")])
    assert waited == [2.25, 5.25, 0.25, 5.25]


def test_A2_a_disk_that_hangs_is_left_to_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "start_new_thread", start_new_thread)
    free = Flag()

    def hang() -> None:
        free.wait()

    problem = audit._in_time(hang, 0.01)
    assert isinstance(problem, TimeoutError)
    assert (problem.errno, problem.strerror) == (errno.ETIMEDOUT, "the disk did not take the event in time")
    free.set()


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("error", [None, OSError(5, "x"), ValueError("x"), SystemExit(3)])
def test_what_work_ended_with_is_handed_on(
    monkeypatch: pytest.MonkeyPatch, error: BaseException | None, at_once: bool
) -> None:
    if at_once:
        monkeypatch.setattr(audit, "start_new_thread", lambda run, arguments: run(*arguments))
    done: list[int] = []

    def work() -> None:
        done.append(1)
        if error is not None:
            raise error

    assert audit._in_time(work, 60.0) is error
    assert done == [1]


@pytest.mark.parametrize("kind", ["disk", "state", "end"])
def test_an_error_comes_out_as_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    log = a_log(tmp_path)
    log.append([get("A")])
    before = descriptors()
    if kind == "state":
        (tmp_path / "log" / "audit.jsonl").chmod(0o644)
        expected: type[BaseException] = errors.UnsafeState
    elif kind == "disk":
        monkeypatch.setattr(files, "write_all", raising(OSError(errno.EIO, "Input/output error")))
        expected = errors.AuditFailed
    else:
        monkeypatch.setattr(files, "write_all", raising(SystemExit(3)))
        expected = SystemExit
    with pytest.raises(expected):
        log.append([get("B")])
    assert descriptors() == before
    lock = files.Lock(log._directory(), audit_disk.HEAD)
    assert lock.acquire(0.0), "the lock is let go of"
    lock.release()


def test_R1_a_log_that_could_not_be_synced_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(tmp_path, sync=True)
    log.append([get("A")])
    before = descriptors()
    monkeypatch.setattr(files, "durable", raising(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(errors.AuditFailed):
        log.append([get("B")])
    assert descriptors() == before


# The words


def test_A2_a_log_that_is_held_names_itself_and_how_to_see_by_whom(tmp_path: Path) -> None:
    place = tmp_path / "it's here"
    log = a_log(place)
    log.append([get("A")])
    other = files.Lock(log._directory(), audit_disk.HEAD)
    assert other.acquire()
    with pytest.raises(errors.AuditFailed) as caught:
        log.append([get("B")], deadline_seconds=0.0)
    with pytest.raises(errors.AuditFailed, match="is locked by another process"):
        a_log(place).append([get("B")], deadline_seconds=0.0)
    other.release()
    assert caught.value.message == f"The audit log in {place}/log is locked by another process."
    path = files.quoted(f"{place}/log/audit.head")
    assert path[0] == "'"
    assert (
        caught.value.hint == f"see which with `fuser {path}`, or set SOPHIA_SECRETS_HOME to another directory"
    )
    assert json.loads((place / "log" / "audit.jsonl").read_bytes())["name"] == "A"


FULL = "free some space (see `df -h {}`), or set SOPHIA_SECRETS_HOME to another disk"
SHUT = "set SOPHIA_SECRETS_HOME to a directory that you can write"
DISK = "see to the disk that holds {}, or set SOPHIA_SECRETS_HOME to another directory"


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, FULL), (errno.EDQUOT, FULL), (errno.EROFS, SHUT), (errno.EACCES, SHUT),
        (errno.EPERM, SHUT), (errno.EIO, DISK),
    ],
)  # fmt: skip
def test_A1_each_way_in_which_a_disk_fails_has_its_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    place = tmp_path / "a b"
    log = a_log(place)
    monkeypatch.setattr(files, "write_all", raising(OSError(number, os.strerror(number))))
    with pytest.raises(errors.AuditFailed) as caught:
        log.append([get("A")])
    assert caught.value.message == f"The audit log in {place}/log cannot be used: {os.strerror(number)}."
    assert caught.value.hint == hint.format(f"'{place}/log'")
    assert caught.value.__context__ is None


def test_an_error_without_words_is_named_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "write_all", raising(OSError()))
    with pytest.raises(errors.AuditFailed) as caught:
        a_log(tmp_path).append([get("A")])
    assert caught.value.message == f"The audit log in {tmp_path}/log cannot be used: OSError."


def test_F5_a_directory_that_cannot_be_opened_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "open_directory", raising(PermissionError(errno.EACCES, "Permission denied")))
    for ask in (a_log(tmp_path).head, a_log(tmp_path).position, lambda: a_log(tmp_path).append([get("A")])):
        with pytest.raises(errors.AuditFailed) as caught:
            ask()
        assert caught.value.message == f"The audit log in {tmp_path}/log cannot be used: Permission denied."
        assert caught.value.hint == SHUT
        assert caught.value.__context__ is None


# Counts, and the directory


def test_a_log_without_counters_counts_nothing_and_touches_nothing(tmp_path: Path) -> None:
    assert a_log(tmp_path).counts(["A"]) == {}
    assert os.listdir(tmp_path) == []


def test_counts_are_those_of_the_counters(tmp_path: Path) -> None:
    asked: list[tuple[bytes, list[str]]] = []

    def read(directory: int, key: bytes, names: list[str]) -> dict[str, int]:
        asked.append((key, names))
        return {"A": 3}

    assert a_log(tmp_path, counters=SimpleNamespace(read=read)).counts(["A", "B"]) == {"A": 3}
    assert asked == [(KEY, ["A", "B"])]
    broken = SimpleNamespace(read=raising(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(errors.AuditFailed) as caught:
        a_log(tmp_path, counters=broken).counts(["A"])
    assert caught.value.message == f"The audit log in {tmp_path}/log cannot be used: Input/output error."
    assert caught.value.__context__ is None


def test_the_directory_is_opened_once_until_it_is_let_go_of(tmp_path: Path) -> None:
    before = descriptors()
    log = a_log(tmp_path)
    log.head()
    assert log._directory() == log._directory()
    assert descriptors() == before + 1
    log.close()
    log.close()
    assert descriptors() == before
    log.append([get("A")])
    assert descriptors() == before + 1
    del log
    assert descriptors() == before


def test_what_is_read_outlives_the_log_that_was_asked(tmp_path: Path) -> None:
    a_log(tmp_path).append([get("A"), get("B")])
    events = a_log(tmp_path).read()
    assert [event["name"] for event in events] == ["A", "B"]


def test_the_doors_lead_to_what_was_written_since_and_to_a_verdict(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append([get("A")])
    position = log.position()
    log.append([get("B"), get("C")])
    found, after = log.tail_from(position)
    assert [event["name"] for event in found] == ["B", "C"]
    assert [event["name"] for event in log.tail_from(position, Query(name="C"))[0]] == ["C"]
    assert log.tail_from(after)[0] == []
    assert [event["name"] for event in log.read(Query(name="A"))] == ["A"]
    counts: list[int] = []
    verdict = log.verify(expect_head=log.head(), progress=counts.append)
    assert (verdict.ok, verdict.events, counts) == (True, 3, [3])
