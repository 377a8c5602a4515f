"""
Recovering a log that does not match its head: where to append, and which note to write first.

A crash leaves a torn line, or whole lines that are not in the head yet: they are accepted with a note
(`recovered`). A power cut may lose lines that were not synced: also `recovered`. Anything else is
tampering, and the log goes on after a `gap` that `verify` always reports. Without the key that wrote
the end of the log, a new chain starts.
"""

from __future__ import annotations

import os

from sophia_secrets.state import audit_disk as disk
from sophia_secrets.state import audit_foreign as foreign
from sophia_secrets.state import chain
from sophia_secrets.state.audit_disk import AppendPosition
from sophia_secrets.state.audit_event import Event
from sophia_secrets.state.walk import Walk, lines_were

_REACH = 256 * 1024


class _LastLine:
    """
    The last line near the end that follows the line before it: its sequence and MAC.

    `torn` are the bytes after it, `is_torn` whether there are any; `in_current` is false where the line
    is in the last rotated file.
    """

    __slots__ = ("in_current", "is_torn", "mac", "sequence", "torn")

    def __init__(
        self, sequence: int, mac: bytes, torn: chain.TornBytes, *, is_torn: bool, in_current: bool
    ) -> None:
        self.sequence = sequence
        self.mac = mac
        self.torn = torn
        self.is_torn = is_torn
        self.in_current = in_current


def settle(directory: int, key: bytes, head: chain.Head | None, current: int) -> AppendPosition:
    """
    The position to append at. The lock is held; `current` is the open current file.

    Without a head, where no line of the log fits the key, the current file is rotated: its descriptor
    is then not to be used and `AppendPosition.size` is 0.
    """
    numbers = disk.rotations(directory)
    if head is None:
        return _without_head(directory, key, numbers, current)
    if head.file in numbers:
        fd = disk.open_read(directory, disk.rotated(head.file))
        assert fd is not None  # noqa: S101
    else:
        fd = os.dup(current)
    try:
        size = disk.size_of(fd)
        whole = size >= head.size and (not head.size or disk.is_end_at(fd, head.size, head.mac))
    finally:
        os.close(fd)
    if not whole:
        return _shorter(directory, key, numbers, head, current)
    return _longer(directory, key, numbers, head, current)


def _place(numbers: list[int], least: int, current: int, sequence: int, mac: bytes) -> AppendPosition:
    size = disk.size_of(current)
    place = AppendPosition(max([least, *(n + 1 for n in numbers)]), size, sequence, mac)
    place.ended = not size or os.pread(current, 1, size - 1) == b"\n"
    return place


def _longer(directory: int, key: bytes, numbers: list[int], head: chain.Head, current: int) -> AppendPosition:
    walk = Walk(key, head.mac, head.sequence)
    for number in [n for n in numbers if n >= head.file] + [0]:
        fd = disk.open_read(directory, disk.rotated(number)) if number else os.dup(current)
        assert fd is not None  # noqa: S101
        try:
            start = head.size if head.file == number or (not number and head.file not in numbers) else 0
            for found, rest in disk.lines(fd, start, disk.size_of(fd)):
                walk.feed(found)
                walk.end(rest)
        finally:
            os.close(fd)
        if number and walk.mismatch is not None:
            walk.broken = True
            break
    place = _place(numbers, head.file, current, walk.sequence, walk.mac)
    count = walk.sequence - head.sequence
    if walk.broken or (walk.mismatch is not None and walk.mismatch.torn.whole):
        place.notes.append(_gap("something was put in that this log's writer did not write"))
    elif walk.mismatch is not None:
        if not place.ended:
            walk.mismatch.torn.add(b"")
        place.notes.append(_recovered(f"a torn line was ended; {lines_were(count)} taken in", count))
        place.notes[0].digest = walk.mismatch.torn.hexdigest()
    elif count:
        place.notes.append(_recovered(f"{lines_were(count)} taken in", count))
    return place


