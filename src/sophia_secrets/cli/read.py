"""`get` and `explain`."""

from typing import Annotated

import typer

from sophia_secrets.cli import trace
from sophia_secrets.cli.frequent.value import give
from sophia_secrets.cli.opened import opened, warn_of
from sophia_secrets.core.model import Resolution, TraceOutcome
from sophia_secrets.operations import reading

Backend = Annotated[str | None, typer.Option("--backend", "-b", metavar="B", help="Ask this backend alone.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Neither read nor write the cache.")]


def get(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    backend: Backend = None,
    no_cache: NoCache = False,
    raw: Annotated[bool, typer.Option("--raw", help="The exact bytes, without a newline.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="The trace on standard error.")] = False,
    clip: Annotated[
        bool, typer.Option("--clip", help="To the clipboard instead of standard output.")
    ] = False,
) -> None:
    """Print a secret's value and one newline."""
    give(ctx.obj, name, backend=backend, no_cache=no_cache, raw=raw, explain=explain, clip=clip)


def explain(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    no_cache: NoCache = False,
) -> None:
    """Show the whole chain for one name, without its value: who answers, and who shadows whom."""
    with opened(ctx.obj, "explain") as (session, console):
        read = reading.read(session, [name], use_cache=not no_cache, deliver=False, everything=True)
        (resolution,) = read.resolutions
        from sophia_secrets.operations import comparing

        resolution = comparing.with_drift(session, resolution, read.answers)
        if console.json:
            from sophia_secrets.cli import shapes

            console.answer(shapes.explained(resolution))
            if not _is_held(resolution):
                raise typer.Exit(read.problem(resolution).exit_code)
            return
        trace.show(resolution, console, session, err=False)
        if _is_held(resolution):
            warn_of(read.answers, console, session)
        else:
            problem = read.problem(resolution)
            warn_of(read.answers, console, session, said=problem.message)
            console.error(problem.message, problem.hint)
            raise typer.Exit(problem.exit_code)


def _is_held(resolution: Resolution) -> bool:
    """Whether some backend holds the name, readable or not."""
    return any(step.outcome in (TraceOutcome.FOUND, TraceOutcome.WRITE_ONLY) for step in resolution.trace)
