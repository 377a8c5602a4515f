"""Reading secrets: resolve names, and audit the access before a value is returned."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend
from sophia_secrets.core import names as naming
from sophia_secrets.core import read_errors
from sophia_secrets.core.model import Failure, Resolution, TraceOutcome
from sophia_secrets.core.resolve import Answer, resolve
from sophia_secrets.operations import recording
from sophia_secrets.operations.fetch import ChainQuery, gather
from sophia_secrets.operations.session import Session


class ReadResult(Struct, frozen=True):
    """The result of a read: a resolution for each name, and the answer of each backend."""

    resolutions: tuple[Resolution, ...]
    answers: tuple[Answer, ...]
    refusals: Mapping[str, errors.SophiaError] = field(default_factory=dict)
    in_workflow: bool = False

    @property
    def failures(self) -> tuple[Failure, ...]:
        return tuple(answer.failure for answer in self.answers if answer.failure is not None)

    def missing(self) -> list[errors.SophiaError]:
        """An error for each name that has no value, in the order asked."""
        return [self.problem(r) for r in self.resolutions if r.value is None]

    def problem(self, resolution: Resolution) -> errors.SophiaError:
        """Why a resolution has no value."""
        return read_errors.missing(resolution, self.answers, in_workflow=self.in_workflow)


def read(
    session: Session,
    names: Sequence[str],
    *,
    only: str | None = None,
    use_cache: bool = True,
    deliver: bool = True,
    everything: bool = False,
    refuse: bool = True,
    optional: Collection[str] = (),
) -> ReadResult:
    """
    Resolve the names in one pass, with one vendor call per target.

    With `deliver` each value found counts as an access, and its event is on disk before this
    returns. `everything` asks every backend of the chain, also one that cannot change the result
    (for `explain`). Names that are not found are in the result; see `ReadResult.missing`. An
    `optional` name that no backend holds is not audited as a failed access.
    Without `refuse`, the errors of strict mode are in `ReadResult.refusals` instead of raised.

    Raises `BadName` for a name that is not safe to pass to a vendor, `NotConfigured` and `UsageError` for
    `only`, `AuditFailed` where the events cannot be written, and, when the session is strict, the
    error of the first failure at or above a winner.
    """
    for name in names:
        naming.check_safe(name)
    started = time.monotonic()
    wanted = ChainQuery(tuple(names), only=only, use_cache=use_cache, everything=everything)
    answers = gather(session, wanted)
    resolutions = tuple(resolve(name, answers) for name in names)
    refusals = _strict_refusals(session, resolutions, answers)
    duration = round((time.monotonic() - started) * 1000)
    recording.accesses(
        session,
        resolutions,
        answers,
        duration_ms=duration,
        delivered=deliver,
        refused=refusals,
        optional=optional,
    )
    for refusal in refusals.values() if refuse else ():
        raise refusal
    return ReadResult(resolutions, tuple(answers), refusals, session.in_workflow)


def list_all(session: Session, *, only: str | None = None, use_cache: bool = True) -> ReadResult:
    """All names that the backends of the chain hold, with a resolution for each (without its value)."""
    started = time.monotonic()
    answers = gather(session, ChainQuery(None, only=only, use_cache=use_cache))
    found = sorted({name for answer in answers for name in _names(answer, only)})
    resolutions = tuple(replace(resolve(name, answers), value=None) for name in found)
    duration = round((time.monotonic() - started) * 1000)
    recording.listing(session, answers, len(found), duration, alone=only is not None)
    if session.strict:
        for answer in answers:
            if answer.failure is not None:
                raise read_errors.failure_error(answer)
    return ReadResult(resolutions, tuple(answers))


def fresh_answer(session: Session, backend: Backend) -> Answer:
    """
    Everything that one backend holds, read without the cache and audited.

    Raises the error of its failure.
    """
    started = time.monotonic()
    (answer,) = gather(session, ChainQuery(None, only=backend.name, use_cache=False))
    count = len(answer.snapshot.entries) if answer.snapshot is not None else 0
    recording.listing(session, [answer], count, round((time.monotonic() - started) * 1000), alone=True)
    if answer.failure is not None:
        raise read_errors.failure_error(answer)
    return answer


def _names(answer: Answer, only: str | None) -> list[str]:
    """The names in the answer; those of the environment only where `only` is `env`."""
    if answer.snapshot is None or (answer.backend == "env" and only != "env"):
        return []
    return [name for name in answer.snapshot.entries if "." not in name]


def _strict_refusals(
    session: Session, resolutions: Sequence[Resolution], answers: Sequence[Answer]
) -> dict[str, errors.SophiaError]:
    """The error for each name that strict mode refuses: a backend at or above the winner failed."""
    found: dict[str, errors.SophiaError] = {}
    for resolution in resolutions if session.strict else ():
        refusal = read_errors.refused_by_strict(resolution, answers) if resolution.degraded else None
        if refusal is not None:
            found[resolution.name] = refusal
    return found


def outcome_of(resolution: Resolution) -> str:
    """The `outcome` of a resolution in the audit log."""
    if resolution.backend is not None:
        return "found"
    seen = [step.outcome for step in resolution.trace]
    if TraceOutcome.FAILED in seen:
        return "failed"
    return "write_only" if TraceOutcome.WRITE_ONLY in seen else "absent"


def backend_of_event(resolution: Resolution, answers: Sequence[Answer]) -> Answer | None:
    """
    The backend to name in the event of a name without a value: the first that failed, or the only one
    that was asked; None where several were asked and none failed.
    """
    failed = [answer for answer in answers if answer.failure is not None]
    asked = [answer for answer in answers if not answer.unconfigured and not answer.skipped]
    if resolution.backend is not None or not (failed or len(asked) == 1):
        return None
    return (failed or asked)[0]
