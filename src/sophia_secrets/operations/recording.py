"""The audit log of a session, and the events of reads and writes that go into it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Sequence

from sophia_secrets import errors
from sophia_secrets.core.model import (
    Failure,
    Outcome,
    Receipt,
    Resolution,
    Result,
    SecretValue,
    Target,
)
from sophia_secrets.core.resolve import Answer
from sophia_secrets.operations.session import Session
from sophia_secrets.state.audit import AuditLog
from sophia_secrets.state.audit_event import Actor, Event
from sophia_secrets.state.counters import Counters

READS = frozenset({"get", "list", "explain", "info", "run", "export", "render", "check", "scan", "diff"})
"""Commands whose events `audit.sync = "writes"` leaves to the operating system."""


def audit_directory(state_directory: str) -> str:
    """One log per host and user, so that a shared home directory needs no lock between hosts (F6)."""
    host = "".join(c if c.isalnum() or c in "-." else "-" for c in os.uname().nodename)[:64] or "host"
    return os.path.join(state_directory, "audit", f"{host}-{os.geteuid()}")


def audit_log(session: Session) -> AuditLog:
    """The session's audit log. Raises `AuditFailed` where there is no state directory."""
    return AuditLog(
        audit_directory(session.state_directory),
        session.derived_key(b"audit"),
        actor=actor(session),
        clock=session.clock,
        sync=session.settings.audit_sync == "always" or session.options.command not in READS,
        counters=Counters(session.derived_key(b"metadata")),
        on_append=_forwarder(session),
    )


def _forwarder(session: Session) -> Callable[[list[bytes], int], None] | None:
    if not session.settings.forwards:
        return None
    from sophia_secrets.operations import forwarding

    return forwarding.forwarder(session)


def actor(session: Session) -> Actor:
    """The actor of this session's events."""
    return Actor(
        _user(),
        os.uname().nodename,
        os.getpid(),
        ci=_ci_run(session),
        reason=session.options.reason,
        profile=session.settings.profile or "",
    )


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _ci_run(session: Session) -> str:
    environ = session.environ
    run = environ.get("GITHUB_RUN_ID")
    if run:
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        return f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}"
    return environ.get("CI_JOB_URL") or environ.get("BUILD_URL") or ("CI" if environ.get("CI") else "")


def _warn(text: str, *arguments: object) -> None:
    """Log a warning, unless nothing has imported `logging`: then nobody listens."""
    if "logging" not in sys.modules:
        return
    import logging

    logger = logging.getLogger("sophia_secrets")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.warning(text, *arguments)


def require_log(session: Session, message: str) -> None:
    """Raises `AuditFailed` with this message where the audit log is switched off."""
    if not session.settings.is_audited:
        raise errors.AuditFailed(message, hint='Set `[audit] mode = "required"` in your own settings file.')


def append(session: Session, events: list[Event]) -> None:
    """
    Append the events to the log, durably, before anything else happens.

    Raises `AuditFailed` where the audit is required and they cannot be written; with `best-effort`
    that is one note.
    """
    if not session.settings.is_audited or not events:
        return
    try:
        session.log.append(events)
    except (errors.AuditFailed, errors.UnsafeState) as problem:
        if session.settings.requires_audit:
            raise
        note = f"{problem.message} The access was not audited."
        if note not in session.notes:
            session.notes.append(note)


