"""Reading a file that the command line names, or standard input."""

from __future__ import annotations

from sophia_secrets import errors
from sophia_secrets.cli import streams
from sophia_secrets.formats import MAX_BYTES
from sophia_secrets.state import files


def read(path: str, limit: int = MAX_BYTES) -> bytes:
    """
    The content of the file; `-` is standard input. Links are followed.

    Raises `UsageError` where it does not exist, cannot be read or is larger than `limit` bytes.
    """
    if path == "-":
        return streams.read_input(limit)
    data = None
    reason = ""
    try:
        data = files.read_path(path, limit, private=False, follow=True)
    except files.TooLarge:
        reason = f"it is larger than {limit:,} bytes"
    except OSError as problem:
        reason = errors.reason_of(problem)
    if reason:
        from shlex import quote

        raise errors.UsageError(
            f"{path} cannot be read: {reason}.", hint=f"Look at it with `ls -lL {quote(path)}`."
        )
    if data is None:
        from sophia_secrets.operations.no_file import no_file

        raise no_file(path)
    return data


def display_name(path: str) -> str:
    """The path in messages."""
    return "standard input" if path == "-" else path
