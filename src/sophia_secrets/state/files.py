"""
Private directories, atomic replacement, locks: the one place that writes a file.

Everything works relative to a directory opened once, follows no link at the last component,
and looks at what was opened rather than at what a name pointed to a moment before.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from _weakref import ref

from sophia_secrets import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_BASE = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NOT_A_FILE = (errno.ELOOP, errno.EMLINK, errno.EISDIR, errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP)
_CHUNK = 1 << 20
TEMPORARY = ".tmp"
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


class TooLarge(ValueError):
    """A file is longer than its reader is ready to take."""


def _open(path: str, flags: int, mode: int = 0o600, dirfd: int | None = None) -> int:
    """An open file that is never descriptor 0, 1 or 2: those may be closed, and are not ours."""
    fd = os.open(path, flags, mode, dir_fd=dirfd)
    if fd > 2:
        return fd
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(fd)


def path_of(dirfd: int, name: str = "") -> str:
    """The path of an open directory, or of a name in it, for messages: the name alone if unknown."""
    try:
        directory = os.readlink(f"/proc/self/fd/{dirfd}")
    except OSError:
        directory = ""
        if hasattr(fcntl, "F_GETPATH"):
            directory = os.fsdecode(fcntl.fcntl(dirfd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    return os.path.join(directory, name) if name else directory


def quoted(path: str) -> str:
    """A path as a shell would need it typed."""
    if path and all(c.isalnum() or c in "/._-+,:@%" for c in path):
        return path
    return "'" + path.replace("'", "'\\''") + "'"


def kind_of(mode: int) -> str:
    """What `st_mode` says a path is, in words."""
    for test, word in (
        (stat.S_ISREG, "a file"),
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if test(mode):
            return word
    return "a device"


def _check_private(seen: os.stat_result, path: str, mode: str) -> None:
    uid = os.geteuid()
    if seen.st_uid != uid:
        raise errors.UnsafeState(
            f"{path} belongs to user {seen.st_uid}, not to user {uid} who runs this.",
            hint=f"chown {uid} {quoted(path)}",
        )
    if seen.st_mode & 0o077:
        raise errors.UnsafeState(
            f"{path} is open to other users (mode {stat.S_IMODE(seen.st_mode):04o}).",
            hint=f"chmod {mode} {quoted(path)}",
        )


def open_directory(path: str, *, create: bool = True) -> int:
    """
    A descriptor of a private directory, made with each missing level (0700 in any umask).

    `path` is absolute. The last level must be a directory, not a link to one, of the effective
    user and closed to others: otherwise `errors.UnsafeState` with the command that mends it.
    Root makes nothing inside another user's directory. `OSError` where it cannot be made, and
    `FileNotFoundError` where it is missing and `create` is false.
    """
    if not os.path.isabs(path):
        raise ValueError("a state directory needs an absolute path")
    path = os.path.normpath(path)
    try:
        fd = _open(path, _DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        if not create or error.errno not in (errno.ENOENT, errno.EACCES):
            _refuse_directory(path)
            raise
        fd = -1
    if fd < 0:
        _make(path)
        return open_directory(path, create=False)
    try:
        _check_private(os.fstat(fd), path, "700")
    except BaseException:
        os.close(fd)
        raise
    return fd


def _refuse_directory(path: str) -> None:
    try:
        seen = os.lstat(path)
    except OSError:
        return
    if not stat.S_ISDIR(seen.st_mode):
        raise errors.UnsafeState(
            f"{path} is {kind_of(seen.st_mode)}, not a directory.",
            hint=f"mv {quoted(path)} {quoted(path + '.old')}",
        )
    _check_private(seen, path, "700")


def _make(path: str) -> None:
    parent, name = os.path.split(path)
    try:
        above = _open(parent, _DIRECTORY)
    except FileNotFoundError:
        _make(parent)
        above = _open(parent, _DIRECTORY)
    try:
        owner = os.fstat(above).st_uid
        if os.geteuid() == 0 and owner != 0:
            raise errors.UnsafeState(
                f"{path} would be made by root inside a directory of user {owner}.",
                hint="run this as that user, or set SOPHIA_SECRETS_HOME to a directory of root's",
            )
        try:
            os.mkdir(name, 0o700, dir_fd=above)
        except FileExistsError:
            pass
        made = os.stat(name, dir_fd=above, follow_symlinks=False)
        if made.st_mode & 0o700 != 0o700 and stat.S_ISDIR(made.st_mode) and made.st_uid == os.geteuid():
            os.chmod(name, 0o700, dir_fd=above)
    finally:
        os.close(above)


def check(fd: int, path: str) -> os.stat_result:
    """
    What `fstat` says of an open file of ours, known to be private.

    Raises `errors.UnsafeState` unless it is a regular file with one name, of the effective user
    and closed to others. `path` is for the message.
    """
    seen = os.fstat(fd)
    if not _is_private(seen):
        _refuse_file(seen, path)
    return seen


def _is_private(seen: os.stat_result) -> bool:
    return (
        stat.S_ISREG(seen.st_mode)
        and seen.st_nlink < 2
        and seen.st_uid == os.geteuid()
        and not seen.st_mode & 0o077
    )


def _refuse_file(seen: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(seen.st_mode):
        remove = "rm -r" if stat.S_ISDIR(seen.st_mode) else "rm"
        raise errors.UnsafeState(
            f"{path} is {kind_of(seen.st_mode)}, not a file.", hint=f"{remove} {quoted(path)}"
        )
    if seen.st_nlink > 1:
        raise errors.UnsafeState(f"{path} has a second name (a hard link).", hint=f"rm {quoted(path)}")
    _check_private(seen, path, "600")


def _open_private(dirfd: int, name: str, flags: int) -> int:
    """An open private file; `UnsafeState` where it is anything else, other `OSError` as it came."""
    try:
        fd = _open(name, flags | _BASE, 0o600, dirfd)
    except OSError as error:
        if error.errno in _NOT_A_FILE:
            _refuse_file(os.stat(name, dir_fd=dirfd, follow_symlinks=False), path_of(dirfd, name))
        raise
    try:
        seen = os.fstat(fd)
        if not _is_private(seen):
            _refuse_file(seen, path_of(dirfd, name))
        if flags & os.O_CREAT and seen.st_mode & 0o600 != 0o600:
            os.fchmod(fd, 0o600)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _open_shared(dirfd: int, name: str, flags: int) -> int:
    """The file that several processes may be creating at once, made by whoever comes first."""
    for _ in range(100):
        try:
            return _open_private(dirfd, name, flags | os.O_CREAT)
        except PermissionError:
            # Under a umask that takes the owner's bits, the file is shut for the moment between
            # its creation and its creator's fchmod.
            if os.stat(name, dir_fd=dirfd, follow_symlinks=False).st_mode & 0o777:
                raise
            time.sleep(0.005)
    return _open_private(dirfd, name, flags)


def open_append(dirfd: int, name: str) -> int:
    """A descriptor to append to and read a private file, made 0600 where it is missing."""
    return _open_shared(dirfd, name, os.O_RDWR | os.O_APPEND)


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
    A private file's content, or None where there is none.

    Raises `errors.UnsafeState` for what is not a private regular file, `TooLarge` above `limit`
    bytes, `OSError`. Never waits: a named pipe is refused, not read.
    """
    try:
        fd = _open_private(dirfd, name, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return _read_all(fd, os.fstat(fd).st_size, limit)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write everything, however short each write falls."""
    rest = memoryview(data)
    while rest:
        written = os.write(fd, rest)
        if not written:
            raise OSError(errno.EIO, "nothing could be written")
        rest = rest[written:]


def durable(fd: int) -> None:
    """Bring an open file to the disk itself (on macOS `fsync` alone stops at the drive's cache)."""
    if _FULL_SYNC is not None:
        try:
            fcntl.fcntl(fd, _FULL_SYNC)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOTTY):
                raise
    os.fsync(fd)


def sync_directory(dirfd: int) -> None:
    """Make names in a directory durable, where its file system can be asked to."""
    try:
        os.fsync(dirfd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def replace(dirfd: int, name: str, data: bytes, sync: bool = True, mode: int = 0o600) -> None:
    """
    Put `data` under `name`, 0600 unless told otherwise, whole or not at all.

    With `sync` it is on the disk before this returns. Raises `OSError`; then the name holds what
    it held (or, after the rename, the new data not yet known to be durable).
    """
    temporary = f"{name}.{os.urandom(8).hex()}{TEMPORARY}"
    fd = _open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BASE, 0o600, dirfd)
    try:
        try:
            os.fchmod(fd, mode)
            write_all(fd, data)
            if sync:
                durable(fd)
        finally:
            os.close(fd)
        os.rename(temporary, name, src_dir_fd=dirfd, dst_dir_fd=dirfd)
    except BaseException:
        remove(dirfd, temporary)
        raise
    if sync:
        sync_directory(dirfd)


def create(dirfd: int, name: str, data: bytes) -> bool:
    """
    Put `data` under a name that nothing has yet: false where another was first.

    A reader sees the whole or nothing. Creators take turns by a lock file, not by a hard link:
    not every file system has them, and a second name is what `check` refuses.
    """
    with Lock(dirfd, "create.lock"):
        if _exists(dirfd, name):
            return False
        replace(dirfd, name, data)
        return True


def _exists(dirfd: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=dirfd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def remove(dirfd: int, name: str) -> bool:
    """Remove a name (never what a link points to): false where it was not there."""
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
    An advisory lock on a file in a private directory, which dies with its process.

    Not inherited: in a forked child it is not held, and releasing it there does nothing. One
    `Lock` serves one holder; two in one process exclude each other.
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
        Take the lock: false where it could not be had by `deadline` (`time.monotonic`; a time
        gone by tries once, None waits for as long as it takes).

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
        fd = _open_shared(self._dirfd, self._name, os.O_RDWR)
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
        """Make `content` what others read in the lock file; nothing happens where it is not held."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, content, 0)

    def release(self) -> None:
        """Let go; nothing happens where it is not held."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            _held.pop(fd, None)
            try:
                fcntl.flock(fd, fcntl.LOCK_UN)
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
    # flock belongs to the open file: a child that kept the descriptor would hold the lock after
    # its parent died, and would release the parent's by releasing its own.
    for fd, held in tuple(_held.items()):
        lock = held()
        if lock is not None:
            lock._fd = -1
        os.close(fd)
    _held.clear()


os.register_at_fork(after_in_child=_forget_locks)


def _split(path: str) -> tuple[int, str]:
    directory, name = os.path.split(os.path.abspath(path))
    try:
        return _open(directory, _DIRECTORY), name
    except (FileNotFoundError, NotADirectoryError):
        problem = f"{directory} is not a directory."
    raise errors.UsageError(problem, hint=f"mkdir -p {quoted(directory)}")


def _refuse_chosen(path: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise errors.UsageError(
            f"{path} is {kind_of(mode)}, not a file.", hint="name the file itself, at its real path"
        )


def replace_path(path: str, data: bytes, mode: int = 0o600) -> None:
    """
    Put `data` in a file that the user named, anywhere, whole or not at all.

    The file has `mode` afterwards whatever it had before. Raises `errors.UsageError` where the
    path is a link, a directory or anything else that is not a file, or where its directory is
    missing; `OSError` where it cannot be written.
    """
    dirfd, name = _split(path)
    try:
        try:
            _refuse_chosen(path, os.stat(name or ".", dir_fd=dirfd, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            pass
        replace(dirfd, name, data, mode=mode)
    finally:
        os.close(dirfd)


def read_path(path: str, limit: int, private: bool = True, follow: bool = False) -> bytes | None:
    """
    The content of a file that the user named, or None where there is none.

    With `private` it must be one that only the effective user can read, as `read` says; without,
    any regular file (reached through a link only with `follow`). Raises `errors.UsageError` for
    what is not a file, `TooLarge`, `OSError`.
    """
    flags = _BASE & ~os.O_NOFOLLOW if follow else _BASE
    try:
        fd = _open(path, os.O_RDONLY | flags)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in _NOT_A_FILE:
            _refuse_chosen(path, os.lstat(path).st_mode)
        raise
    try:
        seen = os.fstat(fd)
        _refuse_chosen(path, seen.st_mode)
        if private:
            check(fd, path)
        return _read_all(fd, seen.st_size, limit)
    finally:
        os.close(fd)
