"""The audit log on disk: what is written, what is read, and what `verify` says of damage."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.state import audit_disk, chain, files
from sophia_secrets.state.audit import Actor, AuditLog, Event
from sophia_secrets.state.audit_event import bounded, string_of, thousandths_of, write_event, write_time
from sophia_secrets.state.audit_read import Query

KEY = b"k" * 32
NOON = 1_800_000_000.0


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        self.now += 1.25
        return self.now


def a_log(directory: Path, *, key: bytes = KEY, max_bytes: int = 1 << 24, sync: bool = False) -> AuditLog:
    return AuditLog(
        str(directory),
        key,
        actor=Actor("ada", "engine", 42),
        clock=Clock(),
        max_bytes=max_bytes,
        sync=sync,
    )


def an_event(number: int) -> Event:
    return Event("get", "found" if number % 3 else "absent", f"NAME_{number % 5}", "pulumi", "acme/app")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 60 events in four files."""
    directory = tmp_path_factory.mktemp("audit") / "log"
    log = a_log(directory, max_bytes=4200)
    for number in range(60):
        log.append([an_event(number)])
    assert len(audit_disk.rotations(files.open_directory(str(directory)))) == 3
    return directory


@pytest.fixture
def copy(kept: Path, tmp_path: Path) -> Path:
    directory = tmp_path / "log"
    shutil.copytree(kept, directory)
    return directory


def log_files(directory: Path) -> list[Path]:
    return [*sorted(directory.glob("audit.0*.jsonl")), directory / "audit.jsonl"]


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().split(b"\n")[:-1]


def put(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in lines))


# What an event looks like


def test_an_event_is_one_line_of_json_with_who_what_and_when(tmp_path: Path) -> None:
    actor = Actor("ada", "engine", 42, ci="run/7", reason="look", profile="production")
    log = AuditLog(str(tmp_path / "log"), KEY, actor=actor, clock=lambda: NOON + 0.5)
    log.append(
        [
            Event(
                "set",
                "done",
                "API_KEY",
                "fly",
                "app",
                id="ab" * 8,
                version=3,
                fingerprint="ff",
                digest="d1",
                updated_at="2027-01-01T00:00:00Z",
                duration_ms=12,
                degraded=True,
            )
        ]
    )
    (line,) = lines_of(tmp_path / "log" / "audit.jsonl")
    event = json.loads(line)
    mac = event.pop("mac")
    assert len(mac) == 64
    assert event == {
        "seq": 1,
        "time": "2027-01-15T08:00:00.500Z",
        "command": "set",
        "name": "API_KEY",
        "backend": "fly",
        "target": "app",
        "outcome": "done",
        "fingerprint": "ff",
        "digest": "d1",
        "updated_at": "2027-01-01T00:00:00Z",
        "id": "abababababababab",
        "degraded": True,
        "duration_ms": 12,
        "version": 3,
        "pid": 42,
        "user": "ada",
        "host": "engine",
        "ci": "run/7",
        "reason": "look",
        "profile": "production",
    }


def test_A8_an_event_takes_no_field_but_its_own() -> None:
    event = Event("get", "found")
    with pytest.raises(AttributeError):
        event.value = "hunter2"  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        Event("get", "found", value="hunter2")  # type: ignore[call-arg]


TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(min_size=300, max_size=3000),
    st.sampled_from(
        ["\x1b[2J\u202e", '","mac":"', '"outcome":"gap"', "\udcff\ud800", "\U0001f600" * 3000, "\n\r\0"]
    ),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(TEXTS, min_size=16, max_size=16),
    st.lists(st.integers(-(10**30), 10**30), min_size=3, max_size=3),
)
def test_A8_whatever_is_handed_in_a_line_is_short_ascii_and_one_event(
    texts: list[str], numbers: list[int]
) -> None:
    event = Event(
        *texts[:5], kind=texts[5], fingerprint=texts[6], digest=texts[7], updated_at=texts[8], id=texts[9]
    )
    event.words = texts[10]
    event.duration_ms, event.version, event.count = numbers
    from sophia_secrets.state.audit_event import write_actor

    actor = Actor(texts[11], texts[12], 2**22, ci=texts[13], reason=texts[14], profile=texts[15])
    fields = write_event(event, NOON, write_actor(actor))
    line, mac = chain.seal(KEY, chain.ORIGIN, 10**17, fields)
    assert len(line) < chain.LINE_LIMIT
    assert chain.has_form(line)
    assert line.isascii()
    assert min(line) >= 0x20
    parsed = json.loads(line)
    assert parsed["mac"].encode() == mac
    assert parsed["pid"] == 2**22
    assert string_of(line, b"name") == (bounded(texts[2], 512).encode() if texts[2] else b"")


