"""Finding and starting the command of `run`; one that cannot be started is reported as a shell does."""

from __future__ import annotations

import errno
import os
import stat

import sophia_secrets
from sophia_secrets.launch import inherited

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn, TypeVar

    T = TypeVar("T")

_SHELL = "/bin/sh"
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
_THERE = frozenset({errno.EACCES, errno.EISDIR, errno.EPERM})


class Command:
    """A program's path, and the arguments as they were given, its own name first."""

    __slots__ = ("arguments", "path")

    def __init__(self, path: str, arguments: tuple[bytes, ...]) -> None:
        self.path = path
        self.arguments = arguments

    def start(self, how: Callable[[str, tuple[bytes, ...]], T]) -> T:
        """
        Call `how` with the path and the arguments, or with a shell that reads the program where it is a
        text file of no executable format. Raises OSError.
        """
        try:
            return how(self.path, self.arguments)
        except OSError as problem:
            if problem.errno != errno.ENOEXEC or _is_binary(self.path):
                raise
        return how(_SHELL, (os.fsencode(_SHELL), os.fsencode(self.path), *self.arguments[1:]))


def look_up(words: list[str], path: str | None) -> Command:
    """
    The program that a shell would start for these words with this PATH (empty elements are the
    working directory: it is the user's own PATH and the user's own command).

    Raises `CommandNotFound` (127) and `CommandNotRunnable` (126).
    """
    word = words[0]
    arguments = tuple(os.fsencode(each) for each in words)
    if "/" in word:
        places = [word]
    else:
        elements = (_DEFAULT_PATH if path is None else path).split(os.pathsep) if word else []
        places = [os.path.join(element or ".", word) for element in elements]
    there = ""
    problem = 0
    for place in places:
        problem = _problem(place)
        if not problem:
            return Command(place, arguments)
        if problem in _THERE and not there:
            there = place
    named = f"`{_visible(word)}`"
    if there:
        problem = _problem(there)
        hint = "Name a program in it." if problem == errno.EISDIR else ""
        if problem == errno.EPERM:
            hint = f"chmod +x {_visible(there)}"
        reason = os.strerror(errno.EACCES if problem == errno.EPERM else problem)
        raise sophia_secrets.errors.CommandNotRunnable(f"{named}: {reason}.", hint=hint)
    if "/" in word:
        raise sophia_secrets.errors.CommandNotFound(
            f"{named}: {os.strerror(problem)}.", hint="Give the path of a program."
        )
    raise sophia_secrets.errors.CommandNotFound(
        f"{named}: command not found.", hint="Give its path, or put its directory in PATH."
    )


def _problem(path: str) -> int:
    """The errno for why this cannot be started, or 0; EPERM where it is not executable."""
    try:
        mode = os.stat(path).st_mode
    except OSError as problem:
        return problem.errno or errno.ENOENT
    except ValueError:
        return errno.ENOENT
    if stat.S_ISDIR(mode):
        return errno.EISDIR
    return 0 if os.access(path, os.X_OK) else errno.EPERM


def not_started(command: Command, problem: OSError) -> sophia_secrets.errors.SophiaError:
    """The error for a program that was found and could not be started."""
    word = f"`{_visible(os.fsdecode(command.arguments[0]))}`"
    if problem.errno == errno.ENOENT:
        # The kernel says the same of a script whose interpreter is missing.
        if os.path.exists(command.path):
            hint = f"See which it wants with `head -n 1 {_visible(command.path)}`, and install it."
            return sophia_secrets.errors.CommandNotRunnable(
                f"{word}: its interpreter does not exist.", hint=hint
            )
        return sophia_secrets.errors.CommandNotFound(
            f"{word}: {os.strerror(errno.ENOENT)}.", hint="Give the path of a program."
        )
    hint = ""
    if problem.errno == errno.E2BIG:
        hint = "Hand over fewer secrets with `--only`, or long ones in a file with `--file NAME`."
    return sophia_secrets.errors.CommandNotRunnable(f"{word}: {os.strerror(problem.errno or 0)}.", hint=hint)


def become(command: Command, variables: Mapping[bytes, bytes]) -> NoReturn:
    """
    Replace this process by the command, with the inherited descriptors, terminal and limits.

    Raises the error of `not_started` where the system does not start it.
    """
    inherited.restore()

    def execute(path: str, arguments: tuple[bytes, ...]) -> NoReturn:
        os.execve(path, arguments, variables)  # noqa: S606 - what `run` is for

    try:
        command.start(execute)
    except OSError as problem:
        trouble = problem
    raise not_started(command, trouble)


def _is_binary(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return b"\0" in file.read(256)
    except OSError:
        return True


def _visible(text: str) -> str:
    from sophia_secrets.core.text import visible

    return visible(text)
