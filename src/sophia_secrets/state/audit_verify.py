"""
Verifying the audit log: a walk along the bytes of all its files.

It detects accidents and changes by anyone without the key. Whoever has the key (the same user, root)
can write a whole new log; only a head kept elsewhere reveals that.
"""

from __future__ import annotations

import os

from sophia_secrets import errors
from sophia_secrets.state import audit_disk as disk
from sophia_secrets.state import audit_foreign as foreign
from sophia_secrets.state import chain
from sophia_secrets.state.audit_snapshot import LogSnapshot
from sophia_secrets.state.walk import CUT_OFF, NOT_HEAD, Walk, lines_were

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

OK = "ok"
ALTERED = "altered"
UNVERIFIABLE = "unverifiable"
MISSING = "the file is missing"
_OTHER_KEY = "cannot be verified: written with a key that is not the one in use"


class Verdict:
    """
    The result of `verify`.

    `state` is `ok`, `altered`, or `unverifiable`: nothing contradicts the log, but (part of) it was
    written with another key. `events` is the number of verified lines. `first_bad` is (file, line,
    reason), None where all is well; lines count from 1. `head` is the end of what was verified, to
    keep elsewhere. `pending` says that a crash left something that the next append will recover.
    """

    __slots__ = ("events", "first_bad", "head", "pending", "state")

    def __init__(
        self, state: str, events: int, first_bad: tuple[str, int, str] | None, head: str, pending: bool
    ) -> None:
        self.state = state
        self.events = events
        self.first_bad = first_bad
        self.head = head
        self.pending = pending

    @property
    def ok(self) -> bool:
        return self.state == OK


def _name(number: int) -> str:
    return disk.rotated(number) if number else disk.CURRENT


def printed_head(directory: int, key: bytes) -> str:
    """The head of the log as text."""
    log = LogSnapshot(directory, key)
    if log.current is not None:
        os.close(log.current)
    if log.head is None:
        return chain.format_head(0, chain.ORIGIN)
    return chain.format_head(log.head.sequence, log.head.mac)


def verify(
    directory: int, key: bytes, expect_head: str | None, progress: Callable[[int], object] | None
) -> Verdict:
    """See `audit.AuditLog.verify`."""
    expected = None
    if expect_head is not None:
        expected = chain.parse_head(expect_head)
        if expected is None:
            raise errors.UsageError(
                "That is not a head of an audit log.",
                hint="print one with `sophia-secrets audit verify --head`",
            )
    try:
        log = LogSnapshot(directory, key)
        try:
            return _verify(log, expected, progress)
        finally:
            if log.current is not None:
                os.close(log.current)
    except OSError as error:
        said = error.strerror
    raise errors.AuditFailed(
        f"The audit log cannot be read: {said}.", hint="See where it is with `sophia-secrets config path`."
    )


def _verify(
    log: LogSnapshot, expected: tuple[int, bytes] | None, progress: Callable[[int], object] | None
) -> Verdict:
    numbers = [*log.numbers, 0]
    start = max((at for at, number in enumerate(numbers) if _begins(log, number)), default=0)
    walk = Walk(log.key, chain.ORIGIN, 0)
    marks = [mark for mark in (expected, _mark(log.head)) if mark is not None]
    agreed = [walk.expect(*mark) for mark in marks].count(False) == 0
    bad = None
    for at in range(start, len(numbers)):
        bad = _missing(log, numbers[at]) or _walk_file(log, walk, numbers, at, progress)
        if bad is not None:
            break
    if bad is None:
        bad = _end(log, walk, agreed)
    head = chain.format_head(walk.sequence, walk.mac)
    pending = bad is None and (
        walk.mismatch is not None or (log.head is not None and walk.sequence != log.head.sequence)
    )
    if bad is not None and not walk.events and _is_foreign(log, numbers):
        return Verdict(UNVERIFIABLE, 0, (_name(numbers[0]), 1, _OTHER_KEY), head, False)
    anothers = (
        bad is not None
        and agreed
        and not walk.unreached
        and _continues_as_foreign_chain(log, numbers, at, bad)
    )
    if start and (bad is None or anothers):
        older = _older(log, numbers[: start + 1])
        return Verdict(older[0], walk.events, (older[1], 1, older[2]), head, pending)
    if bad is not None and anothers:
        return Verdict(UNVERIFIABLE, walk.events, (bad[0], bad[1], _OTHER_KEY), head, False)
    return Verdict(OK if bad is None else ALTERED, walk.events, bad, head, pending)


