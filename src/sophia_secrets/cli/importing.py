"""`import`."""

from typing import Annotated

import typer

from sophia_secrets.cli import input_file, plans
from sophia_secrets.cli.command_session import command_session, warn_about_failures
from sophia_secrets.cli.declared import enforce_declared
from sophia_secrets.cli.transfer import DryRun, Yes
from sophia_secrets.cli.write import NotAsDeclared
from sophia_secrets.core.count import counted
from sophia_secrets.formats import READABLE
from sophia_secrets.operations import importing, writing
from sophia_secrets.operations.applying import planned_rows


def import_file(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="`-` is standard input.")],
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format", "-f", metavar="F", help=f"One of: {', '.join(READABLE)}; else it is guessed."
        ),
    ] = None,
    backend: Annotated[
        str | None, typer.Option("--backend", "-b", metavar="B", help="Store in this backend.")
    ] = None,
    only: Annotated[str, typer.Option("--only", metavar="PREFIX", help="Only names that begin so.")] = "",
    not_as_declared: NotAsDeclared = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Store what a dotenv, JSON or YAML file holds in one backend, in one vendor call. Asks unless `--yes`.

    A value that the backend holds already is not written again, so a second run finishes an
    interrupted one; another value of the same name is replaced, and the plan says so.
    """
    with command_session(ctx.obj, "import") as (session, console):
        enforce_declared(session, enforce=not not_as_declared)
        writing.destination(session, backend)
        pairs = importing.read_pairs(input_file.read(file), file, format_name)
        plans.require_answer(console, yes=yes, dry_run=dry_run, doing="`import`")
        planned = importing.plan_import(session, pairs, backend, only=only)
        to, plan = planned.destination, planned.plan
        console.note(f"{input_file.display_name(file)} → {to.name} ({to.target})")
        warn_about_failures((planned.there,), console, session)
        plans.show_plan(console, plan.actions, dry_run=dry_run)
        if not plan.actions:
            console.note("The file holds no such name, so there is nothing to do.")
        if dry_run:
            plans.show_planned(console, planned_rows(to, plan))
            return
        if not plan.is_idle:
            names = counted(len(plan.changes), "name")
            plans.confirm(console, f"Write {names} to {to.name} ({to.target})?", yes=yes)
        plans.show_applied(console, importing.apply(session, planned))