@given(st.text(max_size=900), st.integers(12, 600))
def test_A8_a_text_is_kept_whole_or_cut_and_says_so(text: str, limit: int) -> None:
    written = bounded(text, limit)
    assert len(written) <= limit + 2
    kept = json.loads(written)
    if kept != json.loads(json.dumps(text)):
        assert kept.endswith("…")
        whole = json.dumps(text)
        assert whole.startswith(written[: -len('\\u2026"')])


@pytest.mark.parametrize("seconds", [0.0, 1.5, NOON, 4294967296.25, 253402300799.0])
def test_a_time_is_read_back_to_the_millisecond(seconds: float) -> None:
    assert thousandths_of(write_time(seconds).encode()) == int(seconds * 1000)


@pytest.mark.parametrize("seconds", [-1e18, float("nan"), float("inf"), float("-inf"), 1e300])
def test_C7_a_clock_gone_mad_still_gives_a_time(seconds: float) -> None:
    assert len(write_time(seconds)) == 24


# Appending


def test_many_events_are_one_write_and_one_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(tmp_path / "log", sync=True)
    log.append([an_event(0)])
    syncs: list[int] = []
    writes: list[int] = []
    real_write, real_durable = files.write_all, files.durable
    monkeypatch.setattr(files, "durable", lambda fd: (syncs.append(fd), real_durable(fd))[1])
    monkeypatch.setattr(files, "write_all", lambda fd, data: (writes.append(fd), real_write(fd, data))[1])
    log.append([an_event(number) for number in range(500)])
    assert (len(syncs), len(writes)) == (1, 1)
    assert log.verify().events == 501


def test_the_sync_comes_after_the_lock_is_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(tmp_path / "log", sync=True)
    log.append([an_event(0)])
    free: list[bool] = []

    def durable(fd: int) -> None:
        other = files.Lock(files.open_directory(str(tmp_path / "log")), audit_disk.HEAD)
        free.append(other.acquire(0.0))
        other.release()

    monkeypatch.setattr(files, "durable", durable)
    log.append([an_event(1)])
    assert free == [True]


def test_files_and_directory_are_private_in_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        a_log(tmp_path / "log").append([an_event(1)])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "log").iterdir()} == {0o600}


def test_F4_a_log_that_others_can_write_takes_no_event(copy: Path) -> None:
    (copy / "audit.jsonl").chmod(0o622)
    before = (copy / "audit.jsonl").read_bytes()
    with pytest.raises(errors.UnsafeState):
        a_log(copy).append([an_event(1)])
    assert (copy / "audit.jsonl").read_bytes() == before


def test_a_full_file_is_put_away_and_the_next_one_names_its_hash(kept: Path) -> None:
    import hashlib

    paths = log_files(kept)
    for old, new in pairwise(paths):
        first = json.loads(lines_of(new)[0])
        assert (first["command"], first["outcome"]) == ("audit", "rotated")
        assert first["digest"] == hashlib.blake2b(old.read_bytes(), digest_size=32).hexdigest()
    sequences = [json.loads(line)["seq"] for path in paths for line in lines_of(path)]
    assert sequences == list(range(1, 64))


def test_putting_a_file_away_replaces_nothing_that_is_there(tmp_path: Path) -> None:
    log = a_log(tmp_path / "log", max_bytes=1000)
    log.append([an_event(1)])
    planted = tmp_path / "log" / "audit.000001.jsonl"
    planted.write_bytes(b"not ours\n")
    planted.chmod(0o600)
    for number in range(8):
        log.append([an_event(number)])
    assert planted.read_bytes() == b"not ours\n"
    verdict = log.verify()
    assert verdict.first_bad is not None
    assert verdict.first_bad[:2] == (planted.name, 1)


