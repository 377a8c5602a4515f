"""
The counters' file: an open-addressed hash table of 64-byte slots in pages, and a header.

Every slot and the header have their own MAC; what does not fit is `Damaged`.
"""

from __future__ import annotations

import os
from _blake2 import blake2b

from sophia_secrets.state import audit_disk as disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = b"sophia-counters-1"
PAGE = 4096
SLOT = 64
HEADER = 256
LEAST = 256


class Damaged(Exception):
    """The file is not as it was written."""


class Header:
    """
    The number of slots and of those used, the last counted line, and `sum`, the XOR of the slots' MACs.
    """

    __slots__ = ("capacity", "mac", "sequence", "sum", "used")

    def __init__(self, capacity: int, used: int, sequence: int, mac: bytes) -> None:
        self.capacity = capacity
        self.used = used
        self.sequence = sequence
        self.mac = mac
        self.sum = 0

    def is_at(self, sequence: int, mac: bytes) -> bool:
        return self.sequence == sequence and self.mac == mac


class Table:
    """An open-addressed table over the pages of a file, read and written page by page."""

    __slots__ = ("_changed", "_fd", "_key", "_pages", "header")

    def __init__(self, key: bytes, fd: int, header: Header) -> None:
        self._key = key
        self._fd = fd
        self._pages: dict[int, bytearray] = {}
        self._changed: set[int] = set()
        self.header = header

    def _page(self, number: int) -> bytearray:
        page = self._pages.get(number)
        if page is None:
            data = os.pread(self._fd, PAGE, PAGE * (number + 1)) if self._fd >= 0 else bytes(PAGE)
            if len(data) != PAGE:
                raise Damaged
            page = self._pages[number] = bytearray(data)
        return page

    def _find(self, ident: bytes) -> tuple[int, int, bytes]:
        """The page and offset of a name's slot, or of the free slot for it, and its content."""
        at = int.from_bytes(ident[:8], "little") % self.header.capacity
        for _ in range(self.header.capacity):
            number, offset = divmod(at * SLOT, PAGE)
            slot = bytes(self._page(number)[offset : offset + SLOT])
            if not any(slot):
                return number, offset, b""
            if slot[48:] != _check(self._key, slot):
                raise Damaged
            if slot[:16] == ident:
                return number, offset, slot
            at = (at + 1) % self.header.capacity
        raise Damaged

    def get(self, ident: bytes) -> tuple[int, int] | None:
        """How often, and when last (milliseconds); None for a name that was never counted."""
        slot = self._find(ident)[2]
        return _counted(slot) if slot else None

    def add(self, ident: bytes, times: int, last: int) -> None:
        """Count a name so many more times, the last of them at that time (milliseconds)."""
        number, offset, before = self._find(ident)
        if before:
            earlier = _counted(before)
            times, last = times + earlier[0], max(last, earlier[1])
        slot = ident + times.to_bytes(8, "little") + max(last, 0).to_bytes(8, "little") + bytes(16)
        check = _check(self._key, slot)
        self._page(number)[offset : offset + SLOT] = slot + check
        self._changed.add(number)
        self.header.used += not before
        self.header.sum ^= int.from_bytes(before[48:], "little") ^ int.from_bytes(check, "little")

    def write(self) -> None:
        for number in sorted(self._changed):
            disk.write_at(self._fd, bytes(self._pages[number]), PAGE * (number + 1))
        disk.write_at(self._fd, pack(self._key, self.header), 0)

    def whole(self) -> bytes:
        pages = [bytes(self._page(n)) for n in range(self.header.capacity * SLOT // PAGE)]
        return pack(self._key, self.header).ljust(PAGE, b"\0") + b"".join(pages)

    def _slots(self) -> Iterator[bytes]:
        for number in range(self.header.capacity * SLOT // PAGE):
            page = bytes(self._page(number))
            for offset in range(0, PAGE, SLOT):
                slot = page[offset : offset + SLOT]
                if any(slot):
                    if slot[48:] != _check(self._key, slot):
                        raise Damaged
                    yield slot

    def require_intact(self) -> None:
        """Raises `Damaged` unless every slot is as it was written."""
        total = 0
        for slot in self._slots():
            total ^= int.from_bytes(slot[48:], "little")
        if total != self.header.sum:
            raise Damaged

    def grown(self) -> Table:
        """The same counts in a table of twice the size."""
        old = self.header
        larger = Table(self._key, -1, Header(old.capacity * 2, 0, old.sequence, old.mac))
        for slot in self._slots():
            larger.add(slot[:16], *_counted(slot))
        return larger


def _counted(slot: bytes) -> tuple[int, int]:
    return int.from_bytes(slot[16:24], "little"), int.from_bytes(slot[24:32], "little")


def _check(key: bytes, slot: bytes) -> bytes:
    return blake2b(slot[:48], key=key, digest_size=16, person=b"slot").digest()


def pack(key: bytes, header: Header) -> bytes:
    """A header as `HEADER` bytes with their own MAC."""
    text = b"%b %012d %012d %018d %b %032x" % (
        _MAGIC,
        header.capacity,
        header.used,
        header.sequence,
        header.mac,
        header.sum,
    )
    body = text.ljust(HEADER - 64)
    return body + blake2b(body, key=key, digest_size=32, person=b"header").hexdigest().encode()


def unpack(key: bytes, data: bytes) -> Header | None:
    """The header, or None where these bytes were not written with that key."""
    body, mac = data[: HEADER - 64], data[HEADER - 64 :]
    if len(data) != HEADER:
        return None
    if blake2b(body, key=key, digest_size=32, person=b"header").hexdigest().encode() != mac:
        return None
    words = body.split()
    if len(words) != 6 or words[0] != _MAGIC:
        return None
    header = Header(int(words[1]), int(words[2]), int(words[3]), words[4])
    header.sum = int(words[5], 16)
    return header
