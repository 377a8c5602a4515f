"""The second half of a move: deleting from the source what is proven to be at the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from sophia_secrets import errors
from sophia_secrets.core.changes import Act, Action, Plan
from sophia_secrets.core.model import Entry, Outcome
from sophia_secrets.core.resolve import find, has_value
from sophia_secrets.operations.applying import AppliedAction, ApplyResult, apply_plan
from sophia_secrets.operations.reading import fresh_answer
from sophia_secrets.operations.session import Session

if TYPE_CHECKING:
    from sophia_secrets.operations.transferring import TransferPlan


def moved_before(planned: TransferPlan) -> tuple[str, ...]:
    """The names of a move that the source does not hold and the destination does."""
    if not planned.removes_source:
        return ()
    return tuple(
        action.name
        for action in planned.plan.actions
        if action.act is Act.UNCHANGED and not has_value(planned.seen, action.name)
    )


def planned_removal(planned: TransferPlan) -> Plan:
    """What a move will delete from the source, each name once its copy is proven; else an empty plan."""
    if not planned.removes_source:
        return Plan(())
    reason = f"from {planned.source.name}, once {planned.destination.name} is seen to hold it"
    return Plan(
        tuple(
            Action(action.name, Act.DELETE, reason)
            for action in planned.plan.actions
            if action.act in (Act.SET, Act.UNCHANGED) and has_value(planned.seen, action.name)
        )
    )


def remove_source(session: Session, planned: TransferPlan, applied: ApplyResult) -> ApplyResult:
    """Delete from the source, in one call, each name whose copy is proven and that has not changed since."""
    proven = [
        row.name
        for row in applied.rows
        if has_value(planned.seen, row.name) and _is_proven(row, find(planned.there, row.name))
    ]
    now = fresh_answer(session, planned.source) if proven else planned.seen
    actions = []
    for row in applied.rows:
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
    removed = apply_plan(session, planned.source, Plan(tuple(actions)))
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
            hint=_next_step(planned, left, applied),
            backend=planned.source.name,
            target=str(planned.source.target),
        )
    return ApplyResult(rows, problem)


def _next_step(planned: TransferPlan, left: list[AppliedAction], applied: ApplyResult) -> str:
    """The hint for copies that are not proven: repeating a write does not change an equal digest."""
    rows = {row.name: row for row in applied.rows}
    still = [row.name for row in left if _kept_digest(find(planned.there, row.name), rows[row.name])]
    if not still:
        return "Run the same command again; what is proven by then is removed."
    remove = f"`sophia-secrets delete {still[0]} --backend {planned.destination.name}`"
    too = f", likewise for {', '.join(still[1:])}" if still[1:] else ""
    return f"Run {remove}{too}, then the same command again: a digest that was there before proves nothing."


def _kept_digest(before: Entry | None, row: AppliedAction) -> bool:
    if row.outcome is not Outcome.DONE or row.entry is None or before is None:
        return False
    return row.entry.digest is not None and row.entry.digest == before.digest


def _is_proven(row: AppliedAction, before: Entry | None) -> bool:
    """Whether the destination verifiably holds the copy: a vendor's time that did not change is no proof."""
    if row.outcome not in (Outcome.DONE, Outcome.UNCHANGED) or not row.verified:
        return False
    after = row.entry
    if row.outcome is Outcome.UNCHANGED or before is None or after is None or after.digest:
        return True
    return not after.updated_at or after.updated_at != before.updated_at