def test_X4_a_file_is_on_the_disk_before_it_is_put_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = a_log(tmp_path / "log", max_bytes=500, sync=True)
    log.append([an_event(1)])
    path = tmp_path / "log" / "audit.jsonl"
    done: list[tuple[str, int]] = []
    real_durable, real_rename = files.durable, os.rename

    def durable(fd: int) -> None:
        done.append(("sync", os.fstat(fd).st_ino))
        real_durable(fd)

    def rename(source: str, target: str, **directories: int) -> None:
        done.append(("rename", path.stat().st_ino))
        real_rename(source, target, **directories)

    monkeypatch.setattr(files, "durable", durable)
    monkeypatch.setattr(os, "rename", rename)
    old = path.stat().st_ino
    log.append([an_event(2)])
    log.append([an_event(3)])
    at = done.index(("rename", old))
    assert ("sync", old) in done[:at]
    assert ("sync", (tmp_path / "log" / "audit.head").stat().st_ino) in done[at:]


def test_R4_bytes_read_per_append_do_not_grow_with_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = a_log(tmp_path / "log")
    total = [0]
    real_read, real_pread = os.read, os.pread

    def read(fd: int, size: int) -> bytes:
        data = real_read(fd, size)
        total[0] += len(data)
        return data

    def pread(fd: int, size: int, offset: int) -> bytes:
        data = real_pread(fd, size, offset)
        total[0] += len(data)
        return data

    def cost() -> int:
        total[0] = 0
        log.append([an_event(1)])
        return total[0]

    log.append([an_event(number) for number in range(10)])
    monkeypatch.setattr(os, "read", read)
    monkeypatch.setattr(os, "pread", pread)
    small = cost()
    log.append([an_event(number) for number in range(20_000)])
    assert cost() == small
    assert small < 1024


# Verifying


def test_a_log_that_nobody_touched_verifies_with_its_head(kept: Path) -> None:
    log = a_log(kept)
    verdict = log.verify()
    assert (verdict.ok, verdict.state, verdict.events, verdict.first_bad) == (True, "ok", 63, None)
    assert verdict.head == log.head()
    assert not verdict.pending


def test_an_empty_log_verifies(tmp_path: Path) -> None:
    verdict = a_log(tmp_path / "log").verify()
    assert (verdict.ok, verdict.events) == (True, 0)


def foreign_lines(directory: Path) -> list[bytes]:
    log = a_log(directory, key=b"f" * 32)
    log.append([an_event(number) for number in range(20)])
    return lines_of(directory / "audit.jsonl")


def edited(lines: list[bytes], at: int, foreign: list[bytes]) -> tuple[list[bytes], int]:
    return [*lines[:at], lines[at].replace(b'"time":"2027', b'"time":"2028'), *lines[at + 1 :]], at


def deleted(lines: list[bytes], at: int, foreign: list[bytes]) -> tuple[list[bytes], int]:
    return [*lines[:at], *lines[at + 1 :]], at


def inserted(lines: list[bytes], at: int, foreign: list[bytes]) -> tuple[list[bytes], int]:
    return [*lines[:at], lines[at].replace(b'"command":"', b'"command":"x'), *lines[at:]], at


def swapped(lines: list[bytes], at: int, foreign: list[bytes]) -> tuple[list[bytes], int]:
    other = at + 1 if at + 1 < len(lines) else at - 1
    changed = list(lines)
    changed[at], changed[other] = changed[other], changed[at]
    return changed, min(at, other)


def duplicated(lines: list[bytes], at: int, foreign: list[bytes]) -> tuple[list[bytes], int]:
    return [*lines[: at + 1], *lines[at:]], at + 1


def spliced(lines: list[bytes], at: int, foreign: list[bytes]) -> tuple[list[bytes], int]:
    return [*lines[:at], foreign[at], *lines[at:]], at


def replaced(lines: list[bytes], at: int, foreign: list[bytes]) -> tuple[list[bytes], int]:
    return [*lines[:at], foreign[at], *lines[at + 1 :]], at


