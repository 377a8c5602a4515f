"""
The file that `$GITHUB_ENV` names, exact for the runner of GitHub Actions on Linux and macOS
(actions/runner src/Runner.Worker/FileCommandManager.cs).

`masks` is for the job's standard output before the file is written: the runner logs a line of the file
that it cannot parse (I7).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from sophia_secrets.formats import Pair, check_names, name_refusal, text_of, variable_text


def write(pairs: Sequence[Pair]) -> bytes:
    """Each pair between two lines of a random delimiter that its value does not contain."""
    check_names(pairs, identifier=True)
    return "".join(_block(pair) for pair in pairs).encode()


def _block(pair: Pair) -> str:
    if pair.name == "NODE_OPTIONS" or pair.name.startswith(("GITHUB_", "RUNNER_")):
        raise name_refusal(pair, "the runner lets no step set a variable of this name")
    text = variable_text(pair)
    delimiter = _delimiter()
    while delimiter in text:
        delimiter = _delimiter()
    return f"{pair.name}<<{delimiter}\n{text}\n{delimiter}\n"


def _delimiter() -> str:
    return f"ghadelimiter_{os.urandom(16).hex()}"


def masks(pairs: Sequence[Pair]) -> bytes:
    """
    The commands that make the runner mask each value, each of its lines, and its JSON form.

    A blank value or line cannot be masked and is omitted.
    """
    import json

    hidden: dict[str, None] = {}
    for pair in pairs:
        text = text_of(pair, nul=True)
        lines = text.replace("\r", "\n").split("\n")
        if text.strip():
            hidden[text] = hidden[json.dumps(text)[1:-1]] = None
        for line in lines:
            if line.strip():
                hidden[line] = hidden[line.strip()] = None
    return "".join(f"::add-mask::{_escaped(form)}\n" for form in hidden).encode()


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
