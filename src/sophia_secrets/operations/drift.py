"""Drift: whether other backends hold the same value as the backend that answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from sophia_secrets.core.compare import LastWrite, Sameness, compare
from sophia_secrets.core.model import EntryState, Resolution, TraceOutcome, TraceStep
from sophia_secrets.core.resolve import Answer, find
from sophia_secrets.operations import metadata
from sophia_secrets.operations.session import Session

_WORDS = {
    Sameness.SAME: "the same value",
    Sameness.DIFFERENT: "another value",
    Sameness.UNKNOWN: "not known whether it is the same value",
}


class Drift:
    """Compares the copies of a name with the one that answers; loads each target's records once."""

    def __init__(self, session: Session, answers: Sequence[Answer]) -> None:
        self._session = session
        self._answers = answers
        self._last_writes: dict[tuple[str, str], Mapping[str, LastWrite]] = {}

    def of(self, resolution: Resolution) -> dict[str, Sameness]:
        """For each other backend that holds the name, whether it holds the same value."""
        winner = next((a for a in self._answers if a.backend == resolution.backend), None)
        won = find(winner, resolution.name) if winner is not None else None
        if winner is None or won is None:
            return {}
        found: dict[str, Sameness] = {}
        for answer in self._answers:
            entry = find(answer, resolution.name)
            if answer is winner or entry is None or entry.state is EntryState.ABSENT:
                continue
            found[answer.backend] = compare(
                won,
                entry,
                left_write=self._last_write(winner, resolution.name),
                right_write=self._last_write(answer, resolution.name),
                fingerprint=lambda value: metadata.fingerprint(self._session, value),
            )
        return found

    def _last_write(self, answer: Answer, name: str) -> LastWrite | None:
        key = (answer.backend, answer.target)
        if key not in self._last_writes:
            self._last_writes[key] = metadata.last_writes(self._session, *key)
        known = self._last_writes[key]
        return known.get(name) or known.get(name.upper())


def with_drift(session: Session, resolution: Resolution, answers: Sequence[Answer]) -> Resolution:
    """The resolution with the drift of the other copies in its trace."""
    drift = Drift(session, answers).of(resolution)

    def annotated(step: TraceStep) -> TraceStep:
        sameness = drift.get(step.backend)
        if sameness is None or step.outcome not in (TraceOutcome.FOUND, TraceOutcome.WRITE_ONLY):
            return step
        detail = ", ".join(part for part in (step.detail, _WORDS[sameness]) if part)
        return replace(step, detail=detail)

    return replace(resolution, value=None, trace=tuple(annotated(step) for step in resolution.trace))