def shouted(lines: list[bytes], at: int, foreign: list[bytes]) -> tuple[list[bytes], int]:
    return [*lines[:at], b"{}", *lines[at:]], at


Operation = Callable[[list[bytes], int, list[bytes]], tuple[list[bytes], int]]
OPERATIONS: list[Operation] = [edited, deleted, inserted, swapped, duplicated, spliced, replaced, shouted]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_A4_every_line_under_every_operation_is_found_where_it_is(
    copy: Path, tmp_path: Path, operation: Operation
) -> None:
    log = a_log(copy)
    foreign = foreign_lines(tmp_path / "other")
    for number, path in enumerate(log_files(copy)):
        whole = path.read_bytes()
        lines = lines_of(path)
        for at in range(len(lines)):
            damaged, first = operation(lines, at, foreign)
            put(path, damaged)
            verdict = log.verify()
            assert verdict.state == "altered"
            assert verdict.first_bad is not None
            file, line, reason = verdict.first_bad
            assert (file, line) == (path.name, first + 1), (operation.__name__, number, at, reason)
            assert reason
            assert verdict.head != log.head() or at == len(lines) - 1
        path.write_bytes(whole)
    assert log.verify().ok


def test_A4_every_byte_flipped_is_found_at_its_line(copy: Path) -> None:
    log = a_log(copy)
    for path in log_files(copy):
        whole = path.read_bytes()
        starts = [0]
        for line in lines_of(path):
            starts.append(starts[-1] + len(line) + 1)
        # Every byte of two lines, and of the others one in eleven, at a shifting place.
        for line in range(len(starts) - 1):
            step = 1 if line in (0, len(starts) - 2) else 11
            for at in range(starts[line] + (line % step if step > 1 else 0), starts[line + 1], step):
                damaged = bytearray(whole)
                damaged[at] ^= 1 << (at % 8)
                path.write_bytes(damaged)
                verdict = log.verify()
                assert verdict.state == "altered", (path.name, at)
                assert verdict.first_bad is not None
                assert verdict.first_bad[:2] == (path.name, line + 1)
        path.write_bytes(whole)


def test_A4_every_byte_cut_from_the_end_is_found(copy: Path) -> None:
    log = a_log(copy)
    path = copy / "audit.jsonl"
    whole = path.read_bytes()
    for size in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:size])
        verdict = log.verify()
        assert verdict.state == "altered"
        assert verdict.first_bad is not None
        # A line that lacks nothing but its newline is there.
        there = whole[: size + 1].count(b"\n")
        assert verdict.first_bad[:2] == ("audit.jsonl", there + 1)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_A5_a_deleted_file_is_named(copy: Path, number: int) -> None:
    path = log_files(copy)[number]
    path.unlink()
    assert a_log(copy).verify().first_bad == (path.name, 1, "the file is missing")
    a_log(copy).append([an_event(1)])
    assert a_log(copy).verify().first_bad == (path.name, 1, "the file is missing")


def test_A5_the_current_file_deleted_is_named_before_and_after_the_next_append(copy: Path) -> None:
    (copy / "audit.jsonl").unlink()
    verdict = a_log(copy).verify()
    assert verdict.first_bad is not None
    assert "cut off" in verdict.first_bad[2]
    a_log(copy).append([an_event(1)])
    assert a_log(copy).verify().state == "altered"


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_A5_a_cut_tail_is_found_however_much_is_appended_afterwards(copy: Path, count: int) -> None:
    path = copy / "audit.jsonl"
    lines = lines_of(path)
    put(path, lines[:-count])
    log = a_log(copy, max_bytes=4200)
    for number in range(40):
        log.append([an_event(number)])
        verdict = log.verify()
        assert verdict.state == "altered"
        assert verdict.first_bad is not None
        assert verdict.first_bad[1] == len(lines) - count + 1
        assert "cut off" in verdict.first_bad[2]
    gaps = list(log.read(Query(outcome="gap")))
    assert len(gaps) == 1


