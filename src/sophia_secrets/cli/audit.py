"""`audit log` and `audit verify`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from sophia_secrets import errors
from sophia_secrets.cli.opened import opened
from sophia_secrets.core.text import visible
from sophia_secrets.state.audit_read import Query

app = typer.Typer(
    name="audit",
    help="Query and verify the audit log.",
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
)


@app.command()
def log(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME")] = None,
    backend: Annotated[str | None, typer.Option("--backend", "-b", metavar="B")] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", metavar="WORD")] = None,
    command: Annotated[str | None, typer.Option("--command", metavar="WORD")] = None,
    last: Annotated[
        int, typer.Option("--last", "-n", metavar="N", min=1, help="How many of the newest.")
    ] = 20,
) -> None:
    """Show the newest events, oldest of them first."""
    with opened(ctx, "audit") as (session, console):
        query = Query(name=name, backend=backend, outcome=outcome, command=command, last=last)
        events = list(session.log.read(query))
        if console.json:
            if events:
                console.print("\n".join(json.dumps(event) for event in events))
            return
        if not events:
            console.note("No event matches.")
            return
        console.table(
            ["time", "command", "name", "backend", "outcome", "user"],
            [
                [
                    visible(str(event.get("time", "")))[:19],
                    visible(str(event.get("command", ""))),
                    visible(str(event.get("name", ""))),
                    visible(str(event.get("backend", ""))),
                    console.state(visible(str(event.get("outcome", "")))),
                    visible(str(event.get("user", ""))),
                ]
                for event in events
            ],
        )


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
    with opened(ctx, "audit") as (session, console):
        verdict = session.log.verify(expect_head=expect_head)
        first = verdict.first_bad
        if console.json:
            bad = {"file": first[0], "line": first[1], "reason": first[2]} if first is not None else None
            shape = {"schema": 1, "ok": verdict.ok, "events": verdict.events, "first_bad": bad}
            console.print(json.dumps(shape | ({"head": verdict.head} if head else {})))
        elif verdict.ok and head:
            console.print(verdict.head)
        elif verdict.ok:
            console.print(f"{verdict.events} events, all as they were written.")
        if not verdict.ok:
            if console.json:
                raise typer.Exit(errors.IntegrityFailed.exit_code)
            file, line, reason = first or ("the log", 0, verdict.state)
            raise errors.IntegrityFailed(
                f"The audit log is not as it was written: {file}:{line}: {reason}.",
                hint="Keep a copy of the directory, then find out who could write it: `sophia-secrets config path`.",
            )
