"""`info`: the metadata and the history of one secret, never its value."""

from __future__ import annotations

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.core import names as naming
from sophia_secrets.operations import metadata, recording
from sophia_secrets.operations.session import Session
from sophia_secrets.state.audit_read import Query

HISTORY = 20
_CHANGES = frozenset({"done", "changed", "unknown"})


class TargetInfo(Struct, frozen=True):
    """The metadata of a name at one target; times are Unix seconds."""

    backend: str
    target: str
    version: int
    last_rotated: float | None
    written_by_us: bool
    updated_at: str
    digest: str


class HistoryEntry(Struct, frozen=True):
    """One change in a name's history."""

    when: str
    what: str
    backend: str
    version: str
    who: str


class SecretInfo(Struct, frozen=True):
    """A secret's metadata."""

    name: str
    version: int | None
    last_accessed: float | None
    last_rotated: float | None
    access_count: int
    backends: tuple[TargetInfo, ...]
    history: tuple[HistoryEntry, ...]


def secret_info(session: Session, name: str) -> SecretInfo:
    """
    The metadata of one name, from the log and its indexes; no vendor is called.

    Raises `NotFound` where nothing is on record of it, `AuditFailed` where the log cannot be
    read or is switched off.
    """
    naming.check_safe(name)
    recording.require_log(session, "Metadata comes from the audit log, which is switched off.")
    targets = tuple(_target_infos(session, name))
    counted = session.log.counts([name]).get(name)
    history = tuple(_history(session, name))
    if not targets and counted is None and not history:
        raise errors.NotFound(
            f"Nothing is known of `{name}`: it was never read or written here.",
            hint=f"See who holds it with `sophia-secrets explain {name}`.",
        )
    return SecretInfo(
        name=name,
        version=max((each.version for each in targets), default=None),
        last_accessed=counted.last if counted else None,
        last_rotated=max((each.last_rotated for each in targets if each.last_rotated), default=None),
        access_count=counted.times if counted else 0,
        backends=targets,
        history=history,
    )


def _target_infos(session: Session, name: str) -> list[TargetInfo]:
    return [
        TargetInfo(
            backend.name,
            str(backend.target),
            fact.version,
            fact.last_rotated,
            fact.written_by_us,
            fact.updated_at,
            fact.digest,
        )
        for backend, facts in metadata.facts_in_chain(session)
        if (fact := facts.get(name)) is not None
    ]


def _history(session: Session, name: str) -> list[HistoryEntry]:
    steps = []
    for event in session.log.read(Query(name=name)):
        if event.get("outcome") in _CHANGES:
            ours = event.get("outcome") != "changed"
            steps.append(
                HistoryEntry(
                    str(event.get("time", "")),
                    str(event.get("command", "")) if ours else "changed at the vendor",
                    str(event.get("backend", "")),
                    str(event.get("version", "")),
                    str(event.get("user", "")) if ours else "not us",
                )
            )
    return steps[-HISTORY:]
