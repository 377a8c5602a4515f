"""The texts that the program keeps, as Typer makes them: `--help` for 80 columns and more, and the completion scripts."""

from __future__ import annotations

from typing import Any

import typer.main

from sophia_secrets.cli import completion_scripts
from sophia_secrets.cli.app import PROGRAM, app
from sophia_secrets.cli.completion_words import words
from sophia_secrets.view.prebuilt import COMPLETION, HELP

_CELLS = 78
"""What Typer fills of 80 columns, and at most."""


def prebuilt_texts() -> dict[str, str]:
    """Each text by the name of its file, with its last line end."""
    root: Any = typer.main.get_command(app)
    context = root.make_context(PROGRAM, ["help"], resilient_parsing=True, terminal_width=_CELLS)
    known = words(root, context)
    scripts = {
        file: getattr(completion_scripts, shell)(known).rstrip("\n") + "\n"
        for shell, file in COMPLETION.items()
    }
    return {HELP: f"{root.get_help(context)}\n", **scripts}
