"""`audit log` and `audit verify`; `audit report` and `audit export` have their own files."""

import json
import select
import time
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Annotated, Any

import typer

from sophia_secrets import errors
from sophia_secrets.backends import BUILT_IN
from sophia_secrets.cli import streams
from sophia_secrets.cli.audit_export import export
from sophia_secrets.cli.audit_options import Actor, Backend, Command, EventFilter, Name, Outcome, Since, Until
from sophia_secrets.cli.audit_progress import progress
from sophia_secrets.cli.audit_report import report
from sophia_secrets.cli.command_session import command_session
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.group import Group
from sophia_secrets.core.count import counted
from sophia_secrets.core.names import shown
from sophia_secrets.core.text import visible
from sophia_secrets.operations import auditing
from sophia_secrets.operations.session import Session
from sophia_secrets.view import columns, events

app = typer.Typer(
    cls=Group,
    name="audit",
    help="Query, report on, verify and export the audit log.",
    rich_markup_mode=None,
    add_completion=False,
)
app.command(short_help="Show what is used, unused, old and failing.")(report)
app.command(short_help="Write events as JSON Lines, CSV or CEF.")(export)

_FOLLOWED = (19, 7, 20, 7, 10, 7)
"""The widths of the columns with `--follow`, 80 with the gaps; the name takes the rest."""


def _parsed_count(text: str | int) -> int:
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count >= 1:
        return count
    raise errors.UsageError(
        f"`--last {visible(str(text)[:32])}` is not a whole number of 1 or more.",
        hint="Write it as `sophia-secrets audit log --last 20`.",
    )


@app.command()
def log(
    ctx: typer.Context,
    name: Name = None,
    backend: Backend = None,
    outcome: Outcome = None,
    command: Command = None,
    actor: Actor = None,
    since: Since = None,
    until: Until = None,
    last: Annotated[
        int,
        typer.Option(
            "--last", "-n", metavar="N", parser=_parsed_count, help="How many of the newest, 1 or more."
        ),
    ] = events.LAST,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with each new event, until Ctrl-C.")
    ] = False,
) -> None:
    """Show the newest events, oldest of them first. Times are UTC."""
    wanted = EventFilter(name, backend, outcome, command, actor, since, until)
    if follow and until is not None:
        raise errors.UsageError(
            "`--follow` has no end, so it takes no `--until`.", hint="Leave one of the two out."
        )
    with command_session(ctx.obj, "audit") as (session, console):
        query = wanted.query(session.clock(), last)
        if follow:
            try:
                _follow(auditing.follow(session, query, _pause), console)
            except KeyboardInterrupt:
                raise typer.Exit(errors.Interrupted.exit_code) from None
            return
        found = list(auditing.events(session, query))
        if console.json:
            _print_json(found, console)
        elif found:
            console.table(events.HEADS, [events.row(event, console.styler, visible) for event in found])
        else:
            console.note(_nothing(session, backend))


def _nothing(session: Session, backend: str | None) -> str:
    """The note where no event matches; a plug-in that is no longer configured may have events."""
    known = (*BUILT_IN, *session.settings.extra)
    if backend is None or backend in known:
        return "No event matches."
    return f"No event matches, and there is no backend {shown(backend)}. The backends are {', '.join(known)}."


def _follow(batches: Iterator[list[dict[str, Any]]], console: Console) -> None:
    is_terminal = console.styler.is_terminal()
    widths = list(_FOLLOWED)
    widths[events.HEADS.index("name")] += max(console.width - 80, 0) if is_terminal else 0
    heads = [head.upper().ljust(width) for head, width in zip(events.HEADS, widths, strict=True)]
    if not console.json:
        console.print(console.style(columns.lay_out(heads, [], None)[0], "dim"))
    for batch in batches:
        if console.json:
            _print_json(batch, console)
            continue
        for event in batch:
            cells = [[cell] for cell in events.row(event, console.styler, visible)]
            if is_terminal:
                cells = [columns.wrap(cell, width) for [cell], width in zip(cells, widths, strict=True)]
            rows = list(zip_longest(*cells, fillvalue=""))
            console.print("\n".join(columns.lay_out(heads, rows, None)[1:]))


def _pause() -> bool:
    """Wait before the next poll; ends the program where standard output has no reader any more."""
    poll = select.poll()
    poll.register(1, 0)
    state = dict(poll.poll(300)).get(1, 0)
    if state & (select.POLLERR | select.POLLHUP) and not state & select.POLLNVAL:
        streams.die_by_sigpipe()
    if state:
        time.sleep(0.3)
    return True


def _print_json(batch: Sequence[dict[str, Any]], console: Console) -> None:
    if batch:
        console.print("\n".join(json.dumps(event) for event in batch))


@app.command()
def verify(
    ctx: typer.Context,
    head: Annotated[
        bool, typer.Option("--head", help="Print the log's end, to keep where this user cannot write.")
    ] = False,
    expect_head: Annotated[
        str | None, typer.Option("--expect-head", metavar="TEXT", help="A head printed before.")
    ] = None,
) -> None:
    """Check that every line stands where it was written. Exit code 6 when one does not."""
    with command_session(ctx.obj, "audit") as (session, console):
        with progress(console, session, "Verifying") as update:
            verdict = session.log.verify(expect_head=expect_head, progress=update)
        first = verdict.first_bad
        if console.json:
            bad = {"file": first[0], "line": first[1], "reason": first[2]} if first is not None else None
            shape = {"schema": 1, "ok": verdict.ok, "events": verdict.events, "first_bad": bad}
            console.answer(shape | ({"head": verdict.head} if head else {}))
        elif verdict.ok and head:
            console.print(verdict.head)
        elif verdict.ok:
            written = "as it was written" if verdict.events == 1 else "all as they were written"
            console.print(f"{counted(verdict.events, 'event')}, {written}.")
        if not verdict.ok:
            if console.json:
                raise typer.Exit(errors.IntegrityFailed.exit_code)
            file, line, reason = first or ("the log", 0, verdict.state)
            raise errors.IntegrityFailed(
                f"The audit log is not as it was written: {file}:{line}: {reason}.",
                hint="Keep a copy of the directory, then find out who could write it: `sophia-secrets config path`.",
            )
