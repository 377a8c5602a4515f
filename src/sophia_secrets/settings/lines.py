"""The lines of the keys of a TOML text, for messages and sources."""

from __future__ import annotations

import re

_PART = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))[ \t]*""")
_TOKEN = re.compile(r'"""|' + "'''" + r"""|"(?:[^"\\]|\\.)*"|'[^']*'|[\[\]{}#]""")

Path = tuple[str, ...]


class Lines:
    """
    The lines (from 1) of the tables and keys of a valid TOML text.

    A key inside an inline table has the line of that table's own key.
    """

    __slots__ = ("_at",)

    def __init__(self, text: str) -> None:
        self._at: dict[Path, int] = {}
        table: Path = ()
        quotes, depth = "", 0
        for number, line in enumerate(text.split("\n"), 1):
            value = line
            if not quotes and not depth:
                header = line.lstrip(" \t").startswith("[")
                parts, rest = _dotted(line.lstrip(" \t["))
                if header:
                    table = parts
                    self._keep(table, number)
                    continue
                if parts and rest.startswith("="):
                    self._keep((*table, *parts), number)
                    value = rest
            quotes, depth = _left_open(value, quotes, depth)

    def _keep(self, path: Path, number: int) -> None:
        for length in range(1, len(path) + 1):
            self._at.setdefault(path[:length], number)

    def find(self, path: Path) -> int:
        """The line of the key, or of the nearest enclosing table; 0 where there is none."""
        for length in range(len(path), 0, -1):
            number = self._at.get(path[:length])
            if number is not None:
                return number
        return 0


def _dotted(text: str) -> tuple[Path, str]:
    """The dotted key at the start of the text, and the rest."""
    parts: list[str] = []
    position = 0
    while True:
        found = _PART.match(text, position)
        if found is None:
            return (), ""
        parts.append(next(each for each in found.groups() if each is not None))
        position = found.end()
        if text[position : position + 1] != ".":
            return tuple(parts), text[position:]
        position += 1


def _left_open(text: str, quotes: str, depth: int) -> tuple[str, int]:
    """The quotes and the number of brackets that are open at the end of the line."""
    position = 0
    while True:
        if quotes:
            end = text.find(quotes, position)
            if end < 0:
                return quotes, depth
            quotes, position = "", end + 3
        found = _TOKEN.search(text, position)
        if found is None or found.group() == "#":
            return quotes, depth
        position = found.end()
        match found.group():
            case '"""' | "'''" as opened:
                quotes = opened
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
            case _:
                pass
