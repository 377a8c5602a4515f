"""Writing the file of an option such as `--output`."""

from __future__ import annotations

import errno
import os

from sophia_secrets import errors
from sophia_secrets.state import atomic, files


def write(path: str, content: bytes) -> None:
    """
    Write a file that only this user can read, whole or not at all.

    Raises `errors.UsageError` for a path that cannot be a file, and `errors.OutputFailed` for I/O
    errors.
    """
    try:
        atomic.replace_path(path, content)
        return
    except OSError as problem:
        reason, hint = errors.reason_of(problem), _hint(problem.errno, path)
    raise errors.OutputFailed(f"{path} could not be written: {reason}.", hint=hint)


def _hint(number: int | None, path: str) -> str:
    directory = files.quoted(os.path.dirname(path) or ".")
    if number in (errno.ENOSPC, errno.EDQUOT):
        return f"Free some space (see `df -h {directory}`), or name another file."
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Make {directory} writable, or name another file."
    return "Try again, or name another file."
