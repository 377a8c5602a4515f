"""
How often a secret was read, and when last: an index of the audit log.

One file of fixed 64-byte slots, found by a keyed MAC of the name, and a header with the last counted
line. It is updated after each append, under the log's lock; where it is not exactly at the previous
line (a crash, another key, damage) it is left alone, and the next reader rebuilds it from the log. So
it always agrees with the log.
"""

from __future__ import annotations

import os
from _blake2 import blake2b

import sophia_secrets
from sophia_secrets.state import audit_disk as disk
from sophia_secrets.state import chain, files
from sophia_secrets.state.audit_event import FOUND, needle, string_of, thousandths_of, written_name
from sophia_secrets.state.counters_table import HEADER, LEAST, PAGE, SLOT, Damaged, Header, Table, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "counters"
_WAIT = 5.0


class Count:
    """`times` a name was found; `last` in Unix seconds, to the millisecond."""

    __slots__ = ("last", "times")

    def __init__(self, times: int, last: float) -> None:
        self.times = times
        self.last = last


class Counters:
    """The counters in an audit log's directory; `key` is the one derived for metadata."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def _ident(self, written: bytes) -> bytes:
        return blake2b(written, key=self._key, digest_size=16, person=b"name").digest()

    def count(
        self,
        directory: int,
        before: tuple[int, bytes],
        head: chain.Head,
        found: Iterable[tuple[bytes, int, int]],
    ) -> None:
        """
        Count names (as written in the log, milliseconds, sequence) of lines just appended.

        The audit log's lock is held. Never fails: what is not counted now is counted by the next `read`,
        from the log.
        """
        try:
            fd = disk.open_update(directory, FILE)
            try:
                self._count(directory, fd, before, head, found)
            finally:
                os.close(fd)
        except (OSError, Damaged, sophia_secrets.errors.UnsafeState):
            pass

    def _count(
        self,
        directory: int,
        fd: int,
        before: tuple[int, bytes],
        head: chain.Head,
        found: Iterable[tuple[bytes, int, int]],
    ) -> None:
        data = os.pread(fd, HEADER, 0)
        if not data and not before[0]:
            header = Header(LEAST, 0, 0, chain.ORIGIN)
            os.ftruncate(fd, PAGE + LEAST * SLOT)
        else:
            read = unpack(self._key, data)
            if read is None or not read.is_at(*before):
                return
            header = read
        table = Table(self._key, fd, header)
        larger = self._add(table, found)
        larger.header.sequence, larger.header.mac = head.sequence, head.mac
        if larger is table:
            table.write()
        else:
            from sophia_secrets.state import atomic

            atomic.replace(directory, FILE, larger.whole(), sync=False)

    def _add(self, table: Table, found: Iterable[tuple[bytes, int, int]]) -> Table:
        for written, last, _ in found:
            table.add(self._ident(written), 1, last)
            if table.header.used * 4 > table.header.capacity * 3:
                table = table.grown()
        return table

    def read(self, directory: int, audit_key: bytes, names: list[str]) -> dict[str, Count]:
        """The counts of these names; the index is rebuilt first where it is not at the log's end."""
        import time

        from sophia_secrets.state import atomic

        lock = files.Lock(directory, disk.HEAD)
        if not lock.acquire(time.monotonic() + _WAIT):
            raise sophia_secrets.errors.AuditFailed("The audit log is locked by another process.")
        try:
            head = chain.unpack_head(audit_key, files.read(directory, disk.HEAD, chain.HEAD_SIZE) or b"")
            try:
                return self._look_up(directory, head, names)
            except Damaged:
                pass
            table = self._rebuilt(directory, head)
            try:
                atomic.replace(directory, FILE, table.whole(), sync=False)
            except OSError:
                pass
            return self._counts(table, names)
        finally:
            lock.release()

    def _look_up(self, directory: int, head: chain.Head | None, names: list[str]) -> dict[str, Count]:
        fd = disk.open_read(directory, FILE)
        if fd is None:
            raise Damaged
        try:
            header = unpack(self._key, os.pread(fd, HEADER, 0))
            if header is None or head is None or not header.is_at(head.sequence, head.mac):
                raise Damaged
            table = Table(self._key, fd, header)
            table.require_intact()
            return self._counts(table, names)
        finally:
            os.close(fd)

    def _counts(self, table: Table, names: list[str]) -> dict[str, Count]:
        counts = {}
        for name in names:
            slot = table.get(self._ident(written_name(name)))
            if slot is not None:
                counts[name] = Count(slot[0], slot[1] / 1000)
        return counts

    def _rebuilt(self, directory: int, head: chain.Head | None) -> Table:
        sequence, mac = (head.sequence, head.mac) if head else (0, chain.ORIGIN)
        table = Table(self._key, -1, Header(LEAST, 0, sequence, mac))
        return self._add(table, _found(directory))


def _found(directory: int) -> Iterable[tuple[bytes, int, int]]:
    """Every access in the log: the name as written, milliseconds, sequence."""
    from sophia_secrets.state.audit_read import Position, blocks

    wanted = needle("outcome", FOUND)
    for block in blocks(directory, Position(0, 0)):
        for line in block:
            if wanted in line and chain.has_form(line) and (name := string_of(line, b"name")):
                yield name, thousandths_of(string_of(line, b"time")), chain.sequence_of(line)
