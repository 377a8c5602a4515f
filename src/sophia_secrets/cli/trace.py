"""Printing the trace of one name: the answer of each backend, and the result."""

from __future__ import annotations

from sophia_secrets.cli.command_session import ago
from sophia_secrets.cli.console import Console
from sophia_secrets.core.model import Resolution, TraceOutcome
from sophia_secrets.core.text import visible
from sophia_secrets.operations.session import Session


def show(resolution: Resolution, console: Console, session: Session, *, err: bool) -> None:
    """Print to standard output, or with `err` to standard error."""
    rows = []
    for step in resolution.trace:
        wins = step.backend == resolution.backend and step.outcome is TraceOutcome.FOUND
        word = "answers" if wins else step.outcome.value
        styled = console.style(word, "good", err=err) if wins else console.state(word, err=err)
        rows.append([step.backend, visible(step.target) or "-", styled, visible(step.detail)])
    console.table(["backend", "target", "outcome", "detail"], rows, err=err)

    def print_line(text: str) -> None:
        console.prose(text, err=err)

    print_line("")
    if resolution.backend is None:
        print_line(f"{visible(resolution.name)} has no value here.")
    else:
        remarks = []
        if resolution.stale:
            remarks.append(f"stale, {ago(session.clock() - resolution.fetched_at)} old")
        elif resolution.cached:
            remarks.append(f"cached {ago(session.clock() - resolution.fetched_at)} ago")
        if any(step.outcome is TraceOutcome.FAILED for step in resolution.trace[: _place_of(resolution)]):
            remarks.append("degraded: a backend above it failed")
        elif resolution.degraded:
            remarks.append("degraded: a backend could not be reached")
        tail = f" ({', '.join(remarks)})" if remarks else ""
        print_line(
            f"{visible(resolution.name)} comes from {resolution.backend} ({visible(resolution.target or '')}){tail}."
        )
    hidden = [step for step in resolution.trace if step.outcome is TraceOutcome.WRITE_ONLY]
    if resolution.backend is None:
        for step in hidden:
            print_line(f"{step.backend} ({visible(step.target)}) holds it; values cannot be read from there.")
    elif hidden:
        order = [step.backend for step in resolution.trace]
        above = [s for s in hidden if order.index(s.backend) < order.index(resolution.backend)]
        for step in above:
            print_line(
                f"{step.backend} ({visible(step.target)}) holds it too and comes first where it runs; values cannot be read from there."
            )


def _place_of(resolution: Resolution) -> int:
    """The position of the winning backend in the trace."""
    return [step.backend for step in resolution.trace].index(resolution.backend or "")
