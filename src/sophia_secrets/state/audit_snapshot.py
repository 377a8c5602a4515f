"""A snapshot of the audit log, taken between two appends."""

from __future__ import annotations

import os
import time

from sophia_secrets import errors
from sophia_secrets.state import audit_disk as disk
from sophia_secrets.state import chain, files

_WAIT = 5.0


class LogSnapshot:
    """The log at one moment, without what is appended later."""

    __slots__ = ("current", "directory", "head", "key", "numbers", "size")

    def __init__(self, directory: int, key: bytes) -> None:
        self.directory = directory
        self.key = key
        lock = files.Lock(directory, disk.HEAD)
        if not lock.acquire(time.monotonic() + _WAIT, shared=True):
            raise errors.AuditFailed(
                "The audit log is locked by another process.",
                hint=f"see which with `fuser {files.quoted(files.path_of(directory, disk.HEAD))}`",
            )
        try:
            try:
                head = files.read(directory, disk.HEAD, chain.HEAD_SIZE)
            except files.TooLarge:
                head = None
            self.head = chain.unpack_head(key, head or b"")
            self.numbers = disk.rotations(directory)
            self.current = disk.open_read(directory, disk.CURRENT)
            self.size = disk.size_of(self.current) if self.current is not None else 0
        finally:
            lock.release()

    def open(self, number: int) -> tuple[int | None, int]:
        """A file's descriptor and size; number 0 is the current file."""
        if number:
            fd = disk.open_read(self.directory, disk.rotated(number))
            return fd, disk.size_of(fd) if fd is not None else 0
        return (os.dup(self.current) if self.current is not None else None), self.size

    def first_line(self, number: int) -> bytes:
        fd, size = self.open(number)
        if fd is None:
            return b""
        try:
            return disk.first_line(fd, size)
        finally:
            os.close(fd)
