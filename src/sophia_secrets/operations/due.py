"""Which secrets are due for rotation, from our own records; no vendor is called."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.backends.base import Unconfigured
from sophia_secrets.operations import metadata, recording
from sophia_secrets.operations.rotating import store
from sophia_secrets.operations.session import Session
from sophia_secrets.state.pending_record import Pending

OK, DUE, OVERDUE, NEVER = "ok", "due", "overdue", "never_rotated"
SOON_SHARE, SOON_MOST = 0.1, 7 * 86400.0


class Copy(Struct, frozen=True):
    """A secret at one target; `rotated` is Unix seconds, None where no change is on record."""

    backend: str
    target: str
    rotated: float | None


class RotationStatus(Struct, frozen=True):
    """
    The rotation status of a secret under its policy.

    Times are Unix seconds, `every` is seconds. `rotated` is the oldest change of its copies, because a
    rotation is complete once the last copy has the new value. `generated` tells whether a new value
    can be generated, `pending` whether a rotation was interrupted; `elsewhere` is a target of that
    one which the settings do not point at now, or "".
    """

    name: str
    every: float | None
    rotated: float | None
    due: float | None
    state: str
    copies: tuple[Copy, ...]
    generated: bool
    pending: bool
    elsewhere: str = ""

    @property
    def needs_rotation(self) -> bool:
        return self.state != OK or self.pending


def state_of(rotated: float | None, every: float | None, now: float) -> str:
    """
    `overdue` once the policy's age is reached, `due` during the last tenth of it (at most 7 days): what
    is rotated while it is due never becomes overdue.
    """
    if every is None:
        return OK
    if rotated is None:
        return NEVER
    left = rotated + every - now
    if left <= 0:
        return OVERDUE
    return DUE if left <= min(every * SOON_SHARE, SOON_MOST) else OK


def statuses(session: Session) -> tuple[tuple[RotationStatus, ...], int]:
    """
    Every declared secret with a rotation age and every interrupted rotation, by name; and the number of
    sealed records that cannot be opened.

    Raises `AuditFailed` where the records cannot be read or are switched off.
    """
    recording.require_log(
        session, "When a secret was rotated is on record in the audit log, which is switched off."
    )
    pending, damaged = store(session).all()
    waiting = {record.name: _elsewhere(session, record) for record in pending}
    declared = session.settings.declared
    wanted = sorted(
        waiting.keys() | {name for name, policy in declared.items() if policy.rotate_every is not None}
    )
    copies = _copies(session, wanted)
    return tuple(_status(session, name, copies[name], waiting.get(name)) for name in wanted), damaged


def _status(session: Session, name: str, copies: Sequence[Copy], elsewhere: str | None) -> RotationStatus:
    policy = session.settings.declared.get(name)
    every = policy.rotate_every if policy is not None else None
    times = [copy.rotated for copy in copies]
    rotated = min((time for time in times if time is not None), default=None)
    counted = None if None in times else rotated
    return RotationStatus(
        name=name,
        every=every,
        rotated=rotated,
        due=counted + every if counted is not None and every is not None else None,
        state=state_of(counted, every, session.clock()),
        copies=tuple(copies),
        generated=policy is not None and policy.generate is not None,
        pending=elsewhere is not None,
        elsewhere=elsewhere or "",
    )


def _elsewhere(session: Session, record: Pending) -> str:
    """The first target of an interrupted rotation that the settings do not point at now, or ""."""
    for holder in record.holders:
        try:
            backend = session.backend(holder.backend)
        except errors.SophiaError:
            return f"{holder.backend} ({holder.target})"
        if isinstance(backend, Unconfigured) or backend.target.parts != holder.parts:
            return f"{holder.backend} ({holder.target})"
    return ""


def _copies(session: Session, names: Sequence[str]) -> dict[str, list[Copy]]:
    found: dict[str, list[Copy]] = {name: [] for name in names}
    for backend, facts in metadata.facts_in_chain(session):
        for name in names:
            fact = facts.get(name)
            if fact is not None:
                found[name].append(Copy(backend.name, str(backend.target), metadata.last_changed(fact)))
    return found
