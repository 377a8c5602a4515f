"""Writing whole files atomically: a temporary file beside the old one, then a rename."""

from __future__ import annotations

import os

from sophia_secrets import errors
from sophia_secrets.state import files, opening

TEMPORARY = ".tmp"
"""The suffix of a temporary file; one that a killed writer left behind has it too."""


def replace(dirfd: int, name: str, data: bytes, sync: bool = True, mode: int = 0o600) -> None:
    """
    Write `data` to the file `name`, whole or not at all.

    With `sync` it is durable before this returns. Raises `OSError`; then the file is as it was (or,
    after the rename, holds the new data, not yet known to be durable).
    """
    temporary = f"{name}.{os.urandom(8).hex()}{TEMPORARY}"
    fd = opening.open_file(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | opening.BASE, 0o600, dirfd)
    try:
        try:
            os.fchmod(fd, mode)
            files.write_all(fd, data)
            if sync:
                files.durable(fd)
        finally:
            os.close(fd)
        os.rename(temporary, name, src_dir_fd=dirfd, dst_dir_fd=dirfd)
    except BaseException:
        files.remove(dirfd, temporary)
        raise
    if sync:
        files.sync_directory(dirfd)


def create(dirfd: int, name: str, data: bytes) -> bool:
    """
    Create a file with `data`: false where the name already exists.

    A reader sees the whole file or none. Creators exclude each other by a lock file, not by a hard
    link: not every file system has them, and `check` refuses a second name.
    """
    with files.Lock(dirfd, "create.lock"):
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


def replace_path(path: str, data: bytes, mode: int = 0o600) -> None:
    """
    Write `data` to a file that the user named, whole or not at all.

    The file has `mode` afterwards, whatever it had before. Raises `errors.UsageError` where the
    path is a link, a directory or anything else that is not a file, or where its directory is
    missing; `OSError` where it cannot be written.
    """
    dirfd, name = _split(path)
    try:
        try:
            files.refuse_unless_file(path, os.stat(name or ".", dir_fd=dirfd, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            pass
        replace(dirfd, name, data, mode=mode)
    finally:
        os.close(dirfd)


def _split(path: str) -> tuple[int, str]:
    directory, name = os.path.split(os.path.abspath(path))
    try:
        return opening.open_file(directory, opening.DIRECTORY), name
    except (FileNotFoundError, NotADirectoryError):
        problem = f"{directory} is not a directory."
    raise errors.UsageError(problem, hint=f"mkdir -p {files.quoted(directory)}")