def _mark(head: chain.Head | None) -> tuple[int, bytes] | None:
    if head is None:
        return None
    # After a reboot, only synced lines are sure to be there.
    restarted = head.boot == b"-" or head.boot != disk.boot_id()
    return None if restarted and head.synced < head.sequence else (head.sequence, head.mac)


def _begins(log: LogSnapshot, number: int) -> bool:
    return foreign.begins_ours(log.key, log.first_line(number))


def _missing(log: LogSnapshot, before: int) -> tuple[str, int, str] | None:
    """The first missing file before this number; 0 is the current file."""
    last = before - 1 if before else max([0, *log.numbers, log.head.file - 1 if log.head else 0])
    for number in range(1, last + 1):
        if number not in log.numbers:
            return disk.rotated(number), 1, MISSING
    return None


def _walk_file(
    log: LogSnapshot, walk: Walk, numbers: list[int], at: int, progress: Callable[[int], object] | None
) -> tuple[str, int, str] | None:
    number = numbers[at]
    fd, size = log.open(number)
    if fd is None:
        return None
    previous_lines = walk.line
    walk.next_file()
    try:
        for found, rest in disk.lines(fd, 0, size):
            walk.feed(found)
            walk.end(rest)
            if walk.broken:
                break
            if progress is not None:
                progress(walk.events)
    finally:
        os.close(fd)
    if walk.not_head:
        return _name(number), walk.not_head, NOT_HEAD
    mismatch = walk.mismatch
    if mismatch is None or not (walk.broken or number or mismatch.torn.whole):
        return None
    if at and mismatch.is_end_of_previous:
        return _name(numbers[at - 1]), previous_lines + 1, mismatch.reason()
    return _name(number), mismatch.line, mismatch.reason()


def _end(log: LogSnapshot, walk: Walk, agreed: bool) -> tuple[str, int, str] | None:
    last = walk.mismatch.line if walk.mismatch is not None else walk.line + 1
    if not agreed:
        return disk.CURRENT, last, NOT_HEAD
    if walk.unreached:
        if walk.mismatch is not None:
            return disk.CURRENT, last, walk.mismatch.reason()
        return disk.CURRENT, last, CUT_OFF.format(lines_were(walk.unreached))
    if log.head is None:
        if walk.events or walk.mismatch is not None:
            return disk.HEAD, 1, "the head is missing or was changed"
        return None
    if walk.sequence < log.head.synced:
        return disk.CURRENT, last, CUT_OFF.format(lines_were(log.head.synced - walk.sequence))
    return None


def _continues_as_foreign_chain(
    log: LogSnapshot, numbers: list[int], at: int, bad: tuple[str, int, str]
) -> bool:
    """Whether the log is intact up to the file where another key's chain starts, which goes on to the end."""
    if not at or bad[:2] != (_name(numbers[at]), 1):
        return False
    before = disk.rotated(numbers[at - 1])
    line = log.first_line(numbers[at])
    return foreign.begins_foreign_chain(log.key, line, log.directory, before) and _is_foreign(
        log, numbers[at:]
    )


def _is_foreign(log: LogSnapshot, numbers: list[int]) -> bool:
    """Whether neither the head nor any line near an end of these files was written with this key."""
    if log.head is not None:
        return False
    for number in numbers:
        fd, size = log.open(number)
        if fd is None:
            continue
        try:
            reach = min(size, 8 * chain.LINE_LIMIT)
            found = os.pread(fd, reach, 0).split(b"\n") + os.pread(fd, reach, size - reach).split(b"\n")
        finally:
            os.close(fd)
        if foreign.any_follows(log.key, found):
            return False
    return True


def _older(log: LogSnapshot, numbers: list[int]) -> tuple[str, str, str]:
    """The verdict on the files before this chain: whether each has the hash that the next one states."""
    for at in range(len(numbers) - 1, 0, -1):
        line = log.first_line(numbers[at])
        if not foreign.names(line, log.directory, disk.rotated(numbers[at - 1])):
            return (
                ALTERED,
                disk.rotated(numbers[at - 1]),
                "the file is not the one whose hash the next file names",
            )
    first = numbers[0]
    if chain.follows(log.key, chain.ORIGIN, log.first_line(first)):
        # The key in use wrote the beginning too, and another key the middle.
        anothers = [n for n in numbers[1:] if foreign.begins(log.first_line(n)) and not _begins(log, n)]
        first = anothers[0] if anothers else first
    return UNVERIFIABLE, _name(first), _OTHER_KEY
