"""`audit export`."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from sophia_secrets import __version__, errors
from sophia_secrets.cli import output_file, streams
from sophia_secrets.cli.audit_options import Actor, Backend, Command, EventFilter, Name, Outcome, Since, Until
from sophia_secrets.cli.command_session import command_session
from sophia_secrets.core.count import counted
from sophia_secrets.core.text import first_workflow_command
from sophia_secrets.operations import auditing

FORMATS = ("jsonl", "csv", "cef", "otel")
_SPOOL = 1 << 18


def export(
    ctx: typer.Context,
    format_name: Annotated[
        str, typer.Option("--format", metavar="F", help="One of: jsonl, csv, cef, otel.")
    ] = "jsonl",
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write this file, which only you can read."),
    ] = None,
    name: Name = None,
    backend: Backend = None,
    outcome: Outcome = None,
    command: Command = None,
    actor: Actor = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write events for other programs: JSON Lines, CSV, ArcSight's CEF, or OpenTelemetry's log records.

    In CSV a cell that a spreadsheet could take for a formula (it begins with = + - @, a tab or a
    line end) has an apostrophe in front, and so has one that begins with an apostrophe.
    """
    if format_name not in FORMATS:
        raise errors.UsageError(
            f"There is no format `{format_name}`.", hint=f"Use one of: {', '.join(FORMATS)}."
        )
    if ctx.obj.json and output is None and format_name != "jsonl":
        raise errors.UsageError(
            f"`--json` and `--format {format_name}` cannot share standard output.",
            hint="Give the file's name with `--output FILE`.",
        )
    wanted = EventFilter(name, backend, outcome, command, actor, since, until)
    with command_session(ctx.obj, "audit") as (session, console):
        lines = _Encoder(auditing.events(session, wanted.query(session.clock())), format_name)
        if output is None:
            _deliver(lines, in_workflow=session.in_workflow)
            return
        output_file.write(output, b"".join(lines))
        if console.json:
            shape = {"schema": 1, "format": format_name, "events": lines.count, "output": output}
            console.answer(shape)
        else:
            console.note(f"{counted(lines.count, 'event')} written to {output}, which only you can read.")


class _Encoder:
    """The events in a format, as chunks; `count` is the number of events so far."""

    def __init__(self, events: Iterator[dict[str, Any]], format_name: str) -> None:
        self.count = 0
        self._events = events
        self._format = format_name

    def _counted(self) -> Iterator[dict[str, Any]]:
        for event in self._events:
            self.count += 1
            yield event

    def __iter__(self) -> Iterator[bytes]:
        from sophia_secrets.core import audit_formats

        if self._format == "csv":
            return audit_formats.as_csv(self._counted())
        if self._format == "cef":
            return audit_formats.cef(self._counted(), __version__)
        if self._format == "otel":
            from sophia_secrets.core import audit_otel

            return audit_otel.otlp(self._counted(), __version__)
        return audit_formats.jsonl(self._counted())


def _deliver(pieces: _Encoder, *, in_workflow: bool) -> None:
    spool = bytearray()
    for piece in pieces:
        if in_workflow and first_workflow_command(piece):
            raise errors.BadValue(
                "A line of the output would be a workflow command in the job's log.",
                hint="Write it to a file with `--output FILE`.",
            )
        spool += piece
        if len(spool) >= _SPOOL:
            streams.deliver(bytes(spool))
            spool.clear()
    streams.deliver(bytes(spool))
