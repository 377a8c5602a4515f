"""Reading the audit log: its events, new events as they are written, and the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sophia_secrets import errors
from sophia_secrets.core.times import rfc3339
from sophia_secrets.operations import metadata
from sophia_secrets.operations.session import Session
from sophia_secrets.state.audit_read import Query

if TYPE_CHECKING:
    from sophia_secrets.core.audit_report import Report

Event = dict[str, Any]


@contextmanager
def _readable() -> Iterator[None]:
    """Raises `AuditFailed` for an I/O error."""
    try:
        yield
        return
    except OSError as problem:
        reason = errors.reason_of(problem, type(problem).__name__)
    raise errors.AuditFailed(
        f"The audit log cannot be read: {reason}.", hint="See where it is with `sophia-secrets config path`."
    )


def events(session: Session, query: Query) -> Iterator[Event]:
    """The events that match, oldest first. Raises `AuditFailed` where the log cannot be read."""
    with _readable():
        yield from session.log.read(query)


def follow(session: Session, query: Query, pause: Callable[[], bool]) -> Iterator[list[Event]]:
    """
    The last events that match, then new ones as they are written; a batch may be empty.

    `pause` waits before the next poll and returns whether to go on.
    """
    with _readable():
        position = session.log.position()
        batch = list(session.log.read(query))
        shown = max((_sequence(event) for event in batch), default=0)
        yield batch
        # What was appended between the two reads is in both.
        batch, position = session.log.tail_from(position, query)
        yield [event for event in batch if not 0 < _sequence(event) <= shown]
        while pause():
            batch, position = session.log.tail_from(position, query)
            yield batch


def _sequence(event: Event) -> int:
    found = event.get("seq")
    return found if isinstance(found, int) else 0


def make_report(session: Session, query: Query, progress: Callable[[int], object] | None = None) -> Report:
    """
    The report of the events in the query's time span, with the declared and the stored names.

    `progress` is called with the number of lines so far. Raises `AuditFailed` where the log cannot be read.
    """
    from sophia_secrets.core.audit_report import report
    from sophia_secrets.operations.tallying import tally

    with _readable():
        counted = tally(session.log.directory, query, progress)
        known = _known(session)
        read_before = session.log.counts(sorted(known)) if query.is_filter else {}
    return report(counted, known, read_before)


def _known(session: Session) -> dict[str, str]:
    """The declared names, and those on record at a target of the chain, each with its last change."""
    known = dict.fromkeys(session.settings.declared, "")
    if not session.settings.is_audited:
        return known
    for _, facts in metadata.facts_in_chain(session):
        for name, fact in facts.items():
            changed = metadata.last_changed(fact)
            known[name] = max(known.get(name, ""), "" if changed is None else rfc3339(changed))
    return known
