"""The capabilities of the output streams, and the styles of text."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

STYLES = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "strong": "1", "name": "36"}
STATES = {
    "readable": "good",
    "found": "good",
    "ok": "good",
    "done": "good",
    "write_only": "warn",
    "warn": "warn",
    "stale": "warn",
    "unknown": "warn",
    "failed": "bad",
    "fail": "bad",
    "refused": "bad",
}
"""The style of each state; any other is dim."""
VARIABLES = ("NO_COLOR", "TERM", "COLUMNS")
"""The variables that affect the styles."""
_LEAST = 40


def is_terminal(fd: int) -> bool:
    """Whether the descriptor is a terminal (a closed one is not)."""
    return os.isatty(fd)


class Styler:
    """
    Standard output and standard error: whether each has colour and is a terminal, and `width`, the cells of
    a line.
    """

    __slots__ = ("_colour", "_terminal", "width")

    def __init__(self, environ: Mapping[str, str], *, no_color: bool = False) -> None:
        plain = no_color or bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        self._terminal = is_terminal(1), is_terminal(2)
        self._colour = (False, False) if plain else self._terminal
        self.width = _width(environ)

    def is_terminal(self, *, err: bool = False) -> bool:
        return self._terminal[err]

    def has_colour(self, *, err: bool = False) -> bool:
        return self._colour[err]

    def styled(self, text: str, style: str, *, err: bool = False) -> str:
        """The text in one of the styles, if the stream has colour."""
        if not self._colour[err] or style not in STYLES:
            return text
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m"

    def state(self, word: str, *, err: bool = False) -> str:
        """A state's word (`readable`, `write_only`, `failed`, ...) in its colour."""
        return self.styled(word.replace("_", "-"), STATES.get(word, "dim"), err=err)


def of_process(environ: Mapping[bytes, bytes]) -> Styler:
    """The `Styler` of this process's streams, by its environment as bytes."""
    return Styler(
        {name: os.fsdecode(environ[name.encode()]) for name in VARIABLES if name.encode() in environ}
    )


def _width(environ: Mapping[str, str]) -> int:
    for fd in (1, 2):
        try:
            return max(os.get_terminal_size(fd).columns, _LEAST)
        except OSError:
            continue
    columns = environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) >= _LEAST else 80
