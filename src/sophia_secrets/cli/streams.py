"""Standard output carries only the answer, as UTF-8 bytes; messages go to standard error."""

from __future__ import annotations

import errno
import os
import sys
from typing import NoReturn

from sophia_secrets import errors


def deliver(data: bytes) -> None:
    """
    Write the whole answer to standard output.

    Where the reader is gone the program ends by SIGPIPE, as `cat` would. Raises `OutputFailed` where
    standard output cannot be written (a full disk, a closed stream).
    """
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(1, view) :]
    except BrokenPipeError:
        die_by_sigpipe()
    except OSError as problem:
        reason = errors.reason_of(problem)
        hint = "Free some space there, or send the output to another place."
        if problem.errno == errno.EBADF:
            reason, hint = "it is closed", "Leave it open, or send it to a file."
    else:
        return
    raise errors.OutputFailed(f"Standard output could not be written: {reason}.", hint=hint)


def die_by_sigpipe() -> NoReturn:
    """End by SIGPIPE, as a program that writes to a closed pipe."""
    import signal

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    os._exit(128 + signal.SIGPIPE)


def say(text: str) -> None:
    """Write to standard error; errors are ignored."""
    data = memoryview(text.encode("utf-8", "replace"))
    try:
        while data:
            data = data[os.write(2, data) :]
    except OSError:
        return


def read_input(limit: int) -> bytes:
    """
    All of standard input, at most `limit` bytes.

    Raises `BadValue` for more, so that a wrong redirection cannot fill the memory.
    """
    data = bytearray()
    try:
        while chunk := os.read(0, 65536):
            data += chunk
            if len(data) > limit:
                break
        else:
            return bytes(data)
    except OSError as problem:
        reason = errors.reason_of(problem)
        raise errors.UsageError(
            f"Standard input could not be read: {reason}.",
            hint="Run the command with its standard input open, or name a file.",
        ) from None
    raise errors.BadValue(
        f"Standard input holds more than {limit:,} bytes.",
        hint="Look at the command or the file that it comes from.",
    )


def flush_python_streams() -> None:
    """Flush or discard Python's buffers, so that nothing is written at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
