"""Copy, move, sync and diff: from one backend to another, planned first, then carried out."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend, Unconfigured
from sophia_secrets.core import changes, verdict
from sophia_secrets.core import names as naming
from sophia_secrets.core.changes import Act, Action, Plan
from sophia_secrets.core.compare import Sameness, compare
from sophia_secrets.core.model import Entry, EntryState, Outcome
from sophia_secrets.core.resolve import Answer, find, resolve
from sophia_secrets.operations import reading, recording, writing
from sophia_secrets.operations.carrying import Carried, Row, carry_out, destination_of
from sophia_secrets.operations.fetch import Wanted, gather
from sophia_secrets.operations.session import Session

GONE = "no longer in the source"


class Transfer(Struct, frozen=True):
    """A plan for one destination, with both ends as they were seen. `removes_source` is a move's."""

    source: Backend
    destination: Backend
    seen: Answer
    there: Answer
    plan: Plan
    removes_source: bool = False


def plan_copy(
    session: Session, names: Sequence[str], source_name: str, destination_name: str, *, move: bool = False
) -> Transfer:
    """
    What copying the names, or moving them, would do.

    Raises `NotSupported` for a source that does not give values, naming those that do,
    `NotFound` for a name that is not there, `BadName` and `BadValue` for what the destination
    cannot hold, and a backend's own failure.
    """
    for name in names:
        naming.check_askable(name)
    source, destination = _ends(session, source_name, destination_name)
    if move:
        writing.destination(session, source_name)
    _require_values(session, source, destination, names)
    seen, there = look(session, source), look(session, destination)
    place = destination_of(session, destination, there, as_declared=True)
    actions: list[Action] = []
    for name in dict.fromkeys(names):
        entry = find(seen, name)
        if entry is not None and entry.value is not None:
            (action,) = changes.plan(
                {name: entry.value},
                there,
                recorded=place.recorded,
                fingerprint=place.fingerprint,
                problem=place.problem,
            )
            held = find(there, name)
            if move and action.act is Act.UNCHANGED and held and held.value is None and not held.digest:
                # Only a time says so: a write whose new time is seen is a better proof.
                action = Action(name, Act.SET, "to be proven", entry.value)
            actions.append(action)
        elif entry is not None and entry.state is EntryState.WRITE_ONLY:
            raise _unreadable(session, source, destination, [name], entry.detail)
        elif move and _holds(there, name) and seen.snapshot is not None and seen.snapshot.complete:
            actions.append(Action(name, Act.UNCHANGED, GONE))
        else:
            raise verdict.missing(
                resolve(name, [seen]),
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
    return Transfer(source, destination, seen, there, Plan(tuple(actions)), removes_source=move)


def plan_sync(
    session: Session, source_name: str, destination_name: str, *, delete: bool = False, only: str = ""
) -> Transfer:
    """
    What making the destination hold all that the source holds would do.

    With `delete` it would hold nothing else (of the names that begin with `only`); that is
    refused where the source does not tell all its names, or tells of none.
    """
    source, destination = _ends(session, source_name, destination_name)
    _require_values(session, source, destination, ())
    seen, there = look(session, source), look(session, destination)
    declared = session.settings.declared
    names = changes.carried(seen, only=only, declared=declared)
    if delete and not (names and _tells_all(source, seen)):
        reason = "does not tell all its names here" if names else "holds none of these names"
        raise errors.UsageError(
            f"{source.name} ({source.target}) {reason}, so nothing is deleted to match it.",
            hint=f"Delete what is too much with `sophia-secrets delete NAME --backend {destination.name}`.",
        )
    plan = changes.plan_sync(
        seen,
        names,
        destination_of(session, destination, there, as_declared=True),
        source_recorded=recording.recorded(session, source.name, str(source.target)),
        delete=delete,
        only=only,
        declared=declared,
    )
    return Transfer(source, destination, seen, there, plan)


def transfer(session: Session, planned: Transfer) -> Carried:
    """
    Carry the plan out: the values read are audited as accesses before they leave.

    A move then removes from the source what is proven at the destination, in one call; what is
    not proven, or has changed in the source meanwhile, stays and the rows say so.
    """
    leaving = planned.plan.having(Act.SET)
    recording.accesses(
        session,
        [resolve(name, [planned.seen]) for name in leaving],
        (),
        duration_ms=0,
        delivered=True,
    )
    carried = carry_out(session, planned.destination, planned.plan)
    if not planned.removes_source or isinstance(carried.problem, errors.Interrupted):
        return carried
    removed = _remove_source(session, planned, carried)
    return Carried(carried.rows + removed.rows, carried.problem or removed.problem)


def removal(planned: Transfer) -> Plan:
    """What a move will take out of the source, each name once its copy is proven; else nothing."""
    if not planned.removes_source:
        return Plan(())
    reason = f"from {planned.source.name}, once {planned.destination.name} is seen to hold it"
    return Plan(
        tuple(
            Action(action.name, Act.DELETE, reason)
            for action in planned.plan.actions
            if action.act in (Act.SET, Act.UNCHANGED) and _gives(planned.seen, action.name)
        )
    )


def _remove_source(session: Session, planned: Transfer, carried: Carried) -> Carried:
    proven = [row.name for row in carried.rows if _is_proven(row, find(planned.there, row.name))]
    now = look(session, planned.source) if proven else planned.seen
    actions = []
    for row in carried.rows:
        before, after = find(planned.seen, row.name), find(now, row.name)
        if before is None or before.value is None:
            continue
        if row.name not in proven:
            reason = f"left in place: nothing proves the copy in {planned.destination.name}"
            actions.append(Action(row.name, Act.REFUSED, reason))
        elif after is None or after.value != before.value:
            actions.append(Action(row.name, Act.REFUSED, "left in place: it has changed meanwhile"))
        else:
            actions.append(Action(row.name, Act.DELETE))
    removed = carry_out(session, planned.source, Plan(tuple(actions)))
    left = [row for row in removed.rows if row.outcome is Outcome.REFUSED]
    rows = tuple(replace(row, action=Act.DELETE.value) for row in removed.rows)
    rows = tuple(
        replace(row, outcome=Outcome.NOT_STARTED) if row.outcome is Outcome.REFUSED else row for row in rows
    )
    problem = removed.problem
    if left and problem is None:
        names = ", ".join(row.name for row in left)
        problem = errors.BadOutput(
            f"{planned.source.name} ({planned.source.target}) still holds {names}: the copy is not proven.",
            hint="Run the same command again; what is proven by then is removed.",
            backend=planned.source.name,
            target=str(planned.source.target),
        )
    return Carried(rows, problem)


def _is_proven(row: Row, before: Entry | None) -> bool:
    """Whether the destination was seen to hold the copy: a vendor's time that stands still is no proof."""
    if row.outcome not in (Outcome.DONE, Outcome.UNCHANGED) or not row.verified or row.detail == GONE:
        return False
    after = row.entry
    if row.outcome is Outcome.UNCHANGED or before is None or after is None or after.digest:
        return True
    return not after.updated_at or after.updated_at != before.updated_at


def differences(session: Session, left_name: str, right_name: str) -> tuple[tuple[str, str], ...]:
    """
    Each name that either backend holds, sorted, with `same`, `differs`, `unknown` or
    `only in BACKEND`. Of the environment only what `sync` would take counts, and what the other
    side holds too.
    """
    left, right = session.configured(left_name), session.configured(right_name)
    if left is right:
        raise errors.UsageError(
            f"{left.name} is compared with itself.",
            hint="Name two backends; `sophia-secrets backends` lists them.",
        )
    first, second = look(session, left), look(session, right)
    declared = session.settings.declared
    names = {*changes.carried(first, declared=declared), *changes.carried(second, declared=declared)}
    ours = recording.recorded(session, left.name, str(left.target))
    place = destination_of(session, right, second)
    found = []
    for name in sorted(names):
        here, there = find(first, name), find(second, name)
        if here is None or here.state is EntryState.ABSENT:
            state = f"only in {right.name}" if _is_sure(first) else Sameness.UNKNOWN.value
        elif there is None or there.state is EntryState.ABSENT:
            state = f"only in {left.name}" if _is_sure(second) else Sameness.UNKNOWN.value
        else:
            state = compare(
                here,
                there,
                left_recorded=changes.recorded_of(left.name, name, ours),
                right_recorded=changes.recorded_of(right.name, name, place.recorded),
                fingerprint=place.fingerprint,
            ).value
        found.append((name, state))
    return tuple(found)


def look(session: Session, backend: Backend) -> Answer:
    """
    All that one backend says now, asked of the vendor itself and audited.

    Raises the error of its failure.
    """
    started = time.monotonic()
    (answer,) = gather(session, Wanted(None, only=backend.name, use_cache=False))
    count = len(answer.snapshot.entries) if answer.snapshot is not None else 0
    recording.survey(session, [answer], count, round((time.monotonic() - started) * 1000))
    if answer.failure is not None:
        raise verdict.failure_error(answer)
    return answer


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
    """The refusal of a source that gives no values, naming the other backends that give these."""
    others = [
        member
        for member in session.chain()
        if not isinstance(member, Unconfigured)
        and member not in (source, destination)
        and member.capabilities.readable
    ]
    able = [member.name for member in others]
    if names:
        read = reading.read(session, names, deliver=False)
        able = [
            answer.backend
            for answer in read.answers
            if answer.backend in able and all(_gives(answer, name) for name in names)
        ]
    listed = naming.either([f"`--from {name}`" for name in able])
    if not able:
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


def _gives(answer: Answer, name: str) -> bool:
    entry = find(answer, name)
    return entry is not None and entry.value is not None


def _holds(answer: Answer, name: str) -> bool:
    entry = find(answer, name)
    return entry is not None and entry.state is not EntryState.ABSENT


def _is_sure(answer: Answer) -> bool:
    return answer.snapshot is not None and answer.snapshot.complete


def _tells_all(source: Backend, seen: Answer) -> bool:
    """What a process was given is not all that there is."""
    return _is_sure(seen) and (source.capabilities.needs_call or source.name == "local")
