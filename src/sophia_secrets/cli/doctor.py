"""`doctor` and `backends`."""

import typer

from sophia_secrets import errors
from sophia_secrets.backends.base import Unconfigured
from sophia_secrets.cli import shapes
from sophia_secrets.cli.command_session import command_session
from sophia_secrets.cli.console import Console
from sophia_secrets.core.model import Check, CheckStatus
from sophia_secrets.core.text import sentence, visible
from sophia_secrets.operations import doctor as examining

_SECTIONS = (
    ("What is wrong", (CheckStatus.FAIL,)),
    ("What needs a look", (CheckStatus.WARN,)),
    ("What works", (CheckStatus.OK,)),
    ("What is not set up (optional)", (CheckStatus.SKIP,)),
)


def doctor(ctx: typer.Context) -> None:
    """Check everything, and say how to fix what is wrong. Exit code 7 when something is."""
    with command_session(ctx.obj, "doctor") as (session, console):
        checks = examining.checks(session)
        bad = any(check.status is CheckStatus.FAIL for check in checks)
        if console.json:
            console.answer(shapes.checks(checks))
        else:
            for title, statuses in _SECTIONS:
                some = [check for check in checks if check.status in statuses]
                if some:
                    console.print(console.style(title, "strong"))
                    for check in some:
                        _show(console, check)
                    console.print()
            console.print(_summary({check.status for check in checks}))
        if bad:
            raise typer.Exit(errors.CheckFailed.exit_code)


def _summary(found: set[CheckStatus]) -> str:
    if CheckStatus.FAIL in found:
        return "Something is wrong: see above for each fix."
    return "Nothing is wrong; something needs a look." if CheckStatus.WARN in found else "All is well."


def _show(console: Console, check: Check) -> None:
    gap = " " * (6 - len(check.status.value))
    console.item(
        f"  {console.state(check.status.value)}{gap}", f"{check.id}: {visible(sentence(check.message))}"
    )
    if check.hint and check.status is not CheckStatus.OK:
        console.item(f"        {console.style('fix:', 'name')} ", visible(sentence(check.hint)))


def backends(ctx: typer.Context) -> None:
    """Show the backends in chain order, and what each can do here."""
    with command_session(ctx.obj, "backends") as (session, console):
        rows = []
        for name in session.settings.chain:
            member = session.backend(name)
            if isinstance(member, Unconfigured):
                rows.append(
                    {
                        "backend": name,
                        "configured": False,
                        "target": None,
                        "note": " ".join(sentence(part) for part in (member.reason, member.hint) if part),
                    }
                )
                continue
            can = member.capabilities
            rows.append(
                {
                    "backend": name,
                    "configured": True,
                    "target": str(member.target),
                    "readable": can.readable,
                    "writable": can.writable,
                    "needs_call": can.needs_call,
                    "batch": can.batch,
                    "note": sentence(can.note),
                }
            )
        if console.json:
            console.answer({"schema": 1, "backends": rows})
            return
        console.table(
            ["backend", "target", "read", "write", "note"],
            [
                [
                    str(row["backend"]),
                    visible(str(row["target"] or "not configured")),
                    _yes(row.get("readable")),
                    _yes(row.get("writable")),
                    visible(str(row["note"])),
                ]
                for row in rows
            ],
        )


def _yes(value: object) -> str:
    return "-" if value is None else "yes" if value else "no"
