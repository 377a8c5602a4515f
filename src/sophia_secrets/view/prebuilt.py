"""
Prebuilt texts of Typer, written to this directory by `docs/build.py`: `--help` for 80 and more columns,
and the completion scripts, which shells request at each start.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DIRECTORY = os.path.join(os.path.dirname(__file__), "texts")
HELP = "help.txt"
COMPLETION = {"bash": "completion.bash", "zsh": "completion.zsh", "fish": "completion.fish"}
_WIDTH = 80
_LIMIT = 1 << 20


def answer(arguments: Sequence[str], environ: Mapping[bytes, bytes]) -> bytes | None:
    """The output of this command line, or None if the full program must run."""
    try:
        if arguments in (["--help"], ["-h"]) and _columns(environ) >= _WIDTH:
            return _text(HELP)
        if len(arguments) == 2 and arguments[0] == "completion" and arguments[1] in COMPLETION:
            return _text(COMPLETION[arguments[1]])
    except (OSError, ValueError):
        pass
    return None


def _text(name: str) -> bytes | None:
    file = os.open(os.path.join(DIRECTORY, name), os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, _LIMIT) or None
    finally:
        os.close(file)


def _columns(environ: Mapping[bytes, bytes]) -> int:
    """As `shutil.get_terminal_size`, which Typer uses: the variable, the terminal, or 80."""
    columns = int(environ.get(b"COLUMNS", b"0"))
    if columns > 0:
        return columns
    try:
        return os.get_terminal_size(1).columns or _WIDTH
    except OSError:
        return _WIDTH
