"""The audit log's files: their names, reading and writing them piece by piece, and a moment between appends."""

from __future__ import annotations

import fcntl
import gc
import os
import stat
import time
from collections.abc import Iterator
from hashlib import blake2b
from importlib.util import module_from_spec
from pathlib import Path

import pytest

from sophia_secrets import errors
from sophia_secrets.state import audit_disk as disk
from sophia_secrets.state import chain, files
from sophia_secrets.state.audit_snapshot import LogSnapshot
from tests.written_log import KEY, Written

CURRENT = "audit.jsonl"


@pytest.fixture
def log(tmp_path: Path) -> Written:
    return Written(tmp_path)


@pytest.fixture
def directory(log: Written) -> Iterator[int]:
    fd = files.open_directory(str(log.directory))
    gc.collect()  # what an earlier test's error still holds
    yield fd
    os.close(fd)


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


# Names


def test_the_number_of_a_full_file_has_six_digits_or_more() -> None:
    assert disk.rotated(1) == "audit.000001.jsonl"
    assert disk.rotated(1_000_000) == "audit.1000000.jsonl"


def test_files_are_numbered_by_their_names_alone(log: Written, directory: int) -> None:
    for name in (
        "audit.000010.jsonl", "audit.000002.jsonl", "audit.1000000.jsonl", "audit.00001.jsonl", "audit.jsonl",
        "audit.head", "audit.-00001.jsonl", "audit.000003.jsonx", "xudit.000004.jsonl", "audit.00x005.jsonl",
        "audit.000006.jsonl.old", "audit.00000x.jsonl",
    ):  # fmt: skip
        (log.directory / name).touch()
    assert disk.rotations(directory) == [2, 10, 1_000_000]


def test_a_place_is_at_a_whole_end_with_nothing_to_say_unless_told() -> None:
    place = disk.AppendPosition(1, 2, 3, b"mac")
    assert (place.file, place.size, place.sequence, place.mac) == (1, 2, 3, b"mac")
    assert (place.ended, place.notes) == (True, [])


# Opening


def test_a_file_is_opened_to_be_read_and_never_waited_for(log: Written, directory: int) -> None:
    before = descriptors()
    assert disk.open_read(directory, CURRENT) is None
    log.put(CURRENT, b"x")
    fd = disk.open_read(directory, CURRENT)
    assert fd is not None
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    assert flags & os.O_ACCMODE == os.O_RDONLY
    assert flags & os.O_NONBLOCK
    assert not os.get_inheritable(fd)
    assert disk.size_of(fd) == 1
    os.close(fd)
    (log.directory / CURRENT).chmod(0o644)
    with pytest.raises(errors.UnsafeState):
        disk.open_read(directory, CURRENT)
    (log.directory / CURRENT).unlink()
    (log.directory / CURRENT).symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="symbolic links"):
        disk.open_read(directory, CURRENT)
    assert descriptors() == before


