"""`list`."""

from __future__ import annotations

from typing import Any

from sophia_secrets import errors
from sophia_secrets.cli.command_session import command_session, warn_about_failures
from sophia_secrets.cli.options import Options
from sophia_secrets.core.model import EntryState, Failure, Resolution
from sophia_secrets.core.resolve import Answer, find
from sophia_secrets.core.text import sentence, visible
from sophia_secrets.operations import reading
from sophia_secrets.operations.session import Session
from sophia_secrets.view import listing


def show_list(
    options: Options,
    *,
    prefix: str = "",
    backend: str | None = None,
    names: bool = False,
    no_cache: bool = False,
) -> int:
    """Show the names, which backend holds which, and where each resolves from; returns the exit code."""
    with command_session(options, "list") as (session, console):
        began = session.clock()
        read = reading.list_all(session, only=backend, use_cache=not no_cache)
        rows = [r for r in read.resolutions if r.name.startswith(prefix)]
        if console.json:
            console.answer(_shape(session, rows, read))
        elif names:
            if rows:
                console.print("\n".join(visible(resolution.name) for resolution in rows))
        elif rows:
            console.print(listing.table(*_rows(rows, read.answers), console.styler))
        elif not read.failures:
            which = f" that begins with {prefix}" if prefix else ""
            here = f"{backend} ({visible(read.answers[0].target)}) holds" if backend else "There is"
            goal = backend if backend not in (None, "env") else "local"
            console.note(
                f"{here} no secret{which} yet. Store one with `sophia-secrets set NAME --backend {goal}`."
            )
        ending = _ending(read) if not rows else None
        warn_about_failures(read.answers, console, session, said=ending.message if ending else "")
        if ending is not None:
            console.error(sentence(ending.message), sentence(ending.hint))
        if options in (Options(), Options(json=True)) and not (prefix or backend or no_cache):
            from sophia_secrets.operations.routing import remember

            remember(session, read.answers, began)
        if read.failures and not rows:
            failure = read.failures[0]
            return errors.error_for(failure.kind.value).exit_code
    return 0


def _ending(read: reading.ReadResult) -> Failure | None:
    """The failure that leaves nothing to show; None where an older answer stood in for it."""
    missing = (answer.failure for answer in read.answers if answer.snapshot is None)
    return next((failure for failure in missing if failure is not None), None)


def _state(answer: Answer, name: str) -> str:
    entry = find(answer, name)
    if entry is not None:
        return entry.state.value
    if answer.snapshot is not None and answer.snapshot.complete:
        return EntryState.ABSENT.value
    return "unknown"


def _shape(session: Session, rows: list[Resolution], read: reading.ReadResult) -> dict[str, Any]:
    from sophia_secrets.cli import shapes
    from sophia_secrets.operations.drift import Drift

    drift = Drift(session, read.answers)
    secrets = []
    for resolution in rows:
        sameness = drift.of(resolution)
        backends = {}
        for answer in read.answers:
            if answer.unconfigured:
                continue
            entry = find(answer, resolution.name)
            known = sameness.get(answer.backend)
            backends[answer.backend] = {
                "state": _state(answer, resolution.name),
                "updated_at": entry.updated_at if entry is not None else None,
                "drift": known.value if known is not None else None,
            }
        secrets.append({"name": resolution.name, "resolves_from": resolution.backend, "backends": backends})
    return {"schema": 1, "secrets": secrets, "failures": [shapes.failure(failed) for failed in read.failures]}


def _rows(resolutions: list[Resolution], answers: tuple[Answer, ...]) -> tuple[list[listing.Row], list[str]]:
    """The rows of the table, and the configured backends."""
    shown = [answer for answer in answers if not answer.unconfigured]
    rows = [
        listing.Row(visible(r.name), r.backend or "", [_state(answer, r.name) for answer in shown])
        for r in resolutions
    ]
    return rows, [answer.backend for answer in shown]