def accesses(
    session: Session,
    resolutions: Sequence[Resolution],
    answers: Sequence[Answer],
    *,
    duration_ms: int,
    delivered: bool,
    refused: Collection[str] = (),
    optional: Collection[str] = (),
) -> None:
    """
    Record one event for each name that was read, and one for each backend that failed.

    The event of a name without a value names the backend that failed, or the only one asked. Only what
    is `delivered`, and not `refused`, counts as an access; an `optional` name that is absent is
    `unset`, which is not a failed attempt.
    """
    from sophia_secrets.operations.reading import backend_of_event, outcome_of

    command = session.options.command
    events = [_failure_event(command, answer.failure) for answer in answers if answer.failure is not None]
    for resolution in resolutions:
        outcome = outcome_of(resolution)
        if outcome == "found" and (not delivered or resolution.name in refused):
            outcome = "seen"
        if outcome == "absent" and resolution.name in optional:
            outcome = "unset"
        if outcome not in ("found", "seen", "unset"):
            _warn("%s: %s was not found", command, resolution.name)
        source = backend_of_event(resolution, answers)
        events.append(
            Event(
                command,
                outcome,
                resolution.name,
                resolution.backend or (source.backend if source else ""),
                resolution.target or (source.target if source else ""),
                kind=source.failure.kind.value if source and source.failure else "",
                cached=resolution.cached,
                stale=resolution.stale,
                degraded=resolution.degraded,
                duration_ms=duration_ms,
            )
        )
    append(session, events)


def listing(
    session: Session, answers: Sequence[Answer], count: int, duration_ms: int, *, alone: bool = False
) -> None:
    """
    Record one event for a list of all names, and one for each backend that failed.

    Where one backend `alone` was asked for, the event names it.
    """
    command = session.options.command
    backend, target = (answers[0].backend, answers[0].target) if alone else ("", "")
    events = [_failure_event(command, answer.failure) for answer in answers if answer.failure is not None]
    degraded = bool(events)
    events.append(
        Event(command, "listed", "", backend, target, count=count, degraded=degraded, duration_ms=duration_ms)
    )
    append(session, events)


def _failure_event(command: str, failure: Failure) -> Event:
    _warn("%s (%s): %s %s", failure.target.backend, failure.target, failure.message, failure.words)
    return Event(
        command,
        "backend_failed",
        "",
        failure.target.backend,
        str(failure.target),
        kind=failure.kind.value,
        words=failure.words,
    )


def intents(session: Session, target: Target, names: Sequence[str], write_id: str) -> None:
    """Record the intent to write, before the vendor is called."""
    command = session.options.command
    append(
        session, [Event(command, "intent", name, target.backend, str(target), id=write_id) for name in names]
    )


def outcomes(
    session: Session, receipt: Receipt, write_id: str, values: dict[str, SecretValue]
) -> dict[str, int]:
    """
    Record the outcome of each name, in the log and in the metadata; returns the new versions.

    Raises `AuditFailed` saying that the write was made (A3).
    """
    if not session.settings.is_audited:
        return {}
    events = [_outcome_event(session, receipt, result, write_id, values) for result in receipt.results]
    try:
        known = session.facts.record(receipt.target.backend, str(receipt.target), events)
    except (errors.AuditFailed, errors.UnsafeState) as problem:
        trouble = problem
    else:
        settled = [r.name for r in receipt.results if r.outcome in (Outcome.DONE, Outcome.UNCHANGED)]
        return {name: known[name].version for name in settled if name in known}
    message = f"The write was made, but its outcome could not be audited: {trouble.message}"
    if session.settings.requires_audit:
        raise errors.AuditFailed(
            message, hint=trouble.hint, backend=receipt.target.backend, target=str(receipt.target)
        )
    session.notes.append(message)
    return {}


def _outcome_event(
    session: Session, receipt: Receipt, result: Result, write_id: str, values: dict[str, SecretValue]
) -> Event:
    from sophia_secrets.operations.metadata import fingerprint

    done = result.outcome is Outcome.DONE
    removed = done and result.name not in values
    failure = receipt.failure
    return Event(
        "delete" if removed else session.options.command,
        result.outcome.value,
        result.name,
        receipt.target.backend,
        str(receipt.target),
        kind=failure.kind.value if failure is not None else "",
        fingerprint=fingerprint(session, values[result.name])
        if result.verified and result.name in values
        else "",
        digest=(result.entry.digest if result.entry else None) or "",
        updated_at=(result.entry.updated_at if result.entry else None) or "",
        id=write_id,
        words=failure.words if failure is not None else "",
    )
