"""Finding and reading the settings files, without blocking and up to a limit."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.settings.document import Document, parse

LIMIT = 1 << 20
"""The most bytes of a settings file."""

LOCAL_FILE = "sophia-secrets.local.toml"
PROJECT_FILE = "sophia-secrets.toml"
PYPROJECT = "pyproject.toml"
TABLE = ("tool", "sophia-secrets")
BOUNDARY = ".git"

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


class FileStamp(Struct, frozen=True):
    """
    A file that was looked for.

    `stamp` is (device, inode, size, mtime_ns, ctime_ns) of what was read, or None where it was absent:
    while every stamp is unchanged, so are the settings.
    """

    path: str
    stamp: tuple[int, int, int, int, int] | None


class Project(Struct, frozen=True):
    """
    The project's settings files, the strongest first, and everything that the search depended on.

    `markers` are the `.git` entries that were looked for, each with whether it exists.
    """

    documents: tuple[Document, ...]
    seen: tuple[FileStamp, ...]
    markers: tuple[tuple[str, bool], ...]
    notes: tuple[str, ...] = ()


def find_project(cwd: str, home: str) -> Project:
    """
    The project's settings files, searched upwards from the working directory.

    All are from the first directory that has any. The search ends after a directory with `.git`, after
    the home directory, or at the root, so a clone inside a project does not use the outer project's
    targets. Raises `errors.BadSettings`.
    """
    seen: list[FileStamp] = []
    markers: list[tuple[str, bool]] = []
    for directory in _upwards(os.path.abspath(cwd), home):
        found: list[Document] = []
        for name in (LOCAL_FILE, PROJECT_FILE):
            document, look = read(os.path.join(directory, name))
            seen.append(look)
            if document is not None:
                found.append(document)
        pyproject, look = read_pyproject(os.path.join(directory, PYPROJECT))
        seen.append(look)
        notes: tuple[str, ...] = ()
        if pyproject is not None:
            if any(os.path.basename(each.path) == PROJECT_FILE for each in found):
                notes = (
                    f"[tool.sophia-secrets] in {pyproject.path} is ignored: {PROJECT_FILE} is beside it.",
                )
            else:
                found.append(pyproject)
        if found:
            return Project(tuple(found), tuple(seen), tuple(markers), notes)
        marker = os.path.join(directory, BOUNDARY)
        markers.append((marker, os.path.lexists(marker)))
        if markers[-1][1]:
            break
    return Project((), tuple(seen), tuple(markers))


def _upwards(directory: str, home: str) -> Iterator[str]:
    yield directory
    while directory not in (home, above := os.path.dirname(directory)):
        directory = above
        yield directory


def read(path: str) -> tuple[Document | None, FileStamp]:
    """
    A settings file, or None where there is none. Raises `errors.BadSettings` for one that is not
    readable, or not UTF-8 TOML.
    """
    try:
        content, status = _content(path)
    except OSError as error:
        if error.errno in _ABSENT or (error.errno == errno.EACCES and not _is_listed(path)):
            return None, FileStamp(path, None)
        problem = _trouble(path, error)
    else:
        return parse(path, content, status), FileStamp(path, _stamp(status))
    message, hint = problem
    raise errors.BadSettings(message, hint=hint)


def read_pyproject(path: str) -> tuple[Document | None, FileStamp]:
    """
    The `[tool.sophia-secrets]` of a `pyproject.toml`, or None where it has none.

    A file without that text is not parsed, so it need not be valid.
    """
    try:
        content, status = _content(path)
    except OSError:
        return None, FileStamp(path, None)
    look = FileStamp(path, _stamp(status))
    if TABLE[1].encode() not in content:
        return None, look
    whole = parse(path, content, status)
    table: object = whole.table
    for name in TABLE:
        table = table.get(name) if isinstance(table, Mapping) else None
    if table is None:
        return None, look
    if not isinstance(table, Mapping):
        raise whole.error(TABLE, "`tool.sophia-secrets` must be a table.", "Write `[tool.sophia-secrets]`.")
    return Document(path, table, whole.text, content, status, TABLE), look


def read_named(path: str) -> tuple[Document, FileStamp]:
    """The settings file of `--config`. Raises `errors.BadSettings` where it has no settings."""
    document, seen = (read_pyproject if os.path.basename(path) == PYPROJECT else read)(path)
    if document is None:
        what = "has no [tool.sophia-secrets]" if seen.stamp else "does not exist"
        raise errors.BadSettings(
            f"The settings file {path} {what}.",
            hint="Give the path of one with `--config FILE`, or leave it out.",
        )
    return document, seen


def _content(path: str) -> tuple[bytes, os.stat_result]:
    # Non-blocking: a named pipe in a clone must not hang every command.
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a directory")
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is not a file")
        if status.st_size > LIMIT:
            raise OSError(errno.EFBIG, "is too large")
        parts: list[bytes] = []
        size = 0
        while size <= LIMIT and (part := os.read(fd, LIMIT)):
            parts.append(part)
            size += len(part)
        if size > LIMIT:
            raise OSError(errno.EFBIG, "is too large")
        return b"".join(parts), status
    finally:
        os.close(fd)


def _stamp(status: os.stat_result) -> tuple[int, int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _is_listed(path: str) -> bool:
    """Whether the name exists, as far as its directory can be read."""
    try:
        os.lstat(path)
    except OSError:
        return False
    return True


def _trouble(path: str, error: OSError) -> tuple[str, str]:
    match error.errno:
        case errno.EISDIR:
            return f"{path} is a directory, not a settings file.", "Move it away, or rename it."
        case errno.EACCES:
            return f"{path} may not be read.", "Make it yours and readable, for example with `chmod u+r`."
        case errno.EFBIG:
            return f"{path} is larger than {LIMIT:,} bytes, so it is not a settings file.", "Make it smaller."
        case errno.ELOOP:
            return f"{path} is a symbolic link that leads to itself.", "Remove it."
        case errno.EINVAL | errno.ENXIO:
            return f"{path} is not a file.", "Move it away."
        case _:
            return f"{path} cannot be read: {error.strerror}.", "Look at the file and its disk."
