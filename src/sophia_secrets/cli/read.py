"""`get` and `explain`."""

import os
from typing import Annotated

import typer

from sophia_secrets import errors
from sophia_secrets.cli import streams
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.opened import ago, opened, warn_of
from sophia_secrets.cli.options import Options
from sophia_secrets.core.model import Resolution, SecretValue, TraceOutcome
from sophia_secrets.core.text import visible
from sophia_secrets.operations import reading
from sophia_secrets.operations.session import Session

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
    with opened(ctx, "get") as (session, console):
        began = session.clock()
        read = reading.read(session, [name], only=backend, use_cache=not no_cache)
        (resolution,) = read.resolutions
        missing = list(read.missing())
        warn_of(read.answers, console, session, said=missing[0].message if missing else "")
        if explain:
            _trace(resolution, console, session, err=True)
        for problem in missing:
            raise problem
        assert resolution.value is not None
        if console.json:
            import json

            from sophia_secrets.cli import shapes

            streams.deliver((json.dumps(shapes.got(resolution)) + "\n").encode())
        elif clip:
            from sophia_secrets.cli import clipboard

            clipboard.put(resolution.value, session.environ)
            console.note(f"The value of {name} is on the clipboard; clipboard managers may keep it.")
        else:
            _mask_in_workflow(resolution.value)
            streams.deliver(
                resolution.value.reveal().encode("utf-8", "surrogateescape") + (b"" if raw else b"\n")
            )
            if ctx.obj == Options() and backend is None and not (no_cache or explain):
                from sophia_secrets.operations.routing import remember

                remember(session, read.answers, began)


def _mask_in_workflow(value: SecretValue) -> None:
    """In a GitHub workflow the runner is told to mask the value before it is printed (G1)."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        from sophia_secrets.formats import Pair
        from sophia_secrets.formats.github_env import masks

        streams.say(masks([Pair("VALUE", value, 0)]).decode())


def explain(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    no_cache: NoCache = False,
) -> None:
    """Show the whole chain for one name, without its value: who answers, and who shadows whom."""
    with opened(ctx, "explain") as (session, console):
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
        _trace(resolution, console, session, err=False)
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


def _trace(resolution: Resolution, console: Console, session: Session, *, err: bool) -> None:
    rows = []
    for step in resolution.trace:
        wins = step.backend == resolution.backend and step.outcome is TraceOutcome.FOUND
        word = "answers" if wins else step.outcome.value
        styled = console.style(word, "good", err=err) if wins else console.state(word, err=err)
        rows.append([step.backend, visible(step.target) or "-", styled, visible(step.detail)])
    console.table(["backend", "target", "outcome", "detail"], rows, err=err)

    def tell(text: str) -> None:
        console.prose(text, err=err)

    tell("")
    if resolution.backend is None:
        tell(f"{visible(resolution.name)} has no value here.")
    else:
        remarks = []
        if resolution.stale:
            remarks.append(f"stale, {ago(session.clock() - resolution.fetched_at)} old")
        elif resolution.cached:
            remarks.append(f"cached {ago(session.clock() - resolution.fetched_at)} ago")
        if resolution.degraded:
            remarks.append("degraded: a backend above it failed")
        tail = f" ({', '.join(remarks)})" if remarks else ""
        tell(
            f"{visible(resolution.name)} comes from {resolution.backend} ({visible(resolution.target or '')}){tail}."
        )
    hidden = [step for step in resolution.trace if step.outcome is TraceOutcome.WRITE_ONLY]
    if resolution.backend is None:
        for step in hidden:
            tell(f"{step.backend} ({visible(step.target)}) holds it; values cannot be read from there.")
    elif hidden:
        order = [step.backend for step in resolution.trace]
        above = [s for s in hidden if order.index(s.backend) < order.index(resolution.backend)]
        for step in above:
            tell(
                f"{step.backend} ({visible(step.target)}) holds it too and comes first where it runs; values cannot be read from there."
            )


def no_value_argument(name: str) -> errors.UsageError:
    """The refusal of a value on the command line, which does not repeat it (L1)."""
    return errors.UsageError(
        "A value is never taken from the command line, where other users can see it.",
        hint=f"Run `sophia-secrets set {name}` and type it, or give it on standard input.",
    )
