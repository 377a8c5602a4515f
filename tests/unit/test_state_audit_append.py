"""One append, call by call: what is synced and when, what is closed, when a file is full, and each head."""

from __future__ import annotations

import errno
import gc
import json
import os
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from types import SimpleNamespace

import pytest

from sophia_secrets import errors
from sophia_secrets.state import audit_append, audit_disk, audit_settle, chain, files
from sophia_secrets.state.audit import Actor, AuditLog, Event
from sophia_secrets.state.audit_event import write_actor, write_event

KEY = b"k" * 32
ADA = Actor("ada", "engine", 42)
NOON = 1_800_000_000.0
OVERHEAD = 120


class Counted:
    """Counters that remember what they were told."""

    def __init__(self) -> None:
        self.told: list[tuple[tuple[int, bytes], tuple[int, bytes], list[tuple[bytes, int, int]]]] = []

    def count(
        self,
        directory: int,
        before: tuple[int, bytes],
        head: chain.Head,
        found: list[tuple[bytes, int, int]],
    ) -> None:
        self.told.append((before, (head.sequence, head.mac), found))


def a_log(
    place: Path, *, key: bytes = KEY, max_bytes: int = 1 << 24, sync: bool = True, counters: object = None
) -> AuditLog:
    return AuditLog(
        str(place / "log"), key, actor=ADA, clock=lambda: NOON, max_bytes=max_bytes, sync=sync,
        counters=counters,  # type: ignore[arg-type]
    )  # fmt: skip


def get(name: str, outcome: str = "found") -> Event:
    return Event("get", outcome, name, "pulumi", "acme/app")


def fields_of(event: Event) -> bytes:
    return write_event(event, NOON, write_actor(ADA))


def head_of(place: Path, key: bytes = KEY) -> chain.Head:
    head = chain.unpack_head(key, (place / "log" / "audit.head").read_bytes())
    assert head is not None
    return head


def current(place: Path) -> Path:
    return place / "log" / "audit.jsonl"


