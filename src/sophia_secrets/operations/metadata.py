"""The metadata of secrets: our last writes, and the vendors' digests and times as last seen."""

from __future__ import annotations

import os
from collections.abc import Iterator

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend
from sophia_secrets.core.compare import LastWrite
from sophia_secrets.core.model import SecretValue, Snapshot, Target
from sophia_secrets.core.times import unix_seconds
from sophia_secrets.operations import recording
from sophia_secrets.operations.session import Session
from sophia_secrets.state import keys
from sophia_secrets.state.fact import Fact
from sophia_secrets.state.facts import Facts


def fingerprint(session: Session, value: SecretValue) -> str:
    """The keyed fingerprint of a value: equality can be checked later without the value."""
    text = value.reveal().encode("utf-8", "surrogatepass")
    return keys.mac(session.fingerprint_key, text).hex()


def open_facts(session: Session) -> Facts:
    """The metadata of every target. Raises `AuditFailed` where there is no state directory."""
    directory = os.path.join(recording.audit_directory(session.state_directory), "facts")
    return Facts(directory, session.derived_key(b"metadata"), session.log)


def observe(session: Session, backend: Backend, snapshot: Snapshot) -> None:
    """
    Record the vendor's digests and times: a change that we did not write is a new version.

    Unless the audit is required, what cannot be recorded now is recorded by the next read.
    """
    if not session.settings.is_audited:
        return
    seen = {
        name: (entry.digest or "", entry.updated_at or "")
        for name, entry in snapshot.entries.items()
        if entry.digest or entry.updated_at
    }
    if not seen:
        return
    try:
        session.facts.observe(backend.name, str(backend.target), seen, session.options.command)
    except (errors.AuditFailed, errors.UnsafeState):
        if session.settings.requires_audit:
            raise


def facts_in_chain(session: Session) -> Iterator[tuple[Backend, dict[str, Fact]]]:
    """
    Each configured backend of the chain with what is on record of its target, deleted names left out.

    Raises `AuditFailed` where the records cannot be read.
    """
    for backend in session.configured_chain():
        facts = session.facts.load(backend.name, str(backend.target))
        yield backend, {name: fact for name, fact in facts.items() if not fact.deleted}


def last_changed(fact: Fact) -> float | None:
    """When the value was last changed, in Unix seconds: by our records, else by the vendor's time."""
    return fact.last_rotated or unix_seconds(fact.updated_at)


def update_times(session: Session, target: Target) -> dict[str, str]:
    """The vendor's `updated_at` of each name at a target, as last seen; empty where nothing is known."""
    if not session.settings.is_audited:
        return {}
    try:
        known = session.facts.load(target.backend, str(target))
    except (errors.AuditFailed, errors.UnsafeState):
        return {}
    return {name: fact.updated_at for name, fact in known.items() if fact.updated_at}


def last_writes(session: Session, backend: str, target: str) -> dict[str, LastWrite]:
    """Our last write of each name to a target; empty where nothing is on record."""
    if not session.settings.is_audited or not session.has_key:
        return {}
    try:
        known = session.facts.load(backend, target)
    except (errors.AuditFailed, errors.UnsafeState):
        return {}
    return {
        name: LastWrite(fact.fingerprint, fact.digest, fact.updated_at)
        for name, fact in known.items()
        if not fact.deleted and fact.written_by_us
    }
