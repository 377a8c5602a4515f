"""`explain`."""

from __future__ import annotations

from sophia_secrets.cli import trace
from sophia_secrets.cli.command_session import command_session, warn_about_failures
from sophia_secrets.cli.options import Options
from sophia_secrets.core.model import Resolution, TraceOutcome
from sophia_secrets.operations import drift, reading


def show_trace(options: Options, name: str, *, no_cache: bool = False) -> int:
    """Show the whole chain for one name, without its value; returns the exit code."""
    with command_session(options, "explain") as (session, console):
        read = reading.read(session, [name], use_cache=not no_cache, deliver=False, everything=True)
        (resolution,) = read.resolutions
        resolution = drift.with_drift(session, resolution, read.answers)
        if console.json:
            from sophia_secrets.cli import shapes

            console.answer(shapes.explained(resolution))
            if not _is_stored(resolution):
                return read.problem(resolution).exit_code
            return 0
        trace.show(resolution, console, session, err=False)
        if _is_stored(resolution):
            warn_about_failures(read.answers, console, session)
        else:
            problem = read.problem(resolution)
            warn_about_failures(read.answers, console, session, said=problem.message)
            console.error(problem.message, problem.hint)
            return problem.exit_code
    return 0


def _is_stored(resolution: Resolution) -> bool:
    """Whether some backend holds the name, readable or not."""
    return any(step.outcome in (TraceOutcome.FOUND, TraceOutcome.WRITE_ONLY) for step in resolution.trace)
