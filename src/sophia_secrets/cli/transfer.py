"""`copy`, `move`, `sync` and `diff`."""

from collections.abc import Callable
from typing import Annotated

import typer

from sophia_secrets.cli import plans
from sophia_secrets.cli.command_session import command_session, warn_about_failures
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.declared import enforce_declared
from sophia_secrets.cli.write import NotAsDeclared
from sophia_secrets.core.changes import Plan
from sophia_secrets.core.count import counted
from sophia_secrets.core.text import visible
from sophia_secrets.errors import CheckFailed
from sophia_secrets.operations import comparing, moving, transferring
from sophia_secrets.operations.applying import planned_rows
from sophia_secrets.operations.session import Session
from sophia_secrets.operations.transferring import TransferPlan

Names = Annotated[list[str], typer.Argument(metavar="NAME...")]
From = Annotated[str, typer.Option("--from", metavar="B", help="The backend to read.")]
To = Annotated[str, typer.Option("--to", metavar="B", help="The backend to write.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def copy(
    ctx: typer.Context,
    names: Names,
    source: From,
    to: To,
    not_as_declared: NotAsDeclared = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Copy secrets from one backend to another, in one vendor call. Asks unless `--yes`."""
    _run(
        ctx,
        "copy",
        source,
        to,
        lambda s: transferring.plan_copy(s, names, source, to),
        hold=not not_as_declared,
        dry_run=dry_run,
        yes=yes,
    )


def move(
    ctx: typer.Context,
    names: Names,
    source: From,
    to: To,
    not_as_declared: NotAsDeclared = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Copy secrets, then remove from the source what is proven to have arrived. Asks unless `--yes`."""
    _run(
        ctx,
        "move",
        source,
        to,
        lambda s: transferring.plan_copy(s, names, source, to, move=True),
        hold=not not_as_declared,
        dry_run=dry_run,
        yes=yes,
    )


def sync(
    ctx: typer.Context,
    source: From,
    to: To,
    only: Annotated[str, typer.Option("--only", metavar="PREFIX", help="Only names that begin so.")] = "",
    delete: Annotated[
        bool, typer.Option("--delete", help="Also remove what the source does not hold.")
    ] = False,
    not_as_declared: NotAsDeclared = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Make one backend hold what another holds, in one vendor call. Asks unless `--yes`."""
    _run(
        ctx,
        "sync",
        source,
        to,
        lambda s: transferring.plan_sync(s, source, to, delete=delete, only=only),
        hold=not not_as_declared,
        dry_run=dry_run,
        yes=yes,
    )


def diff(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(metavar="B1")],
    second: Annotated[str, typer.Argument(metavar="B2")],
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 7 unless every name is the same.")
    ] = False,
) -> None:
    """Show which names differ between two backends; `unknown` where that cannot be known."""
    with command_session(ctx.obj, "diff") as (session, console):
        found = comparing.differences(session, first, second)
        differing = [name for name, state in found if state != "same"]
        if console.json:
            rows = [{"name": name, "state": state} for name, state in found]
            console.answer({"schema": 1, "differences": rows})
        elif found:
            console.table(
                ["name", "state"],
                [[visible(name), console.style(state, _style(state))] for name, state in found],
            )
        else:
            console.note(f"Neither {first} nor {second} holds a secret.")
        if exit_code and differing:
            names = ", ".join(differing)
            message = f"{first} and {second} are not known to agree on {names}."
            hint = f"See all that is known of one with `sophia-secrets explain {differing[0]}`."
            plans.end(console, CheckFailed(message, hint=hint))


def _style(state: str) -> str:
    return "good" if state == "same" else "warn" if state == "unknown" else "bad"


def _run(
    ctx: typer.Context,
    command: str,
    source_name: str,
    to_name: str,
    make: Callable[[Session], TransferPlan],
    *,
    hold: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    with command_session(ctx.obj, command) as (session, console):
        enforce_declared(session, enforce=hold)
        transferring.check_ends(session, source_name, to_name, move=command == "move")
        plans.require_answer(console, yes=yes, dry_run=dry_run, doing=f"`{command}`")
        planned = make(session)
        source, to = planned.source, planned.destination
        console.note(f"{source.name} ({source.target}) → {to.name} ({to.target})")
        warn_about_failures((planned.seen, planned.there), console, session)
        removal = moving.planned_removal(planned)
        plans.show_plan(console, planned.plan.actions + removal.actions, dry_run=dry_run)
        if dry_run:
            plans.show_planned(console, planned_rows(to, planned.plan) + planned_rows(source, removal))
            if not planned.plan.actions:
                _print_nothing_to_do(console, planned)
            return
        if planned.plan.is_idle and removal.is_idle:
            _print_nothing_to_do(console, planned)
        else:
            plans.confirm(console, _question(planned, removal), yes=yes)
        plans.show_applied(console, transferring.transfer(session, planned))


def _print_nothing_to_do(console: Console, planned: TransferPlan) -> None:
    held_back = any(action.act.value in ("refused", "unknown") for action in planned.plan.actions)
    source, to = planned.source, planned.destination
    gone = moving.moved_before(planned)
    if not planned.plan.actions:
        console.note(f"There is nothing to do. {source.name} ({source.target}) has none of these names.")
    elif held_back:
        console.note("Nothing can be done.")
    elif gone:
        what = "it" if len(gone) == 1 else "them"
        console.note(
            f"There is nothing to move: {source.name} ({source.target}) does not hold {', '.join(gone)}, "
            f"and {to.name} ({to.target}) holds {what}."
        )
    else:
        console.note(f"{to.name} holds it all already.")


def _question(planned: TransferPlan, removal: Plan) -> str:
    to, plan = planned.destination, planned.plan
    parts = []
    if plan.changes:
        parts.append(f"write {counted(len(plan.changes), 'name')} to {to.name} ({to.target})")
    if plan.deletions:
        parts.append(f"delete {counted(len(plan.deletions), 'name')} from it")
    if not removal.is_idle:
        parts.append(f"remove what arrived from {planned.source.name} ({planned.source.target})")
    text = ", then ".join(parts)
    return f"{text[:1].upper()}{text[1:]}?"
