"""
Reading, appending to and locking private files.

Everything works relative to a directory opened once (see `opening`). Whole files are written by
`atomic`, which a warm start does not need.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from _weakref import ref

import sophia_secrets
from sophia_secrets.state.opening import (
    BASE,
    NOT_A_FILE,
    check,
    kind_of,
    open_directory,
    open_file,
    open_private,
    open_shared,
    path_of,
    quoted,
    sync_directory,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = [
    "Lock",
    "TooLarge",
    "check",
    "durable",
    "kind_of",
    "names",
    "open_append",
    "open_directory",
    "path_of",
    "quoted",
    "read",
    "read_path",
    "refuse_unless_file",
    "remove",
    "sync_directory",
    "write_all",
]

_CHUNK = 1 << 20
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


class TooLarge(ValueError):
    """A file is larger than the limit of its reader."""


def open_append(dirfd: int, name: str) -> int:
    """A private file, open for appending and reading, created 0600 if missing."""
    return open_shared(dirfd, name, os.O_RDWR | os.O_APPEND)


def _read_all(fd: int, size: int, limit: int) -> bytes:
    if size > limit:
        raise TooLarge("the file is too large")
    parts = []
    total = 0
    while chunk := os.read(fd, min(max(size - total, 0) + 1, _CHUNK)):
        parts.append(chunk)
        total += len(chunk)
        if total > limit:
            raise TooLarge("the file is too large")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read(dirfd: int, name: str, limit: int) -> bytes | None:
    """
    A private file's content, or None where it does not exist.

    Raises `errors.UnsafeState` for what is not a private regular file, `TooLarge` above `limit` bytes,
    `OSError`. Never blocks: a named pipe is refused.
    """
    try:
        fd = open_private(dirfd, name, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return _read_all(fd, os.fstat(fd).st_size, limit)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write all data, also in several writes."""
    rest = memoryview(data)
    while rest:
        written = os.write(fd, rest)
        if not written:
            raise OSError(errno.EIO, "nothing could be written")
        rest = rest[written:]


def durable(fd: int) -> None:
    """Make an open file durable (on macOS `fsync` alone stops at the drive's cache)."""
    if _FULL_SYNC is not None:
        try:
            fcntl.fcntl(fd, _FULL_SYNC)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise
    os.fsync(fd)


def remove(dirfd: int, name: str) -> bool:
    """Remove a file (never the target of a link): false where it does not exist."""
    try:
        os.unlink(name, dir_fd=dirfd)
    except FileNotFoundError:
        return False
    return True


def names(dirfd: int) -> list[str]:
    """The names in a directory, sorted."""
    return sorted(os.listdir(dirfd))


class Lock:
    """
    An advisory lock on a file in a private directory, released when its process dies.

    It is not inherited: in a forked child it is not held, and `release` has no effect there. One `Lock`
    serves one holder; two in one process exclude each other.
    """

    __slots__ = ("__weakref__", "_dirfd", "_fd", "_name")

    def __init__(self, dirfd: int, name: str) -> None:
        self._dirfd = dirfd
        self._name = name
        self._fd = -1

    @property
    def held(self) -> bool:
        return self._fd >= 0

    def acquire(self, deadline: float | None = None, shared: bool = False) -> bool:
        """
        Acquire the lock: false where that takes longer than until `deadline` (`time.monotonic`; a time in the
        past tries once, None waits without limit).

        Raises `errors.UnsafeState` and `OSError` as opening the file does.
        """
        pause = 0.001
        while not self._try(fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                time.sleep(min(pause, left))
            else:
                time.sleep(pause)
            pause = min(pause * 1.5, 0.02)
        return True

    def _try(self, how: int) -> bool:
        fd = open_shared(self._dirfd, self._name, os.O_RDWR)
        try:
            fcntl.flock(fd, how | fcntl.LOCK_NB)
            ours = os.fstat(fd)
            named = os.stat(self._name, dir_fd=self._dirfd, follow_symlinks=False)
            if (ours.st_ino, ours.st_dev) == (named.st_ino, named.st_dev):
                _held[fd] = ref(self)
                self._fd, fd = fd, -1
                return True
        except (BlockingIOError, FileNotFoundError):
            pass
        finally:
            if fd >= 0:
                os.close(fd)
        return False

    def write(self, content: bytes) -> None:
        """Replace the content of the lock file; no effect where the lock is not held."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, content, 0)

    def release(self) -> None:
        """Release the lock; no effect where it is not held."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            _held.pop(fd, None)
            try:
                # Closing releases it too, but not while a forked child has not run yet.
                fcntl.flock(fd, fcntl.LOCK_UN)
            except OSError:
                pass
            finally:
                os.close(fd)

    __del__ = release

    def __enter__(self) -> Self:
        if not self.held:
            self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


_held: dict[int, ref[Lock]] = {}


def _forget_locks() -> None:
    # flock belongs to the open file description: a child that kept the descriptor would hold the
    # lock after its parent died, and would release the parent's lock by releasing its own.
    for fd, held in tuple(_held.items()):
        lock = held()
        if lock is not None:
            lock._fd = -1
        os.close(fd)
    _held.clear()


os.register_at_fork(after_in_child=_forget_locks)


def refuse_unless_file(path: str, mode: int) -> None:
    """Raises `errors.UsageError` where `st_mode` is not that of a regular file."""
    if not stat.S_ISREG(mode):
        raise sophia_secrets.errors.UsageError(
            f"{path} is {kind_of(mode)}, not a file.", hint="name the file itself, at its real path"
        )


def read_path(path: str, limit: int, private: bool = True, follow: bool = False) -> bytes | None:
    """
    The content of a file that the user named, or None where it does not exist.

    With `private` it must be readable by the effective user only, as for `read`; without, any regular
    file (through a link only with `follow`). Raises `errors.UsageError` for what is not a file,
    `TooLarge`, `OSError`.
    """
    flags = BASE & ~os.O_NOFOLLOW if follow else BASE
    try:
        fd = open_file(path, os.O_RDONLY | flags)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in NOT_A_FILE:
            refuse_unless_file(path, os.lstat(path).st_mode)
        raise
    try:
        seen = os.fstat(fd)
        refuse_unless_file(path, seen.st_mode)
        if private:
            check(fd, path)
        return _read_all(fd, seen.st_size, limit)
    finally:
        os.close(fd)