def _shorter(
    directory: int, key: bytes, numbers: list[int], head: chain.Head, current: int
) -> AppendPosition:
    boot = disk.boot_id()
    if boot == b"-" or boot != head.boot:
        last = _last_good(directory, key, numbers, current)
        if last is not None and head.synced <= last.sequence < head.sequence and not last.torn.whole:
            place = _place(numbers, 1, current, last.sequence, last.mac)
            lost = head.sequence - last.sequence
            place.notes.append(_recovered(f"{lines_were(lost)} lost unsynced when the machine stopped", lost))
            if not place.ended:
                last.torn.add(b"")
            if last.is_torn:
                place.notes[0].digest = last.torn.hexdigest()
            return place
    place = _place(numbers, head.file, current, head.sequence, head.mac)
    place.notes.append(_gap("the log was cut off or altered at its end"))
    return place


def _without_head(directory: int, key: bytes, numbers: list[int], current: int) -> AppendPosition:
    if not numbers and not disk.size_of(current):
        return AppendPosition(1, 0, 0, chain.ORIGIN)
    last = _last_good(directory, key, numbers, current)
    if (
        last is not None
        and last.sequence
        and (last.in_current or not _begins_foreign_chain(directory, key, numbers, current))
    ):
        place = _place(numbers, 1, current, last.sequence, chain.ORIGIN)
        place.notes.append(_gap("the head was removed or altered"))
        return place
    number = max([0, *numbers])
    if disk.size_of(current):
        number += 1
        os.rename(disk.CURRENT, disk.rotated(number), src_dir_fd=directory, dst_dir_fd=directory)
    place = AppendPosition(number + 1, 0, 0, chain.ORIGIN)
    begun = Event("audit", "new_chain", words="the log so far was written with another key")
    begun.digest = disk.hash_of(directory, disk.rotated(number))
    place.notes.append(begun)
    return place


def _begins_foreign_chain(directory: int, key: bytes, numbers: list[int], current: int) -> bool:
    """Whether the current file starts with a chain of another key, begun after the last rotated file."""
    line = disk.first_line(current, disk.size_of(current))
    return foreign.begins_foreign_chain(key, line, directory, disk.rotated(numbers[-1]))


def _last_good(directory: int, key: bytes, numbers: list[int], current: int) -> _LastLine | None:
    torn = chain.TornBytes(key)
    size = disk.size_of(current)
    reach = min(size, _REACH)
    found = os.pread(current, reach, size - reach).split(b"\n")
    rest = found.pop()
    if reach == size:
        found.insert(0, _line_before(directory, numbers))
    for at in range(len(found) - 1, 0, -1):
        if chain.follows(key, _claimed(found[at - 1]), found[at]):
            break
    else:
        at = 0
        if reach < size or (numbers and not _fits(directory, key, numbers)):
            return None
    for line in found[at + 1 :]:
        torn.add(line)
    if rest:
        torn.add(rest, ended=False)
    return _LastLine(
        max(chain.sequence_of(found[at]), 0),
        _claimed(found[at]),
        torn,
        is_torn=bool(rest or found[at + 1 :]),
        in_current=at > 0,
    )


def _claimed(line: bytes) -> bytes:
    return chain.mac_of(line) if chain.has_form(line) else chain.ORIGIN


def _line_before(directory: int, numbers: list[int]) -> bytes:
    """The last line of the last rotated file; empty where there is none."""
    return _last_two(directory, numbers)[1]


def _fits(directory: int, key: bytes, numbers: list[int]) -> bool:
    before, last = _last_two(directory, numbers)
    return chain.follows(key, _claimed(before), last)


def _last_two(directory: int, numbers: list[int]) -> tuple[bytes, bytes]:
    fd = disk.open_read(directory, disk.rotated(numbers[-1])) if numbers else None
    if fd is None:
        return b"", b""
    try:
        size = disk.size_of(fd)
        reach = min(size, 4 * chain.LINE_LIMIT)
        found = os.pread(fd, reach, size - reach).split(b"\n")[:-1]
    finally:
        os.close(fd)
    return (b"", b"", *found)[-2], (b"", *found)[-1]


def _gap(words: str) -> Event:
    return Event("audit", "gap", words=words)


def _recovered(words: str, count: int) -> Event:
    return Event("audit", "recovered", words=words, count=count)
