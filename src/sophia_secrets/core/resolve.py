"""Which backend answers for a name, and why: a pure function of the answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from sophia_secrets.core import names as naming
from sophia_secrets.core.model import (
    Entry,
    EntryState,
    Failure,
    Resolution,
    Snapshot,
    TraceOutcome,
    TraceStep,
)

_OUTCOMES = {
    EntryState.READABLE: TraceOutcome.FOUND,
    EntryState.WRITE_ONLY: TraceOutcome.WRITE_ONLY,
    EntryState.ABSENT: TraceOutcome.ABSENT,
}


class Answer(Struct, frozen=True):
    """
    What one backend of the chain answered.

    Exactly one of these is set: `snapshot` (with a `failure` too, where a stale one is used instead),
    `failure` alone, `unconfigured` or `skipped` (each the reason).
    """

    backend: str
    target: str
    snapshot: Snapshot | None = None
    failure: Failure | None = None
    unconfigured: str = ""
    skipped: str = ""


def spellings(backend: str, name: str) -> tuple[str, ...]:
    """The names under which a backend may hold what the user calls `name`, best first."""
    match backend:
        case "env":
            return naming.env_candidates(name)
        case "github":
            return (name, name.upper()) if name != name.upper() else (name,)
        case _:
            return (name,)


def find(answer: Answer, name: str) -> Entry | None:
    """The entry of the name in a backend's snapshot, or None."""
    if answer.snapshot is None:
        return None
    for spelling in spellings(answer.backend, name):
        entry = answer.snapshot.entries.get(spelling)
        if entry is not None and entry.state is not EntryState.ABSENT:
            return entry
    for spelling in spellings(answer.backend, name):
        entry = answer.snapshot.entries.get(spelling)
        if entry is not None:
            return entry
    return None


def holds(answer: Answer, name: str) -> bool:
    """Whether the backend holds the name, readable or not."""
    entry = find(answer, name)
    return entry is not None and entry.state is not EntryState.ABSENT


def has_value(answer: Answer, name: str) -> bool:
    """Whether the backend gave the value of the name."""
    entry = find(answer, name)
    return entry is not None and entry.value is not None


def is_complete(answer: Answer) -> bool:
    """Whether a name that is not in the answer is known not to exist there."""
    return answer.snapshot is not None and answer.snapshot.complete


def resolve(name: str, answers: Sequence[Answer]) -> Resolution:
    """Resolve a name: the first backend with a readable entry wins; all are in the trace."""
    trace: list[TraceStep] = []
    winner: Answer | None = None
    won: Entry | None = None
    degraded = False
    for answer in answers:
        entry = find(answer, name)
        step = _step(answer, entry, after_winner=winner is not None)
        trace.append(step)
        if winner is None:
            degraded = degraded or answer.failure is not None
            if step.outcome is TraceOutcome.FOUND:
                winner, won = answer, entry
    if winner is None or won is None or winner.snapshot is None:
        return Resolution(name, None, None, None, False, False, degraded, 0.0, tuple(trace))
    return Resolution(
        name=name,
        value=won.value,
        backend=winner.backend,
        target=winner.target,
        cached=winner.snapshot.cached,
        stale=winner.snapshot.stale,
        degraded=degraded,
        fetched_at=winner.snapshot.fetched_at,
        trace=tuple(trace),
    )


def _step(answer: Answer, entry: Entry | None, *, after_winner: bool) -> TraceStep:
    def step(outcome: TraceOutcome, detail: str) -> TraceStep:
        return TraceStep(answer.backend, answer.target, outcome, detail)

    if answer.unconfigured:
        return step(TraceOutcome.NOT_CONFIGURED, answer.unconfigured)
    if answer.skipped:
        return step(TraceOutcome.SKIPPED, answer.skipped)
    snapshot = answer.snapshot
    if snapshot is None:
        assert answer.failure is not None
        return step(TraceOutcome.FAILED, answer.failure.message)
    remarks = [entry.detail] if entry is not None and entry.detail else []
    if snapshot.stale:
        remarks.append("stale")
    elif snapshot.cached:
        remarks.append("cached")
    if after_winner and entry is not None and entry.state is EntryState.READABLE:
        remarks.append("not used: an earlier backend answers")
    detail = ", ".join(remarks)
    if entry is None:
        if snapshot.complete:
            return step(TraceOutcome.ABSENT, detail)
        return step(TraceOutcome.SKIPPED, "its names cannot be listed here")
    return step(_OUTCOMES[entry.state], detail)


def needed(names: Iterable[str], answers: Sequence[Answer | None]) -> frozenset[int]:
    """
    The positions still unknown (None) that could change the answer for one of the names.

    A position is needed unless, for every name, an earlier known backend already answers.
    """
    wanted: set[int] = set()
    for name in names:
        for position, answer in enumerate(answers):
            if answer is None:
                wanted.add(position)
            else:
                entry = find(answer, name)
                if entry is not None and entry.state is EntryState.READABLE:
                    break
    return frozenset(wanted)


def known_names(answers: Iterable[Answer]) -> Mapping[str, str]:
    """Every existing name with the first backend that holds it, for "did you mean"."""
    found: dict[str, str] = {}
    for answer in answers:
        if answer.snapshot is None:
            continue
        for name, entry in answer.snapshot.entries.items():
            if entry.state is not EntryState.ABSENT:
                found.setdefault(name, answer.backend)
    return found
