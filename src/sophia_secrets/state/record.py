"""
A cached snapshot as one encrypted record; unsealing gives names and values, or why it is a miss. Pure.

    header   magic, version, tag of the identity, fetched_at, expires_at, stale_until, generation
    nonce    24 random bytes
    sealed   lengths | index | values | meta, with the whole header as associated data

The tag is a keyed MAC over the length-prefixed identity, so that a record under another identity's name
does not open (C1). Nothing in the header is used before it is authenticated (K2).
"""

from __future__ import annotations

from _struct import Struct

from sophia_secrets.state import aead, keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Identity = tuple[bytes, ...]

MAGIC = b"SOPHIAR"
VERSION = 1
READABLE, WRITE_ONLY, ABSENT = "r", "w", "a"

FUTURE_ALLOWED = 60.0
"""Seconds by which a record may be newer than the reader's clock (C7)."""

_HEADER = Struct("<7sB32sdddQ")
_BLOCKS = Struct("<II")
_LENGTH = Struct("<I")
_NONE = 0xFFFFFFFF
_OVERHEAD = _HEADER.size + aead.NONCE + aead.TAG


class Miss:
    """
    Why there is no record: `absent`, `corrupt`, `foreign` (another identity's or another key's),
    `expired`, `future`, `rolled_back`, `version`, `unreadable`. `detail` is a sentence or empty.
    """

    __slots__ = ("detail", "reason")

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail

    def __repr__(self) -> str:
        return f"Miss({self.reason!r})"


class Item:
    """
    One name of a record: `state` is `r` (readable), `w` (write-only) or `a` (absent), `value` the bytes
    (empty unless readable), the rest as the vendor gave it, or None.
    """

    __slots__ = ("detail", "digest", "state", "updated_at", "value", "version")

    def __init__(
        self,
        state: str,
        value: bytes = b"",
        *,
        updated_at: str | None = None,
        digest: str | None = None,
        version: str | None = None,
        detail: str = "",
    ) -> None:
        self.state = state
        self.value = value
        self.updated_at = updated_at
        self.digest = digest
        self.version = version
        self.detail = detail

    def __repr__(self) -> str:
        return f"Item({self.state!r}, <secret>)"


class Record:
    """
    A whole snapshot of one target.

    Times are Unix seconds: `fetched_at`, `expires_at` (fresh until then), `stale_until` (usable during
    an outage until then). `generation` is that of the target when the fetch began. `label` is the
    target for display. An unsealed record decodes its entries on first use.
    """

    __slots__ = (
        "_complete", "_entries", "_identity", "_label", "_notes", "_plain",
        "expires_at", "fetched_at", "fresh", "generation", "stale_until",
    )  # fmt: skip

    def __init__(
        self,
        entries: Mapping[str, Item],
        fetched_at: float,
        *,
        expires_at: float = 0.0,
        stale_until: float = 0.0,
        generation: int = 0,
        complete: bool = True,
        notes: Iterable[str] = (),
        label: str = "",
    ) -> None:
        self._plain = b""
        self._entries: dict[str, Item] | None = dict(entries)
        self._complete = complete
        self._notes = tuple(notes)
        self._label = label
        self._identity: Identity = ()
        self.fetched_at = fetched_at
        self.expires_at = expires_at
        self.stale_until = stale_until
        self.generation = generation
        self.fresh = True

    def __repr__(self) -> str:
        return f"Record(fetched_at={self.fetched_at}, generation={self.generation}, <secret>)"

    def find(self, name: str) -> tuple[str, bytes] | None:
        """State and value of one name, decoding nothing else; None where the record does not have it."""
        if self._entries is None:
            return find(self._plain, name)
        item = self._entries.get(name)
        return None if item is None else (item.state, item.value)

    def names(self) -> list[str]:
        """The names, in the vendor's order."""
        if self._entries is not None:
            return list(self._entries)
        return [_unescape(line[0]) for line in _lines(self._plain)]

    def states(self) -> dict[str, str]:
        """The state of each name, in the vendor's order; nothing else is decoded."""
        if self._entries is not None:
            return {name: item.state for name, item in self._entries.items()}
        return {_unescape(line[0]): line[1].decode() for line in _lines(self._plain)}

    def age(self, now: float) -> float:
        """Seconds since the fetch, never negative."""
        return max(0.0, now - self.fetched_at)

    @property
    def entries(self) -> dict[str, Item]:
        return self._decode()

    @property
    def complete(self) -> bool:
        if self._entries is None:
            return _head(self._plain)[2]
        return self._complete

    @property
    def notes(self) -> tuple[str, ...]:
        if self._entries is None:
            return _head(self._plain)[3]
        return self._notes

    @property
    def label(self) -> str:
        self._decode()
        return self._label

    @property
    def identity(self) -> Identity:
        """The identity that it was sealed for; empty for a record that was not unsealed."""
        self._decode()
        return self._identity

    def _decode(self) -> dict[str, Item]:
        if self._entries is not None:
            return self._entries
        plain = self._plain
        index, _ = _BLOCKS.unpack_from(plain)
        start = _BLOCKS.size + index
        identity, label, self._complete, self._notes, rest = _head(plain)
        self._identity = tuple(field or b"" for field in _fields(identity))
        self._label = _text(label)
        entries = {}
        for name, state, offset, length in _lines(plain):
            at = start + int(offset)
            updated_at, digest, version, detail = (next(rest) for _ in range(4))
            entries[_unescape(name)] = Item(
                state.decode(),
                plain[at : at + int(length)],
                updated_at=None if updated_at is None else _text(updated_at),
                digest=None if digest is None else _text(digest),
                version=None if version is None else _text(version),
                detail=_text(detail or b""),
            )
        self._entries = entries
        return entries


