"""Writing to one backend: audited before and after, never retried, never to another backend."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend, Steps, without_calls
from sophia_secrets.core import names as naming
from sophia_secrets.core.model import Change, Outcome, Receipt, Result, SecretValue
from sophia_secrets.core.text import sentence
from sophia_secrets.operations import metadata, recording
from sophia_secrets.operations.fetch import run_all
from sophia_secrets.operations.session import Session
from sophia_secrets.operations.snapshots import identity_of

REFUSED = (
    "Nothing was stored. Change the value, or choose another backend: `sophia-secrets backends` lists them."
)
"""The hint for a value that the vendor cannot store exactly."""


class WriteResult(Struct, frozen=True):
    """A receipt, with the new version of each name."""

    receipt: Receipt
    versions: dict[str, int]


def destination(session: Session, name: str | None) -> Backend:
    """
    The backend to write to, checked: configured, writable, and not named by an untrusted file.

    Raises `UsageError` where none is named, listing the writable ones; `NotConfigured`,
    `NotSupported`, `NotTrusted`; and `Unreachable` where the session is offline and a vendor would
    have to be called.
    """
    chosen = name or session.settings.default_backend
    if chosen is None:
        session.settings.require_trust()  # it may name one
        writable = [each for each in session.configured_chain() if each.capabilities.writable]
        listed = ", ".join(f"{each.name} ({each.target})" for each in writable)
        raise errors.UsageError(
            "Say where to write with `--backend`: there is no default backend.",
            hint=f"The backends that can be written here: {listed}.",
        )
    session.settings.require_trust()
    backend = session.configured(chosen)
    if not backend.capabilities.writable:
        raise errors.NotSupported(
            f"{backend.name} ({backend.target}) cannot be written: {backend.capabilities.note or 'it is read only'}",
            hint="Choose another backend with `--backend`; `sophia-secrets backends` lists them.",
            backend=backend.name,
            target=str(backend.target),
        )
    if session.options.offline and backend.name != "local":
        raise errors.Unreachable(
            f"`--offline` starts no vendor, so nothing is written to {backend.name} ({backend.target}).",
            hint="Run the command without `--offline`.",
            backend=backend.name,
            target=str(backend.target),
        )
    return backend


def check_name(backend: Backend, name: str) -> None:
    """Raises `BadName` where the name violates the convention or the vendor's rules."""
    naming.check_safe(name)
    reason = naming.convention_problem(name) or backend.problem(name)
    if reason is not None:
        better = naming.corrected(name)
        raise errors.BadName(
            f"`{name}` cannot be stored in {backend.name}: {reason}",
            hint=f"Use `{better}`." if better != name else "Choose another name.",
            backend=backend.name,
            target=str(backend.target),
        )


def check_value(backend: Backend, change: Change) -> None:
    """Raises `BadValue` where the vendor cannot store the value exactly."""
    reason = backend.problem(change.name, change.value)
    if reason is not None:
        raise errors.BadValue(
            f"The value of `{change.name}` cannot be stored in {backend.name} exactly: {reason}",
            hint=REFUSED,
            backend=backend.name,
            target=str(backend.target),
        )


def write(session: Session, backend: Backend, changes: Sequence[Change]) -> WriteResult:
    """
    Store the values in one backend; the receipt has the outcome of each name.

    Raises `BadName` and `BadValue` before any call, `AuditFailed` where the intent (nothing was
    written) or the outcome (the write was made) cannot be audited.
    """
    for change in changes:
        check_name(backend, change.name)
        check_value(backend, change)
    values = {change.name: change.value for change in changes}
    return _audited(
        session, backend, [change.name for change in changes], lambda: backend.write(changes), values
    )


def delete(session: Session, backend: Backend, names: Sequence[str]) -> WriteResult:
    """Delete the names from one backend; one that did not exist is `unchanged`."""
    for name in names:
        naming.check_safe(name)
    return _audited(session, backend, names, lambda: backend.delete(names), {})


