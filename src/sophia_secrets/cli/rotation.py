"""`rotation status`."""

from typing import Any

import typer

from sophia_secrets.cli import shapes
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.group import Group
from sophia_secrets.cli.opened import ago, opened
from sophia_secrets.core.text import visible
from sophia_secrets.operations import due
from sophia_secrets.operations.due import Standing

app = typer.Typer(cls=Group, name="rotation", help="Show what is due for rotation.", rich_markup_mode=None)

_STYLES = {due.OK: "good", due.DUE: "warn", due.OVERDUE: "bad", due.NEVER: "warn"}


@app.callback()
def _group() -> None:
    """Show what is due for rotation."""


@app.command()
def status(ctx: typer.Context) -> None:
    """Show what is due, since when, and who holds it."""
    with opened(ctx.obj, "rotation") as (session, console):
        standings, damaged = due.standings(session)
        if console.json:
            rows = [_shape(standing) for standing in standings]
            console.answer({"schema": 1, "rotations": rows, "unreadable": damaged})
        elif standings:
            _table(console, standings, session.clock())
        else:
            console.note("No secret is declared with `rotate_every`, and no rotation was interrupted.")
        for standing in standings:
            if standing.pending:
                console.warn(
                    f"A rotation of {standing.name} was interrupted. Resume it with "
                    f"`sophia-secrets rotate {standing.name}`."
                )
        if damaged:
            console.warn(
                f"{damaged} sealed rotation records cannot be opened: their key is not this one, or they "
                "are damaged."
            )


def _table(console: Console, standings: tuple[Standing, ...], now: float) -> None:
    rows = [
        [
            visible(standing.name),
            console.style(standing.state.replace("_", " "), _STYLES[standing.state]),
            f"{ago(now - standing.rotated)} ago" if standing.rotated else "-",
            _span(standing.every),
            (shapes.instant(standing.due) or "-")[:10],
            ", ".join(copy.backend for copy in standing.copies) or "-",
        ]
        for standing in standings
    ]
    console.table(["name", "state", "rotated", "every", "due", "held by"], rows)


def _span(seconds: float | None) -> str:
    return "-" if seconds is None else ago(seconds)


def _shape(standing: Standing) -> dict[str, Any]:
    return {
        "name": standing.name,
        "state": standing.state,
        "last_rotated": shapes.instant(standing.rotated),
        "rotate_every": standing.every,
        "due": shapes.instant(standing.due),
        "generated": standing.generated,
        "pending": standing.pending,
        "holders": [
            {"backend": copy.backend, "target": copy.target, "last_rotated": shapes.instant(copy.rotated)}
            for copy in standing.copies
        ],
    }
