"""
The audit log on disk: appending, reading and verifying.

One directory holds one chain. Where several hosts or users share a home directory, each needs its own
directory (the caller chooses it), because locks between hosts are not relied on.
"""

from __future__ import annotations

import errno
import os
import time
from _thread import allocate_lock, start_new_thread

import sophia_secrets
from sophia_secrets.state import audit_disk as disk
from sophia_secrets.state import files
from sophia_secrets.state.audit_append import Writer
from sophia_secrets.state.audit_event import (
    FOUND,
    Actor,
    Event,
    thousandths_in,
    write_actor,
    write_event,
    written_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sophia_secrets.state.audit_read import Position, Query
    from sophia_secrets.state.audit_verify import Verdict
    from sophia_secrets.state.counters import Count, Counters

__all__ = ["Actor", "AuditLog", "Event"]

MAX_BYTES = 16 << 20
DEADLINE = 5.0
_GRACE = 0.25
_FULL = (errno.ENOSPC, errno.EDQUOT)
_SHUT = (errno.EROFS, errno.EACCES, errno.EPERM)


class AuditLog:
    """
    An append-only log of events, chained by a keyed MAC.

    `directory` is absolute and created if missing; `key` is the one derived for the audit.
    Nothing is ever deleted: at `max_bytes` the file is rotated to the next number. With `sync`
    false an event survives a crash of the program but perhaps not of the machine. `on_append` is
    called with the fields of each event and the sequence of the last one once they are durable;
    it must not raise. Usable from many threads and processes, and after a fork.
    """

    __slots__ = (
        "_actor",
        "_clock",
        "_counters",
        "_dirfd",
        "_key",
        "_on_append",
        "_sync",
        "_writer",
        "directory",
    )

    def __init__(
        self,
        directory: str,
        key: bytes,
        *,
        actor: Actor,
        clock: Callable[[], float] = time.time,
        max_bytes: int = MAX_BYTES,
        sync: bool = True,
        counters: Counters | None = None,
        on_append: Callable[[list[bytes], int], None] | None = None,
    ) -> None:
        self._dirfd = -1
        self.directory = directory
        self._key = key
        self._actor = write_actor(actor)
        self._clock = clock
        self._sync = sync
        self._counters = counters
        self._writer = Writer(key, self._actor, clock, max_bytes=max_bytes, sync=sync, counters=counters)
        self._on_append = on_append

    def append(
        self, events: list[Event], deadline_seconds: float = DEADLINE, disk_seconds: float = _GRACE
    ) -> None:
        """
        Append events durably, in one locked append and one sync.

        The lock is waited for until the deadline, the disk `disk_seconds` longer: after a timeout on the
        lock nothing was written, after one on the disk the events may still be written later.

        Raises `errors.AuditFailed` where this fails or takes too long (then the audited action must not
        happen), and `errors.UnsafeState` where the log is accessible to other users.
        """
        if not events:
            return
        deadline_seconds = max(0.0, deadline_seconds - _counted_wait())
        now = self._clock()
        fields = [write_event(event, now, self._actor) for event in events]
        found = [
            (written_name(event.name), thousandths_in(event.time or now), index)
            for index, event in enumerate(events)
            if event.outcome == FOUND and event.name
        ]
        directory = self._directory()
        deadline = time.monotonic() + deadline_seconds

        last: list[int] = []

        def commit() -> None:
            last.append(self._commit(directory, fields, found, deadline))

        problem = _in_time(commit, deadline_seconds + disk_seconds)
        if isinstance(problem, OSError):
            raise self._failed(problem)
        if problem is not None:
            raise problem
        if self._on_append is not None:
            self._on_append(fields, last[0])

    def _commit(
        self, directory: int, fields: list[bytes], found: list[tuple[bytes, int, int]], deadline: float
    ) -> int:
        lock = files.Lock(directory, disk.HEAD)
        self._acquire(lock, deadline)
        try:
            fd, last = self._writer.append(directory, fields, found)
        finally:
            lock.release()
        try:
            if self._sync:
                files.durable(fd)
        finally:
            os.close(fd)
        if self._sync:
            self._writer.mark_synced(directory, lock, last)
        return last

    def now(self) -> float:
        """The time of the log's clock, in Unix seconds."""
        return self._clock()

    def head(self) -> str:
        """The head of the log as text to keep elsewhere, for `verify(expect_head=…)`."""
        from sophia_secrets.state.audit_verify import printed_head

        return printed_head(self._directory(), self._key)

    def verify(
        self, *, expect_head: str | None = None, progress: Callable[[int], object] | None = None
    ) -> Verdict:
        """
        Verify that every line is as and where it was written, in constant memory.

        `expect_head` is a head printed earlier: the log must still contain that line. `progress` is called
        with the number of lines so far. Raises `errors.UsageError` for an invalid head,
        `errors.AuditFailed` where the log cannot be read.
        """
        from sophia_secrets.state.audit_verify import verify

        return verify(self._directory(), self._key, expect_head, progress)

    def read(self, query: Query | None = None) -> Iterator[dict[str, object]]:
        """The events that match an `audit_read.Query`, oldest first unless it says otherwise."""
        return self._read(self._directory(), query)

    def _read(self, directory: int, query: Query | None) -> Iterator[dict[str, object]]:
        # A generator method, so that the log's directory stays open until the last event.
        from sophia_secrets.state.audit_read import Query, read

        yield from read(directory, query or Query())

    def position(self) -> Position:
        """The current end of the log, for `tail_from`."""
        from sophia_secrets.state.audit_read import end_of

        return end_of(self._directory())

    def tail_from(
        self, position: Position, query: Query | None = None
    ) -> tuple[list[dict[str, object]], Position]:
        """The events written since a position, and the position after them."""
        from sophia_secrets.state.audit_read import Query, tail_from

        return tail_from(self._directory(), position, query or Query())

    def counts(self, names: list[str]) -> dict[str, Count]:
        """
        How often each name was found, and when last, always in agreement with the log.

        Names never found are left out. Raises `errors.AuditFailed` where the log cannot be read.
        """
        if self._counters is None:
            return {}
        try:
            return self._counters.read(self._directory(), self._key, names)
        except OSError as error:
            problem = error
        raise self._failed(problem)

    def _directory(self) -> int:
        # Neither a lock nor written to, so it may be shared across a fork.
        if self._dirfd < 0:
            try:
                self._dirfd = files.open_directory(self.directory)
            except OSError as error:
                problem = error
            else:
                return self._dirfd
            raise self._failed(problem)
        return self._dirfd

    def close(self) -> None:
        """Close the directory; the next call opens it again."""
        if self._dirfd >= 0:
            os.close(self._dirfd)
            self._dirfd = -1

    __del__ = close

    def _acquire(self, lock: files.Lock, deadline: float) -> None:
        if lock.acquire(deadline):
            return
        path = files.quoted(f"{self.directory}/{disk.HEAD}")
        raise sophia_secrets.errors.AuditFailed(
            f"The audit log in {self.directory} is locked by another process.",
            hint=f"see which with `fuser {path}`, or set SOPHIA_SECRETS_HOME to another directory",
        )

    def _failed(self, error: OSError) -> sophia_secrets.errors.AuditFailed:
        directory = files.quoted(self.directory)
        if error.errno in _FULL:
            hint = f"free some space (see `df -h {directory}`), or set SOPHIA_SECRETS_HOME to another disk"
        elif error.errno in _SHUT:
            hint = "set SOPHIA_SECRETS_HOME to a directory that you can write"
        else:
            hint = f"see to the disk that holds {directory}, or set SOPHIA_SECRETS_HOME to another directory"
        said = error.strerror or type(error).__name__
        return sophia_secrets.errors.AuditFailed(
            f"The audit log in {self.directory} cannot be used: {said}.", hint=hint
        )


_waited: list[float] = []


def count_wait(seconds: float) -> None:
    """Count seconds already spent waiting for the log against the deadline of this process's next append."""
    _waited.append(seconds)


def _counted_wait() -> float:
    return _waited.pop() if _waited else 0.0


def _in_time(work: Callable[[], None], seconds: float) -> BaseException | None:
    """
    Run `work` in a thread of its own; its error, or `TimeoutError` where a disk takes longer.

    A call that hangs in the kernel cannot be cancelled: its thread is left behind.
    """
    ended = allocate_lock()
    ended.acquire()
    problem: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  handed to whoever waits
            problem.append(error)
        finally:
            ended.release()

    start_new_thread(run, ())
    if not ended.acquire(timeout=seconds):
        return TimeoutError(errno.ETIMEDOUT, "the disk did not take the event in time")
    return problem[0] if problem else None
