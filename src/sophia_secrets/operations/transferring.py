"""Copy, move and sync from one backend to another: planned first, then applied."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend
from sophia_secrets.core import changes, read_errors
from sophia_secrets.core import names as naming
from sophia_secrets.core.changes import Act, Action, Plan
from sophia_secrets.core.model import EntryState
from sophia_secrets.core.resolve import Answer, find, has_value, holds, is_complete, resolve
from sophia_secrets.operations import metadata, moving, reading, recording, writing
from sophia_secrets.operations.applying import ApplyResult, apply_plan, destination_of
from sophia_secrets.operations.reading import fresh_answer
from sophia_secrets.operations.session import Session


class TransferPlan(Struct, frozen=True):
    """A plan for one destination, with the answers of both ends. `removes_source` is true for a move."""

    source: Backend
    destination: Backend
    seen: Answer
    there: Answer
    plan: Plan
    removes_source: bool = False


def plan_copy(
    session: Session, names: Sequence[str], source_name: str, destination_name: str, *, move: bool = False
) -> TransferPlan:
    """
    Plan to copy or move the names.

    Raises `NotSupported` for a source that is not readable, naming backends that are, `NotFound` for a
    missing name, `BadName` and `BadValue` for what the destination cannot store, and a backend's
    failure.
    """
    for name in names:
        naming.check_safe(name)
    check_ends(session, source_name, destination_name, move=move)
    source, destination = _ends(session, source_name, destination_name)
    _require_values(session, source, destination, names)
    seen, there = fresh_answer(session, source), fresh_answer(session, destination)
    place = destination_of(session, destination, there, as_declared=True)
    actions: list[Action] = []
    for name in dict.fromkeys(names):
        entry = find(seen, name)
        if entry is not None and entry.value is not None:
            (action,) = changes.plan({name: entry.value}, place)
            held = find(there, name)
            if move and action.act is Act.UNCHANGED and held and held.value is None and not held.digest:
                # Only a time of change says so: a write that changes it is a better proof.
                action = Action(name, Act.SET, "to be proven", entry.value)
            actions.append(action)
        elif entry is not None and entry.state is EntryState.WRITE_ONLY:
            raise _unreadable(session, source, destination, [name], entry.detail)
        elif move and holds(there, name) and is_complete(seen):
            actions.append(
                Action(name, Act.UNCHANGED, f"{source.name} has none, {destination.name} holds it")
            )
        else:
            nowhere = resolve(name, [seen])
            recording.accesses(session, [nowhere], [seen], duration_ms=0, delivered=False)
            raise read_errors.missing(
                nowhere,
                [seen],
                in_workflow=session.in_workflow and source.name == "github",
                keep_in=source.name if source.capabilities.writable else "local",
            )
    for action in actions:
        if action.act is Act.REFUSED:
            writing.check_name(destination, action.name)
            raise errors.BadValue(
                f"The value of `{action.name}` cannot be stored in {destination.name} exactly: "
                f"{action.reason}",
                hint=writing.REFUSED,
                backend=destination.name,
                target=str(destination.target),
            )
    return TransferPlan(source, destination, seen, there, Plan(tuple(actions)), removes_source=move)


def plan_sync(
    session: Session, source_name: str, destination_name: str, *, delete: bool = False, only: str = ""
) -> TransferPlan:
    """
    Plan to make the destination hold all that the source holds.

    With `delete`, other names (of those that begin with `only`) are deleted; that is refused where the
    source does not list all its names, or lists none.
    """
    source, destination = _ends(session, source_name, destination_name)
    _require_values(session, source, destination, ())
    seen, there = fresh_answer(session, source), fresh_answer(session, destination)
    declared = session.settings.declared
    names = changes.names_to_sync(seen, only=only, declared=declared)
    if delete and not (names and _lists_all_names(source, seen)):
        reason = "does not tell all its names here" if names else "holds none of these names"
        raise errors.UsageError(
            f"{source.name} ({source.target}) {reason}, so nothing is deleted to match it.",
            hint=f"Delete what is too much with `sophia-secrets delete NAME --backend {destination.name}`.",
        )
    plan = changes.plan_sync(
        seen,
        names,
        destination_of(session, destination, there, as_declared=True),
        source_writes=metadata.last_writes(session, source.name, str(source.target)),
        delete=delete,
        only=only,
        declared=declared,
    )
    return TransferPlan(source, destination, seen, there, plan)


def transfer(session: Session, planned: TransferPlan) -> ApplyResult:
    """
    Apply the plan: the values read are audited as accesses before they are written.

    A move then deletes from the source what is proven at the destination, in one call; what is not
    proven, or has changed in the source meanwhile, stays, and the rows say so.
    """
    leaving = planned.plan.having(Act.SET)
    recording.accesses(
        session,
        [resolve(name, [planned.seen]) for name in leaving],
        (),
        duration_ms=0,
        delivered=True,
    )
    applied = apply_plan(session, planned.destination, planned.plan)
    if not planned.removes_source or isinstance(applied.problem, errors.Interrupted):
        return applied
    removed = moving.remove_source(session, planned, applied)
    return ApplyResult(applied.rows + removed.rows, applied.problem or removed.problem)


def check_ends(session: Session, source_name: str, destination_name: str, *, move: bool = False) -> None:
    """What `plan_copy` and `plan_sync` raise for two backends before any is asked."""
    source, _ = _ends(session, source_name, destination_name)
    if move:
        writing.destination(session, source.name)


def _ends(session: Session, source: str, destination: str) -> tuple[Backend, Backend]:
    pair = session.configured(source), writing.destination(session, destination)
    if pair[0] is pair[1]:
        raise errors.UsageError(
            f"{source} is both the source and the destination.",
            hint="Name two backends; `sophia-secrets backends` lists them.",
        )
    return pair


def _require_values(session: Session, source: Backend, destination: Backend, names: Sequence[str]) -> None:
    if not source.capabilities.readable:
        raise _unreadable(session, source, destination, names, source.capabilities.note)


def _unreadable(
    session: Session, source: Backend, destination: Backend, names: Sequence[str], why: str
) -> errors.SophiaError:
    """The error for a source that is not readable, naming other backends that have these values."""
    readable = [
        backend.name
        for backend in session.configured_chain()
        if backend not in (source, destination) and backend.capabilities.readable
    ]
    if names:
        read = reading.read(session, names, deliver=False)
        readable = [
            answer.backend
            for answer in read.answers
            if answer.backend in readable and all(has_value(answer, name) for name in names)
        ]
    listed = naming.either([f"`--from {name}`" for name in readable])
    if not readable:
        given = f"`sophia-secrets set {names[0]}" if len(names) == 1 else "`sophia-secrets set NAME"
        hint = f"Nothing else here gives it; give it anew with {given} --backend {destination.name}`."
    elif names:
        hint = f"Copy from where it can be read: {listed}."
    else:
        hint = f"Backends that can be read here: {listed}."
    what = " and ".join(f"`{name}`" for name in names) or "its secrets"
    return errors.NotSupported(
        f"{source.name} ({source.target}) does not give the value of {what}{f': {why}' if why else ''}.",
        hint=hint,
        backend=source.name,
        target=str(source.target),
    )


def _lists_all_names(source: Backend, seen: Answer) -> bool:
    """Whether the source lists all its names: the environment does not."""
    return is_complete(seen) and (source.capabilities.needs_call or source.name == "local")
