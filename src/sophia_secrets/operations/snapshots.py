"""Converting snapshots to cache records and back, and the identity of a record."""

from __future__ import annotations

import os

from sophia_secrets.backends.base import Backend, Credential
from sophia_secrets.core.model import Entry, EntryState, SecretValue, Snapshot, Target
from sophia_secrets.state import keys
from sophia_secrets.state.record import Item, Record

SCHEMA = b"1"
_CREDENTIAL_FILE_LIMIT = 1024 * 1024

_LETTERS = {EntryState.READABLE: "r", EntryState.WRITE_ONLY: "w", EntryState.ABSENT: "a"}
_STATES = {letter: state for state, letter in _LETTERS.items()}


def identity_of(backend: Backend, key: bytes) -> tuple[bytes, ...]:
    """
    The identity of this backend's cached record; the last part is empty where the credential is unknown.

    What a backend says where it gives values back is no answer for one that gives none, and the other
    way round: Fly's `read_from_machine` is switched on and off.
    """
    parts = [part.encode() for pair in backend.target.parts for part in pair]
    last = _credential(backend.credential, key, readable=backend.capabilities.readable)
    return (SCHEMA, backend.name.encode(), *parts, last)


def _credential(credential: Credential, key: bytes, *, readable: bool) -> bytes:
    fields: list[bytes] = []
    for name, value in credential.variables:
        fields += [b"variable", name.encode(), value.encode("utf-8", "surrogateescape")]
    for path in credential.files:
        content = _content(path)
        if content is not None:
            fields += [b"file", os.fsencode(path), content]
    return keys.mac(key, b"readable" if readable else b"write-only", *fields) if fields else b""


def _content(path: str) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    content = b""
    try:
        while len(content) < _CREDENTIAL_FILE_LIMIT and (chunk := os.read(fd, _CREDENTIAL_FILE_LIMIT)):
            content += chunk
        return content
    except OSError:
        return None
    finally:
        os.close(fd)


def to_record(snapshot: Snapshot) -> Record:
    """The snapshot as a cache record."""
    items = {
        name: Item(
            _LETTERS[entry.state],
            entry.value.reveal().encode("utf-8", "surrogatepass") if entry.value is not None else b"",
            updated_at=entry.updated_at,
            digest=entry.digest,
            version=entry.version,
            detail=entry.detail,
        )
        for name, entry in snapshot.entries.items()
    }
    return Record(
        items,
        snapshot.fetched_at,
        complete=snapshot.complete,
        notes=snapshot.notes,
        label=str(snapshot.target),
    )


def from_record(record: Record, target: Target, *, stale: bool = False) -> Snapshot:
    """The snapshot in a cache record."""
    entries = {
        name: Entry(
            state=_STATES[item.state],
            value=SecretValue(item.value.decode("utf-8", "surrogatepass")) if item.state == "r" else None,
            updated_at=item.updated_at,
            digest=item.digest,
            version=item.version,
            detail=item.detail,
        )
        for name, item in record.entries.items()
    }
    return Snapshot(
        target=target,
        entries=entries,
        fetched_at=record.fetched_at,
        complete=record.complete,
        cached=True,
        stale=stale,
        notes=record.notes,
    )
