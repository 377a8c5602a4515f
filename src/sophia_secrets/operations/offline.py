"""Listing names without calling a vendor."""

from __future__ import annotations

from sophia_secrets import process
from sophia_secrets.core.model import EntryState, Snapshot
from sophia_secrets.operations.session import Session
from sophia_secrets.operations.snapshots import from_record, identity_of
from sophia_secrets.state.record import Record


def known_names(session: Session) -> list[str]:
    """Names from the settings, the local vault and the cache, sorted; not those of the environment."""
    names = set(session.settings.declared)
    for backend in session.configured_chain():
        if backend.name == "env":
            continue
        snapshot: object = None
        if not backend.capabilities.needs_call:
            snapshot = process.run(backend.snapshot(), path="")
        elif session.cache is not None:
            record = session.cache.read(identity_of(backend, session.credential_key))
            snapshot = from_record(record, backend.target) if isinstance(record, Record) else None
        if isinstance(snapshot, Snapshot):
            names |= {n for n, entry in snapshot.entries.items() if entry.state is not EntryState.ABSENT}
    return sorted(names)
