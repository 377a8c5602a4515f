"""
The answers of the chain: from the cache where possible, else from the vendors, in parallel.

Each target takes at most one vendor call, however many names are wanted, and a vendor that cannot
change the result is not called.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sophia_secrets.backends.base import Backend, Steps, T, Unconfigured, without_calls
from sophia_secrets.core.model import Check, Failure, FailureKind, Receipt, Snapshot
from sophia_secrets.core.resolve import Answer, needed
from sophia_secrets.operations.session import Session
from sophia_secrets.operations.snapshots import from_record, identity_of, to_record
from sophia_secrets.state.cache import Cache
from sophia_secrets.state.flight import Lead, SharedFailure, Waiting
from sophia_secrets.state.record import Record


class ChainQuery(Struct, frozen=True):
    """
    A query of the chain.

    `names` are the names to look up; None means all names of every backend, write-only ones too. With
    `everything` every backend is asked, also one that cannot change the result. `only` restricts the
    chain to one backend. Without `use_cache` the cache is neither read nor written.
    """

    names: tuple[str, ...] | None
    only: str | None = None
    use_cache: bool = True
    everything: bool = False

    @property
    def reads_all(self) -> bool:
        return self.names is None or self.everything


def gather(session: Session, wanted: ChainQuery) -> list[Answer]:
    """One answer for each backend of the chain, in chain order."""
    chain = session.chain(wanted.only)
    answers: list[Answer | None] = [_without_call(session, member, wanted) for member in chain]
    pending = _needed(answers, wanted)
    fetched = _fetch(
        session, {i: member for i in pending if not isinstance(member := chain[i], Unconfigured)}, wanted
    )
    done: list[Answer] = []
    for position, (member, answer) in enumerate(zip(chain, answers, strict=True)):
        found = fetched.get(position) or answer
        if found is None:
            assert not isinstance(member, Unconfigured)
            reason = "not asked: an earlier backend answers"
            found = Answer(member.name, str(member.target), skipped=reason)
        done.append(found)
    return done


def _needed(answers: Sequence[Answer | None], wanted: ChainQuery) -> Iterable[int]:
    if wanted.names is None or wanted.everything:
        return [i for i, answer in enumerate(answers) if answer is None]
    return sorted(needed(wanted.names, answers))


def _without_call(session: Session, member: Backend | Unconfigured, wanted: ChainQuery) -> Answer | None:
    """The answer that needs no vendor call, or None."""
    if isinstance(member, Unconfigured):
        return Answer(member.backend, "", unconfigured=member.reason)
    name, target = member.name, str(member.target)
    if not member.capabilities.needs_call:
        return _answer(member, without_calls(member.snapshot()), session.clock())
    cache = session.cache if wanted.use_cache else None
    record = cache.read(identity_of(member, session.credential_key)) if cache is not None else None
    if isinstance(record, Record) and record.fresh and not session.too_old(record.fetched_at):
        return Answer(name, target, snapshot=from_record(record, member.target))
    if not wanted.reads_all and not member.capabilities.readable and wanted.only is None:
        if isinstance(record, Record):
            return Answer(name, target, snapshot=from_record(record, member.target, stale=True))
        return Answer(
            name, target, skipped=f"not asked: {member.capabilities.note or 'it gives no values back here'}"
        )
    if session.options.offline:
        return _stand_in(session, member, _offline(member, wanted), record)
    return None


def _offline(member: Backend, wanted: ChainQuery) -> Failure:
    what = f"{member.name} ({member.target}) was not asked (`--offline`)"
    online = "Run the command without `--offline`"
    if wanted.use_cache:
        message = f"{what} and nothing recent enough is cached."
        return Failure(
            FailureKind.UNREACHABLE,
            member.target,
            message,
            f"{online}, or `sophia-secrets cache warm` while online.",
        )
    message = f"{what}, and what is cached is not used for this."
    return Failure(FailureKind.UNREACHABLE, member.target, message, f"{online}.")


def _answer(member: Backend, result: Snapshot | Failure, now: float) -> Answer:
    if isinstance(result, Failure):
        return Answer(member.name, str(member.target), failure=result)
    return Answer(
        member.name, str(member.target), snapshot=replace(result, fetched_at=result.fetched_at or now)
    )


def _stand_in(session: Session, member: Backend, failure: Failure, record: object) -> Answer:
    """The stale snapshot for a recognised outage, where there is a recent one; else the failure."""
    name, target = member.name, str(member.target)
    if failure.kind.is_outage and isinstance(record, Record) and not session.too_old(record.fetched_at):
        snapshot = from_record(record, member.target, stale=not record.fresh)
        if session.options.offline:
            return Answer(name, target, snapshot=snapshot)
        return Answer(name, target, snapshot=replace(snapshot, stale=True), failure=failure)
    return Answer(name, target, failure=failure)


def _fetch(session: Session, members: dict[int, Backend], wanted: ChainQuery) -> dict[int, Answer]:
    cache = session.cache if wanted.use_cache else None
    if not members:
        return {}
    if cache is None:
        results = run_all(
            session,
            {i: member.snapshot() for i, member in members.items()},
            _progress_label(members.values()),
        )
        return {i: _fresh(session, members[i], result, None, None) for i, result in results.items()}
    began = session.clock()
    leads: dict[int, Lead] = {}
    waits: dict[int, Waiting] = {}
    answers: dict[int, Answer] = {}
    try:
        for i, member in members.items():
            answer = cache.lead(
                identity_of(member, session.credential_key), newer_than=session.newer_than(began)
            )
            if isinstance(answer, Lead):
                leads[i] = answer
            elif isinstance(answer, Waiting):
                waits[i] = answer
            else:
                answers[i] = _shared(session, member, answer, cache)
        results = run_all(
            session, {i: members[i].snapshot() for i in leads}, _progress_label(members[i] for i in leads)
        )
        for i, result in results.items():
            answers[i] = _fresh(session, members[i], result, leads[i], cache)
    finally:
        for lead in leads.values():
            lead.release()
    for i, waiting in waits.items():
        answers[i] = _await(session, members[i], waiting, cache)
    return answers


def _await(session: Session, member: Backend, waiting: Waiting, cache: Cache) -> Answer:
    with session.waiting_for(member):
        answer = waiting.wait(time.monotonic() + session.settings.timeout + 2.0)
    if isinstance(answer, Lead):
        try:
            (result,) = run_all(session, {0: member.snapshot()}).values()
            return _fresh(session, member, result, answer, cache)
        finally:
            answer.release()
    if answer is None:
        waiting.close()
        failure = Failure(
            FailureKind.TIMED_OUT,
            member.target,
            f"Another process has been asking {member.name} ({member.target}) for too long.",
            hint="Run the command again, or with `--no-cache` to ask for yourself.",
        )
        return _stand_in(session, member, failure, cache.read(identity_of(member, session.credential_key)))
    return _shared(session, member, answer, cache)


def _shared(session: Session, member: Backend, answer: Record | SharedFailure, cache: Cache) -> Answer:
    if isinstance(answer, Record):
        return Answer(member.name, str(member.target), snapshot=from_record(answer, member.target))
    failure = Failure(FailureKind(answer.kind), member.target, answer.message, answer.hint, answer.words)
    _tell_words(session, failure)
    return _stand_in(session, member, failure, cache.read(identity_of(member, session.credential_key)))


def _fresh(
    session: Session, member: Backend, result: Snapshot | Failure, lead: Lead | None, cache: Cache | None
) -> Answer:
    """The vendor's answer, stored in the cache, shared with waiting processes, and recorded in the metadata."""
    if isinstance(result, Failure):
        if lead is not None:
            lead.fail(result.kind.value, result.message, result.hint, result.words)
        if cache is None:
            return Answer(member.name, str(member.target), failure=result)
        identity = identity_of(member, session.credential_key)
        if result.kind.is_about_rights:
            cache.forget(identity)
        return _stand_in(session, member, result, cache.read(identity))
    snapshot = replace(result, fetched_at=lead.began if lead is not None else session.clock())
    if lead is not None and cache is not None:
        snapshot = _flag_emptied(session, member, snapshot, cache)
        lead.store(to_record(snapshot))
    from sophia_secrets.operations.metadata import observe

    observe(session, member, snapshot)
    return Answer(member.name, str(member.target), snapshot=snapshot)


