"""
How often a secret was read, and when last: an index of the audit log.

One file of fixed 64-byte slots, found by a keyed MAC of the name, and a header that says up to
which line of the log it counts. It is brought up to date under the lock that the audit line
holds anyway, after the line; where it is not exactly at the line before (a crash, another boot,
another key, damage) it is left alone, and the next reader makes it anew from the log. So it
never says anything that the log does not.
"""

from __future__ import annotations

import os
from _blake2 import blake2b

from sophia_secrets import errors
from sophia_secrets.state import audit_disk as disk
from sophia_secrets.state import chain, files
from sophia_secrets.state.audit_event import FOUND, needle, string_of, thousandths_of, written_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = "counters"
_MAGIC = b"sophia-counters-1"
_PAGE = 4096
_SLOT = 64
_HEADER = 256
_LEAST = 256
_WAIT = 5.0


class Count:
    """`times` a name was found; `last` in Unix seconds, to the millisecond."""

    __slots__ = ("last", "times")

    def __init__(self, times: int, last: float) -> None:
        self.times = times
        self.last = last


class _Damaged(Exception):
    """The file does not hold what was written to it."""


class _Header:
    """The number of slots and of those used, and the line up to which they count."""

    __slots__ = ("boot", "capacity", "mac", "sequence", "used")

    def __init__(self, capacity: int, used: int, sequence: int, mac: bytes, boot: bytes) -> None:
        self.capacity = capacity
        self.used = used
        self.sequence = sequence
        self.mac = mac
        self.boot = boot

    def is_at(self, sequence: int, mac: bytes) -> bool:
        return self.sequence == sequence and self.mac == mac and self.boot == disk.boot_id()


