"""Reading the log line by line: what a query wants, and where a reader stands, to the byte."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sophia_secrets.state import audit_disk, audit_read, chain, files
from sophia_secrets.state.audit_event import write_time
from sophia_secrets.state.audit_read import Position, Query, blocks, end_of, parse, read, tail_from
from tests.written_log import GET, KEY, Written

FIRST, SECOND, CURRENT = "audit.000001.jsonl", "audit.000002.jsonl", "audit.jsonl"


@pytest.fixture
def log(tmp_path: Path) -> Written:
    return Written(tmp_path)


@pytest.fixture
def directory(log: Written) -> Iterator[int]:
    fd = files.open_directory(str(log.directory))
    yield fd
    os.close(fd)


def sequences(directory: int, **query: object) -> list[object]:
    gc.collect()
    before = len(os.listdir("/dev/fd"))
    found = [
        event.get("seq", event.get("outcome"))
        for event in read(directory, Query(**query))  # type: ignore[arg-type]
    ]
    assert len(os.listdir("/dev/fd")) == before
    return found


def a_line(fields: bytes = GET) -> bytes:
    return chain.seal(KEY, chain.ORIGIN, 1, fields)[0]


# What a query wants


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("name", b"name"), ("backend", b"backend"), ("target", b"target"), ("outcome", b"outcome"),
        ("command", b"command"), ("actor", b"user"),
    ],
)  # fmt: skip
def test_each_text_is_looked_for_in_its_own_field(asked: str, field: bytes) -> None:
    query = Query(**{asked: "x"})  # type: ignore[arg-type]
    assert query.is_filter
    assert query.matches(a_line(b'"%b":"x"' % field))
    assert not query.matches(a_line(b'"%b":"xx"' % field))
    assert not query.matches(a_line(b'"words":"x"'))
    assert query.among([a_line(b'"%b":"x"' % field), a_line(b'"words":"x"')]) == [a_line(b'"%b":"x"' % field)]


def test_a_query_of_nothing_wants_every_line_whole_or_not() -> None:
    query = Query(name="")
    assert not query.is_filter
    assert query.matches(b"torn")
    assert query.among([b"torn", a_line()]) == [b"torn", a_line()]
    assert (query.last, query.newest_first, query.since, query.until, query.needles) == (
        None,
        False,
        b"",
        b"",
        [],
    )


def test_a_filter_wants_whole_lines_only() -> None:
    torn = a_line(b'"name":"x"')[:-1]
    assert not Query(name="x").matches(torn)
    assert Query(name="x").among([torn]) == []


@pytest.mark.parametrize(
    ("since", "until", "wanted"),
    [
        (None, None, True), (10.0, None, True), (10.001, None, False), (None, 10.0, False),
        (None, 10.001, True), (10.0, 10.001, True), (0.0, 10.0, False), (10.0, 10.0, False),
    ],
)  # fmt: skip
def test_the_first_moment_is_in_and_the_last_is_out(
    since: float | None, until: float | None, wanted: bool
) -> None:
    query = Query(since=since, until=until)
    line = a_line(b'"time":"%b"' % write_time(10.0).encode())
    assert query.is_filter is (since is not None or until is not None)
    assert query.matches(line) is wanted
    assert query.among([line]) == ([line] if wanted else [])
    assert query.matches(a_line()) is not query.is_filter


# What a line is


def test_a_line_is_its_event_or_unreadable_with_its_size() -> None:
    assert parse(b'{"a":1}') == {"a": 1}
    for line in (b"[1]", b"{", b"", b"[" * 8000):
        assert parse(line) == {"outcome": "unreadable", "count": len(line)}
    longest = b'{"a":"%b"}' % (b"x" * (chain.LINE_LIMIT - 8))
    assert len(longest) == chain.LINE_LIMIT
    assert parse(longest)["a"] == "x" * (chain.LINE_LIMIT - 8)
    assert parse(longest.replace(b"x", b"xx", 1)) == {"outcome": "unreadable", "count": chain.LINE_LIMIT + 1}


# Files in order


@pytest.fixture
def three(log: Written) -> Written:
    """Two lines in each of two full files, and two in the current one."""
    for name in (FIRST, SECOND, CURRENT):
        log.line()
        log.line()
        log.put(name)
    return log


def test_R1_every_file_is_read_in_order_and_closed(three: Written, directory: int) -> None:
    assert sequences(directory) == [1, 2, 3, 4, 5, 6]
    assert sequences(directory, newest_first=True) == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(("last", "count"), [(1, 1), (3, 3), (6, 6), (7, 6), (0, 0), (-1, 0)])
def test_the_last_few_are_the_last(three: Written, directory: int, last: int, count: int) -> None:
    expected = [1, 2, 3, 4, 5, 6][6 - count :]
    assert sequences(directory, last=last) == expected
    assert sequences(directory, last=last, newest_first=True) == expected[::-1]
    assert sequences(directory, last=last, command="get") == expected
    assert sequences(directory, last=last, command="set") == []


def test_the_last_few_of_those_that_match(log: Written, directory: int) -> None:
    for command in (b"get", b"set", b"get", b"set", b"get"):
        log.line(b'"command":"%b"' % command)
    log.put(CURRENT)
    assert sequences(directory, last=2, command="get") == [3, 5]
    assert sequences(directory, last=1, command="set") == [4]
    assert sequences(directory, command="set", newest_first=True) == [4, 2]


def test_a_query_that_has_enough_reads_no_further_back(
    three: Written, directory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    pread = os.pread

    def counted(fd: int, size: int, offset: int) -> bytes:
        reads.append(fd)
        return pread(fd, size, offset)

    monkeypatch.setattr(os, "pread", counted)
    assert sequences(directory, last=2) == [5, 6]
    assert len(reads) == 1


def test_no_log_has_no_events_and_ends_at_its_beginning(log: Written, directory: int) -> None:
    assert sequences(directory) == []
    assert sequences(directory, newest_first=True) == []
    end = end_of(directory)
    assert (end.file, end.offset) == (1, 0)


def test_a_log_that_was_never_put_away_is_the_first_file(log: Written, directory: int) -> None:
    line = log.line()
    log.put(CURRENT)
    end = end_of(directory)
    assert (end.file, end.offset) == (1, len(line) + 1)


def test_a_torn_end_is_shown_in_a_full_file_and_may_still_grow_in_the_current_one(
    log: Written, directory: int
) -> None:
    line = log.line()
    log.put(FIRST, line + b"\ntorn")
    assert sequences(directory) == [1]
    log.put(CURRENT, log.line() + b"\ntorn")
    assert sequences(directory) == [1, "unreadable", 2]
    assert sequences(directory, newest_first=True) == [2, "unreadable", 1]
    log.put(FIRST, b"torn")
    assert sequences(directory) == ["unreadable", 2]
    assert sequences(directory, newest_first=True) == [2, "unreadable"]
    log.put(CURRENT, b"torn")
    assert sequences(directory, newest_first=True) == ["unreadable"]


@pytest.mark.parametrize("block", [1, 2, 7, 100, 101, 102, 103, 1000])
def test_reading_backwards_meets_every_edge_of_a_block(
    log: Written, directory: int, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    lines = [log.line(b'"words":"%b"' % (b"x" * (number % 4))) for number in range(9)]
    log.put(FIRST, b"\n".join([*lines[:4], b"", b"torn"]))
    log.put(CURRENT, b"\n".join([*lines[4:], b"torn"]))
    forwards = sequences(directory)
    monkeypatch.setattr(audit_read, "_BLOCK", block)
    assert sequences(directory, newest_first=True) == forwards[::-1]
    assert forwards == [1, 2, 3, 4, "unreadable", "unreadable", 5, 6, 7, 8, 9]


def test_a_block_is_a_quarter_of_a_megabyte(
    log: Written, directory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.put(CURRENT, (b"x" * 8191 + b"\n") * 80)
    sizes: list[int] = []
    pread = os.pread

    def counted(fd: int, size: int, offset: int) -> bytes:
        sizes.append(size)
        return pread(fd, size, offset)

    monkeypatch.setattr(os, "pread", counted)
    assert len(sequences(directory, last=33)) == 33
    assert sizes == [256 * 1024, 256 * 1024]


# Where a reader stands


def test_a_position_is_the_file_it_will_be_and_the_bytes_before_it(three: Written, directory: int) -> None:
    before = len(os.listdir("/dev/fd"))
    end = end_of(directory)
    assert (end.file, end.offset) == (3, (three.directory / CURRENT).stat().st_size)
    assert len(os.listdir("/dev/fd")) == before
    (three.directory / CURRENT).unlink()
    end = end_of(directory)
    assert (end.file, end.offset) == (2, (three.directory / SECOND).stat().st_size)


def test_a_reader_takes_what_is_new_and_no_torn_line(three: Written, directory: int) -> None:
    position = end_of(directory)
    whole = (three.directory / CURRENT).read_bytes()
    assert tail_from(directory, position, Query())[0] == []
    line = three.line() + b"\n"
    three.put(CURRENT, whole + line[:-1])
    found, after = tail_from(directory, position, Query())
    assert found == []
    assert (after.file, after.offset) == (position.file, position.offset)
    three.put(CURRENT, whole + line)
    found, after = tail_from(directory, after, Query())
    assert [event["seq"] for event in found] == [7]
    assert (position.file, position.offset) == (3, len(whole))
    assert (after.file, after.offset) == (3, len(whole + line))
    assert tail_from(directory, position, Query(command="set"))[0] == []


def test_a_reader_goes_on_in_the_files_after_its_own(three: Written, directory: int) -> None:
    first = len((three.directory / SECOND).read_bytes().splitlines()[0]) + 1
    found, after = tail_from(directory, Position(2, first), Query())
    assert [event["seq"] for event in found] == [4, 5, 6]
    assert (after.file, after.offset) == (3, (three.directory / CURRENT).stat().st_size)
    (three.directory / CURRENT).rename(three.directory / "audit.000003.jsonl")
    three.line()
    three.put(CURRENT)
    found, after = tail_from(directory, after, Query())
    assert [event["seq"] for event in found] == [7]
    assert after.file == 4


def test_a_block_that_is_left_closes_its_files(three: Written, directory: int) -> None:
    before = len(os.listdir("/dev/fd"))
    reading = blocks(directory, Position(0, 0))
    next(reading)
    reading.close()
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize("there", [True, False])
def test_X3_a_file_that_is_put_away_meanwhile_is_read_once(
    three: Written, directory: int, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """It is renamed after the current file was opened; a file may also go again before it is opened."""
    rotations = audit_disk.rotations

    def late(fd: int) -> list[int]:
        if there:
            (three.directory / CURRENT).rename(three.directory / "audit.000003.jsonl")
            for name in ("audit.000004.jsonl", CURRENT):
                three.line()
                three.put(name)
            return rotations(fd)
        return [9, *rotations(fd)]

    monkeypatch.setattr(audit_disk, "rotations", late)
    assert sequences(directory) == [1, 2, 3, 4, 5, 6]
