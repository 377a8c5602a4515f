"""A settings file after parsing and before validation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.core.hidden_repr import HiddenRepr

if TYPE_CHECKING:
    from sophia_secrets.settings.lines import Lines, Path


class Document(HiddenRepr, Struct, frozen=True, dict=True):
    """
    A settings file. `table` is our part of it: all, or `[tool.sophia-secrets]` (then `prefix`).

    `status` is that of the file that was read, which the path may no longer name.
    """

    path: str
    table: Mapping[str, object]
    text: str
    content: bytes
    status: os.stat_result
    prefix: Path = ()

    @cached_property
    def _lines(self) -> Lines:
        from sophia_secrets.settings.lines import Lines

        return Lines(self.text)

    @property
    def substance(self) -> bytes:
        """
        The content that is trusted: the whole file, or only our own table of `pyproject.toml`.

        Changing a comment in `sophia-secrets.toml` revokes trust; changing a dependency in
        `pyproject.toml` does not.
        """
        if not self.prefix:
            return self.content
        import json

        return json.dumps(self.table, sort_keys=True, default=str).encode()

    def place(self, path: Path) -> str:
        """`file:line` of a key."""
        line = self._lines.find((*self.prefix, *path))
        return f"{self.path}:{line}" if line else self.path

    def error(self, path: Path, problem: str, hint: str = "") -> errors.BadSettings:
        """The error for a key of this file."""
        return errors.BadSettings(f"{self.place(path)}: {problem}", hint=hint)


def parse(path: str, content: bytes, status: os.stat_result) -> Document:
    """The parsed document. Raises `errors.BadSettings` with the line's number, never its text."""
    try:
        text: str | None = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = None
        line = content.count(b"\n", 0, error.start) + 1
    if text is None:
        raise errors.BadSettings(f"{path}:{line}: this is not UTF-8 text.", hint="Save the file as UTF-8.")
    if not text.strip():
        return Document(path, {}, text, content, status)
    import tomllib

    table: dict[str, object] | None = None
    words = ""
    try:
        table = tomllib.loads(text)
    except RecursionError:
        words = "It is nested too deeply (at line 1, column 1)"
    except ValueError as error:
        words = str(error)
    # Outside the handler: the parser's own error may hold the text of the file (L3).
    if table is None:
        line, reason = _reason(words, text)
        raise errors.BadSettings(
            f"{path}:{line}: this is not TOML: {reason}.", hint="Correct that line; https://toml.io says how."
        )
    return Document(path, table, text, content, status)


def _reason(words: str, text: str) -> tuple[int, str]:
    """The line and the parser's reason, without any text of the file."""
    reason, _, at = words.partition(" (at ")
    number = at.removeprefix("line ").partition(",")[0]
    line = int(number) if number.isdecimal() else text.count("\n") + 1
    if reason.startswith(("Cannot", "Duplicate")):
        return line, "a key or table is given twice"
    if not reason.startswith(("Expected", "It is")):
        reason = reason.partition("'")[0].partition('"')[0].partition("(")[0].strip()
    return line, reason[:1].lower() + reason[1:80] if at else "a value cannot be read"
