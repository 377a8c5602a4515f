"""
Reading the audit log: lines are filtered as bytes before they are parsed, and read from the end where
only the last few are wanted.

Every line of every file is read, as `verify` does. A line that is not an event (torn by a crash, or
damaged) is returned with the outcome `unreadable`, unless a filter is set.
"""

from __future__ import annotations

import os
from _json import make_scanner

from sophia_secrets.state import audit_disk as disk
from sophia_secrets.state import chain
from sophia_secrets.state.audit_event import needle, string_of, write_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 256 * 1024
UNREADABLE = "unreadable"


class Query:
    """
    Which events to read: exact texts (`actor` is the user), times in Unix seconds (`until` is
    exclusive), and only the `last` so many that match.
    """

    __slots__ = ("last", "needles", "newest_first", "since", "until")

    def __init__(
        self,
        *,
        name: str | None = None,
        backend: str | None = None,
        target: str | None = None,
        outcome: str | None = None,
        command: str | None = None,
        actor: str | None = None,
        since: float | None = None,
        until: float | None = None,
        last: int | None = None,
        newest_first: bool = False,
    ) -> None:
        wanted = {
            "name": name,
            "backend": backend,
            "target": target,
            "outcome": outcome,
            "command": command,
            "user": actor,
        }
        self.needles = [needle(field, text) for field, text in wanted.items() if text]
        self.since = write_time(since).encode() if since is not None else b""
        self.until = write_time(until).encode() if until is not None else b""
        self.last = last
        self.newest_first = newest_first

    @property
    def is_filter(self) -> bool:
        return bool(self.needles or self.since or self.until)

    def matches(self, line: bytes) -> bool:
        """Whether the line matches, decided without parsing it. A filter matches whole lines only."""
        if self.is_filter and not chain.has_form(line):
            return False
        for part in self.needles:
            if part not in line:
                return False
        if self.since or self.until:
            when = string_of(line, b"time").strip(b'"')
            if not when or when < self.since or (self.until and when >= self.until):
                return False
        return True

    def among(self, lines: list[bytes]) -> list[bytes]:
        """The lines that match."""
        for part in self.needles:
            lines = [line for line in lines if part in line]
        return [line for line in lines if self.matches(line)] if self.is_filter else lines


class Position:
    """A position in the log: a file's number (the current file has the next free one) and an offset."""

    __slots__ = ("file", "offset")

    def __init__(self, file: int, offset: int) -> None:
        self.file = file
        self.offset = offset


class _Json:
    """How `json` itself sets up its scanner; importing `json` would cost as much as starting Python."""

    strict = True
    object_hook = object_pairs_hook = array_hook = None
    parse_float = parse_constant = float
    parse_int = int


_scan = make_scanner(_Json)  # type: ignore[arg-type]


def parse(line: bytes) -> dict[str, object]:
    """A line's event, or one whose outcome is `unreadable`. Never raises."""
    if len(line) <= chain.LINE_LIMIT:
        try:
            text = line.decode()
            found, end = _scan(text, 0)
        except (ValueError, RecursionError, StopIteration):
            found, end = None, 0
        if isinstance(found, dict) and end == len(text):
            return found
    return {"outcome": UNREADABLE, "count": len(line)}


def read(directory: int, query: Query) -> Iterator[dict[str, object]]:
    """The events that match."""
    if query.last is None and not query.newest_first:
        for block in blocks(directory, Position(0, 0)):
            for line in query.among(block):
                yield parse(line)
        return
    found: list[bytes] = []
    left = query.last
    if left is not None and left <= 0:
        return
    for line in _backward(directory):
        if not query.matches(line):
            continue
        if query.newest_first:
            yield parse(line)
        else:
            found.append(line)
        if left is not None:
            left -= 1
            if not left:
                break
    for line in reversed(found):
        yield parse(line)


def _files(directory: int) -> list[tuple[int, int]]:
    """Each file's number and open descriptor, oldest first, the current one last."""
    # The current file is opened first: if it is rotated meanwhile, its descriptor still reads it,
    # under its new number.
    current = disk.open_read(directory, disk.CURRENT)
    numbers = disk.rotations(directory)
    opened = []
    seen = os.fstat(current) if current is not None else None
    for number in numbers:
        fd = disk.open_read(directory, disk.rotated(number))
        if fd is None:
            continue
        here = os.fstat(fd)
        if seen is not None and (here.st_ino, here.st_dev) == (seen.st_ino, seen.st_dev):
            os.close(fd)
            break
        opened.append((number, fd))
    if current is not None:
        opened.append((opened[-1][0] + 1 if opened else 1, current))
    return opened


def blocks(directory: int, position: Position) -> Iterator[list[bytes]]:
    """The lines after a position, in batches; `position` is advanced after each."""
    opened = _files(directory)
    try:
        for number, fd in opened:
            if number < position.file:
                continue
            if number > position.file:
                position.file, position.offset = number, 0
            for found, rest in disk.lines(fd, position.offset, disk.size_of(fd)):
                if found:
                    position.offset += sum(map(len, found)) + len(found)
                    yield found
                elif number != opened[-1][0]:
                    yield [rest]
    finally:
        for _, fd in opened:
            os.close(fd)


def _backward(directory: int) -> Iterator[bytes]:
    opened = _files(directory)
    try:
        for number, fd in reversed(opened):
            end = disk.size_of(fd)
            rest = b""
            is_end = True
            while end:
                start = max(0, end - _BLOCK)
                found = (os.pread(fd, end - start, start) + rest).split(b"\n")
                if is_end and (len(found) > 1 or not start):
                    is_end = False
                    torn = found.pop()
                    if torn and number != opened[-1][0]:
                        yield torn
                rest = found.pop(0) if start else b""
                yield from reversed(found)
                end = start
    finally:
        for _, fd in opened:
            os.close(fd)


def end_of(directory: int) -> Position:
    """The end of the log as it is now."""
    opened = _files(directory)
    try:
        if not opened:
            return Position(1, 0)
        number, fd = opened[-1]
        return Position(number, disk.size_of(fd))
    finally:
        for _, fd in opened:
            os.close(fd)


def tail_from(directory: int, position: Position, query: Query) -> tuple[list[dict[str, object]], Position]:
    """The events after a position, and the position after them; the argument is not changed."""
    moving = Position(position.file, position.offset)
    found = [parse(line) for block in blocks(directory, moving) for line in query.among(block)]
    return found, moving
