"""Applying a plan to one target: one write, one delete, and the outcome of each name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend
from sophia_secrets.core import names as naming
from sophia_secrets.core.changes import Act, Action, Destination, Plan
from sophia_secrets.core.model import Entry, Outcome, Result, SecretValue
from sophia_secrets.core.resolve import Answer
from sophia_secrets.operations import declaring, metadata, writing
from sophia_secrets.operations.session import Session

_IDLE = {
    Act.UNCHANGED: Outcome.UNCHANGED,
    Act.UNKNOWN: Outcome.UNKNOWN,
    Act.REFUSED: Outcome.REFUSED,
}


class AppliedAction(Struct, frozen=True):
    """
    The outcome of one name at one target. `action` is what was planned, `entry` the vendor's entry
    of the name after a write.
    """

    name: str
    backend: str
    target: str
    action: str
    outcome: Outcome
    detail: str = ""
    verified: bool = False
    entry: Entry | None = None


class ApplyResult(Struct, frozen=True):
    """The result of applying a plan: a row for each action, in its order, and the first error."""

    rows: tuple[AppliedAction, ...]
    problem: errors.SophiaError | None = None


def destination_of(
    session: Session, backend: Backend, answer: Answer, *, as_declared: bool = False
) -> Destination:
    """
    The target of a plan: its answer, our last writes there, and the values it cannot store.

    With `as_declared` it refuses values that do not match the declared type or pattern.
    """

    def fingerprint(value: SecretValue) -> str:
        return metadata.fingerprint(session, value) if session.has_key else ""

    def problem(name: str, value: SecretValue | None) -> str | None:
        if value is None:
            return backend.problem(name)
        found = naming.convention_problem(name) or backend.problem(name, value)
        if found is None and as_declared:
            problem = declaring.problem_of(session, name, value)
            return f"the value {problem} (`--not-as-declared` stores it)" if problem is not None else None
        return found

    writes = metadata.last_writes(session, backend.name, str(backend.target))
    return Destination(answer, writes, fingerprint, problem)


def planned_rows(backend: Backend, plan: Plan) -> tuple[AppliedAction, ...]:
    """The rows of a plan that is not applied."""
    return tuple(
        _row(backend, action, Result(action.name, _IDLE.get(action.act, Outcome.NOT_STARTED), action.reason))
        for action in plan.actions
    )


def apply_plan(session: Session, backend: Backend, plan: Plan) -> ApplyResult:
    """
    Apply the plan: all values in one write, then all deletions in one delete.

    No error is raised, not even for an interruption: each row says what is known of its name, and
    `problem` is the error to report. After a failed write nothing is deleted.
    """
    results: dict[str, Result] = {}
    problem: errors.SophiaError | None = None
    if plan.changes:
        changes = plan.changes
        names = [change.name for change in changes]
        results, problem = _attempt(backend, names, lambda: writing.write(session, backend, changes))
    if plan.deletions and problem is None:
        removed, problem = _attempt(
            backend, plan.deletions, lambda: writing.delete(session, backend, plan.deletions)
        )
        results = {**results, **removed}
    return ApplyResult(tuple(_row_of(backend, action, results) for action in plan.actions), problem)


def _attempt(
    backend: Backend, names: Sequence[str], start: Callable[[], writing.WriteResult]
) -> tuple[dict[str, Result], errors.SophiaError | None]:
    problem: errors.SophiaError
    try:
        receipt = start().receipt
    except (KeyboardInterrupt, errors.Interrupted):
        look = f"See what is there with `sophia-secrets list --backend {backend.name} --no-cache`."
        problem = errors.Interrupted("Interrupted during a call to the vendor.", hint=look)
        outcome = Outcome.UNKNOWN
    except errors.AuditFailed as failed:
        # Only the outcome of a write that was made names its target (fault A3).
        outcome, problem = Outcome.UNKNOWN if failed.backend else Outcome.NOT_STARTED, failed
    except errors.SophiaError as failed:
        outcome, problem = Outcome.NOT_STARTED, failed
    else:
        return {result.name: result for result in receipt.results}, writing.problem_of(receipt)
    detail = "it is not known whether this was done" if outcome is Outcome.UNKNOWN else ""
    return {name: Result(name, outcome, detail) for name in names}, problem


def _row_of(backend: Backend, action: Action, results: Mapping[str, Result]) -> AppliedAction:
    if action.act in _IDLE:
        return _row(backend, action, Result(action.name, _IDLE[action.act], action.reason))
    return _row(backend, action, results.get(action.name) or Result(action.name, Outcome.NOT_STARTED))


def _row(backend: Backend, action: Action, result: Result) -> AppliedAction:
    return AppliedAction(
        action.name,
        backend.name,
        str(backend.target),
        action.act.value,
        result.outcome,
        result.detail,
        result.verified or action.act is Act.UNCHANGED,
        result.entry,
    )
