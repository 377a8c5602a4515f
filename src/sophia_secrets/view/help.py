"""`--help`: the text that Typer would make for 80 columns and more, kept beside this file by `docs/build.py`."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = os.path.join(os.path.dirname(__file__), "help.txt")
_WIDTH = 80
_LIMIT = 64 << 10


def answer(environ: Mapping[bytes, bytes]) -> bytes | None:
    """The text, or None where it must be made for a narrower terminal, or is not there."""
    try:
        if _columns(environ) < _WIDTH:
            return None
        file = os.open(FILE, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(file, _LIMIT) or None
        finally:
            os.close(file)
    except (OSError, ValueError):
        return None


def _columns(environ: Mapping[bytes, bytes]) -> int:
    """As `shutil.get_terminal_size` has it, which Typer asks: the variable, the terminal, or 80."""
    told = int(environ.get(b"COLUMNS", b"0"))
    if told > 0:
        return told
    try:
        return os.get_terminal_size(1).columns or _WIDTH
    except OSError:
        return _WIDTH
