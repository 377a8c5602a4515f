"""
Rotation: one new value in every backend that holds a secret, resumable at any point (fault X6).

The new value is sealed on disk before the first vendor is called. The sealed record also says which
value each backend holds, updated before and after each call, and is removed after the last.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from msgspec import Struct
from msgspec.structs import replace

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend
from sophia_secrets.core import changes, read_errors
from sophia_secrets.core.changes import Act, Action, Plan
from sophia_secrets.core.model import Change, Outcome, SecretValue
from sophia_secrets.operations import recording, writing
from sophia_secrets.operations.applying import (
    AppliedAction,
    ApplyResult,
    apply_plan,
    destination_of,
    planned_rows,
)
from sophia_secrets.operations.holding import Holding, ask
from sophia_secrets.operations.session import Session
from sophia_secrets.state.audit_event import Event
from sophia_secrets.state.pending import Claim, PendingStore
from sophia_secrets.state.pending_record import NEW, OLD, UNKNOWN, Holder, Pending

_DONE_BEFORE = "written before the interruption"


class Rotation(Struct, frozen=True):
    """The rotation of one name: sealed already where it is `resumed`, else when it is applied."""

    claim: Claim
    record: Pending
    holdings: tuple[Holding, ...]
    resumed: bool

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def value(self) -> SecretValue:
        return SecretValue(self.record.value.decode("utf-8", "surrogatepass"))

    def holder(self, backend: Backend) -> Holder | None:
        """The record of a backend, or None where the rotation does not write to it."""
        return next((h for h in self.record.holders if h.backend == backend.name), None)


class RotationResult(Struct, frozen=True):
    """The outcome of each name at each backend, with the value it holds: `new`, `old` or `unknown`."""

    rows: tuple[tuple[AppliedAction, str], ...]
    problem: errors.SophiaError | None
    unfinished: tuple[str, ...]


def store(session: Session) -> PendingStore:
    """The pending rotations. Raises `AuditFailed` where there is no key or no state directory."""
    key = session.derived_key(b"pending")
    return PendingStore(os.path.join(session.state_directory, "pending"), key)


@contextmanager
def claimed(session: Session, names: Sequence[str]) -> Iterator[dict[str, Claim]]:
    """Lock the rotations of the names for this process. Raises `pending.Busy`."""
    session.settings.require_trust()
    pending = store(session)
    with ExitStack() as stack:
        yield {name: stack.enter_context(pending.claim(name)) for name in sorted(set(names))}


def begin(
    session: Session, claim: Claim, holdings: Sequence[Holding], value: SecretValue, origin: str
) -> Rotation:
    """
    A new rotation, not sealed yet.

    Raises `BadName` and `BadValue` where one of the backends cannot store the value exactly: then it is
    written to none.
    """
    able = [holding for holding in holdings if not holding.obstacle]
    for holding in able:
        writing.check_name(holding.backend, claim.name)
        writing.check_value(holding.backend, Change(claim.name, value))
    holders = [
        Holder(each.backend.name, str(each.backend.target), each.backend.target.parts) for each in able
    ]
    text = value.reveal().encode("utf-8", "surrogatepass")
    record = Pending(claim.name, text, origin, session.clock(), holders)
    return Rotation(claim, record, tuple(holdings), resumed=False)


def resume(session: Session, claim: Claim, record: Pending) -> Rotation:
    """
    The interrupted rotation of a name, with the current answer of each of its backends.

    Raises `UsageError` where a backend has another target now: the value belongs to the target that it
    was generated for.
    """
    holdings = []
    for holder in record.holders:
        backend = writing.destination(session, holder.backend)
        if backend.target.parts != holder.parts:
            raise errors.UsageError(
                f"The interrupted rotation of {record.name} is for {holder.backend} ({holder.target}), "
                f"and the settings now point at {backend.target}.",
                hint="Resume it under the settings or the profile it began with, or drop it with "
                f"`sophia-secrets rotate {record.name} --abandon`.",
                backend=holder.backend,
                target=holder.target,
            )
        holdings.append(Holding(backend, ask(session, [record.name], backend)))
    return Rotation(claim, record, tuple(holdings), resumed=True)


def plan_for(session: Session, rotation: Rotation, holding: Holding) -> Action:
    """The action at one backend; `unchanged` where it is known to hold the new value."""
    holder = rotation.holder(holding.backend)
    if holder is None:
        return Action(rotation.name, Act.REFUSED, holding.obstacle)
    place = destination_of(session, holding.backend, holding.answer)
    (action,) = changes.plan({rotation.name: rotation.value}, place)
    if action.act is Act.SET and holder.holds == NEW and action.reason == changes.CANNOT_COMPARE:
        return Action(rotation.name, Act.UNCHANGED, _DONE_BEFORE)
    return action


def planned(session: Session, rotations: Sequence[Rotation]) -> tuple[AppliedAction, ...]:
    """The planned rows of the rotations, by backend."""
    return tuple(
        row
        for backend in _in_order(rotations)
        for rotation in rotations
        for holding in rotation.holdings
        if holding.backend is backend
        for row in planned_rows(backend, Plan((plan_for(session, rotation, holding),)))
    )


def apply(session: Session, rotations: Sequence[Rotation]) -> RotationResult:
    """
    Seal the new values, then write them to each backend, in one call per backend.

    A backend that fails does not stop the others; an interruption, or an audit log or a seal that
    cannot be written, does. The seal of a name is removed once every backend has its new value; any
    other name can be resumed with the same value. Nothing is raised after the first vendor call.
    """
    for rotation in rotations:
        if not rotation.resumed:
            rotation.claim.write(rotation.record)
    rows: list[tuple[AppliedAction, str]] = []
    problem: errors.SophiaError | None = None
    stopped = False
    for backend in _in_order(rotations):
        here = [(r, h) for r in rotations for h in r.holdings if h.backend is backend]
        new_rows, trouble = _write(session, backend, here, stopped=stopped)
        rows += new_rows
        problem = problem or trouble
        stopped = stopped or (trouble is not None and trouble.exit_code in (6, 130))
    unfinished = []
    for rotation in rotations:
        if any(holder.holds != NEW for holder in rotation.record.holders):
            unfinished.append(rotation.name)
            continue
        try:
            rotation.claim.remove()
        except errors.SophiaError as failed:
            problem = problem or failed
            unfinished.append(rotation.name)
    return RotationResult(tuple(rows), problem, tuple(unfinished))


def _in_order(rotations: Sequence[Rotation]) -> list[Backend]:
    found: dict[str, Backend] = {}
    for rotation in rotations:
        for holding in rotation.holdings:
            found.setdefault(holding.backend.name, holding.backend)
    return list(found.values())


def _write(
    session: Session, backend: Backend, here: Sequence[tuple[Rotation, Holding]], *, stopped: bool
) -> tuple[list[tuple[AppliedAction, str]], errors.SophiaError | None]:
    """Write to one backend: its rows, each with the value it holds, and the error, if any."""
    failed = next((holding.answer for _, holding in here if holding.answer.failure is not None), None)
    actions = {rotation.name: plan_for(session, rotation, holding) for rotation, holding in here}
    plan = Plan(tuple(actions.values()))
    before = {r.name: holder.holds for r, _ in here if (holder := r.holder(backend)) is not None}
    if stopped:
        applied = ApplyResult(planned_rows(backend, plan))
    elif failed is not None:
        error = read_errors.failure_error(failed)
        rows = tuple(replace(row, detail=error.message) for row in planned_rows(backend, plan))
        applied = ApplyResult(rows, error)
    else:
        applied = _sealed_write(session, backend, plan, [rotation for rotation, _ in here])
    trouble = applied.problem
    with_holds = []
    for (rotation, _), row in zip(here, applied.rows, strict=True):
        holds = _holds(row.outcome, before.get(rotation.name, OLD))
        with_holds.append((row, holds))
        holder = rotation.holder(backend)
        if holder is not None and (holder.holds, holder.detail) != (holds, row.detail):
            holder.holds, holder.detail = holds, row.detail
            trouble = trouble or _record(rotation)
    return with_holds, trouble


def _sealed_write(
    session: Session, backend: Backend, plan: Plan, rotations: Sequence[Rotation]
) -> ApplyResult:
    """The write; the seal says `unknown` until its outcome is known."""
    for rotation in rotations:
        holder = rotation.holder(backend)
        if holder is not None and rotation.name in plan.having(Act.SET):
            before = holder.holds
            holder.holds = UNKNOWN
            trouble = _record(rotation)
            if trouble is not None:
                holder.holds = before
                return ApplyResult(planned_rows(backend, plan), trouble)
    return apply_plan(session, backend, plan)


def _record(rotation: Rotation) -> errors.SophiaError | None:
    try:
        rotation.claim.write(rotation.record)
    except errors.SophiaError as failed:
        return failed
    return None


def _holds(outcome: Outcome, before: str) -> str:
    match outcome:
        case Outcome.DONE | Outcome.UNCHANGED:
            return NEW
        case Outcome.UNKNOWN:
            return UNKNOWN
        case _:
            return before


def abandon(session: Session, claim: Claim) -> bool:
    """Delete the sealed value of an interrupted rotation, audited: false where there was none."""
    recording.append(session, [Event("rotate", "abandoned", claim.name)])
    return claim.remove()