def _flag_emptied(session: Session, member: Backend, snapshot: Snapshot, cache: Cache) -> Snapshot:
    """Add a note where a vendor lists no name and the cache still has some (V6)."""
    if snapshot.entries:
        return snapshot
    before = cache.read(identity_of(member, session.credential_key))
    if isinstance(before, Record) and before.names():
        note = f"{member.name} ({member.target}) lists no secret now; it listed {len(before.names())} before."
        return replace(snapshot, notes=(*snapshot.notes, note))
    return snapshot


def _progress_label(members: Iterable[Backend]) -> str:
    return "Asking " + ", ".join(f"{member.name} ({member.target})" for member in members)


def run_all(session: Session, steps: dict[int, Steps[T]], what: str = "Asking the vendors") -> dict[int, T]:
    """
    Run the backends' steps in parallel, with this session's programs, limits and spinner.

    `what` is the text of the spinner, "" for none.
    """
    if not steps:
        return {}
    with session.waiting(what):
        from sophia_secrets import process

        results = process.run_all(
            steps,
            programs=session.settings.programs,
            path=session.environ.get("PATH", ""),
            cancel=session.cancel,
            observe=session.on_event,
            parent=session.paths.state or None,
        )
        for result in results.values():
            _tell_words(session, result)
        return results


def _tell_words(session: Session, result: object) -> None:
    """What the vendors said themselves of what failed, to whoever wants to see it."""
    if session.on_words is None:
        return
    if isinstance(result, Receipt):
        result = result.failure
    if isinstance(result, Failure):
        if result.words or result.kind is FailureKind.BAD_OUTPUT:
            session.on_words(f"{result.target.backend} ({result.target})", result.words)
    elif isinstance(result, list):
        for check in result:
            if isinstance(check, Check) and check.words:
                session.on_words(check.id, check.words)
