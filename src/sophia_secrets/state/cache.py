"""
The cache: one encrypted record file for each (backend, target, credential).

An identity is a tuple of bytes: schema, backend, the target's parts, and last the credential's
fingerprint; all but the last identify the target. An empty fingerprint means an unknown credential:
nothing is cached for it (C2).

Each target has a generation, a random number in its own file. A record is valid only for the
generation under which it was fetched; a write draws a new one. So nothing depends on the order of
file changes (C6), and a lost generation file is a miss.
"""

from __future__ import annotations

import os
import time

import sophia_secrets
from sophia_secrets.state import files, keys
from sophia_secrets.state.record import Miss, Record, tag, unseal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sophia_secrets.state.cache_contents import CacheEntry
    from sophia_secrets.state.flight import Lead, SharedFailure, Waiting
    from sophia_secrets.state.record import Identity

LARGEST = 64 << 20
RECORD, GENERATION, LOCK, FAILURE = ".record", ".generation", ".lock", ".failure"

_GENERATION_SIZE = 8
_MISS_SENTENCES = {
    "corrupt": "is damaged; it is not used.",
    "foreign": "was written for something else, or with another key; it is not used.",
    "future": "is of a later time than now, so it is not used. Was the clock set back?",
}


class Cache:
    """
    The cache in one private directory; creating the object does no I/O.

    `key` is the key derived for `cache`. `ttl` and `stale_for` are seconds; 0 disables. They apply to
    what is stored, and also shorten the life of existing records. Reading never raises for I/O
    errors: they are misses.
    """

    __slots__ = ("_given_warnings", "_new_warnings", "clock", "directory", "key", "stale_for", "ttl")

    def __init__(
        self,
        directory: str,
        key: bytes,
        *,
        clock: Callable[[], float] = time.time,
        ttl: float,
        stale_for: float,
    ) -> None:
        self.directory = directory
        self.key = key
        self.clock = clock
        self.ttl = ttl
        self.stale_for = stale_for
        self._given_warnings: set[str] = set()
        self._new_warnings: list[str] = []

    def __repr__(self) -> str:
        return f"Cache({self.directory!r}, <secret>)"

    def keeps(self, identity: Identity) -> bool:
        """Whether records of this identity are stored and read."""
        return bool(identity[-1]) and (self.ttl > 0 or self.stale_for > 0)

    def read(self, identity: Identity) -> Record | Miss:
        """
        The record, or why there is none.

        A record past its time to live but within `stale_for` has `fresh` false: it may only be used
        while the vendor is unreachable.
        """
        if not self.keeps(identity):
            return Miss("absent")
        try:
            directory = files.open_directory(self.directory, create=False)
        except FileNotFoundError:
            return Miss("absent")
        except (sophia_secrets.errors.UnsafeState, OSError) as error:
            return Miss("unreadable", self.warn(error))
        try:
            return self.read_in(directory, identity)
        finally:
            os.close(directory)

    def read_in(self, directory: int, identity: Identity) -> Record | Miss:
        """As `read`, in the open cache directory."""
        try:
            blob = files.read(directory, self.file(identity, RECORD), LARGEST)
            if blob is None:
                return Miss("absent")
            now = self.clock()
            found = unseal(self.key, identity, blob, now)
            if isinstance(found, Miss):
                return self._miss(found, identity)
            if found.generation != self.generation_in(directory, identity):
                return Miss("rolled_back")
        except files.TooLarge:
            return self._miss(Miss("corrupt"), identity)
        except (sophia_secrets.errors.UnsafeState, OSError) as error:
            return Miss("unreadable", self.warn(error))
        found.expires_at = min(found.expires_at, found.fetched_at + self.ttl)
        found.stale_until = min(found.stale_until, found.fetched_at + max(self.ttl, self.stale_for))
        found.fresh = now < found.expires_at
        return found if now < found.stale_until else Miss("expired")

    def lead(
        self, identity: Identity, wait_until: float | None = None, *, newer_than: float = 0.0
    ) -> Lead | Record | SharedFailure | Waiting:
        """
        The right to fetch (a `Lead`), or what makes that unnecessary: see `flight`.

        Does not wait unless `wait_until` (`time.monotonic`) is given. Records fetched before
        `newer_than` (Unix seconds) do not count.
        """
        from sophia_secrets.state import flight

        return flight.lead(self, identity, wait_until, newer_than)

    def generation(self, identity: Identity) -> int | None:
        """The current generation of the identity's target; None where nothing can be cached for it."""
        try:
            directory = files.open_directory(self.directory, create=False)
        except (sophia_secrets.errors.UnsafeState, OSError):
            return None
        try:
            return self.generation_in(directory, identity)
        except (sophia_secrets.errors.UnsafeState, OSError):
            return None
        finally:
            os.close(directory)

    def generation_in(self, directory: int, identity: Identity, *, create: bool = False) -> int | None:
        """As `generation`, in the open cache directory; with `create` a missing one is created. Raises as `files` does."""
        name = self.generation_file(identity)
        number = self._number(directory, name)
        if number is None and create:
            from sophia_secrets.state import atomic

            created = atomic.create(directory, name, self.new_generation(name))
            if not created and self._number(directory, name) is None:
                atomic.replace(directory, name, self.new_generation(name))
            number = self._number(directory, name)
        return number

    def _number(self, directory: int, name: str) -> int | None:
        try:
            raw = files.read(directory, name, _GENERATION_SIZE + 32)
        except files.TooLarge:
            return None
        if raw is None:
            return None
        number, mark = raw[:_GENERATION_SIZE], raw[_GENERATION_SIZE:]
        if not keys.equal(mark, keys.mac(self.key, GENERATION.encode(), name.encode(), number)):
            return None
        return int.from_bytes(number, "little")

    def new_generation(self, name: str) -> bytes:
        """The content of a generation file of this name: a new random number with its MAC."""
        number = os.urandom(_GENERATION_SIZE)
        return number + keys.mac(self.key, GENERATION.encode(), name.encode(), number)

    def bump(self, identity: Identity) -> str | None:
        """
        Durably draw a new generation for the target and remove this identity's record: what was fetched
        before is invalid, under any credential.

        Called before a write is sent to the vendor (so that a crash leaves nothing stale) and again
        after it (a fetch begun in between may have read the old value). Returns None, or why old
        records may stay valid until they expire.
        """
        from sophia_secrets.state import cache_invalidation

        return cache_invalidation.bump(self, identity)

    def forget(self, identity: Identity) -> str | None:
        """Remove the record, since its credential has lost its permission. Returns None, or why it failed."""
        from sophia_secrets.state import cache_invalidation

        return cache_invalidation.forget(self, identity)

    def entries(self) -> list[CacheEntry]:
        """The usable records, fresh or stale: see `cache_contents`."""
        from sophia_secrets.state import cache_contents

        return cache_contents.entries(self)

    def clear(self, backend: str | None = None) -> int:
        """Remove the records of one backend, or everything; returns how many: see `cache_contents`."""
        from sophia_secrets.state import cache_contents

        return cache_contents.clear(self, backend)

    def file(self, identity: Identity, suffix: str) -> str:
        """The name of this identity's file of one kind."""
        return tag(self.key, identity).hex() + suffix

    def generation_file(self, identity: Identity) -> str:
        """The name of the file that holds the generation of this identity's target."""
        return keys.mac(self.key, b"target", *identity[:-1]).hex() + GENERATION

    def _miss(self, miss: Miss, identity: Identity) -> Miss:
        end = _MISS_SENTENCES.get(miss.reason)
        if end is not None:
            backend = identity[1].decode("utf-8", "replace")
            miss.detail = self.warn(f"The cached record for {backend} {end}")
        return miss

    def warn(self, problem: sophia_secrets.errors.UnsafeState | OSError | str) -> str:
        """Add a warning, unless it was given before; returns it as a sentence."""
        if isinstance(problem, sophia_secrets.errors.UnsafeState):
            sentence = f"The cache is not used: {problem.message} Mend it with `{problem.hint}`."
        elif isinstance(problem, OSError):
            sentence = f"The cache in {self.directory} cannot be used: {problem.strerror}."
        else:
            sentence = problem
        if sentence not in self._given_warnings:
            self._given_warnings.add(sentence)
            self._new_warnings.append(sentence)
        return sentence

    def warnings(self) -> list[str]:
        """The warnings since the last call; one `Cache` gives no warning twice."""
        new, self._new_warnings = self._new_warnings, []
        return new
