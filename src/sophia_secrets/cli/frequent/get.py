"""`get`."""

from __future__ import annotations

from sophia_secrets import errors
from sophia_secrets.cli import streams
from sophia_secrets.cli.command_session import command_session, warn_about_failures
from sophia_secrets.cli.options import Options
from sophia_secrets.operations import reading


def print_value(
    options: Options,
    name: str,
    *,
    backend: str | None = None,
    no_cache: bool = False,
    raw: bool = False,
    explain: bool = False,
    clip: bool = False,
) -> None:
    """Print a secret's value and one newline."""
    if clip and options.json:
        raise errors.UsageError(
            "`--clip` and `--json` exclude each other: JSON would show the value.",
            hint="Leave one of them out.",
        )
    with command_session(options, "get") as (session, console):
        began = session.clock()
        read = reading.read(session, [name], only=backend, use_cache=not no_cache)
        (resolution,) = read.resolutions
        missing = list(read.missing())
        warn_about_failures(read.answers, console, session, said=missing[0].message if missing else "")
        if explain:
            from sophia_secrets.cli import trace

            trace.show(resolution, console, session, err=True)
        for problem in missing:
            raise problem
        assert resolution.value is not None
        if session.in_workflow and not clip:
            from sophia_secrets.cli import workflow

            workflow.mask([resolution.value])
        if console.json:
            import json

            from sophia_secrets.cli import shapes

            streams.deliver((json.dumps(shapes.got(resolution)) + "\n").encode())
        elif clip:
            from sophia_secrets.cli import clipboard

            clipboard.put(resolution.value, session.environ)
            console.note(f"The value of {name} is on the clipboard; clipboard managers may keep it.")
        else:
            streams.deliver(
                resolution.value.reveal().encode("utf-8", "surrogateescape") + (b"" if raw else b"\n")
            )
            if options == Options() and backend is None and not (no_cache or explain):
                from sophia_secrets.operations.routing import remember

                remember(session, read.answers, began)