def seal(key: bytes, identity: Identity, snapshot: Record, nonce: bytes) -> bytes:
    """The record's bytes. `nonce` is 24 fresh bytes of `os.urandom`."""
    header = _HEADER.pack(
        MAGIC, VERSION, tag(key, identity),
        snapshot.fetched_at, snapshot.expires_at, snapshot.stale_until, snapshot.generation,
    )  # fmt: skip
    return header + nonce + aead.seal(_secret(key), nonce, _encode(identity, snapshot), header)


def unseal(key: bytes, identity: Identity, blob: bytes, now: float) -> Record | Miss:
    """The record of exactly this identity, within its `stale_until`, or why it is a miss."""
    return unseal_tagged(key, tag(key, identity), blob, now)


def unseal_tagged(key: bytes, expected: bytes, blob: bytes, now: float | None) -> Record | Miss:
    """
    As `unseal`, by the identity's tag, which is its file name.

    With `now` None the record's age is not checked.
    """
    if len(blob) < _OVERHEAD or not blob.startswith(MAGIC):
        return Miss("corrupt")
    _, version, marked, *times, generation = _HEADER.unpack_from(blob)
    if version != VERSION:
        return Miss("version")
    if marked != expected:
        return Miss("foreign")
    header = blob[: _HEADER.size]
    body = _HEADER.size + aead.NONCE
    plain = aead.unseal(_secret(key), blob[_HEADER.size : body], blob[body:], header)
    if plain is None:
        return Miss("corrupt")
    fetched_at, expires_at, stale_until = times
    if now is not None and fetched_at > now + FUTURE_ALLOWED:
        return Miss("future")
    if now is not None and now >= stale_until:
        return Miss("expired")
    record = Record({}, fetched_at, expires_at=expires_at, stale_until=stale_until, generation=generation)
    record._plain = plain
    record._entries = None
    record.fresh = now is not None and now < expires_at
    return record


def find(plain: bytes, name: str) -> tuple[str, bytes] | None:
    """State and value of a name, searched for in the index only, so that no value can pass for a name."""
    index, _ = _BLOCKS.unpack_from(plain)
    end = _BLOCKS.size + index
    needle = b"\n" + _escape(name) + b"\t"
    at = plain.find(needle, _BLOCKS.size, end)
    if at < 0:
        return None
    line = plain[at + len(needle) : plain.find(b"\n", at + 1, end)]
    state, offset, length = line.split(b"\t")
    start = end + int(offset)
    return state.decode(), plain[start : start + int(length)]


def tag(key: bytes, identity: Identity) -> bytes:
    """The keyed MAC of an identity (32 bytes): its file name and its mark in the header."""
    return keys.mac(key, b"identity", *identity)


def _secret(key: bytes) -> bytes:
    return keys.mac(key, b"record")


def _encode(identity: Identity, snapshot: Record) -> bytes:
    index: list[bytes] = []
    values: list[bytes] = []
    meta: list[bytes | None] = [
        _join(identity), _bytes(snapshot.label), b"1" if snapshot.complete else b"0",
        str(len(snapshot.notes)).encode(), *map(_bytes, snapshot.notes),
    ]  # fmt: skip
    offset = 0
    for name, item in snapshot.entries.items():
        if item.state not in (READABLE, WRITE_ONLY, ABSENT):
            raise ValueError("an item is readable, write-only or absent")
        index.append(b"\n%s\t%s\t%d\t%d" % (_escape(name), item.state.encode(), offset, len(item.value)))
        values.append(item.value)
        offset += len(item.value)
        for word in (item.updated_at, item.digest, item.version, item.detail):
            meta.append(None if word is None else _bytes(word))
    block = b"".join((*index, b"\n"))
    return b"".join((_BLOCKS.pack(len(block), offset), block, *values, _join(meta)))


def _lines(plain: bytes) -> list[list[bytes]]:
    index, _ = _BLOCKS.unpack_from(plain)
    block = plain[_BLOCKS.size + 1 : _BLOCKS.size + index - 1]
    return [line.split(b"\t") for line in block.split(b"\n")] if block else []


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")


def _escape(name: str) -> bytes:
    return _bytes(name).replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\t", b"\\t")


def _unescape(raw: bytes) -> str:
    if b"\\" not in raw:
        return _text(raw)
    parts = (part.replace(b"\\n", b"\n").replace(b"\\t", b"\t") for part in raw.split(b"\\\\"))
    return _text(b"\\".join(parts))


def _join(fields: Iterable[bytes | None]) -> bytes:
    parts = []
    for field in fields:
        parts.append(_LENGTH.pack(_NONE if field is None else len(field)))
        parts.append(field or b"")
    return b"".join(parts)


def _fields(raw: bytes, at: int = 0) -> Iterator[bytes | None]:
    """The fields that `_join` joined, from an offset on."""
    while at < len(raw):
        (length,) = _LENGTH.unpack_from(raw, at)
        at += _LENGTH.size
        if length == _NONE:
            yield None
        else:
            yield raw[at : at + length]
            at += length


def _meta(plain: bytes) -> int:
    """The offset of the last block."""
    index, values = _BLOCKS.unpack_from(plain)
    return _BLOCKS.size + int(index) + int(values)


def _head(plain: bytes) -> tuple[bytes, bytes, bool, tuple[str, ...], Iterator[bytes | None]]:
    """The start of the last block: identity, label, complete, notes; then the fields of each name."""
    rest = _fields(plain, _meta(plain))
    identity, label, complete, count = (next(rest) or b"" for _ in range(4))
    notes = tuple(_text(next(rest) or b"") for _ in range(int(count or b"0")))
    return identity, label, complete == b"1", notes, rest
