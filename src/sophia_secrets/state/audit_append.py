"""
The locked part of an append: one write to the log, then its head, then the counters.

What is read does not grow with the log: the head, and the end of the last line.
"""

from __future__ import annotations

import os

import sophia_secrets
from sophia_secrets.state import audit_disk as disk
from sophia_secrets.state import chain, files
from sophia_secrets.state.audit_disk import AppendPosition
from sophia_secrets.state.audit_event import Event, write_event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sophia_secrets.state.counters import Counters

_OVERHEAD = 120


class Writer:
    """The writer of an `AuditLog`, which documents the arguments."""

    __slots__ = ("_actor", "_clock", "_counters", "_key", "_max_bytes", "_sync")

    def __init__(
        self,
        key: bytes,
        actor: str,
        clock: Callable[[], float],
        *,
        max_bytes: int,
        sync: bool,
        counters: Counters | None,
    ) -> None:
        self._key = key
        self._actor = actor
        self._clock = clock
        self._max_bytes = max_bytes
        self._sync = sync
        self._counters = counters

    def append(
        self, directory: int, fields: list[bytes], found: list[tuple[bytes, int, int]]
    ) -> tuple[int, int]:
        """
        Write these events, after any notes due before them; the caller holds the lock.

        `found` are the accesses among them, for `Counters.count`, numbered from 0. Returns the open log
        file, to be synced and closed, and the sequence of the last line. Raises `OSError`.
        """
        head_fd = fd = -1
        try:
            head_fd = disk.open_update(directory, disk.HEAD)
            head = chain.unpack_head(self._key, os.pread(head_fd, chain.HEAD_SIZE + 1, 0))
            fd = files.open_append(directory, disk.CURRENT)
            place = self._place(directory, head_fd, head, fd)
            expected = sum(map(len, fields)) + _OVERHEAD * len(fields)
            if place.size and not place.notes and place.size + expected > self._max_bytes:
                self._rotate(directory, fd, place)
            if not place.size:
                fd = _closed(fd)
                fd = files.open_append(directory, disk.CURRENT)
                if self._sync:
                    files.sync_directory(directory)
            before = (place.sequence, place.mac)
            notes = self._notes(directory, place)
            new_head = self._write(fd, place, notes + fields, head.synced if head else 0, head_fd)
            if new_head.file != (head.file if head else 1) and self._sync:
                files.durable(head_fd)
            if self._counters is not None:
                first = new_head.sequence - len(fields) + 1
                self._counters.count(directory, before, new_head, [(n, t, first + i) for n, t, i in found])
            return fd, new_head.sequence
        except BaseException:
            if fd >= 0:
                os.close(fd)
            raise
        finally:
            if head_fd >= 0:
                os.close(head_fd)

    def _place(self, directory: int, head_fd: int, head: chain.Head | None, fd: int) -> AppendPosition:
        if head is not None and disk.size_of(fd) == head.size and _is_at_end(head, fd):
            return AppendPosition(head.file, head.size, head.sequence, head.mac)
        from sophia_secrets.state.audit_settle import settle

        place = settle(directory, self._key, head, fd)
        if head is None and not place.sequence and not place.notes:
            # A torn first line without a head would look like a log of another key.
            first = chain.Head(1, 0, 0, chain.ORIGIN, synced=0, boot=disk.boot_id())
            disk.write_at(head_fd, chain.pack_head(self._key, first), 0)
            if self._sync:
                files.durable(head_fd)
                files.sync_directory(directory)
        return place

    def _rotate(self, directory: int, fd: int, place: AppendPosition) -> None:
        if self._sync:
            files.durable(fd)
        taken = files.names(directory)
        while disk.rotated(place.file) in taken:
            place.file += 1
        os.rename(disk.CURRENT, disk.rotated(place.file), src_dir_fd=directory, dst_dir_fd=directory)
        place.file += 1
        place.size = 0
        place.ended = True

    def _notes(self, directory: int, place: AppendPosition) -> list[bytes]:
        notes = list(place.notes)
        if not place.size and place.file > 1 and not any(n.outcome == "new_chain" for n in notes):
            # The first line of a file has the hash of the previous file, so that even without the
            # key one can tell that the files belong together.
            link = Event("audit", "rotated")
            link.digest = disk.hash_of(directory, disk.rotated(place.file - 1))
            notes.insert(0, link)
        now = self._clock()
        return [write_event(note, now, self._actor) for note in notes]

    def _write(
        self, fd: int, place: AppendPosition, fields: list[bytes], synced: int, head_fd: int
    ) -> chain.Head:
        parts = [] if place.ended else [b""]
        sequence, mac = place.sequence, place.mac
        for field in fields:
            sequence += 1
            line, mac = chain.seal(self._key, mac, sequence, field)
            parts.append(line)
        parts.append(b"")
        data = b"\n".join(parts)
        size = place.size + len(data)
        head = chain.Head(place.file, size, sequence, mac, synced=synced, boot=disk.boot_id())
        try:
            files.write_all(fd, data)
            disk.write_at(head_fd, chain.pack_head(self._key, head), 0)
        except OSError:
            # These lines were not reported to anyone, and the lock is still held.
            try:
                os.ftruncate(fd, place.size)
            except OSError:
                pass
            raise
        return head

    def mark_synced(self, directory: int, lock: files.Lock, sequence: int) -> None:
        """
        Record in the head what is durable; if that fails now, the next append does it.

        Where the lock is busy or the head is missing, `synced` stays too low: after a power cut that
        makes the next writer more lenient, not wrong.
        """
        try:
            if not lock.acquire(0.0):
                return
            try:
                fd = disk.open_update(directory, disk.HEAD)
                try:
                    head = chain.unpack_head(self._key, os.pread(fd, chain.HEAD_SIZE + 1, 0))
                    if head is not None and head.synced < sequence <= head.sequence:
                        head.synced = sequence
                        disk.write_at(fd, chain.pack_head(self._key, head), 0)
                finally:
                    os.close(fd)
            finally:
                lock.release()
        except (OSError, sophia_secrets.errors.UnsafeState):
            pass


def _closed(fd: int) -> int:
    os.close(fd)
    return -1


def _is_at_end(head: chain.Head, fd: int) -> bool:
    return not head.size or disk.is_end_at(fd, head.size, head.mac)