def test_a_head_is_opened_to_be_written_in_place(
    log: Written, directory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = descriptors()
    fd = disk.open_update(directory, "audit.head")
    assert stat.S_IMODE(os.fstat(fd).st_mode) == 0o600
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    assert flags & os.O_ACCMODE == os.O_RDWR
    assert not flags & os.O_APPEND
    assert flags & os.O_NONBLOCK
    os.close(fd)

    def refused(*arguments: object) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(fcntl, "fcntl", refused)
    with pytest.raises(OSError, match="Invalid argument"):
        disk.open_update(directory, "audit.head")
    assert descriptors() == before


# Reading and writing


def test_an_end_is_looked_at_where_it_is_said_to_be(log: Written, directory: int) -> None:
    first, second = log.line(), log.line()
    log.put(CURRENT)
    fd = disk.open_read(directory, CURRENT)
    assert fd is not None
    one = len(first) + 1
    assert disk.is_end_at(fd, one, chain.mac_of(first))
    assert disk.is_end_at(fd, one + len(second) + 1, chain.mac_of(second))
    for size, line in ((one, second), (one + 1, first), (one - 1, first), (0, first), (chain.TAIL, first)):
        assert not disk.is_end_at(fd, size, chain.mac_of(line))
    os.close(fd)
    tail = first[-chain.TAIL :] + b"\n"
    log.put(CURRENT, tail)
    fd = disk.open_read(directory, CURRENT)
    assert fd is not None
    assert disk.is_end_at(fd, len(tail), chain.mac_of(first))
    os.close(fd)


def test_a_short_write_in_place_is_continued(
    log: Written, directory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.put(CURRENT, b"0123456789")
    fd = disk.open_update(directory, CURRENT)
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: pwrite(fd, data[:2], offset))
    disk.write_at(fd, b"abcde", 3)
    disk.write_at(fd, b"", 0)
    os.close(fd)
    assert (log.directory / CURRENT).read_bytes() == b"012abcde89"


def test_bytes_come_a_megabyte_at_a_time_up_to_the_end(log: Written, directory: int) -> None:
    whole = os.urandom(1 << 20) + b"xyz"
    log.put(CURRENT, whole)
    fd = disk.open_read(directory, CURRENT)
    assert fd is not None
    assert [len(chunk) for chunk in disk.chunks(fd, 0, len(whole))] == [1 << 20, 3]
    assert b"".join(disk.chunks(fd, 1, len(whole) - 1)) == whole[1:-1]
    assert list(disk.chunks(fd, 5, 5)) == []
    assert list(disk.chunks(fd, len(whole) - 1, len(whole) + 9)) == [b"z"]
    os.close(fd)


def lines(directory: int, start: int = 0, end: int = 1 << 40) -> list[tuple[list[bytes], bytes]]:
    fd = disk.open_read(directory, CURRENT)
    assert fd is not None
    found = list(disk.lines(fd, start, end))
    os.close(fd)
    return found


def test_lines_come_whole_and_last_what_has_no_end(log: Written, directory: int) -> None:
    log.put(CURRENT, b"")
    assert lines(directory) == []
    log.put(CURRENT, b"a\n\nb\n")
    assert lines(directory) == [([b"a", b"", b"b"], b"")]
    assert lines(directory, 1, 4) == [([b"", b""], b""), ([], b"b")]
    log.put(CURRENT, b"a\nb")
    assert lines(directory) == [([b"a"], b""), ([], b"b")]
    log.put(CURRENT, b"b")
    assert lines(directory) == [([], b"b")]


def test_a_line_over_an_edge_of_a_chunk_is_one(
    log: Written, directory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_CHUNK", 3)
    log.put(CURRENT, b"ab\ncdefghi\nj")
    assert lines(directory) == [([b"ab"], b""), ([b"cdefghi"], b""), ([], b"j")]


def test_what_goes_on_for_megabytes_is_handed_on_in_pieces(log: Written, directory: int) -> None:
    log.put(CURRENT, b"x" * (6 << 20))
    assert [([len(line) for line in found], len(rest)) for found, rest in lines(directory)] == [
        ([5 << 20], 0), ([], 1 << 20),
    ]  # fmt: skip
    log.put(CURRENT, b"x" * (4 << 20) + b"\ny")
    assert [([len(line) for line in found], rest) for found, rest in lines(directory)] == [
        ([4 << 20], b""), ([], b"y"),
    ]  # fmt: skip


def test_a_hash_is_that_of_b2sum_and_closes_its_file(log: Written, directory: int) -> None:
    before = descriptors()
    assert disk.hash_of(directory, CURRENT) == ""
    whole = os.urandom((1 << 20) + 5)
    log.put(CURRENT, whole)
    assert disk.hash_of(directory, CURRENT) == blake2b(whole, digest_size=32).hexdigest()
    assert descriptors() == before


# The boot


BOOT = b"01234567-89ab-4cde-8f01-23456789abcd"


@pytest.mark.parametrize(
    ("told", "word"),
    [(BOOT, BOOT), (BOOT[:-1], b"-"), (BOOT + b"\n", BOOT), (b" " * 36, b"-"), (b"", b"-"), (None, b"-")],
)
def test_a_boot_has_its_word_where_the_system_tells_one(
    tmp_path: Path, directory: int, monkeypatch: pytest.MonkeyPatch, told: bytes | None, word: bytes
) -> None:
    path = tmp_path / "boot"
    if told is not None:
        path.write_bytes(told)
    opened: list[tuple[str, int]] = []
    real = os.open

    def open_instead(name: str, flags: int) -> int:
        opened.append((name, flags))
        return real(path, flags)

    assert disk.__spec__ is not None
    assert disk.__spec__.loader is not None
    fresh = module_from_spec(disk.__spec__)
    disk.__spec__.loader.exec_module(fresh)
    before = descriptors()
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", open_instead)
        assert fresh.boot_id() == fresh.boot_id() == word
    assert opened == [("/proc/sys/kernel/random/boot_id", os.O_RDONLY | os.O_CLOEXEC)]
    assert descriptors() == before


# A moment


def test_a_moment_holds_what_was_there_and_nothing_later(log: Written, directory: int) -> None:
    first = log.line()
    log.put("audit.000001.jsonl")
    second = log.line()
    log.put(CURRENT)
    log.head(file=2)
    moment = LogSnapshot(directory, KEY)
    assert moment.current is not None
    assert moment.head is not None
    assert (moment.head.sequence, moment.numbers, moment.size) == (2, [1], len(second) + 1)
    log.put(CURRENT, second + b"\n" + log.line() + b"\n")
    log.put("audit.000002.jsonl", b"")
    before = descriptors()
    assert moment.first_line(1) == first
    assert moment.first_line(0) == second
    assert moment.first_line(7) == b""
    assert descriptors() == before
    for number, size in ((0, len(second) + 1), (1, len(first) + 1)):
        fd, told = moment.open(number)
        assert told == size
        assert fd not in (None, moment.current)
        os.close(fd or -1)
    assert moment.open(7) == (None, 0)
    os.close(moment.current)


def test_a_moment_of_no_log(directory: int) -> None:
    moment = LogSnapshot(directory, KEY)
    assert (moment.head, moment.numbers, moment.current, moment.size) == (None, [], None, 0)
    assert moment.open(0) == (None, 0)
    assert moment.first_line(0) == b""


@pytest.mark.parametrize("more", [b"", b"x", b"x" * 9000])
def test_a_head_that_is_too_long_or_short_is_none(log: Written, directory: int, more: bytes) -> None:
    log.line()
    log.head()
    path = log.directory / "audit.head"
    path.write_bytes(path.read_bytes() + more if more else path.read_bytes()[:-1])
    assert LogSnapshot(directory, KEY).head is None


@pytest.mark.parametrize(("size", "there"), [(chain.LINE_LIMIT, True), (chain.LINE_LIMIT + 1, False)])
def test_a_first_line_is_looked_for_as_far_as_a_line_can_be_long(
    log: Written, directory: int, size: int, there: bool
) -> None:
    log.put(CURRENT, b"x" * size + b"\nmore\n")
    moment = LogSnapshot(directory, KEY)
    assert moment.first_line(0) == (b"x" * size if there else b"")
    os.close(moment.current or -1)
    log.put(CURRENT, b"torn")
    moment = LogSnapshot(directory, KEY)
    assert moment.first_line(0) == b""
    os.close(moment.current or -1)


def test_A2_a_moment_is_waited_for_five_seconds_beside_other_readers(
    log: Written, directory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[float | None, bool]] = []
    acquire = files.Lock.acquire

    def acquired(lock: files.Lock, deadline: float | None = None, shared: bool = False) -> bool:
        asked.append((deadline, shared))
        return acquire(lock, 0.0, shared)

    reader = files.Lock(directory, disk.HEAD)
    assert reader.acquire(shared=True)
    monkeypatch.setattr(files.Lock, "acquire", acquired)
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    before = descriptors()
    LogSnapshot(directory, KEY)
    assert asked == [(105.0, True)]
    assert descriptors() == before
    reader.release()
    writer = files.Lock(directory, disk.HEAD)
    assert writer.acquire()
    with pytest.raises(errors.AuditFailed) as caught:
        LogSnapshot(directory, KEY)
    writer.release()
    assert caught.value.message == "The audit log is locked by another process."
    assert caught.value.hint == f"see which with `fuser {log.directory}/audit.head`"
