"""`check`."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from sophia_secrets.cli.command_session import command_session, warn_about_failures
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.declared import search
from sophia_secrets.core.count import counted
from sophia_secrets.core.finding import Finding, Status, exit_code
from sophia_secrets.core.text import sentence, visible
from sophia_secrets.operations import checking


def check(
    ctx: typer.Context,
    workflow: Annotated[
        list[str] | None,
        typer.Option(
            "--workflow", metavar="FILE", help="Also check the secrets that this GitHub workflow uses."
        ),
    ] = None,
) -> None:
    """Check that the declared secrets are there, of their type, where they must be, and not overdue.

    Changes nothing and asks nothing. Exit code 7 where something fails.
    """
    with command_session(ctx.obj, "check") as (session, console):
        checked = checking.CheckResult()
        if not workflow or session.settings.declared or session.settings.groups:
            checked = checking.check(session, search)
        findings = list(checked.findings)
        if workflow:
            from sophia_secrets.operations import workflows

            findings += workflows.check(session, workflow, checked.answers)
        code = exit_code(findings)
        if console.json:
            console.answer(shape(findings))
        else:
            _show(findings, console)
        warn_about_failures(checked.answers, console, session)
        if code:
            raise typer.Exit(code)


def shape(findings: Sequence[Finding]) -> dict[str, Any]:
    """The JSON of `check`: `ok` exactly when nothing fails and nothing is unknown."""
    return {
        "schema": 1,
        "ok": not any(finding.status in (Status.FAIL, Status.UNKNOWN) for finding in findings),
        "findings": [
            {
                "name": finding.name,
                "rule": finding.rule,
                "status": finding.status.value,
                "message": finding.message,
                "hint": sentence(finding.hint),
            }
            for finding in findings
        ],
    }


def _show(findings: Sequence[Finding], console: Console) -> None:
    """One line for each secret without a problem, and one for each problem."""
    wanting = {finding.name for finding in findings if finding.status is not Status.OK}
    shown: set[str] = set()
    rows: list[list[str]] = []
    for finding in findings:
        if finding.status is Status.OK and finding.rule != "workflow":
            if finding.name in wanting or finding.name in shown:
                continue
            shown.add(finding.name)
        rows.append(
            [
                console.state(finding.status.value),
                visible(finding.name),
                finding.rule,
                visible(finding.message),
            ]
        )
    if rows:
        console.table(["state", "name", "rule", "what"], rows)
    for finding in findings:
        if finding.status in (Status.FAIL, Status.UNKNOWN) and finding.hint:
            console.hint(f"{finding.name}: {sentence(finding.hint)}")
    failed = sum(finding.status is Status.FAIL for finding in findings)
    unknown = sum(finding.status is Status.UNKNOWN for finding in findings)
    if failed or unknown:
        parts = [f"{counted(failed, 'check')} failed"] * bool(failed)
        parts += [f"{counted(unknown, 'check')} could not be made"] * bool(unknown)
        console.error(f"{' and '.join(parts)}: the table says which.")
    else:
        console.note("Everything that was checked is as declared.")
