"""
Output for people, in one visual language; the only module that imports rich.

No meaning is carried by colour alone: each state is a word too. Foreign text (names, targets, vendors'
messages) passes through `core.text.visible` here (faults I5, I6).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sophia_secrets.cli import streams
from sophia_secrets.cli.chosen import hints_with_options, with_options
from sophia_secrets.core.text import is_workflow_command, visible
from sophia_secrets.view import columns
from sophia_secrets.view.styling import Styler, is_terminal


class Console:
    """
    The output of the program: results on standard output, everything else on standard error.

    `chosen` are the options that chose the settings; a command that is told to type gets them too.
    """

    def __init__(self, *, json: bool, no_color: bool, environ: Mapping[str, str], chosen: str = "") -> None:
        self.json = json
        self._chosen = chosen
        self.styler = Styler(environ, no_color=no_color)
        self.interactive = is_terminal(0) and is_terminal(2)
        self._in_workflow = environ.get("GITHUB_ACTIONS") == "true"

    def style(self, text: str, style: str, *, err: bool = False) -> str:
        """The text in one of the styles, if the stream has colour."""
        return self.styler.styled(text, style, err=err)

    @property
    def width(self) -> int:
        """The width of a line, in cells."""
        return self.styler.width

    def state(self, word: str, *, err: bool = False) -> str:
        """A state's word (`readable`, `write_only`, `failed`, ...) in its colour."""
        return self.styler.state(word, err=err)

    def print(self, text: str = "") -> None:
        """Print a line of the answer."""
        streams.deliver(self._guard(text + "\n").encode("utf-8", "replace"))

    def answer(self, shape: object) -> None:
        """Print the answer as one line of JSON."""
        import json

        self.print(json.dumps(hints_with_options(shape, self._chosen)))

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
        """Print a line to standard error, without a label; already made visible."""
        streams.say(self._guard(text + "\n"))

    def _tell(self, label: str, style: str, text: str) -> None:
        self.say(f"{self.style(label + ':', style, err=True)} {visible(with_options(text, self._chosen))}")

    def _guard(self, text: str) -> str:
        """In a workflow, indent lines that would be workflow commands (G2)."""
        if not self._in_workflow or ("::" not in text and "##[" not in text):
            return text
        return "\n".join(" " + line if is_workflow_command(line) else line for line in text.split("\n"))

    def item(self, label: str, text: str) -> None:
        """Print a labelled sentence of the answer; on a terminal it is wrapped with a hanging indent."""
        indent = columns.cells(label)
        text = with_options(text, self._chosen)
        lines = columns.wrap(text, self.width - indent) if self.styler.is_terminal() else [text]
        self.print(label + f"\n{' ' * indent}".join(lines))

    def prose(self, text: str, *, err: bool = False) -> None:
        """Print a sentence of the answer; on a terminal it is wrapped."""
        width = self.width if self.styler.is_terminal(err=err) else None
        wrapped = "\n".join(columns.wrap(text, width)) if width is not None else text
        if err:
            self.say(wrapped)
        else:
            self.print(wrapped)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], *, err: bool = False) -> None:
        """Print a table; see `view.columns.table`."""
        text = columns.table(heads, rows, self.styler, err=err)
        if err:
            self.say(text)
        else:
            self.print(text)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show a spinner on a terminal while waiting for a vendor; nothing elsewhere."""
        if self.json or not self.styler.has_colour(err=True):
            yield
            return
        from rich.console import Console as RichConsole
        from rich.status import Status
        from rich.text import Text

        console = RichConsole(file=sys.stderr, stderr=True)
        with Status(Text(visible(what)), console=console, spinner="dots"):
            yield

    def confirm(self, question: str) -> bool:
        """Ask for confirmation on the terminal; without one the answer is no."""
        if not self.interactive:
            return False
        typed = b""
        try:
            streams.say(f"{visible(question)} [y/N] ")
            typed = os.read(0, 1024)
        finally:
            if not typed.endswith(b"\n"):
                streams.say("\n")
        return typed.decode("utf-8", "replace").strip().lower() in ("y", "yes")
