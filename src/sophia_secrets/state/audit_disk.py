"""The audit log's files: their names, and opening, measuring and hashing them."""

from __future__ import annotations

import fcntl
import os
from _blake2 import blake2b

from sophia_secrets.state import chain, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sophia_secrets.state.audit_event import Event

CURRENT = "audit.jsonl"
HEAD = "audit.head"
_CHUNK = 1 << 20
_LONGEST = 4 << 20


class AppendPosition:
    """
    Where to append: the file, its size, the chain's sequence and MAC, and events to write first (`notes`).

    `ended` is false where a torn line must be terminated first.
    """

    __slots__ = ("ended", "file", "mac", "notes", "sequence", "size")

    def __init__(self, file: int, size: int, sequence: int, mac: bytes) -> None:
        self.file = file
        self.size = size
        self.sequence = sequence
        self.mac = mac
        self.ended = True
        self.notes: list[Event] = []


def rotated(number: int) -> str:
    """The name of the rotated file with that number."""
    return f"audit.{number:06d}.jsonl"


def rotations(directory: int) -> list[int]:
    """The numbers of the rotated files, in order."""
    return sorted(
        int(name[6:-6])
        for name in files.names(directory)
        if name.startswith("audit.")
        and name.endswith(".jsonl")
        and name[6:-6].isdecimal()
        and len(name) >= 18
    )


def open_read(directory: int, name: str) -> int | None:
    """A private file, open for reading, or None where it does not exist."""
    try:
        fd = os.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=directory
        )
    except FileNotFoundError:
        return None
    try:
        files.check(fd, files.path_of(directory, name))
    except BaseException:
        os.close(fd)
        raise
    return fd


def open_update(directory: int, name: str) -> int:
    """A private file, open for reading and writing in place, created 0600 if missing."""
    fd = files.open_append(directory, name)
    try:
        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_APPEND)
    except BaseException:
        os.close(fd)
        raise
    return fd


def size_of(fd: int) -> int:
    return os.fstat(fd).st_size


def is_end_at(fd: int, size: int, mac: bytes) -> bool:
    """Whether the line with that MAC ends at that offset. Reads a constant number of bytes."""
    reach = chain.TAIL + 1
    return size >= reach and chain.is_end(os.pread(fd, reach, size - reach), mac)


def first_line(fd: int, size: int) -> bytes:
    """The first line in the first `size` bytes of a file; empty where it has no newline or is too long."""
    line, newline, _ = os.pread(fd, min(size, chain.LINE_LIMIT + 1), 0).partition(b"\n")
    return line if newline else b""


def write_at(fd: int, data: bytes, offset: int) -> None:
    """Write all data at an offset, also in several writes."""
    while data:
        written = os.pwrite(fd, data, offset)
        data = data[written:]
        offset += written


def chunks(fd: int, start: int, end: int) -> Iterator[bytes]:
    """The bytes of a file between two offsets, in chunks."""
    while start < end and (chunk := os.pread(fd, min(_CHUNK, end - start), start)):
        start += len(chunk)
        yield chunk


def lines(fd: int, start: int, end: int) -> Iterator[tuple[list[bytes], bytes]]:
    """
    The lines between two offsets, in batches: (whole lines, b""), and last ([], rest) where bytes follow
    the last newline. Megabytes without a newline are not a line of ours and come in pieces.
    """
    rest = b""
    for chunk in chunks(fd, start, end):
        found = (rest + chunk).split(b"\n")
        rest = found.pop()
        if len(rest) > _LONGEST:
            found.append(rest)
            rest = b""
        if found:
            yield found, b""
    if rest:
        yield [], rest


def hash_of(directory: int, name: str) -> str:
    """The unkeyed BLAKE2b-256 of a file (`b2sum -l 256`), or "" where it does not exist."""
    fd = open_read(directory, name)
    if fd is None:
        return ""
    try:
        state = blake2b(digest_size=32)
        for chunk in chunks(fd, 0, size_of(fd)):
            state.update(chunk)
        return state.hexdigest()
    finally:
        os.close(fd)


_boot = b""


def boot_id() -> bytes:
    """An identifier of this boot of the machine, or `-` where the system has none."""
    global _boot  # noqa: PLW0603
    if not _boot:
        try:
            fd = os.open("/proc/sys/kernel/random/boot_id", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            _boot = b"-"
        else:
            try:
                word = os.read(fd, 36)
            finally:
                os.close(fd)
            _boot = word if len(word) == 36 and word.replace(b"-", b"").isalnum() else b"-"
    return _boot
