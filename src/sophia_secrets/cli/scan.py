"""`scan`."""

import os
import sys
from typing import Annotated, Any

import typer

from sophia_secrets import errors
from sophia_secrets.cli import plans
from sophia_secrets.cli.command_session import command_session, warn_about_failures
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.read import Backend, NoCache
from sophia_secrets.core.count import counted
from sophia_secrets.core.search import MINIMUM
from sophia_secrets.core.text import listed, visible
from sophia_secrets.operations import scanning
from sophia_secrets.operations.scanning import Finding, KnownValues, ScanResult

_MOST_SHOWN = 20
"""The most names or files of one kind in a message."""


def scan(
    ctx: typer.Context,
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...")] = None,
    staged: Annotated[
        bool, typer.Option("--staged", help="Look into what the next commit changes instead.")
    ] = False,
    install_hook: Annotated[
        bool, typer.Option("--install-hook", help="Write a git hook that does so before each commit.")
    ] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="NAME", help="A name whose value may be in files."),
    ] = None,
    backend: Backend = None,
    no_cache: NoCache = False,
) -> None:
    """Look for the values of your secrets in files. Exit code 7 when one is found.

    Looked for are the values that can be read here, of 8 characters and more, and their JSON, URL
    and base64 forms; never shown is a value. This finds accidents: what somebody means to hide, or
    what an archive holds compressed, it does not see.
    """
    if ((staged or install_hook) and paths) or (staged and install_hook):
        raise errors.UsageError(
            "Paths, `--staged` and `--install-hook` exclude each other.", hint="Leave two of the three out."
        )
    if install_hook:
        _install(ctx)
        return
    wanted = paths or ["."]
    scanning.check_paths([] if staged else wanted)
    with command_session(ctx.obj, "scan") as (session, console):
        known = scanning.known(session, ignored=ignore or (), only=backend, use_cache=not no_cache)
        warn_about_failures(known.answers, console, session)
        _print_known(known, console)
        if staged:
            scanned = scanning.scan_staged(session, known)
        else:
            scanned = scanning.scan_files(session, known, wanted)
        if console.json:
            console.answer(_shape(scanned))
        else:
            _show(scanned, console, "staged file" if staged else "file")
        plans.end(console, _problem(scanned.findings, staged=staged))


def _install(ctx: typer.Context) -> None:
    from sophia_secrets.operations import hook

    with command_session(ctx.obj, "scan") as (session, console):
        path, outcome = hook.install(session, _program())
        if console.json:
            console.answer({"schema": 1, "hook": path, "outcome": outcome.value})
        else:
            words = "is already there" if outcome is hook.InstallOutcome.SAME else f"was {outcome.value}"
            console.note(f"The hook {path} {words}. `git commit --no-verify` goes past it.")


def _program() -> str:
    """The absolute path of this program, or "" where it was started as a module."""
    path = os.path.abspath(sys.argv[0])
    return path if os.path.basename(path) == "sophia-secrets" and os.access(path, os.X_OK) else ""


def _print_known(known: KnownValues, console: Console) -> None:
    if not known.names:
        console.note("There is no value here to look for.")
    elif known.search.too_short:
        console.note(
            f"Shorter than {MINIMUM} characters, so not looked for: {listed(known.search.too_short, _MOST_SHOWN)}."
        )


def _show(scanned: ScanResult, console: Console, what: str) -> None:
    for finding in scanned.findings:
        place = f"{visible(finding.file)}:{finding.line}" if finding.line else visible(finding.file)
        words = "" if finding.line else " (in the file's name)"
        console.print(f"{place}: {console.style(visible(finding.name), 'bad')}{words}")
    for reason in dict.fromkeys(each.reason for each in scanned.skipped):
        files = [each.file for each in scanned.skipped if each.reason == reason]
        console.warn(
            f"Not looked into, because {reason[:1].lower()}{reason[1:]}: {listed(files, _MOST_SHOWN)}."
        )
    if not scanned.findings:
        console.note(f"{counted(scanned.files, what)}: no known value.")


def _problem(findings: list[Finding], *, staged: bool) -> errors.CheckFailed | None:
    if not findings:
        return None
    names = list(dict.fromkeys(finding.name for finding in findings))
    where = "what is staged" if staged else "these files"
    return errors.CheckFailed(
        f"Known values are in {where}, at {counted(len(findings), 'place')}: {listed(names, _MOST_SHOWN)}.",
        hint="Take them out; a value that was pushed is known to others: "
        f"`sophia-secrets rotate {names[0]}`.",
    )


def _shape(scanned: ScanResult) -> dict[str, Any]:
    return {
        "schema": 1,
        "files": scanned.files,
        "findings": [{"name": f.name, "file": f.file, "line": f.line or None} for f in scanned.findings],
        "skipped": [{"file": each.file, "reason": each.reason} for each in scanned.skipped],
    }
