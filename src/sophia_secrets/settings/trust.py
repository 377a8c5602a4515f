"""
Which project settings files may name targets (C9).

A settings file may come from a cloned repository, so the targets that it names for reads and writes
apply only after its path and content were recorded here: an edit, a move or a link makes it untrusted
again, as in direnv. This does not stop code that runs as the same user, which can record anything.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.settings.kinds import InvalidValue, Kind, from_text
from sophia_secrets.state import atomic, files

VARIABLE = "SOPHIA_SECRETS_TRUST"
DIRECTORY = "trust"

_FORMAT = "1"
_LIMIT = 16 * 1024


class _Record(Struct, frozen=True):
    """A trusted file: its real path and the hexadecimal SHA-256 of its content."""

    path: str
    digest: str


class TrustStore:
    """The trust records, one file each (0600) in the state directory ("" if unknown)."""

    __slots__ = ("_directory",)

    def __init__(self, state_directory: str) -> None:
        self._directory = os.path.join(state_directory, DIRECTORY) if state_directory else ""

    def is_trusted(self, path: str, content: bytes) -> bool:
        """
        Whether this content of this path is trusted.

        Never for a symbolic link or a file that other users may change. Raises `errors.UnsafeState`
        where others may write the records themselves.
        """
        if danger(path):
            return False
        record = self._read(_record_name(_real(path)))
        return record == _Record(_real(path), _digest(content))

    def trust(self, path: str, content: bytes) -> None:
        """
        Record the file as trusted. Raises `errors.NotTrusted` with the reason where it cannot be trusted,
        `errors.UnsafeState` or `OSError` where it cannot be recorded.
        """
        reason = danger(path)
        if reason:
            raise errors.NotTrusted(
                f"{path} cannot be trusted: {reason}.",
                hint=f"{remedy(path, reason) or 'Correct that'}, then `sophia-secrets trust`.",
            )
        if not self._directory:
            raise errors.NotTrusted(
                f"{path} cannot be trusted: there is no state directory to record it in.",
                hint="Set SOPHIA_SECRETS_HOME to a directory of yours.",
            )
        real = _real(path)
        os.close(files.open_directory(os.path.dirname(self._directory)))
        directory = files.open_directory(self._directory)
        try:
            atomic.replace(
                directory, _record_name(real), f"{_FORMAT}\n{_digest(content)}\n{real}".encode(*_NAMES)
            )
        finally:
            os.close(directory)

    def revoke(self, path: str) -> bool:
        """Remove the record of the file, which need not exist; false where there was none."""
        directory = self._open()
        if directory is None:
            return False
        try:
            return files.remove(directory, _record_name(_real(path)))
        finally:
            os.close(directory)

    def _open(self) -> int | None:
        if not self._directory:
            return None
        try:
            return files.open_directory(self._directory, create=False)
        except OSError:
            return None

    def _read(self, name: str) -> _Record | None:
        directory = self._open()
        if directory is None:
            return None
        try:
            content = files.read(directory, name, _LIMIT)
        except (OSError, files.TooLarge):
            return None
        finally:
            os.close(directory)
        parts = (content or b"").decode(*_NAMES).split("\n", 2)
        if len(parts) != 3 or parts[0] != _FORMAT or _record_name(parts[2]) != name:
            return None
        return _Record(parts[2], parts[1])


def is_trusted_checkout(environ: Mapping[str, str]) -> bool:
    """Whether this is CI with a trusted checkout: `SOPHIA_SECRETS_TRUST=1` and `CI=true`."""
    return _is_on(environ, VARIABLE) and _is_on(environ, "CI")


def is_requested_outside_ci(environ: Mapping[str, str]) -> bool:
    """Whether `SOPHIA_SECRETS_TRUST` is set outside CI, where it has no effect."""
    return _is_on(environ, VARIABLE) and not _is_on(environ, "CI")


def danger(path: str) -> str:
    """Why this file can never be trusted, or ""."""
    try:
        status = os.lstat(path)
        directory = os.stat(os.path.dirname(_real(path)))
    except OSError:
        return "it cannot be examined"
    if not stat.S_ISREG(status.st_mode):
        return "it is a symbolic link" if stat.S_ISLNK(status.st_mode) else "it is not a file"
    for seen, what in ((status, "it"), (directory, "its directory")):
        # In a sticky directory others can add files but not replace ours.
        if seen.st_mode & stat.S_IWOTH and not (seen is directory and seen.st_mode & stat.S_ISVTX):
            return f"every user may write to {what}"
        if seen.st_uid not in (os.geteuid(), 0):
            return f"{what} belongs to another user (number {seen.st_uid})"
    return ""


def remedy(path: str, reason: str) -> str:
    """The command that removes the `danger` of a world-writable file, or ""."""
    if "may write" not in reason:
        return ""
    return f"Run `chmod o-w {files.quoted(os.path.dirname(path) if 'directory' in reason else path)}`"


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    try:
        return from_text(Kind.BOOLEAN, environ.get(name, "")) is True
    except InvalidValue:
        return False


_NAMES = ("utf-8", "surrogateescape")


def _real(path: str) -> str:
    """The path with the links of its directory resolved, but not its own."""
    directory, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(directory), name)


def _record_name(real: str) -> str:
    return _digest(real.encode(*_NAMES))


def _digest(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()
