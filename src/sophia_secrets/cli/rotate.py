"""`rotate`."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from sophia_secrets import errors
from sophia_secrets.cli import plans
from sophia_secrets.cli import rotate_prepare as preparing
from sophia_secrets.cli.argument import refuse_value
from sophia_secrets.cli.command_session import command_session
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.declared import enforce_declared
from sophia_secrets.cli.transfer import DryRun, Yes
from sophia_secrets.cli.write import NotAsDeclared
from sophia_secrets.core import generate as generating
from sophia_secrets.core.text import visible
from sophia_secrets.operations import due, rotating, writing
from sophia_secrets.operations.holding import Holding, find_holders
from sophia_secrets.operations.rotating import Rotation, RotationResult
from sophia_secrets.operations.session import Session
from sophia_secrets.state.pending_record import OLD, UNKNOWN


def rotate(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]")] = "",
    extra: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", "-b", metavar="B", help="Only this backend; may be given again."),
    ] = None,
    generate: Annotated[
        str | None,
        typer.Option(
            "--generate",
            metavar="[SPEC]",
            help="Make the value: `hex:32`, `alnum:40`, `uuid`; without SPEC the declared one.",
        ),
    ] = None,
    all_due: Annotated[
        bool, typer.Option("--due", help="Every declared secret that is due and can be generated.")
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Drop the sealed value of an interrupted rotation.")
    ] = False,
    not_as_declared: NotAsDeclared = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Give a secret a new value in every backend that holds it; an interrupted rotation is resumed.

    The new value is sealed on this machine before the first backend is told, until the last has it.
    """
    refuse_value("rotate", name, extra, backend or [])
    if all_due == bool(name):
        raise errors.UsageError(
            "Say which secret to rotate, or `--due` for all that are due.",
            hint="See what is due with `sophia-secrets rotation status`.",
        )
    if sum((all_due, abandon)) > 1 or ((all_due or abandon) and (generate is not None or backend)):
        raise errors.UsageError(
            "`--due` and `--abandon` go neither with each other nor with `--generate` or `--backend`.",
            hint="Leave the others out.",
        )
    with command_session(ctx.obj, "rotate") as (session, console):
        enforce_declared(session, enforce=not not_as_declared)
        for each in backend or []:
            writing.destination(session, each)
        doing = f"Abandoning the rotation of {name}" if abandon else "`rotate`"
        plans.require_answer(console, yes=yes, dry_run=dry_run, doing=doing)
        if abandon:
            _abandon(session, console, name, yes=yes, dry_run=dry_run)
        elif all_due:
            _rotate_due(session, console, yes=yes, dry_run=dry_run)
        else:
            with rotating.claimed(session, [name]) as claims:
                rotation = preparing.prepare(
                    session, console, claims[name], backend or [], generate, dry_run=dry_run
                )
                _finish(session, console, [rotation], yes=yes, dry_run=dry_run)


def _rotate_due(session: Session, console: Console, *, yes: bool, dry_run: bool) -> None:
    statuses, _ = due.statuses(session)
    wanted = [status for status in statuses if status.needs_rotation]
    by_hand = [status.name for status in wanted if not status.generated]
    names = [status.name for status in wanted if status.generated]
    if by_hand:
        console.warn(f"Due, and without a `generate` rule, so left to you: {', '.join(by_hand)}.")
    with rotating.claimed(session, names) as claims:
        records = {name: claims[name].read() for name in names}
        fresh = [name for name, record in records.items() if record is None]
        holders: Mapping[str, Sequence[Holding]] = find_holders(session, fresh) if fresh else {}
        rotations = []
        for name in names:
            able = [holding for holding in holders.get(name, ()) if not holding.obstacle]
            record = records[name]
            if record is not None:
                rotations.append(preparing.resume(session, console, claims[name], record))
            elif able:
                preparing.warn_outside_chain(session, console, name, able)
                spec = preparing.spec_of(session, name, "default") or generating.DEFAULT
                value = preparing.generated(session, name, spec)
                rotations.append(rotating.begin(session, claims[name], holders[name], value, spec))
            else:
                console.warn(f"{name} is declared, and no backend that can be written holds it.")
        if not rotations:
            console.note("Nothing is due that can be rotated without you.")
        if rotations or console.json:
            _finish(session, console, rotations, yes=yes, dry_run=dry_run)


def _finish(
    session: Session, console: Console, rotations: Sequence[Rotation], *, yes: bool, dry_run: bool
) -> None:
    planned = rotating.planned(session, rotations)
    if not console.json:
        rows = [[visible(r.name), r.backend, visible(r.target), r.action, visible(r.detail)] for r in planned]
        console.table(["name", "backend", "target", "action", "reason"], rows, err=not dry_run)
    if dry_run:
        plans.show_planned(console, planned)
        return
    if rotations:
        names = ", ".join(rotation.name for rotation in rotations)
        verb = "Resume rotating" if all(rotation.resumed for rotation in rotations) else "Rotate"
        plans.confirm(console, f"{verb} {names}?", yes=yes)
    _print_receipt(console, rotating.apply(session, rotations))


def _print_receipt(console: Console, receipt: RotationResult) -> None:
    if console.json:
        results = [{**plans.row_shape(row), "holds": holds} for row, holds in receipt.rows]
        console.answer({"schema": 1, "dry_run": False, "results": results})
    elif receipt.rows:
        rows = [
            [
                visible(row.name),
                row.backend,
                visible(row.target),
                console.state(row.outcome.value),
                console.style(holds, "good" if holds not in (OLD, UNKNOWN) else "warn"),
                visible(row.detail),
            ]
            for row, holds in receipt.rows
        ]
        console.table(["name", "backend", "target", "outcome", "holds", "detail"], rows)
    for row, _ in receipt.rows:
        if row.action == "refused" and row.name not in receipt.unfinished:
            console.warn(f"{row.backend} ({row.target}) {row.detail}")
    if receipt.unfinished:
        names = " and ".join(f"`sophia-secrets rotate {name}`" for name in receipt.unfinished)
        console.warn(f"The new value is kept sealed here. Resume with {names}, which uses the same value.")
    problem = receipt.problem
    if problem is None and receipt.unfinished:
        problem = errors.BadValue("The rotation is not finished: the reasons are next to the backends.")
    plans.end(console, problem)


def _abandon(session: Session, console: Console, name: str, *, yes: bool, dry_run: bool) -> None:
    with rotating.claimed(session, [name]) as claims:
        try:
            record = claims[name].read()
        except errors.IntegrityFailed as damaged:
            console.warn(damaged.message)
        else:
            if record is None:
                raise errors.NotFound(
                    f"No rotation of {name} was interrupted, so there is nothing to drop.",
                    hint="See those that were with `sophia-secrets rotation status`.",
                )
            rows = [
                [holder.backend, visible(holder.target), holder.holds, visible(holder.detail)]
                for holder in record.holders
            ]
            console.table(["backend", "target", "holds", "detail"], rows, err=True)
        if dry_run:
            return
        plans.confirm(
            console,
            f"Drop the sealed new value of {name}? Where only write-only backends hold it, it is lost.",
            yes=yes,
        )
        rotating.abandon(session, claims[name])
        if console.json:
            console.answer({"schema": 1, "name": name, "abandoned": True})
        console.note(
            f"Dropped. The backends hold what they held; `sophia-secrets rotate {name}` starts anew."
        )
