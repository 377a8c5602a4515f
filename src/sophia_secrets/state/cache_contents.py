"""Listing and removing the records of the cache."""

from __future__ import annotations

import os

from sophia_secrets import errors
from sophia_secrets.state import atomic, files
from sophia_secrets.state.cache import FAILURE, GENERATION, LARGEST, LOCK, RECORD
from sophia_secrets.state.record import Miss, Record, tag, unseal_tagged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sophia_secrets.state.cache import Cache


class CacheEntry:
    """One record in `cache status`; `fresh` is false for a stale one."""

    __slots__ = ("backend", "expires_at", "fetched_at", "fresh", "names", "stale_until", "target")

    def __init__(self, record: Record) -> None:
        self.backend = record.identity[1].decode("utf-8", "replace")
        self.target = record.label
        self.fetched_at = record.fetched_at
        self.expires_at = record.expires_at
        self.stale_until = record.stale_until
        self.names = len(record.names())
        self.fresh = record.fresh


def entries(cache: Cache) -> list[CacheEntry]:
    """
    The usable records, fresh or stale, by backend and target.

    Raises `errors.UnsafeState` and `OSError`.
    """
    try:
        directory = files.open_directory(cache.directory, create=False)
    except FileNotFoundError:
        return []
    try:
        found = []
        for name in files.names(directory):
            record = _record(cache, directory, name)
            if record is None:
                continue
            valid = cache.read_in(directory, record.identity)
            if isinstance(valid, Record):
                found.append(CacheEntry(valid))
        return sorted(found, key=lambda stored: (stored.backend, stored.target, stored.fetched_at))
    finally:
        os.close(directory)


def clear(cache: Cache, backend: str | None = None) -> int:
    """
    Remove the records of one backend, or everything; returns the number of records removed.

    A fetch in progress stores nothing afterwards. Raises `errors.UnsafeState` and `OSError`.
    """
    try:
        directory = files.open_directory(cache.directory, create=False)
    except FileNotFoundError:
        return 0
    try:
        removed = 0
        for name in files.names(directory):
            if backend is not None:
                record = _record(cache, directory, name)
                if record is None or record.identity[1] != backend.encode():
                    continue
                files.remove(directory, cache.generation_file(record.identity))
                removed += files.remove(directory, name)
            elif name.endswith((RECORD, GENERATION, FAILURE, atomic.TEMPORARY)):
                removed += files.remove(directory, name) and name.endswith(RECORD)
            elif name.endswith(LOCK):
                _remove_lock(directory, name)
        return removed
    finally:
        os.close(directory)


def _record(cache: Cache, directory: int, name: str) -> Record | None:
    """The record in a file, whatever its age, or None where it is invalid or under another name."""
    if not name.endswith(RECORD):
        return None
    try:
        expected = bytes.fromhex(name[: -len(RECORD)])
        blob = files.read(directory, name, LARGEST)
    except (ValueError, errors.UnsafeState):
        return None
    if blob is None:
        return None
    found = unseal_tagged(cache.key, expected, blob, None)
    if isinstance(found, Miss) or tag(cache.key, found.identity) != expected:
        return None
    return found


def _remove_lock(directory: int, name: str) -> None:
    lock = files.Lock(directory, name)
    try:
        if lock.acquire(0.0):
            files.remove(directory, name)
    finally:
        lock.release()
