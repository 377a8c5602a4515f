"""`sophia-secrets` without a command: what was found, and the next steps. No vendor is called."""

from __future__ import annotations

import os
from typing import Any

from sophia_secrets import process
from sophia_secrets.cli.command_session import command_session
from sophia_secrets.core.text import visible
from sophia_secrets.operations.discovery import discover
from sophia_secrets.operations.offline import known_names
from sophia_secrets.state.files import quoted
from sophia_secrets.view import columns

_PROGRAMS = (("gh", "GitHub Actions"), ("pulumi", "Pulumi"), ("fly", "Fly.io"))
_STEP = 46
"""The width of the column of commands; the purpose of a longer one is on the next line."""


def welcome(ctx: Any) -> None:
    """Print what was found and the next commands to type."""
    with command_session(ctx.obj, "welcome") as (session, console):
        found = discover(session.cwd, session.environ)
        names = known_names(session)
        path = session.environ.get("PATH", "")
        programs = {
            word: process.find_program(word, path, session.settings.program(word)) for word, _ in _PROGRAMS
        }
        if console.json:
            shape = {"schema": 1, "found": found.settings, "programs": programs, "known_names": len(names)}
            console.answer(shape)
            return
        console.print("sophia-secrets: the right secret from the right place, and why.\n")
        for word, vendor in _PROGRAMS:
            where = programs[word]
            console.print(
                f"  {vendor:<19} {f'`{word}` found' if where else f'`{word}` is not installed (optional)'}"
            )
        for key, value in found.settings.items():
            console.print(f"  {key:<19} {visible(value)} (from {found.reasons[key]})")
        if found.files:
            console.print(f"  {'workflows':<19} {visible(', '.join(found.files))}")
        steps = _next(
            has_names=bool(names),
            has_targets=bool(found.settings),
            has_file=os.path.exists("sophia-secrets.toml"),
            untrusted=session.settings.untrusted is not None,
            workflow=found.files[0] if found.files else "",
        )
        console.print("\nNext:")
        for command, why in steps:
            room = _STEP - columns.cells(command)
            gap = " " * (room + 2) if room >= 0 else f"\n{' ' * (_STEP + 4)}"
            console.print(f"  {command}{gap}{why}")


def _next(
    *, has_names: bool, has_targets: bool, has_file: bool, untrusted: bool, workflow: str
) -> list[tuple[str, str]]:
    steps = []
    if has_targets and not has_file:
        steps.append(("sophia-secrets config init", "write what was found"))
    if untrusted:
        steps.append(("sophia-secrets trust", "let the file's targets count"))
    if not has_names:
        steps.append(("sophia-secrets set MY_API_KEY --backend local", "store a first secret"))
    else:
        steps.append(("sophia-secrets list", "see what is where"))
    if workflow and has_file and not untrusted:
        steps.append(
            (f"sophia-secrets check --workflow {quoted(workflow)}", "does GitHub have what it uses?")
        )
    return [*steps, ("sophia-secrets doctor", "check everything"), ("sophia-secrets --help", "all commands")]