class _Table:
    """An open-addressed table over the pages of a file, read and written page by page."""

    __slots__ = ("_changed", "_fd", "_key", "_pages", "header")

    def __init__(self, key: bytes, fd: int, header: _Header) -> None:
        self._key = key
        self._fd = fd
        self._pages: dict[int, bytearray] = {}
        self._changed: set[int] = set()
        self.header = header

    def _page(self, number: int) -> bytearray:
        page = self._pages.get(number)
        if page is None:
            data = os.pread(self._fd, _PAGE, _PAGE * (number + 1)) if self._fd >= 0 else bytes(_PAGE)
            if len(data) != _PAGE:
                raise _Damaged
            page = self._pages[number] = bytearray(data)
        return page

    def _find(self, ident: bytes) -> tuple[int, int, bytes]:
        """The page and offset of a name's slot, or of the free one it would get, and what is there."""
        at = int.from_bytes(ident[:8], "little") % self.header.capacity
        for _ in range(self.header.capacity):
            number, offset = divmod(at * _SLOT, _PAGE)
            slot = bytes(self._page(number)[offset : offset + _SLOT])
            if slot[:16] == ident:
                if slot[48:] != _check(self._key, slot):
                    raise _Damaged
                return number, offset, slot
            if not any(slot):
                return number, offset, b""
            at = (at + 1) % self.header.capacity
        raise _Damaged

    def get(self, ident: bytes) -> tuple[int, int] | None:
        slot = self._find(ident)[2]
        return (
            (int.from_bytes(slot[16:24], "little"), int.from_bytes(slot[24:32], "little")) if slot else None
        )

    def put(self, ident: bytes, times: int, last: int) -> None:
        number, offset, before = self._find(ident)
        slot = ident + times.to_bytes(8, "little") + max(last, 0).to_bytes(8, "little") + bytes(16)
        self._page(number)[offset : offset + _SLOT] = slot + _check(self._key, slot)
        self._changed.add(number)
        self.header.used += not before

    def write(self) -> None:
        for number in sorted(self._changed):
            disk.write_at(self._fd, bytes(self._pages[number]), _PAGE * (number + 1))
        disk.write_at(self._fd, _pack(self._key, self.header), 0)

    def whole(self) -> bytes:
        pages = [bytes(self._page(n)) for n in range(self.header.capacity * _SLOT // _PAGE)]
        return _pack(self._key, self.header).ljust(_PAGE, b"\0") + b"".join(pages)

    def grown(self) -> _Table:
        """The same counts in a table of twice the size."""
        header = self.header
        larger = _Table(
            self._key, -1, _Header(header.capacity * 2, 0, header.sequence, header.mac, header.boot)
        )
        for number in range(header.capacity * _SLOT // _PAGE):
            page = bytes(self._page(number))
            for offset in range(0, _PAGE, _SLOT):
                slot = page[offset : offset + _SLOT]
                if any(slot):
                    if slot[48:] != _check(self._key, slot):
                        raise _Damaged
                    larger.put(
                        slot[:16],
                        int.from_bytes(slot[16:24], "little"),
                        int.from_bytes(slot[24:32], "little"),
                    )
        return larger


def _check(key: bytes, slot: bytes) -> bytes:
    return blake2b(slot[:48], key=key, digest_size=16, person=b"slot").digest()


def _pack(key: bytes, header: _Header) -> bytes:
    text = b"%b %012d %012d %018d %b %b" % (
        _MAGIC,
        header.capacity,
        header.used,
        header.sequence,
        header.mac,
        header.boot,
    )
    body = text.ljust(_HEADER - 64)
    return body + blake2b(body, key=key, digest_size=32, person=b"header").hexdigest().encode()


def _unpack(key: bytes, data: bytes) -> _Header | None:
    body, mac = data[: _HEADER - 64], data[_HEADER - 64 :]
    if len(data) != _HEADER:
        return None
    if blake2b(body, key=key, digest_size=32, person=b"header").hexdigest().encode() != mac:
        return None
    words = body.split()
    return _Header(int(words[1]), int(words[2]), int(words[3]), words[4], words[5])


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

        The audit log's lock is held. Never fails: what could not be counted is found in the log
        by the next `read`.
        """
        try:
            fd = disk.open_update(directory, FILE)
            try:
                self._count(directory, fd, before, head, found)
            finally:
                os.close(fd)
        except (OSError, _Damaged, errors.UnsafeState):
            pass

    def _count(
        self,
        directory: int,
        fd: int,
        before: tuple[int, bytes],
        head: chain.Head,
        found: Iterable[tuple[bytes, int, int]],
    ) -> None:
        data = os.pread(fd, _HEADER, 0)
        if not data and not before[0]:
            header = _Header(_LEAST, 0, 0, chain.ORIGIN, disk.boot_id())
            os.ftruncate(fd, _PAGE + _LEAST * _SLOT)
        else:
            read = _unpack(self._key, data)
            if read is None or not read.is_at(*before):
                return
            header = read
        table = _Table(self._key, fd, header)
        larger = self._add(table, found)
        larger.header.sequence, larger.header.mac = head.sequence, head.mac
        if larger is table:
            table.write()
        else:
            files.replace(directory, FILE, larger.whole(), sync=False)

    def _add(self, table: _Table, found: Iterable[tuple[bytes, int, int]]) -> _Table:
        for written, last, _ in found:
            ident = self._ident(written)
            times, before = table.get(ident) or (0, 0)
            table.put(ident, times + 1, max(before, last))
            if table.header.used * 4 > table.header.capacity * 3:
                table = table.grown()
        return table

    def read(self, directory: int, audit_key: bytes, names: list[str]) -> dict[str, Count]:
        """The counts of these names, after making the index anew where it is not at the log's end."""
        import time

        lock = files.Lock(directory, disk.HEAD)
        if not lock.acquire(time.monotonic() + _WAIT):
            raise errors.AuditFailed("The audit log is held by another process.")
        try:
            head = chain.unpack_head(audit_key, files.read(directory, disk.HEAD, chain.HEAD_SIZE) or b"")
            try:
                return self._look_up(directory, head, names)
            except _Damaged:
                pass
            table = self._rebuilt(directory, head)
            try:
                files.replace(directory, FILE, table.whole(), sync=False)
            except OSError:
                pass
            return self._counts(table, names)
        finally:
            lock.release()

    def _look_up(self, directory: int, head: chain.Head | None, names: list[str]) -> dict[str, Count]:
        fd = disk.open_read(directory, FILE)
        if fd is None:
            raise _Damaged
        try:
            header = _unpack(self._key, os.pread(fd, _HEADER, 0))
            if header is None or head is None or not header.is_at(head.sequence, head.mac):
                raise _Damaged
            return self._counts(_Table(self._key, fd, header), names)
        finally:
            os.close(fd)

    def _counts(self, table: _Table, names: list[str]) -> dict[str, Count]:
        counts = {}
        for name in names:
            slot = table.get(self._ident(written_name(name)))
            if slot is not None:
                counts[name] = Count(slot[0], slot[1] / 1000)
        return counts

    def _rebuilt(self, directory: int, head: chain.Head | None) -> _Table:
        sequence, mac = (head.sequence, head.mac) if head else (0, chain.ORIGIN)
        table = _Table(self._key, -1, _Header(_LEAST, 0, sequence, mac, disk.boot_id()))
        return self._add(table, _found(directory))


def _found(directory: int) -> Iterable[tuple[bytes, int, int]]:
    """Every access in the log: the name as written, milliseconds, sequence."""
    from sophia_secrets.state.audit_read import Position, blocks

    wanted = needle("outcome", FOUND)
    for block in blocks(directory, Position(0, 0)):
        for line in block:
            if wanted in line and chain.has_form(line) and (name := string_of(line, b"name")):
                yield name, thousandths_of(string_of(line, b"time")), chain.sequence_of(line)