def _audited(
    session: Session,
    backend: Backend,
    names: Sequence[str],
    steps: Callable[[], Steps[Receipt]],
    values: dict[str, SecretValue],
) -> WriteResult:
    write_id = os.urandom(8).hex()
    before = metadata.update_times(session, backend.target)
    recording.intents(session, backend.target, names, write_id)
    _drop_cached(session, backend)
    try:
        receipt = _run_steps(session, backend, names, steps)
    finally:
        _drop_cached(session, backend)
    receipt = replace(receipt, results=tuple(_require_proof(each, before) for each in receipt.results))
    versions = recording.outcomes(session, receipt, write_id, values)
    return WriteResult(receipt, versions)


def _run_steps(
    session: Session, backend: Backend, names: Sequence[str], steps: Callable[[], Steps[Receipt]]
) -> Receipt:
    """Run the steps, with a progress bar where each of many names takes one call."""
    if not backend.capabilities.needs_call:
        return without_calls(steps())
    where = f"{backend.name} ({backend.target})"
    if len(names) < 2 or backend.capabilities.batch:
        (receipt,) = run_all(session, {0: steps()}, f"Writing to {where}").values()
        return receipt
    with session.working(f"Writing to {where}", len(names), "names", at_once=True) as update:
        (receipt,) = run_all(session, {0: _count_calls(steps(), len(names), update)}, "").values()
    return receipt


def _count_calls(steps: Steps[Receipt], most: int, update: Callable[[int], None]) -> Steps[Receipt]:
    """The same steps; `update` receives the number of calls so far that wrote a value."""
    done = 0
    update(0)
    try:
        call = next(steps)
        while True:
            completed = yield call
            if call.stdin:
                done = min(done + 1, most)
                update(done)
            call = steps.send(completed)
    except StopIteration as end:
        receipt: Receipt = end.value
        return receipt
    finally:
        steps.close()


def _require_proof(result: Result, before: Mapping[str, str]) -> Result:
    """The result; not verified where the only evidence is a time of change that stayed the same."""
    entry = result.entry
    if not result.verified or entry is None or entry.digest or not entry.updated_at:
        return result
    if entry.updated_at != before.get(result.name):
        return result
    return replace(result, verified=False, detail="not verified: the vendor's time of change did not move")


def _drop_cached(session: Session, backend: Backend) -> None:
    if backend.capabilities.needs_call and session.cache is not None:
        session.cache.bump(identity_of(backend, session.credential_key))


_OUTCOME_TEXT = {
    Outcome.DONE: "was changed, and is not verified",
    Outcome.REFUSED: "was refused",
    Outcome.FAILED: "is as it was",
    Outcome.UNKNOWN: "may or may not have changed",
    Outcome.NOT_STARTED: "was not tried",
}


def problem_of(receipt: Receipt) -> errors.SophiaError | None:
    """The error of a receipt with names that were not written, or None."""
    failure = receipt.failure
    bad = [r for r in receipt.results if r.outcome not in (Outcome.DONE, Outcome.UNCHANGED)]
    if not bad and failure is None:
        return None
    unseen = [r for r in receipt.results if r.outcome is Outcome.DONE and not r.verified]
    where = {"backend": receipt.target.backend, "target": str(receipt.target)}
    if failure is not None:
        outcomes = "; ".join(_outcome_text(result, failure.message) for result in (*unseen, *bad))
        return errors.error_for(failure.kind.value)(
            f"{sentence(failure.message)} {outcomes}." if outcomes else failure.message,
            hint=failure.hint,
            **where,
        )
    cls = errors.BadValue if all(r.outcome is Outcome.REFUSED for r in bad) else errors.BadOutput
    return cls(
        f"{receipt.target.backend} ({receipt.target}) did not take everything: "
        f"{'; '.join(_outcome_text(result, '') for result in bad)}.",
        hint=f"See what it holds with `sophia-secrets list --backend {receipt.target.backend} --no-cache`.",
        **where,
    )


def _outcome_text(result: Result, said: str) -> str:
    """The outcome of a name in words; a detail that `said` already contains is left out."""
    repeats = bool(said) and said in result.detail
    detail = f" ({result.detail.rstrip('.')})" if result.detail and not repeats else ""
    return f"{result.name} {_OUTCOME_TEXT[result.outcome]}{detail}"
