"""The errors of a read: a missing value, a failed backend."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_secrets import errors
from sophia_secrets.core import names as naming
from sophia_secrets.core.model import Resolution, TraceOutcome, TraceStep
from sophia_secrets.core.resolve import Answer, known_names

_WORDS = {
    TraceOutcome.WRITE_ONLY: "write-only here",
    TraceOutcome.ABSENT: "absent",
    TraceOutcome.FAILED: "failed",
    TraceOutcome.SKIPPED: "not asked",
    TraceOutcome.NOT_CONFIGURED: "not configured",
    TraceOutcome.FOUND: "found",
}


_NEVER_READABLE_COPIES = ("github", "fly", "env")
"""Backends that give nothing back here, or cannot be written."""


def failure_error(answer: Answer, message: str = "", *, hint: str = "") -> errors.SophiaError:
    """
    The error of a failed backend.

    `message` replaces the failure's own; `hint` is used where the failure has none.
    """
    failure = answer.failure
    assert failure is not None
    return errors.error_for(failure.kind.value)(
        message or failure.message,
        hint=failure.hint or hint,
        backend=answer.backend,
        target=answer.target,
    )


def missing(
    resolution: Resolution,
    answers: Sequence[Answer],
    *,
    in_workflow: bool = False,
    keep_in: str = "",
    or_prefix: bool = False,
) -> errors.SophiaError:
    """
    The error for a resolution without a value: `NotFound`, or the error of a backend that failed
    and may hold the secret.

    `keep_in` is the backend that the hint suggests for storing it; "" means one of those asked. With
    `or_prefix` the word could also have been a prefix.
    """
    name = resolution.name
    is_held = any(step.outcome is TraceOutcome.WRITE_ONLY for step in resolution.trace)
    or_prefix = or_prefix and not is_held
    what = f"`{name}` was not found"
    if or_prefix:
        what = f"Neither a secret `{name}` nor one that begins with `{name.removesuffix('_')}_` was found"
    failed = next((answer for answer in answers if answer.failure is not None), None)
    if failed is not None and failed.failure is not None:
        return failure_error(
            failed,
            f"{what} ({outcomes(resolution.trace)}), and the answer is not certain: {failed.failure.message}",
        )
    hint = _hint(name, answers, resolution, in_workflow, keep_in)
    if or_prefix and hint.startswith("Store it"):
        hint = f"{hint.removesuffix('.')}, or see the names with `sophia-secrets list --names`."
    alone = resolution.trace[0] if len(resolution.trace) == 1 else None
    return errors.NotFound(
        f"{what} ({outcomes(resolution.trace)}).",
        hint=hint,
        backend=alone.backend if alone else "",
        target=alone.target if alone else "",
    )


def uncertain(problem: errors.NotFound, answers: Sequence[Answer]) -> errors.SophiaError:
    """The same error, or that of the first failed backend, whose names are unknown."""
    for answer in answers:
        if answer.failure is not None:
            reason = problem.message.removesuffix(".")
            return failure_error(answer, f"{reason}, and that is not certain: {answer.failure.message}")
    return problem


def refused_by_strict(resolution: Resolution, answers: Sequence[Answer]) -> errors.SophiaError | None:
    """Under `--strict`: the error of the first failure at or above the winner, if there is one."""
    for answer in answers:
        if answer.failure is not None:
            return failure_error(
                answer, f"{answer.failure.message} `--strict` allows no answer from a lower backend."
            )
        if answer.backend == resolution.backend:
            return None
    return None


def outcomes(trace: Sequence[TraceStep]) -> str:
    """What each configured backend answered, such as `github: not asked, local: absent`."""
    reason = [
        f"{step.backend}: {_WORDS[step.outcome]}"
        for step in trace
        if step.outcome is not TraceOutcome.NOT_CONFIGURED
    ]
    return ", ".join(reason) or "no backend is configured"


def _hint(
    name: str, answers: Sequence[Answer], resolution: Resolution, in_workflow: bool, keep_in: str
) -> str:
    wanted = naming.corrected(name)
    holder = next((step for step in resolution.trace if step.outcome is TraceOutcome.WRITE_ONLY), None)
    if holder is not None and wanted and not in_workflow:
        reason = f"{holder.backend} ({holder.target}) holds it but never gives values back"
        place = _readable_place(resolution.trace)
        if not place:
            return (
                f"{reason}, and no other backend of the chain can keep it readable: add `local` to `chain`."
            )
        return f"{reason}; store a readable copy with `sophia-secrets set {wanted} --backend {place}`."
    near = naming.nearest(
        name, [(known, backend) for known, backend in known_names(answers).items() if known != name]
    )
    if near:
        return f"Did you mean {naming.either([f'{known} ({backend})' for known, backend in near])}?"
    if not wanted:
        return "See the names with `sophia-secrets list --names`."
    if in_workflow:
        return (
            f"Give it to the step under `env:`, as `{wanted}: ${{{{ secrets.{wanted} }}}}`. It is empty where "
            f"GitHub has no such secret: `sophia-secrets set {wanted} --backend github` makes one."
        )
    # What was not asked gives no value back here, so storing it there would not help.
    useless = (TraceOutcome.SKIPPED, TraceOutcome.NOT_CONFIGURED)
    asked = [s.backend for s in resolution.trace if s.backend != "env" and s.outcome not in useless]
    return _store(wanted, asked, keep_in or ("local" if "local" in asked else ""))


def _readable_place(trace: Sequence[TraceStep]) -> str:
    """
    A backend that answered, which a copy can be read from here: `local` where it can be; "" for none.

    Where one backend alone was asked, the rest of the chain is not known, and `local` is nearest.
    """
    if len(trace) == 1:
        return "local"
    absent = [step.backend for step in trace if step.outcome is TraceOutcome.ABSENT]
    able = [backend for backend in absent if backend not in _NEVER_READABLE_COPIES]
    return "local" if "local" in able else able[0] if able else ""


def _store(name: str, asked: Sequence[str], keep_in: str) -> str:
    """The hint for storing a name in one of the backends that were asked."""
    command = f"sophia-secrets set {name} --backend"
    if keep_in:
        return f"Store it with `{command} {keep_in}`."
    explain = f"`sophia-secrets explain {name}`"
    match asked:
        case []:
            return f"See who holds it with {explain}."
        case [alone]:
            return f"Store it with `{command} {alone}`, or see who else holds it with {explain}."
    return f"Store it with `{command} B`, where B is {naming.either(asked)}."
