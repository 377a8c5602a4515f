"""
Single flight: of many processes that miss at once, one fetches and the others share its result, a
failure too (X1).

    answer = cache.lead(identity)
    Lead           fetch, then exactly one of `store`, `fail`, `release`
    Record         another process stored it meanwhile
    Waiting        another process is fetching: finish your own fetches, then `wait(deadline)`

Leading one identity while waiting for another could deadlock two processes: end every `Lead` first.
The lead is a kernel lock, so a leader that is killed gives it up (X2). Each flight has a random id in
the lock file; a failure is sealed for that id, which is removed before the failure is written, so that
a process that arrives after the failure does not share it.
"""

from __future__ import annotations

import os
import time

from sophia_secrets import errors
from sophia_secrets.state import aead, files, keys
from sophia_secrets.state import cache as _cache
from sophia_secrets.state.record import Record, seal, tag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from sophia_secrets.state.cache import Cache
    from sophia_secrets.state.record import Identity

_FLIGHT_SIZE = 16
_LONGEST_WORD = 4000
_LARGEST_FAILURE = 1 << 16


class SharedFailure:
    """The failure of the leader's fetch while we waited: the fields of a `Failure`, as text."""

    __slots__ = ("hint", "kind", "message", "words")

    def __init__(self, kind: str, message: str, hint: str = "", words: str = "") -> None:
        self.kind = kind
        self.message = message
        self.hint = hint
        self.words = words

    def __repr__(self) -> str:
        return f"SharedFailure({self.kind!r}, {self.message!r})"


class Lead:
    """
    The right to fetch one identity, held until `store`, `fail`, `release` or the end of the `with` block.
    `problem` says why other processes cannot share the result, or is empty.
    """

    __slots__ = ("_cache", "_directory", "_flight", "_generation", "_identity", "_lock", "began", "problem")

    def __init__(self, cache: Cache, identity: Identity, directory: int = -1, problem: str = "") -> None:
        self._cache = cache
        self._identity = identity
        self._directory = directory
        self._lock: files.Lock | None = None
        self._flight = b""
        self._generation: int | None = None
        self.began = cache.clock()
        self.problem = problem

    def _begin(self, lock: files.Lock | None) -> None:
        self._lock = lock
        try:
            self._generation = self._cache.generation_in(self._directory, self._identity, create=True)
            if lock is not None:
                self._flight = os.urandom(_FLIGHT_SIZE)
                lock.write(self._flight)
        except (errors.UnsafeState, OSError) as error:
            self.problem = self._cache.warn(error)

    def store(self, record: Record) -> str | None:
        """
        Store what was fetched, unless the target was written to since; returns None, or why it was not
        stored. Never raises for I/O errors. Ends the lead.

        `fetched_at` 0 is replaced by the time when the lead began; the times to live are the cache's.
        """
        try:
            if self._generation is None:
                return self.problem or "Nothing is kept for this target."
            cache, directory = self._cache, self._directory
            record.fetched_at = record.fetched_at or self.began
            record.expires_at = record.fetched_at + cache.ttl
            record.stale_until = record.fetched_at + max(cache.ttl, cache.stale_for)
            record.generation = self._generation
            blob = seal(cache.key, self._identity, record, os.urandom(aead.NONCE))
            if len(blob) > _cache.LARGEST:
                return cache.warn("The answer is too large for the cache.")
            if cache.generation_in(directory, self._identity) != self._generation:
                return "The target was written to meanwhile."
            from sophia_secrets.state import atomic

            atomic.replace(directory, cache.file(self._identity, _cache.RECORD), blob, sync=False)
        except (errors.UnsafeState, OSError) as error:
            return self._cache.warn(error)
        else:
            self._forget_failure()
            return None
        finally:
            self.release()

    def _forget_failure(self) -> None:
        try:
            files.remove(self._directory, self._cache.file(self._identity, _cache.FAILURE))
        except OSError:
            pass  # it is sealed for an earlier flight

    def fail(self, kind: str, message: str, hint: str = "", words: str = "") -> None:
        """Share the failure of the fetch with the waiting processes. Ends the lead."""
        try:
            if self._flight and self._lock is not None and self._lock.held:
                self._lock.write(b"")
                blob = _seal_failure(
                    self._cache.key, self._identity, self._flight, (kind, message, hint, words)
                )
                from sophia_secrets.state import atomic

                name = self._cache.file(self._identity, _cache.FAILURE)
                atomic.replace(self._directory, name, blob, sync=False)
        except OSError:
            pass  # the waiting processes then fetch for themselves
        finally:
            self.release()

    def release(self) -> None:
        """End the lead; no effect where it has ended."""
        lock, self._lock = self._lock, None
        directory, self._directory = self._directory, -1
        self._generation = None
        try:
            if lock is not None:
                try:
                    lock.write(b"")
                finally:
                    lock.release()
        except OSError:
            pass
        finally:
            if directory >= 0:
                os.close(directory)

    __del__ = release

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Waiting:
    """
    Another process is fetching this identity. `poll` or `wait` until there is an answer; `close` to give
    up before.
    """

    __slots__ = ("_before", "_cache", "_directory", "_identity", "_newer_than", "_seen")

    def __init__(self, cache: Cache, identity: Identity, directory: int, newer_than: float) -> None:
        self._cache = cache
        self._identity = identity
        self._directory = directory
        self._newer_than = newer_than
        self._seen: set[bytes] = set()
        self._before: tuple[int, int] | None = None

    def poll(self) -> Lead | Record | SharedFailure | None:
        """The result of the flight, the lead, or None while it is still in progress."""
        try:
            answer = self._poll()
        except (errors.UnsafeState, OSError) as error:
            self.close()
            return Lead(self._cache, self._identity, problem=self._cache.warn(error))
        if answer is not None and not isinstance(answer, Lead):
            self.close()
        return answer

    def _poll(self) -> Lead | Record | SharedFailure | None:
        lock = files.Lock(self._directory, self._cache.file(self._identity, _cache.LOCK))
        taken = lock.acquire(0.0)
        try:
            if not taken:
                self._look_at_flight()
            answer = self._record(taken) or self._failure()
            if answer is None and taken:
                lead = Lead(self._cache, self._identity, self._directory)
                self._directory = -1
                lead._begin(lock)
                taken = False
                return lead
            return answer
        finally:
            if taken:
                lock.release()

    def _look_at_flight(self) -> None:
        try:
            flight = files.read(self._directory, self._cache.file(self._identity, _cache.LOCK), _FLIGHT_SIZE)
        except files.TooLarge:
            return
        if flight is not None and len(flight) == _FLIGHT_SIZE:
            self._seen.add(flight)

    def _record(self, certain: bool) -> Record | None:
        """The record if it is usable; read only where the file has changed."""
        name = self._cache.file(self._identity, _cache.RECORD)
        try:
            seen = os.stat(name, dir_fd=self._directory, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if self._before == (seen.st_ino, seen.st_mtime_ns) and not certain:
            return None
        self._before = (seen.st_ino, seen.st_mtime_ns)
        record = self._cache.read_in(self._directory, self._identity)
        if isinstance(record, Record) and record.fresh and record.fetched_at >= self._newer_than:
            return record
        return None

    def _failure(self) -> SharedFailure | None:
        if not self._seen:
            return None
        name = self._cache.file(self._identity, _cache.FAILURE)
        try:
            blob = files.read(self._directory, name, _LARGEST_FAILURE)
        except files.TooLarge:
            return None
        for flight in self._seen if blob else ():
            words = _unseal_failure(self._cache.key, self._identity, flight, blob or b"")
            if words is not None:
                return SharedFailure(*words)
        return None

    def wait(self, deadline: float | None = None) -> Lead | Record | SharedFailure | None:
        """As `poll`, waiting until `deadline` (`time.monotonic`; None: without limit)."""
        pause = 0.001
        while (answer := self.poll()) is None:
            left = pause if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, 0.02)
        return answer

    def close(self) -> None:
        """Stop waiting."""
        directory, self._directory = self._directory, -1
        if directory >= 0:
            os.close(directory)

    __del__ = close


