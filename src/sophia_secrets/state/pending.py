"""
Pending rotations: the new value of a secret, sealed before the first vendor is called.

One record per name, in one directory. It is durable before `write` returns, says which value each
target holds, and stays until it is removed: a record that cannot be opened is an error, never treated
as missing, because some vendor may already hold the value in it.
"""

from __future__ import annotations

import os
import time

from sophia_secrets import errors
from sophia_secrets.state import atomic, files
from sophia_secrets.state.pending_record import ident_of, seal, unseal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from sophia_secrets.state.pending_record import Pending

_LIMIT = 8 << 20


class Busy(errors.Unavailable):
    """Another process is rotating the same secret now."""

    kind = "busy"


class PendingStore:
    """The pending rotations in `directory` (absolute), sealed with the key derived for them."""

    __slots__ = ("_key", "directory")

    def __init__(self, directory: str, key: bytes) -> None:
        self.directory = directory
        self._key = key

    def claim(self, name: str) -> Claim:
        """
        Lock the rotation of one name for this process.

        Raises `Busy` where another process holds it, `errors.IntegrityFailed` where the directory cannot
        be used, `errors.UnsafeState`.
        """
        try:
            return Claim(name, files.open_directory(self.directory), self._key)
        except OSError as error:
            problem = error
        raise _unusable(self.directory, problem)

    def all(self) -> tuple[list[Pending], int]:
        """The pending rotations, by name, and the number of records that cannot be opened."""
        try:
            directory = files.open_directory(self.directory, create=False)
        except FileNotFoundError:
            return [], 0
        found: list[Pending] = []
        damaged = 0
        try:
            for ident in files.names(directory):
                if "." in ident:
                    continue
                try:
                    data = files.read(directory, ident, _LIMIT)
                except (OSError, files.TooLarge):
                    data = b""
                record = unseal(self._key, ident, data) if data is not None else None
                if record is not None:
                    found.append(record)
                elif data is not None:
                    damaged += 1
        finally:
            os.close(directory)
        return sorted(found, key=lambda record: record.name), damaged


class Claim:
    """The record of one name, under its lock; end it by `release` or use it as a context manager."""

    __slots__ = ("_directory", "_ident", "_key", "_lock", "name")

    def __init__(self, name: str, directory: int, key: bytes) -> None:
        self.name = name
        self._directory = directory
        self._key = key
        self._ident = ident_of(name)
        self._lock = files.Lock(directory, f"{self._ident}.lock")
        try:
            taken = self._lock.acquire(time.monotonic())
        except BaseException:
            self.release()
            raise
        if not taken:
            self.release()
            raise Busy(
                f"Another process is rotating {name} now.",
                hint="Wait for it, then look with `sophia-secrets rotation status`.",
            )

    def read(self) -> Pending | None:
        """The record, or None where it does not exist. Raises `errors.IntegrityFailed` for a damaged one."""
        problem: OSError | None = None
        data: bytes | None = b""
        try:
            data = files.read(self._directory, self._ident, _LIMIT)
        except files.TooLarge:
            pass
        except OSError as error:
            problem = error
        if problem is not None:
            raise self._failed("read", problem)
        if data is None:
            return None
        record = unseal(self._key, self._ident, data)
        if record is None or record.name != self.name:
            raise errors.IntegrityFailed(
                f"The interrupted rotation of {self.name} cannot be opened: its record is damaged, or the "
                "key it was sealed with is not this one.",
                hint=f"Put the key back, or drop it with `sophia-secrets rotate {self.name} --abandon` "
                "and rotate anew.",
            )
        return record

    def write(self, record: Pending) -> None:
        """Seal the record durably. Raises `errors.IntegrityFailed`."""
        data = seal(self._key, self._ident, record)
        problem: OSError | None = None
        try:
            atomic.replace(self._directory, self._ident, data)
        except OSError as error:
            problem = error
        if problem is not None:
            raise self._failed("kept", problem)

    def remove(self) -> bool:
        """Remove the record: false where there was none. Raises `errors.IntegrityFailed`."""
        problem: OSError | None = None
        try:
            removed = files.remove(self._directory, self._ident)
            for left in files.names(self._directory):
                # Temporary files of a writer that was killed.
                if left.startswith(f"{self._ident}.") and left.endswith(atomic.TEMPORARY):
                    files.remove(self._directory, left)
            files.sync_directory(self._directory)
        except OSError as error:
            problem = error
        else:
            return removed
        raise self._failed("removed", problem)

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()
        directory, self._directory = self._directory, -1
        if directory >= 0:
            os.close(directory)

    def _failed(self, verb: str, error: OSError) -> errors.IntegrityFailed:
        return errors.IntegrityFailed(
            f"The sealed record of rotating {self.name} cannot be {verb}: {error.strerror}.",
            hint="Free some space on the disk, or set SOPHIA_SECRETS_HOME to a directory that you can write.",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _unusable(directory: str, error: OSError) -> errors.IntegrityFailed:
    return errors.IntegrityFailed(
        f"The pending rotations in {directory} cannot be used: {error.strerror}.",
        hint="Set SOPHIA_SECRETS_HOME to a directory that you can write.",
    )
