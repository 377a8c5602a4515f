"""
The metadata of the secrets at each target: version, last rotation, fingerprint, the vendor's digest.

An index of the audit log, one small file per (backend, target). Every change is first an event
(`record`, `observe`), then folded in by the function that also folds the whole log (`fact.fold`). The
file is removed before the event is written and stored again after it, so an existing file agrees with
the log; one that is missing, damaged or of another key is rebuilt from the log.
"""

from __future__ import annotations

import os
import time

from sophia_secrets import errors
from sophia_secrets.state import atomic, files, keys
from sophia_secrets.state.audit_event import DONE, Event, write_event
from sophia_secrets.state.audit_read import Query, parse
from sophia_secrets.state.fact import Fact, difference, fold, fold_all, pack, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from sophia_secrets.state.audit import AuditLog

_LIMIT = 64 << 20
_WAIT = 5.0


class Facts:
    """
    The facts of every target, in one directory.

    `directory` is absolute; `key` is the one derived for metadata. A target is identified by the two
    texts of its events in the log, which must be unique.
    """

    __slots__ = ("_key", "_log", "directory")

    def __init__(self, directory: str, key: bytes, log: AuditLog) -> None:
        self.directory = directory
        self._key = key
        self._log = log

    def load(self, backend: str, target: str) -> dict[str, Fact]:
        """
        The facts of a target by name, including deleted names.

        Raises `errors.AuditFailed` where neither the file nor the log can be read.
        """
        with _LockedFacts(self, backend, target) as opened:
            return opened.facts

    def record(self, backend: str, target: str, events: list[Event]) -> dict[str, Fact]:
        """
        Append the outcomes of a write to one target to the log, and update its facts.

        Each event that is `done` gets the next version of its name. Raises as `AuditLog.append` does;
        then the write was made and its outcome is not on record.
        """
        with _LockedFacts(self, backend, target) as opened:
            for event in events:
                event.backend, event.target = backend, target
                event.time = event.time or self._log.now()
                if event.outcome == DONE and event.name:
                    event.version = opened.next_version(event.name)
                    opened.take(event)
            opened.append(events)
            return opened.facts

    def observe(
        self, backend: str, target: str, seen: Mapping[str, tuple[str, str]], command: str = "observe"
    ) -> dict[str, Fact]:
        """
        Compare the vendor's current name -> (digest, `updated_at`) with the last known.

        A change that we did not write is a new version and a rotation by someone else. A first
        digest or time is recorded. Only differences are events.
        """
        with _LockedFacts(self, backend, target) as opened:
            events = []
            for name, (digest, updated_at) in seen.items():
                event = difference(opened.facts.get(name), name, digest, updated_at, command)
                if event is not None:
                    event.backend, event.target, event.time = backend, target, self._log.now()
                    opened.take(event)
                    events.append(event)
            opened.append(events)
            return opened.facts


class _LockedFacts:
    """One target's facts, under their lock."""

    __slots__ = ("_backend", "_directory", "_ident", "_lock", "_owner", "_target", "facts")

    def __init__(self, owner: Facts, backend: str, target: str) -> None:
        self._owner = owner
        self._backend = backend
        self._target = target
        self._ident = keys.mac(owner._key, b"facts", _bytes(backend), _bytes(target)).hex()[:32]
        self.facts: dict[str, Fact] = {}

    def __enter__(self) -> Self:
        try:
            self._directory = files.open_directory(self._owner.directory)
        except OSError as error:
            problem = error
        else:
            try:
                self._take_lock()
                return self
            except BaseException:
                os.close(self._directory)
                raise
        raise _failed(self._owner.directory, problem)

    def _take_lock(self) -> None:
        self._lock = files.Lock(self._directory, f"{self._ident}.lock")
        problem = None
        try:
            taken = self._lock.acquire(time.monotonic() + _WAIT)
        except OSError as error:
            taken, problem = False, error
        if not taken:
            raise _failed(self._owner.directory, problem)
        try:
            self._fill()
        except BaseException:
            self._lock.release()
            raise

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        os.close(self._directory)

    def _fill(self) -> None:
        found = None
        try:
            data = files.read(self._directory, self._ident, _LIMIT)
            found = unpack(self._owner._key, self._ident, data) if data is not None else None
        except (OSError, files.TooLarge):
            found = None
        if found is not None:
            self.facts = found
            return
        query = Query(backend=self._backend, target=self._target)
        self.facts = fold_all(self._owner._log.read(query))
        self._store()

    def next_version(self, name: str) -> int:
        fact = self.facts.get(name)
        return fact.version + 1 if fact else 1

    def take(self, event: Event) -> None:
        """Fold an event in as it would be read from the log."""
        fold(self.facts, parse(b"{" + write_event(event, event.time, '"pid":0') + b"}"))

    def append(self, events: list[Event]) -> None:
        """Remove the file, append the events to the log, and store the file with the new facts."""
        if not events:
            return
        try:
            if files.remove(self._directory, self._ident):
                files.sync_directory(self._directory)
        except OSError as error:
            problem = error
        else:
            self._owner._log.append(events)
            self._store()
            return
        raise _failed(self._owner.directory, problem)

    def _store(self) -> None:
        try:
            atomic.replace(self._directory, self._ident, pack(self._owner._key, self._ident, self.facts))
        except OSError:
            # The next reader rebuilds it from the log.
            pass


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _failed(directory: str, error: OSError | None) -> errors.AuditFailed:
    said, hint = "it is locked by another process", "Wait for that one, then run the command again."
    if error is not None:
        said = error.strerror or type(error).__name__
        hint = "Set SOPHIA_SECRETS_HOME to a directory that you can write."
    return errors.AuditFailed(f"The metadata in {directory} cannot be used: {said}.", hint=hint)