@pytest.mark.parametrize("what", ["cut", "edited", "other mac", "torn and edited"])
def test_A5_an_altered_end_is_answered_with_a_gap(copy: Path, what: str) -> None:
    path = copy / "audit.jsonl"
    lines = lines_of(path)
    last = lines[-1]
    if what == "cut":
        path.write_bytes(path.read_bytes()[:-30])
    elif what == "other mac":
        put(path, [*lines[:-1], last[:-10] + b"0123456789"[: 10 - 2] + b'"}'])
    elif what == "edited":
        put(path, [*lines[:-1], last.replace(b"acme", b"evil")])
    else:
        path.write_bytes(path.read_bytes()[:-200] + b"x" * 200)
    log = a_log(copy)
    log.append([an_event(1)])
    verdict = log.verify()
    assert verdict.state == "altered"
    assert verdict.first_bad is not None
    assert verdict.first_bad[:2] == ("audit.jsonl", len(lines))


def test_A5_a_head_put_back_to_an_older_one_hides_nothing(copy: Path) -> None:
    log = a_log(copy)
    older = (copy / "audit.head").read_bytes()
    outside = log.head()
    log.append([an_event(1), an_event(2)])
    newer = log.head()
    lines = lines_of(copy / "audit.jsonl")
    put(copy / "audit.jsonl", lines[:-2])
    (copy / "audit.head").write_bytes(older)
    # Log and head put back together look whole from inside; the head kept elsewhere does not.
    assert log.verify(expect_head=outside).ok
    verdict = log.verify(expect_head=newer)
    assert verdict.first_bad == ("audit.jsonl", len(lines) - 1, "2 lines were cut off here")


def test_a_head_kept_elsewhere_shows_a_log_rewritten_with_the_key(tmp_path: Path) -> None:
    log = a_log(tmp_path / "log")
    log.append([an_event(1), an_event(2)])
    kept_elsewhere = log.head()
    shutil.rmtree(tmp_path / "log")
    forged = a_log(tmp_path / "log")
    forged.append([an_event(4), an_event(5), an_event(6)])
    assert forged.verify().ok
    verdict = forged.verify(expect_head=kept_elsewhere)
    assert verdict.first_bad == ("audit.jsonl", 2, "this is not the line that the head names")


def test_a_head_kept_elsewhere_is_held_against_the_last_line_too(tmp_path: Path) -> None:
    log = a_log(tmp_path / "log")
    log.append([an_event(1), an_event(2)])
    kept_elsewhere = log.head()
    assert log.verify(expect_head=kept_elsewhere).ok
    shutil.rmtree(tmp_path / "log")
    forged = a_log(tmp_path / "log")
    forged.append([an_event(4), an_event(5)])
    verdict = forged.verify(expect_head=kept_elsewhere)
    assert verdict.state == "altered"
    assert verdict.first_bad is not None
    assert verdict.first_bad[2] == "this is not the line that the head names"


def test_the_head_of_an_empty_log_is_kept_by_every_log_and_no_other_is(kept: Path, tmp_path: Path) -> None:
    empty = a_log(tmp_path / "log").head()
    assert a_log(kept).verify(expect_head=empty).ok
    assert a_log(kept).verify(expect_head=f"0:{'f' * 64}").state == "altered"


def test_what_is_no_head_is_a_usage_error(kept: Path) -> None:
    with pytest.raises(errors.UsageError):
        a_log(kept).verify(expect_head="63")


@pytest.mark.parametrize("damage", ["removed", "emptied", "altered"])
def test_A5_without_its_head_the_log_does_not_verify_and_goes_on_with_a_gap(copy: Path, damage: str) -> None:
    head = copy / "audit.head"
    if damage == "removed":
        head.unlink()
    elif damage == "emptied":
        head.write_bytes(b"")
    else:
        head.write_bytes(head.read_bytes().replace(b"000063", b"000062"))
    log = a_log(copy)
    assert log.verify().first_bad == ("audit.head", 1, "the head is missing or was changed")
    log.append([an_event(1)])
    verdict = log.verify()
    assert verdict.state == "altered"
    assert verdict.first_bad is not None
    assert "cut off" in verdict.first_bad[2] or "put in" in verdict.first_bad[2]
    assert [event["words"] for event in log.read(Query(outcome="gap"))] == ["the head was removed or altered"]


