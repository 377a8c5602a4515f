"""
Passing values to a command as files (`run --file`): open files without a name.

The command receives the path of an inherited descriptor, such as `/proc/self/fd/64`: a memory file
where the system has them, else a 0600 file that was unlinked before it was written. So nothing has to
be removed afterwards, however the command ends. Limits: the path is useless to a process that did not
inherit the descriptor, such as a program that the command starts with its descriptors closed (`sudo`,
`ssh`, a container); on macOS all readers share one position, so the file can be read once.
"""

from __future__ import annotations

import fcntl
import os

from sophia_secrets import errors
from sophia_secrets.core.names import shown
from sophia_secrets.launch.private import PrivateDirectory
from sophia_secrets.process.stdin import in_file, in_memory, readable

_DIRECTORIES = ("/proc/self/fd", "/dev/fd")
_FIRST = 64
"""Above the descriptors that shell scripts use by number, and those of process substitutions."""


def path_for(name: str, content: bytes, parent: str | None) -> str:
    """
    A path under which the command, and processes that inherit its descriptors, can read the content.

    The descriptor stays open and is inherited. `parent` is the preferred place of an unlinked file.
    Raises `errors.NotSupported` where the system supports none of this.
    """
    try:
        return os.path.join(_descriptors(), str(_open(content, parent)))
    except OSError as problem:
        reason = errors.reason_of(problem, str(problem))
    raise errors.NotSupported(
        f"The value of {shown(name)} cannot be handed over in a file: {reason}.",
        hint="Without `--file` it is handed over in the variable itself.",
    )


def _descriptors() -> str:
    for directory in _DIRECTORIES:
        if os.path.isdir(directory):
            return directory
    raise OSError("neither /proc nor /dev/fd is there")


def _open(content: bytes, parent: str | None) -> int:
    private = PrivateDirectory(parent)
    try:
        fd = readable(content, private.root, (in_memory, in_file))
    finally:
        private.remove()
    try:
        os.fchmod(fd, 0o600)
        return _inheritable(fd)
    finally:
        os.close(fd)


def _inheritable(fd: int) -> int:
    for lowest in (_FIRST, 3):
        try:
            return fcntl.fcntl(fd, fcntl.F_DUPFD, lowest)
        except OSError as problem:
            last = problem
    raise last
