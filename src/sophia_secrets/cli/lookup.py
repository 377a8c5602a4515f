"""Finding the command that `run` is given, and the words for one that cannot be started, as a shell has them."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.core.text import visible

T = TypeVar("T")

_SHELL = "/bin/sh"
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


class CommandNotFound(errors.SophiaError):
    """There is no such command."""

    kind = "command_not_found"
    exit_code = 127


class CommandNotRunnable(errors.SophiaError):
    """The command is there and cannot be started."""

    kind = "command_not_runnable"
    exit_code = 126


class Command(Struct, frozen=True):
    """A program's path, and the arguments as they were given, its own name first."""

    path: str
    arguments: tuple[bytes, ...]

    def start(self, how: Callable[[str, tuple[bytes, ...]], T]) -> T:
        """
        What `how` makes of the path and the arguments; where the system does not know the
        program's format and it is a text, of a shell that reads it. Raises OSError.
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
        _check(word, word)
        return Command(word, arguments)
    problem: errors.SophiaError | None = None
    for element in (_DEFAULT_PATH if path is None else path).split(os.pathsep) if word else ():
        candidate = os.path.join(element or ".", word)
        try:
            _check(word, candidate)
        except CommandNotFound:
            continue
        except CommandNotRunnable as error:
            problem = problem or error
            continue
        return Command(candidate, arguments)
    raise problem or CommandNotFound(
        f"{visible(word)}: command not found.", hint="Give its path, or put its directory in PATH."
    )


def _check(word: str, path: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as problem:
        reached = isinstance(problem, OSError) and problem.errno == errno.EACCES
        reason = os.strerror(problem.errno or 0) if isinstance(problem, OSError) else "no path"
        raise (CommandNotRunnable if reached else CommandNotFound)(f"{visible(word)}: {reason}.") from None
    if stat.S_ISDIR(mode):
        raise CommandNotRunnable(f"{visible(word)}: Is a directory.")
    if not os.access(path, os.X_OK):
        raise CommandNotRunnable(f"{visible(word)}: Permission denied.", hint=f"chmod +x {visible(path)}")


def not_started(command: Command, problem: OSError) -> errors.SophiaError:
    """The error for a program that was found and that the system did not start."""
    word = visible(os.fsdecode(command.arguments[0]))
    if problem.errno == errno.ENOENT:
        # The kernel says the same of a script whose interpreter is missing.
        if os.path.exists(command.path):
            return CommandNotRunnable(f"{word}: its interpreter does not exist.")
        return CommandNotFound(f"{word}: {os.strerror(errno.ENOENT)}.")
    hint = ""
    if problem.errno == errno.E2BIG:
        hint = "Hand over fewer secrets with `--only`, or long ones in a file with `--file NAME`."
    return CommandNotRunnable(f"{word}: {os.strerror(problem.errno or 0)}.", hint=hint)


def _is_binary(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return b"\0" in file.read(256)
    except OSError:
        return True
