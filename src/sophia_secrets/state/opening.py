"""
Opening private files and directories, and refusing others with the command that fixes them.

A path is opened once, without following a link at its last component, and the checks are made on the
open descriptor, so that nothing can be exchanged in between.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time

import sophia_secrets

BASE = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
NOT_A_FILE = (errno.ELOOP, errno.EMLINK, errno.EISDIR, errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP)
"""The errors of opening a link, a directory, a socket or a device without a driver."""


def open_file(path: str, flags: int, mode: int = 0o600, dirfd: int | None = None) -> int:
    """Open a file on a descriptor other than 0, 1 and 2, which may be closed and are not ours."""
    fd = os.open(path, flags, mode, dir_fd=dirfd)
    if fd > 2:
        return fd
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(fd)


def path_of(dirfd: int, name: str = "") -> str:
    """The path of an open directory, or of a file in it, for messages; the name alone if unknown."""
    try:
        directory = os.readlink(f"/proc/self/fd/{dirfd}")
    except OSError:
        directory = ""
        if hasattr(fcntl, "F_GETPATH"):
            directory = os.fsdecode(fcntl.fcntl(dirfd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
    return os.path.join(directory, name) if name else directory


def quoted(path: str) -> str:
    """A path quoted for a shell."""
    if path and all(c.isalnum() or c in "/._-+,:@%" for c in path):
        return path
    return "'" + path.replace("'", "'\\''") + "'"


def kind_of(mode: int) -> str:
    """The kind of file of an `st_mode`, in words."""
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
        raise sophia_secrets.errors.UnsafeState(
            f"{path} belongs to user {seen.st_uid}, not to user {uid} who runs this.",
            hint=f"chown {uid} {quoted(path)}",
        )
    if seen.st_mode & 0o077:
        raise sophia_secrets.errors.UnsafeState(
            f"{path} is open to other users (mode {stat.S_IMODE(seen.st_mode):04o}).",
            hint=f"chmod {mode} {quoted(path)}",
        )


def open_directory(path: str, *, create: bool = True) -> int:
    """
    A descriptor of a private directory, created with each missing parent (0700 under any umask).

    `path` is absolute. It must be a directory, not a link to one, of the effective user and
    inaccessible to others: otherwise `errors.UnsafeState` with the command that fixes it. Root creates
    nothing inside another user's directory. Raises `OSError` where it cannot be created, and
    `FileNotFoundError` where it is missing and `create` is false.
    """
    if not os.path.isabs(path):
        raise ValueError("a state directory needs an absolute path")
    path = os.path.normpath(path)
    try:
        fd = open_file(path, DIRECTORY | os.O_NOFOLLOW)
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
        raise sophia_secrets.errors.UnsafeState(
            f"{path} is {kind_of(seen.st_mode)}, not a directory.",
            hint=f"mv {quoted(path)} {quoted(path + '.old')}",
        )
    _check_private(seen, path, "700")


def _make(path: str) -> None:
    parent, name = os.path.split(path)
    try:
        above = open_file(parent, DIRECTORY)
    except FileNotFoundError:
        _make(parent)
        above = open_file(parent, DIRECTORY)
    try:
        owner = os.fstat(above).st_uid
        if os.geteuid() == 0 and owner != 0:
            raise sophia_secrets.errors.UnsafeState(
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
        # A durable file is lost if its directory's own entry is not durable.
        sync_directory(above)
    finally:
        os.close(above)


def sync_directory(dirfd: int) -> None:
    """Make the entries of a directory durable, where its file system supports that."""
    try:
        os.fsync(dirfd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def check(fd: int, path: str) -> os.stat_result:
    """
    The `fstat` of an open file, checked to be private.

    Raises `errors.UnsafeState` unless it is a regular file with one name, of the effective user and
    inaccessible to others. `path` is for the message.
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
        raise sophia_secrets.errors.UnsafeState(
            f"{path} is {kind_of(seen.st_mode)}, not a file.",
            hint=f"mv {quoted(path)} {quoted(path + '.old')}",
        )
    if seen.st_nlink > 1:
        # A copy replaces the link without losing the content: this may be the key.
        copy = quoted(path + ".copy")
        raise sophia_secrets.errors.UnsafeState(
            f"{path} has a second name (a hard link).",
            hint=f"cp -p {quoted(path)} {copy} && mv {copy} {quoted(path)}",
        )
    _check_private(seen, path, "600")


def open_private(dirfd: int, name: str, flags: int) -> int:
    """Open a private file. Raises `UnsafeState` for anything else, and other `OSError`."""
    try:
        fd = open_file(name, flags | BASE, 0o600, dirfd)
    except OSError as error:
        if error.errno in NOT_A_FILE:
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


def open_shared(dirfd: int, name: str, flags: int) -> int:
    """Open a private file, created if missing, also by several processes at once."""
    for _ in range(100):
        try:
            return open_private(dirfd, name, flags | os.O_CREAT)
        except PermissionError:
            # Under a umask that removes the owner's bits, the file is inaccessible for the moment
            # between its creation and its creator's fchmod.
            if os.stat(name, dir_fd=dirfd, follow_symlinks=False).st_mode & 0o777:
                raise
            time.sleep(0.005)
    return open_private(dirfd, name, flags)
