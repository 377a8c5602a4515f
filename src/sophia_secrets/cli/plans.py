"""Showing a plan, asking for confirmation and showing the outcome, for commands that write several names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from sophia_secrets import errors
from sophia_secrets.cli.console import Console
from sophia_secrets.core.model import Outcome
from sophia_secrets.core.text import visible

if TYPE_CHECKING:
    from sophia_secrets.core.changes import Action
    from sophia_secrets.operations.applying import AppliedAction, ApplyResult


def require_answer(console: Console, *, yes: bool, dry_run: bool, doing: str) -> None:
    """Raises `UsageError` where a confirmation is needed and there is no terminal."""
    if not (yes or dry_run or console.interactive):
        raise errors.UsageError(
            f"{doing} needs a confirmation, and there is no terminal.",
            hint="Look with `--dry-run`, then add `--yes`.",
        )


def confirm(console: Console, question: str, *, yes: bool) -> None:
    """Raises `Interrupted` where the answer is no."""
    if not yes and not console.confirm(question):
        raise errors.Interrupted("Nothing was changed.")


def show_plan(console: Console, actions: Sequence[Action], *, dry_run: bool) -> None:
    """Show a plan as a table: on standard output in a dry run, else on standard error."""
    if console.json or not actions:
        return
    rows = [
        [visible(action.name), console.state(action.act.value, err=not dry_run), visible(action.reason)]
        for action in actions
    ]
    console.table(["name", "action", "reason"], rows, err=not dry_run)


def row_shape(row: AppliedAction) -> dict[str, Any]:
    """One of the `results` of `rotate`, `copy`, `move`, `sync` and `import`."""
    return {
        "name": row.name,
        "backend": row.backend,
        "target": row.target,
        "action": row.action,
        "outcome": row.outcome.value,
        "detail": row.detail,
    }


def show_planned(console: Console, rows: Sequence[AppliedAction]) -> None:
    """The JSON of a dry run."""
    if console.json:
        shape = {"schema": 1, "dry_run": True, "results": [row_shape(row) for row in rows]}
        console.answer(shape)


def show_applied(console: Console, applied: ApplyResult) -> None:
    """
    Show the outcome of each name, and end the command with an error if there was one.

    Raises the first problem, whose exit code is the command's; under `--json` the results are the
    answer, and the problem is printed to standard error.
    """
    if console.json:
        shape = {"schema": 1, "dry_run": False, "results": [row_shape(row) for row in applied.rows]}
        console.answer(shape)
    elif applied.rows:
        rows = [
            [
                visible(row.name),
                row.backend,
                row.action,
                console.state(row.outcome.value),
                visible(row.detail),
            ]
            for row in applied.rows
        ]
        console.table(["name", "backend", "action", "outcome", "detail"], rows)
    end(console, applied.problem or refusal(applied.rows))


def end(console: Console, problem: errors.SophiaError | None) -> None:
    """End the command, whose answer was printed, with the error of a problem; no effect for None."""
    if problem is None:
        return
    if not console.json:
        raise problem
    console.error(problem.message, problem.hint)
    raise typer.Exit(problem.exit_code)


def refusal(rows: Sequence[AppliedAction]) -> errors.SophiaError | None:
    """The error for names that could not be stored or compared."""
    refused = [row.name for row in rows if row.outcome is Outcome.REFUSED or row.action == "unknown"]
    if not refused:
        return None
    return errors.BadValue(
        f"{', '.join(refused)} could not be transferred; the reasons are next to the names.",
        hint="Everything else was done.",
    )
