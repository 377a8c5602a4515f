"""`list` and `info`."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sophia_secrets import errors
from sophia_secrets.cli import shapes
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.opened import ago, opened, warn_of
from sophia_secrets.cli.options import Options
from sophia_secrets.cli.read import Backend, NoCache
from sophia_secrets.core import names as naming
from sophia_secrets.core.model import EntryState, Resolution
from sophia_secrets.core.resolve import Answer, find
from sophia_secrets.core.text import visible
from sophia_secrets.operations import reading
from sophia_secrets.operations.session import Session

if TYPE_CHECKING:
    from sophia_secrets.operations.knowing import Known

_MARKS = {"readable": "yes", "write_only": "write-only", "absent": "-", "unknown": "?"}


def list_secrets(
    ctx: typer.Context,
    prefix: Annotated[str, typer.Argument(metavar="[PREFIX]", help="Only names that begin so.")] = "",
    backend: Backend = None,
    names: Annotated[bool, typer.Option("--names", help="The names alone, one a line.")] = False,
    no_cache: NoCache = False,
) -> None:
    """Show the names, which backend holds which, and where each resolves from."""
    with opened(ctx, "list") as (session, console):
        began = session.clock()
        read = reading.survey(session, only=backend, use_cache=not no_cache)
        rows = [r for r in read.resolutions if r.name.startswith(prefix)]
        if console.json:
            console.answer(_shape(session, rows, read))
        elif names:
            if rows:
                console.print("\n".join(visible(resolution.name) for resolution in rows))
        elif rows:
            _table(rows, read.answers, console)
        elif not read.failures:
            which = f" that begins with {prefix}" if prefix else ""
            console.note(
                f"There is no secret{which} yet. Store one with `sophia-secrets set NAME --backend local`."
            )
        warn_of(read.answers, console, session)
        if names and ctx.obj == Options() and not (prefix or backend or no_cache):
            from sophia_secrets.operations.routing import remember

            remember(session, read.answers, began)
        if read.failures and not rows:
            failure = read.failures[0]
            raise typer.Exit(errors.error_for(failure.kind.value).exit_code)


def _state(answer: Answer, name: str) -> str:
    entry = find(answer, name)
    if entry is not None:
        return entry.state.value
    if answer.snapshot is not None and answer.snapshot.complete:
        return EntryState.ABSENT.value
    return "unknown"


def _shape(session: Session, rows: list[Resolution], read: reading.Reading) -> dict[str, Any]:
    from sophia_secrets.operations import comparing

    drift = comparing.Drift(session, read.answers)
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


def _table(rows: list[Resolution], answers: tuple[Answer, ...], console: Console) -> None:
    shown = [answer for answer in answers if not answer.unconfigured]
    ordered = sorted(rows, key=lambda r: (naming.group_of(r.name), r.name))
    sizes = Counter(naming.group_of(resolution.name) for resolution in ordered)
    lines: list[list[str]] = []
    before = ""
    for resolution in ordered:
        group = naming.group_of(resolution.name)
        if lines and group != before and max(sizes[group], sizes[before]) > 1:
            lines.append([])
        before = group
        cells = [visible(resolution.name), resolution.backend or console.style("nowhere", "warn")]
        for answer in shown:
            state = _state(answer, resolution.name)
            style = "good" if answer.backend == resolution.backend else "dim" if state == "absent" else "warn"
            cells.append(console.style(_MARKS[state], style))
        lines.append(cells)
    console.table(["name", "from", *(answer.backend for answer in shown)], lines)


def info(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
) -> None:
    """Show a secret's metadata: accesses, rotation, version, and what each backend says."""
    from sophia_secrets.operations import knowing

    with opened(ctx, "info") as (session, console):
        known = knowing.about(session, name)
        if console.json:
            console.answer(_info_shape(known))
            return
        now = session.clock()
        console.print(console.style(visible(known.name), "strong"))
        console.print(f"  version        {known.version if known.version is not None else 'not known'}")
        console.print(f"  last accessed  {_when(known.last_accessed, now)}")
        console.print(f"  last rotated   {_when(known.last_rotated, now)}")
        console.print(f"  accesses       {known.access_count}")
        if known.backends:
            console.print("")
            console.table(
                ["backend", "target", "version", "changed", "by", "vendor says"],
                [
                    [
                        held.backend,
                        visible(held.target),
                        str(held.version or "-"),
                        f"{ago(now - held.last_rotated)} ago" if held.last_rotated else "-",
                        "us" if held.written_by_us else "someone else",
                        visible(held.updated_at or held.digest or "-"),
                    ]
                    for held in known.backends
                ],
            )
        if known.history:
            console.print("")
            console.table(
                ["when", "what", "backend", "version", "who"],
                [
                    [
                        event.when[:19].replace("T", " "),
                        event.what,
                        event.backend,
                        event.version,
                        visible(event.who),
                    ]
                    for event in known.history
                ],
            )


def _when(seconds: float | None, now: float) -> str:
    if not seconds:
        return "never"
    return f"{str(shapes.instant(seconds))[:19].replace('T', ' ')} UTC ({ago(now - seconds)} ago)"


def _info_shape(known: "Known") -> dict[str, Any]:
    return {
        "schema": 1,
        "name": known.name,
        "version": known.version,
        "last_accessed": shapes.instant(known.last_accessed),
        "last_rotated": shapes.instant(known.last_rotated),
        "access_count": known.access_count,
        "backends": {
            held.backend: {
                "target": held.target,
                "version": held.version,
                "last_rotated": shapes.instant(held.last_rotated),
                "updated_at": held.updated_at or None,
                "digest": held.digest or None,
                "written_by_us": held.written_by_us,
            }
            for held in known.backends
        },
        "history": [
            {"time": e.when, "command": e.what, "backend": e.backend, "version": e.version, "user": e.who}
            for e in known.history
        ],
    }
