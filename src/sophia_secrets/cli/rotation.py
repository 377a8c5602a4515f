"""`rotation status`."""

from typing import Any

import typer

from sophia_secrets.cli import shapes
from sophia_secrets.cli.command_session import ago, command_session
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.group import Group
from sophia_secrets.core.text import visible
from sophia_secrets.operations import due
from sophia_secrets.operations.due import RotationStatus

app = typer.Typer(cls=Group, name="rotation", help="Show what is due for rotation.", rich_markup_mode=None)

_STYLES = {due.OK: "good", due.DUE: "warn", due.OVERDUE: "bad", due.NEVER: "warn"}


@app.callback()
def _group() -> None:
    """Show what is due for rotation."""


@app.command()
def status(ctx: typer.Context) -> None:
    """Show what is due, since when, and who holds it."""
    with command_session(ctx.obj, "rotation") as (session, console):
        statuses, damaged = due.statuses(session)
        if console.json:
            rows = [_shape(status) for status in statuses]
            console.answer({"schema": 1, "rotations": rows, "unreadable": damaged})
        elif statuses:
            _table(console, statuses, session.clock())
        else:
            console.note("No secret is declared with `rotate_every`, and no rotation was interrupted.")
        for status in statuses:
            if status.elsewhere:
                console.warn(
                    f"A rotation of {status.name} was interrupted, and goes to {status.elsewhere}, which is "
                    "not what the settings point at. Resume it under the profile that it began with."
                )
            elif status.pending:
                console.warn(
                    f"A rotation of {status.name} was interrupted. Resume it with "
                    f"`sophia-secrets rotate {status.name}`."
                )
        if damaged:
            console.warn(
                f"{damaged} sealed rotation records cannot be opened: their key is not this one, or they "
                "are damaged."
            )


def _table(console: Console, statuses: tuple[RotationStatus, ...], now: float) -> None:
    rows = [
        [
            visible(status.name),
            console.style(status.state.replace("_", " "), _STYLES[status.state]),
            f"{ago(now - status.rotated)} ago" if status.rotated else "-",
            _span(status.every),
            (shapes.instant(status.due) or "-")[:10],
            ", ".join(copy.backend for copy in status.copies) or "-",
        ]
        for status in statuses
    ]
    console.table(["name", "state", "rotated", "every", "due", "held by"], rows)


def _span(seconds: float | None) -> str:
    return "-" if seconds is None else ago(seconds)


def _shape(status: RotationStatus) -> dict[str, Any]:
    return {
        "name": status.name,
        "state": status.state,
        "last_rotated": shapes.instant(status.rotated),
        "rotate_every": status.every,
        "due": shapes.instant(status.due),
        "generated": status.generated,
        "pending": status.pending,
        "holders": [
            {"backend": copy.backend, "target": copy.target, "last_rotated": shapes.instant(copy.rotated)}
            for copy in status.copies
        ],
    }