def events_in(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def descriptors() -> int:
    gc.collect()  # what an earlier test's error still holds
    return len(os.listdir("/dev/fd"))


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The name of each file, and `log` for the directory, in the order in which they were synced."""
    names: list[str] = []
    durable, sync_directory = files.durable, files.sync_directory

    def name_of(fd: int) -> str:
        return os.path.basename(files.path_of(fd))

    monkeypatch.setattr(files, "durable", lambda fd: (names.append(name_of(fd)), durable(fd))[1])
    monkeypatch.setattr(
        files, "sync_directory", lambda fd: (names.append(name_of(fd)), sync_directory(fd))[1]
    )
    return names


# What is synced


def test_X4_the_first_append_brings_the_head_and_both_names_to_the_disk(
    tmp_path: Path, synced: list[str]
) -> None:
    a_log(tmp_path).append([get("A")])
    assert synced == ["audit.head", "log", "log", "audit.jsonl"]


def test_X4_a_later_append_syncs_the_log_alone(tmp_path: Path, synced: list[str]) -> None:
    log = a_log(tmp_path)
    log.append([get("A")])
    del synced[:]
    log.append([get("B"), get("C")])
    assert synced == ["audit.jsonl"]


def test_X4_putting_a_file_away_syncs_it_then_the_names_then_the_head(
    tmp_path: Path, synced: list[str]
) -> None:
    log = a_log(tmp_path, max_bytes=300)
    log.append([get("A")])
    del synced[:]
    log.append([get("B")])
    assert synced == ["audit.jsonl", "log", "audit.head", "audit.jsonl"]


def test_X4_a_new_chain_syncs_the_names_and_its_head(tmp_path: Path, synced: list[str]) -> None:
    a_log(tmp_path).append([get("A")])
    del synced[:]
    a_log(tmp_path, key=b"n" * 32).append([get("B")])
    assert synced == ["log", "audit.head", "audit.jsonl"]


def test_X4_a_log_whose_head_went_syncs_no_first_head(tmp_path: Path, synced: list[str]) -> None:
    a_log(tmp_path).append([get("A")])
    (tmp_path / "log" / "audit.head").unlink()
    del synced[:]
    a_log(tmp_path).append([get("B")])
    assert synced == ["audit.jsonl"]
    assert head_of(tmp_path).synced == 3


def test_nothing_is_synced_where_that_is_switched_off(tmp_path: Path, synced: list[str]) -> None:
    log = a_log(tmp_path, max_bytes=300, sync=False)
    files.open_directory(log.directory)
    del synced[:]
    log.append([get("A")])
    log.append([get("B")])
    assert len(list((tmp_path / "log").glob("*.jsonl"))) == 2
    assert synced == []
    assert head_of(tmp_path).synced == 0


# Heads


def torn(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An append of which the machine wrote half a line, and nothing after it."""

    def half(fd: int, data: bytes) -> None:
        os.write(fd, data[: len(data) // 2])
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(files, "write_all", half)
        with pytest.raises(SystemExit):
            a_log(place).append([get("A")])


def test_A6_a_first_head_stands_before_the_first_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn(tmp_path, monkeypatch)
    head = head_of(tmp_path)
    assert (head.file, head.size, head.sequence, head.mac, head.synced, head.boot) == (
        1, 0, 0, chain.ORIGIN, 0, audit_disk.boot_id(),
    )  # fmt: skip


def test_a_head_says_exactly_where_the_log_ends(tmp_path: Path) -> None:
    log = a_log(tmp_path, sync=False)
    log.append([get("A"), get("B")])
    head = head_of(tmp_path)
    line, mac = chain.seal(KEY, chain.ORIGIN, 1, fields_of(get("A")))
    second, mac = chain.seal(KEY, mac, 2, fields_of(get("B")))
    assert current(tmp_path).read_bytes() == line + b"\n" + second + b"\n"
    assert (head.file, head.size, head.sequence, head.mac, head.synced, head.boot) == (
        1, len(line) + len(second) + 2, 2, mac, 0, audit_disk.boot_id(),
    )  # fmt: skip


def test_a_head_learns_what_is_synced_and_keeps_it(tmp_path: Path) -> None:
    a_log(tmp_path).append([get("A"), get("B")])
    assert head_of(tmp_path).synced == 2
    a_log(tmp_path, sync=False).append([get("C")])
    assert (head_of(tmp_path).synced, head_of(tmp_path).sequence) == (2, 3)


def test_a_head_that_was_lost_says_of_nothing_that_it_was_synced(tmp_path: Path) -> None:
    a_log(tmp_path).append([get("A"), get("B")])
    (tmp_path / "log" / "audit.head").unlink()
    a_log(tmp_path, sync=False).append([get("C")])
    assert head_of(tmp_path).synced == 0


def test_a_head_with_anything_behind_it_is_none(tmp_path: Path) -> None:
    a_log(tmp_path).append([get("A")])
    with (tmp_path / "log" / "audit.head").open("ab") as file:
        file.write(b"x")
    log = a_log(tmp_path)
    log.append([get("B")])
    assert [event["outcome"] for event in log.read()] == ["found", "gap", "found"]


# When a file is full


@pytest.mark.parametrize(("short_by", "count"), [(0, 1), (1, 2)])
def test_a_file_is_put_away_once_the_lines_would_pass_its_limit(
    tmp_path: Path, short_by: int, count: int
) -> None:
    a_log(tmp_path, sync=False).append([get("A")])
    coming = [get("B"), get("CC")]
    limit = current(tmp_path).stat().st_size + sum(len(fields_of(event)) + OVERHEAD for event in coming)
    a_log(tmp_path, max_bytes=limit - short_by, sync=False).append(coming)
    assert len(list((tmp_path / "log").glob("*.jsonl"))) == count


def test_a_line_is_never_longer_than_what_was_counted_for_it() -> None:
    line, _ = chain.seal(KEY, chain.ORIGIN, 10**17, b'"a":1')
    assert len(line) + 1 <= len(b'"a":1') + OVERHEAD


def test_an_empty_file_takes_what_is_longer_than_its_limit(tmp_path: Path) -> None:
    a_log(tmp_path, max_bytes=1, sync=False).append([get("A"), get("B")])
    assert [path.name for path in (tmp_path / "log").glob("*.jsonl")] == ["audit.jsonl"]


def test_A6_a_torn_line_is_ended_in_its_own_file_though_that_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn(tmp_path, monkeypatch)
    log = a_log(tmp_path, max_bytes=1)
    log.append([get("B")])
    assert [path.name for path in (tmp_path / "log").glob("*.jsonl")] == ["audit.jsonl"]
    assert [event["outcome"] for event in log.read()] == ["unreadable", "recovered", "found"]
    assert log.verify().ok


def test_A6_a_new_file_begins_with_the_hash_of_the_one_before_and_then_what_was_taken_in(
    tmp_path: Path,
) -> None:
    log = a_log(tmp_path)
    log.append([get("A")])
    head = (tmp_path / "log" / "audit.head").read_bytes()
    log.append([get("B")])
    current(tmp_path).rename(tmp_path / "log" / "audit.000001.jsonl")
    (tmp_path / "log" / "audit.head").write_bytes(head)
    log.append([get("C")])
    events = events_in(current(tmp_path))
    assert [(event["command"], event["outcome"]) for event in events] == [
        ("audit", "rotated"), ("audit", "recovered"), ("get", "found"),
    ]  # fmt: skip
    before = (tmp_path / "log" / "audit.000001.jsonl").read_bytes()
    assert events[0]["digest"] == blake2b(before, digest_size=32).hexdigest()
    assert log.verify().ok


def test_a_file_is_put_away_under_the_next_number_that_is_free(tmp_path: Path) -> None:
    log = a_log(tmp_path, max_bytes=300)
    log.append([get("A")])
    (tmp_path / "log" / "audit.000001.jsonl").touch(0o600)
    whole = current(tmp_path).read_bytes()
    log.append([get("B")])
    assert (tmp_path / "log" / "audit.000002.jsonl").read_bytes() == whole
    assert head_of(tmp_path).file == 3


def test_a_log_that_is_as_its_head_says_is_not_settled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(fd: int, data: bytes) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(files, "write_all", failed)
        with pytest.raises(SystemExit):
            a_log(tmp_path).append([get("A")])
    monkeypatch.delattr(audit_settle, "settle")
    log = a_log(tmp_path)
    for _ in range(2):
        log.append([get("B")])
    assert log.verify().events == 2


# What is counted


def test_counters_are_told_what_went_before_and_where_each_access_stands(tmp_path: Path) -> None:
    counters = Counted()
    log = a_log(tmp_path, max_bytes=900, sync=False, counters=counters)
    log.append([get("A"), get("B", "absent"), get("C")])
    first = head_of(tmp_path)
    log.append([get("D", "absent"), get("A")])
    second = head_of(tmp_path)
    assert second.file == 2
    at = int(NOON * 1000)
    assert counters.told == [
        ((0, chain.ORIGIN), (3, first.mac), [(b'"A"', at, 1), (b'"C"', at, 3)]),
        # Line 4 says that the file was put away.
        ((3, first.mac), (6, second.mac), [(b'"A"', at, 6)]),
    ]


# What is closed, and what is taken back


def failing(monkeypatch: pytest.MonkeyPatch, module: object, name: str, after: int = 0) -> None:
    """That function fails as on a full disk, from its call number `after` on, counted from 0."""
    real = getattr(module, name)
    calls = iter(range(1000))

    def call(*arguments: object, **options: object) -> object:
        if next(calls) >= after:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments, **options)

    monkeypatch.setattr(module, name, call)


def test_R1_no_append_leaves_a_descriptor(tmp_path: Path) -> None:
    log = a_log(tmp_path, max_bytes=300)
    log.append([get("A")])
    before = descriptors()
    for _ in range(3):
        log.append([get("B")])
    assert descriptors() == before


def test_R1_an_append_that_finds_the_log_altered_leaves_none(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append([get("A")])
    before = descriptors()
    os.truncate(current(tmp_path), 9)
    log.append([get("B")])
    assert descriptors() == before


CALLS = [
    (audit_disk, "open_update", 0), (files, "open_append", 1), (files, "open_append", 2),
    (files, "write_all", 0), (audit_disk, "write_at", 0), (os, "rename", 0), (os, "pread", 0),
]  # fmt: skip


@pytest.mark.parametrize(("module", "name", "after"), CALLS)
def test_A1_whichever_call_fails_the_disk_is_named_and_nothing_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object, name: str, after: int
) -> None:
    log = a_log(tmp_path, max_bytes=300)
    log.append([get("A")])
    before = descriptors()
    with monkeypatch.context() as patched:
        failing(patched, module, name, after)
        with pytest.raises(errors.AuditFailed, match="No space left on device"):
            log.append([get("B")])
    assert descriptors() == before
    log.append([get("C")])
    assert [event["name"] for event in log.read() if event["outcome"] == "found"] == ["A", "C"]
    assert log.verify().ok


@pytest.mark.parametrize("cannot_be_cut", [False, True])
def test_A1_a_line_that_did_not_fit_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cannot_be_cut: bool
) -> None:
    log = a_log(tmp_path)
    log.append([get("A")])
    whole = current(tmp_path).read_bytes()

    def half(fd: int, data: bytes) -> None:
        os.write(fd, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(files, "write_all", half)
        if cannot_be_cut:
            failing(patched, os, "ftruncate")
        with pytest.raises(errors.AuditFailed, match="No space left on device"):
            log.append([get("B")])
    assert (current(tmp_path).read_bytes() == whole) is not cannot_be_cut
    log.append([get("C")])
    assert log.verify().ok


# What the head is told afterwards


@pytest.fixture
def marking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A log of two lines of which the first is known to be synced, its lock, and the writes to its head."""
    a_log(tmp_path).append([get("A")])
    a_log(tmp_path, sync=False).append([get("B")])
    directory = files.open_directory(str(tmp_path / "log"))
    lock = files.Lock(directory, audit_disk.HEAD)
    writer = audit_append.Writer(
        KEY, write_actor(ADA), lambda: NOON, max_bytes=1 << 24, sync=True, counters=None
    )
    writes: list[int] = []
    write_at = audit_disk.write_at

    def written(fd: int, data: bytes, offset: int) -> None:
        writes.append(offset)
        write_at(fd, data, offset)

    monkeypatch.setattr(audit_disk, "write_at", written)
    yield SimpleNamespace(
        mark=lambda sequence: writer.mark_synced(directory, lock, sequence),
        lock=lock, writes=writes, directory=directory,
    )  # fmt: skip
    lock.release()
    os.close(directory)


@pytest.mark.parametrize(("sequence", "synced", "writes"), [(1, 1, 0), (2, 2, 1), (3, 1, 0)])
def test_a_head_is_written_again_only_where_it_says_more_and_no_more_than_there_is(
    tmp_path: Path, marking: SimpleNamespace, sequence: int, synced: int, writes: int
) -> None:
    before = descriptors()
    marking.mark(sequence)
    assert (head_of(tmp_path).synced, len(marking.writes)) == (synced, writes)
    assert not marking.lock.held
    assert descriptors() == before


def test_marking_waits_for_nobody(tmp_path: Path, marking: SimpleNamespace) -> None:
    other = files.Lock(marking.directory, audit_disk.HEAD)
    assert other.acquire(time.monotonic())
    marking.mark(2)
    other.release()
    assert head_of(tmp_path).synced == 1


def test_a_head_that_is_not_ours_is_left_alone(tmp_path: Path, marking: SimpleNamespace) -> None:
    path = tmp_path / "log" / "audit.head"
    for content in (b"", path.read_bytes() + b"x", path.read_bytes()[:-1]):
        path.write_bytes(content)
        marking.mark(2)
        assert path.read_bytes() == content


@pytest.mark.parametrize("problem", ["open to others", "full disk"])
def test_what_stops_the_marking_is_no_failure_of_the_append(
    tmp_path: Path, marking: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    before = descriptors()
    if problem == "open to others":
        (tmp_path / "log" / "audit.head").chmod(0o644)
    else:
        failing(monkeypatch, audit_disk, "write_at")
    marking.mark(2)
    assert head_of(tmp_path).synced == 1
    assert not marking.lock.held
    assert descriptors() == before