def test_A5_a_line_appended_by_another_hand_is_found_before_and_after_the_next_append(copy: Path) -> None:
    path = copy / "audit.jsonl"
    lines = lines_of(path)
    put(path, [*lines, chain.seal(b"x" * 32, chain.mac_of(lines[-1]), 64, b'"name":"EVIL"')[0]])
    log = a_log(copy)
    for _ in range(2):
        verdict = log.verify()
        assert verdict.first_bad is not None
        assert verdict.first_bad[:2] == ("audit.jsonl", len(lines) + 1)
        log.append([an_event(1)])


def test_A7_a_lost_key_is_told_apart_from_an_altered_log(copy: Path) -> None:
    other = a_log(copy, key=b"n" * 32)
    verdict = other.verify()
    assert (verdict.ok, verdict.state) == (False, "unverifiable")
    assert verdict.first_bad is not None
    assert "cannot be verified" in verdict.first_bad[2]


def test_A7_with_a_new_key_a_new_chain_names_the_old_files_hash(copy: Path) -> None:
    import hashlib

    old = (copy / "audit.jsonl").read_bytes()
    other = a_log(copy, key=b"n" * 32)
    other.append([an_event(1), an_event(2)])
    first = json.loads(lines_of(copy / "audit.jsonl")[0])
    assert (first["seq"], first["outcome"]) == (1, "new_chain")
    assert first["digest"] == hashlib.blake2b(old, digest_size=32).hexdigest()
    assert (copy / "audit.000004.jsonl").read_bytes() == old
    verdict = other.verify()
    assert (verdict.state, verdict.events) == ("unverifiable", 3)
    assert verdict.first_bad == (
        "audit.000001.jsonl",
        1,
        "cannot be verified: written with a key that is not the one in use",
    )


def test_A7_files_of_the_lost_key_are_still_tied_together_by_their_hashes(copy: Path) -> None:
    other = a_log(copy, key=b"n" * 32)
    other.append([an_event(1)])
    for path in sorted(copy.glob("audit.0*.jsonl")):
        whole = path.read_bytes()
        path.write_bytes(whole.replace(b"NAME_1", b"NAME_9", 1))
        verdict = other.verify()
        assert verdict.state == "altered"
        assert verdict.first_bad is not None
        assert verdict.first_bad[0] == path.name
        path.unlink()
        assert other.verify().first_bad == (path.name, 1, "the file is missing")
        path.write_bytes(whole)
        path.chmod(0o600)
    assert other.verify().state == "unverifiable"


def test_A7_the_new_chain_is_verified_as_any_other(copy: Path) -> None:
    other = a_log(copy, key=b"n" * 32)
    other.append([an_event(1), an_event(2)])
    lines = lines_of(copy / "audit.jsonl")
    put(copy / "audit.jsonl", [lines[0], lines[2]])
    verdict = other.verify()
    assert (verdict.state, verdict.first_bad) == (
        "altered",
        ("audit.jsonl", 2, "1 line was removed before this one"),
    )


def test_verify_tells_its_progress(kept: Path) -> None:
    told: list[int] = []
    a_log(kept).verify(progress=told.append)
    assert told[-1] == 63


# Reading


def names_of(events: Iterator[dict[str, object]]) -> list[object]:
    return [event["seq"] for event in events]


@pytest.fixture(scope="module")
def everything(kept: Path) -> list[dict[str, object]]:
    return [json.loads(line) for path in log_files(kept) for line in lines_of(path)]


def test_reading_gives_every_event_of_every_file_in_order(
    kept: Path, everything: list[dict[str, object]]
) -> None:
    assert list(a_log(kept).read()) == everything
    assert list(a_log(kept).read(Query(newest_first=True))) == everything[::-1]


@pytest.mark.parametrize("last", [None, 0, 1, 5, 17, 1000])
@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize(
    "wanted", [{}, {"name": "NAME_3"}, {"outcome": "absent"}, {"name": "NAME_3", "backend": "fly"}]
)
def test_a_query_gives_what_filtering_the_parsed_events_would(
    kept: Path,
    everything: list[dict[str, object]],
    last: int | None,
    newest_first: bool,
    wanted: dict[str, str],
) -> None:
    expected = [e for e in everything if all(e.get(field) == text for field, text in wanted.items())]
    if last is not None:
        expected = expected[-last:] if last else []
    if newest_first:
        expected = expected[::-1]
    query = Query(**wanted, last=last, newest_first=newest_first)  # type: ignore[arg-type]
    assert list(a_log(kept).read(query)) == expected


