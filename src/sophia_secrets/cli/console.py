"""
What a person sees: one visual language, and the one place that imports rich.

Colour is never the only carrier of a meaning: each state is a word too. Everything foreign
(names, targets, vendors' words) passes `core.text.visible` here (faults I5, I6).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sophia_secrets.cli import columns, streams
from sophia_secrets.core.text import visible

STYLES = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "strong": "1", "name": "36"}

_STATES = {
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


class Console:
    """Where the program speaks: results on standard output, everything else on standard error."""

    def __init__(self, *, json: bool, no_color: bool, environ: Mapping[str, str]) -> None:
        self.json = json
        plain = no_color or bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        self.interactive = streams.is_terminal(0) and streams.is_terminal(2)
        self._colour_out = streams.is_terminal(1) and not plain
        self._colour_err = streams.is_terminal(2) and not plain
        self._in_workflow = environ.get("GITHUB_ACTIONS") == "true"
        self.width = _width(environ)

    def style(self, text: str, style: str, *, err: bool = False) -> str:
        """The text in one of the styles of the visual language, where there is colour."""
        if not (self._colour_err if err else self._colour_out) or style not in STYLES:
            return text
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m"

    def state(self, word: str, *, err: bool = False) -> str:
        """A state's word (`readable`, `write_only`, `failed`, ...) in its colour."""
        return self.style(word.replace("_", "-"), _STATES.get(word, "dim"), err=err)

    def print(self, text: str = "") -> None:
        """A line of the answer."""
        streams.deliver(self._guard(text + "\n").encode("utf-8", "replace"))

    def answer(self, shape: object) -> None:
        """The answer as one line of JSON."""
        import json

        self.print(json.dumps(shape))

    def note(self, text: str) -> None:
        self._tell("note", "dim", text)

    def warn(self, text: str, hint: str = "") -> None:
        self._tell("warning", "warn", text)
        if hint:
            self.hint(hint)

    def hint(self, text: str) -> None:
        self._tell("hint", "name", text)

    def error(self, message: str, hint: str = "") -> None:
        self._tell("error", "bad", message)
        if hint:
            self.hint(hint)

    def say(self, text: str = "") -> None:
        """A line to the person, without a label; already made visible."""
        streams.say(self._guard(text + "\n"))

    def _tell(self, label: str, style: str, text: str) -> None:
        self.say(f"{self.style(label + ':', style, err=True)} {visible(text, keep_lines=True)}")

    def _guard(self, text: str) -> str:
        """Nothing we print in a workflow can be read as a workflow command (G2)."""
        if not self._in_workflow or ("::" not in text and "##[" not in text):
            return text
        lines = text.split("\n")
        return "\n".join(
            " " + line if line.lstrip().startswith("::") or "##[" in line else line for line in lines
        )

    def item(self, label: str, text: str) -> None:
        """A labelled sentence of the answer; on a terminal it goes on below itself, not below the label."""
        indent = columns.cells(label)
        lines = columns.wrap(text, self.width - indent) if streams.is_terminal(1) else [text]
        self.print(label + f"\n{' ' * indent}".join(lines))

    def prose(self, text: str, *, err: bool = False) -> None:
        """A sentence of the answer; on a terminal it is broken between words."""
        width = self.width if streams.is_terminal(2 if err else 1) else None
        told = "\n".join(columns.wrap(text, width)) if width is not None else text
        if err:
            self.say(told)
        else:
            self.print(told)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], *, err: bool = False) -> None:
        """
        Columns by hand, fitted to the terminal: what does not fit goes on below, nothing is cut.

        Cells are (already styled) text; an empty row is a gap. Where there is no terminal each
        row is one line.
        """
        width = self.width if streams.is_terminal(2 if err else 1) else None
        lines = columns.lay_out([head.upper() for head in heads], rows, width)
        text = "\n".join([self.style(lines[0], "dim", err=err), *lines[1:]])
        if err:
            self.say(text)
        else:
            self.print(text)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """A spinner on a terminal while a vendor is waited for; nothing elsewhere."""
        if self.json or not streams.is_terminal(2) or not self._colour_err:
            yield
            return
        from rich.console import Console as RichConsole
        from rich.status import Status
        from rich.text import Text

        console = RichConsole(file=sys.stderr, stderr=True)
        with Status(Text(visible(what)), console=console, spinner="dots"):
            yield

    def confirm(self, question: str) -> bool:
        """Ask on the terminal; without one the answer is no."""
        if not self.interactive:
            return False
        streams.say(f"{visible(question)} [y/N] ")
        answer = os.read(0, 1024).decode("utf-8", "replace").strip().lower()
        return answer in ("y", "yes")


def _width(environ: Mapping[str, str]) -> int:
    for fd in (1, 2):
        try:
            return max(os.get_terminal_size(fd).columns, 40)
        except OSError:
            continue
    columns = environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) >= 40 else 80