_left: dict[bytes, Lead | SharedFailure] = {}


def leave(cache: Cache, identity: Identity, answer: Lead | SharedFailure) -> None:
    """Keep an answer for the next `lead` of this process for the identity."""
    _left[tag(cache.key, identity)] = answer


def lead(
    cache: Cache, identity: Identity, wait_until: float | None, newer_than: float
) -> Lead | Record | SharedFailure | Waiting:
    """See `Cache.lead`."""
    left = _left.pop(tag(cache.key, identity), None) if _left else None
    if left is not None:
        return left
    if not cache.keeps(identity):
        return Lead(cache, identity)
    try:
        directory = files.open_directory(cache.directory)
    except (errors.UnsafeState, OSError) as error:
        return Lead(cache, identity, problem=cache.warn(error))
    if cache.ttl <= 0:
        # Records are only used while the vendor is unreachable: there is no answer to share.
        alone = Lead(cache, identity, directory)
        alone._begin(None)
        return alone
    waiting = Waiting(cache, identity, directory, newer_than)
    answer = waiting.poll() if wait_until is None else waiting.wait(wait_until)
    return waiting if answer is None else answer


def _associated(key: bytes, identity: Identity, flight: bytes) -> bytes:
    return keys.pack(b"failure", tag(key, identity), flight)


def _seal_failure(key: bytes, identity: Identity, flight: bytes, words: tuple[str, ...]) -> bytes:
    nonce = os.urandom(aead.NONCE)
    text = "\0".join(word.replace("\0", " ")[:_LONGEST_WORD] for word in words)
    secret, plain = keys.mac(key, b"failure"), text.encode("utf-8", "surrogatepass")
    return nonce + aead.seal(secret, nonce, plain, _associated(key, identity, flight))


def _unseal_failure(key: bytes, identity: Identity, flight: bytes, blob: bytes) -> list[str] | None:
    nonce, sealed = blob[: aead.NONCE], blob[aead.NONCE :]
    if len(nonce) < aead.NONCE:
        return None
    text = aead.unseal(keys.mac(key, b"failure"), nonce, sealed, _associated(key, identity, flight))
    return None if text is None else text.decode("utf-8", "surrogatepass").split("\0")