def test_a_query_by_time_takes_the_first_moment_in_and_the_last_one_out(
    kept: Path, everything: list[dict[str, object]]
) -> None:
    times = sorted({str(event["time"]) for event in everything})
    since, until = (thousandths_of(times[at].encode()) / 1000 for at in (10, 20))
    found = list(a_log(kept).read(Query(since=since, until=until)))
    assert found == [event for event in everything if times[10] <= str(event["time"]) < times[20]]
    assert found


def test_a_query_cannot_be_fooled_by_a_name_that_looks_like_a_field(tmp_path: Path) -> None:
    log = a_log(tmp_path / "log")
    log.append([Event("get", "absent", 'A","outcome":"found'), Event("get", "found", "B\\")])
    assert names_of(log.read(Query(outcome="found"))) == [2]
    assert names_of(log.read(Query(name="B\\"))) == [2]
    assert [event["name"] for event in log.read()] == ['A","outcome":"found', "B\\"]


def test_last_is_read_from_the_end(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(tmp_path / "log")
    log.append([an_event(number) for number in range(20_000)])
    total = [0]
    real = os.pread

    def pread(fd: int, size: int, offset: int) -> bytes:
        total[0] += size
        return real(fd, size, offset)

    monkeypatch.setattr(os, "pread", pread)
    assert names_of(log.read(Query(last=3))) == [19_998, 19_999, 20_000]
    assert total[0] < 600_000


@pytest.mark.parametrize("cut", [0, 1, 100])
def test_reading_backwards_agrees_with_forwards_over_blocks(tmp_path: Path, cut: int) -> None:
    log = a_log(tmp_path / "log")
    log.append([an_event(number) for number in range(4000)])
    path = tmp_path / "log" / "audit.jsonl"
    path.write_bytes(path.read_bytes()[: -cut or None])
    assert list(log.read()) == list(log.read(Query(newest_first=True)))[::-1]


def test_a_reader_follows_the_log_through_a_rotation(tmp_path: Path) -> None:
    log = a_log(tmp_path / "log", max_bytes=2000)
    position = log.position()
    seen: list[object] = []
    for number in range(40):
        log.append([an_event(number)])
        if number % 4 == 0:
            found, position = log.tail_from(position)
            seen += [event["seq"] for event in found]
    found, position = log.tail_from(position)
    seen += [event["seq"] for event in found]
    assert seen == names_of(log.read())
    assert len(list((tmp_path / "log").glob("audit.0*.jsonl"))) > 2
    assert log.tail_from(position)[0] == []


DAMAGE = [
    b"",
    b"{",
    b"[" * 8000,
    b'{"seq":1}' * 3,
    b"\xff\xfe",
    b"null",
    b'{"seq":' + b"9" * 5000 + b"}",
    b"x" * 20_000,
    b'{"a":NaN}',
]


@pytest.mark.parametrize("damage", DAMAGE, ids=range(len(DAMAGE)))
def test_A9_what_does_not_verify_is_still_shown_and_what_is_shown_is_what_is_verified(
    copy: Path, damage: bytes
) -> None:
    path = log_files(copy)[1]
    lines = lines_of(path)
    put(path, [*lines[:4], damage, *lines[4:]])
    log = a_log(copy)
    verdict = log.verify()
    assert verdict.first_bad is not None
    assert verdict.first_bad[:2] == (path.name, 5)
    shown = list(log.read())
    assert len(shown) == 64
    assert len(list(log.read(Query(newest_first=True)))) == 64


def test_R1_a_log_that_is_let_go_of_keeps_no_descriptor(tmp_path: Path) -> None:
    def one() -> None:
        AuditLog(str(tmp_path / "audit"), KEY, actor=Actor("u", "h", 1)).append([Event("get", "found", "A")])

    one()
    before = len(os.listdir("/dev/fd"))
    for _ in range(20):
        one()
    assert len(os.listdir("/dev/fd")) == before
