"""
The audit log's MAC chain: the form of a line and of the head, and their verification.

A line is `{"seq":N,` + fields + `,"mac":"…"}`. Its MAC is a keyed BLAKE2b over the MAC of the previous
line and the part of this line before its own MAC, so a line that was changed, moved, removed or
inserted does not fit. Pure: bytes in, bytes out; lines are without their newline.
`sophia_secrets.state.walk` follows the chain through a file.
"""

from __future__ import annotations

from _blake2 import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGEST = 32
_HEX = 2 * _DIGEST
ORIGIN = b"0" * _HEX
"""The previous MAC of the first line."""

_OPEN = b'{"seq":'
_BEFORE = b',"mac":"'
_AFTER = b'"}'
TAIL = len(_BEFORE) + _HEX + len(_AFTER)
"""The bytes at the end of a line that hold its MAC."""

LINE_LIMIT = 8192
HEAD_SIZE = 256
_MAGIC = b"sophia-audit-head-1"
_DIGITS = 18


def _mac(key: bytes, previous: bytes, text: bytes) -> bytes:
    return blake2b(previous + text, key=key, digest_size=_DIGEST).hexdigest().encode()


def seal(key: bytes, previous: bytes, sequence: int, fields: bytes) -> tuple[bytes, bytes]:
    """A whole line, and its MAC for the next one. `fields` is JSON without its braces, never empty."""
    text = b"%b%d,%b" % (_OPEN, sequence, fields)
    mac = _mac(key, previous, text)
    return b"".join((text, _BEFORE, mac, _AFTER)), mac


def has_form(line: bytes) -> bool:
    """Whether these bytes begin and end as a whole line does; a torn line never does."""
    return (
        TAIL < len(line) <= LINE_LIMIT
        and line.startswith(_OPEN)
        and line.endswith(_AFTER)
        and line[-TAIL : -_HEX - len(_AFTER)] == _BEFORE
    )


def mac_of(line: bytes) -> bytes:
    """The MAC that a line of the right form claims."""
    return line[-_HEX - len(_AFTER) : -len(_AFTER)]


def sequence_of(line: bytes) -> int:
    """The number that a line claims, or -1."""
    digits, comma, _ = line[len(_OPEN) : len(_OPEN) + _DIGITS + 1].partition(b",")
    return int(digits) if line.startswith(_OPEN) and comma and digits.isdigit() else -1


def follow(key: bytes, previous: bytes, lines: Sequence[bytes]) -> tuple[int, bytes]:
    """
    How many of these lines each follow the one before, and the MAC of the last that does.

    Only a holder of the key can write a line that follows; `previous` is the MAC before the first.
    """
    count = 0
    for line in lines:
        mac = blake2b(previous + line[:-TAIL], key=key, digest_size=_DIGEST).hexdigest().encode()
        if line[-TAIL:] != _BEFORE + mac + _AFTER:
            break
        previous = mac
        count += 1
    return count, previous


def follows(key: bytes, previous: bytes, line: bytes) -> bool:
    """Whether a holder of the key wrote this line directly after the line with that MAC."""
    return follow(key, previous, (line,))[0] == 1


def is_end(tail: bytes, mac: bytes) -> bool:
    """Whether the last `TAIL` + 1 bytes of a file are the end of the line with that MAC."""
    return tail == b"".join((_BEFORE, mac, _AFTER, b"\n"))


class TornBytes:
    """
    Bytes that are no valid lines, collected until a `recovered` event vouches for them.

    `hexdigest` is the keyed digest in such an event; `whole` says that a line of the right form is among
    them, which a crash cannot leave.
    """

    __slots__ = ("_state", "whole")

    def __init__(self, key: bytes) -> None:
        self._state = blake2b(b"torn", key=key, digest_size=_DIGEST)
        self.whole = False

    def add(self, line: bytes, *, ended: bool = True) -> None:
        self.whole = self.whole or has_form(line)
        self._state.update(line)
        if ended:
            self._state.update(b"\n")

    def hexdigest(self) -> str:
        return self._state.copy().hexdigest()


class Head:
    """
    The end of the log, stored in its own file.

    `file` is the number that the current file will have once rotated, `size` its bytes, `sequence` and
    `mac` those of the last line. `synced` is the sequence up to which the log is known to be durable,
    `boot` the boot in which this head was written: after a power cut, lines between `synced` and
    `sequence` may be lost without tampering.
    """

    __slots__ = ("boot", "file", "mac", "sequence", "size", "synced")

    def __init__(self, file: int, size: int, sequence: int, mac: bytes, *, synced: int, boot: bytes) -> None:
        self.file = file
        self.size = size
        self.sequence = sequence
        self.mac = mac
        self.synced = synced
        self.boot = boot


def pack_head(key: bytes, head: Head) -> bytes:
    """A head as `HEAD_SIZE` bytes of text with their own MAC: of constant length, to be written in place."""
    text = b"%b %018d %018d %06d %018d %b %b" % (
        _MAGIC,
        head.sequence,
        head.size,
        head.file,
        head.synced,
        head.mac,
        head.boot,
    )
    body = text.ljust(HEAD_SIZE - _HEX - 1)
    return body + _mac(key, b"head", body) + b"\n"


def unpack_head(key: bytes, data: bytes) -> Head | None:
    """The head, or None where these bytes were not written with the key."""
    body, mac = data[: HEAD_SIZE - _HEX - 1], data[HEAD_SIZE - _HEX - 1 :]
    if len(data) != HEAD_SIZE or mac != _mac(key, b"head", body) + b"\n":
        return None
    words = body.split()
    if len(words) != 7 or words[0] != _MAGIC:
        return None
    sequence, size, file, synced = (int(word) for word in words[1:5])
    return Head(file, size, sequence, words[5], synced=synced, boot=words[6])


def format_head(sequence: int, mac: bytes) -> str:
    """The head as text to keep elsewhere."""
    return f"{sequence}:{mac.decode()}"


def parse_head(text: str) -> tuple[int, bytes] | None:
    """The sequence and MAC of a printed head, or None where it is invalid."""
    number, _, mac = text.strip().partition(":")
    if not (number.isascii() and number.isdigit() and len(number) <= _DIGITS and len(mac) == _HEX):
        return None
    if mac.strip("0123456789abcdef"):
        return None
    return int(number), mac.encode()
