"""The text of `sophia-secrets --help`, as Typer makes it for 80 columns and more."""

from __future__ import annotations

from typing import Any

import typer.main

from sophia_secrets.cli.app import PROGRAM, app

_CELLS = 78
"""What Typer fills of 80 columns, and at most."""


def help_text() -> str:
    """The whole text, with its last line end."""
    root: Any = typer.main.get_command(app)
    context = root.make_context(PROGRAM, ["help"], resilient_parsing=True, terminal_width=_CELLS)
    return f"{root.get_help(context)}\n"
