"""The progress bar of a command that reads the whole audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sophia_secrets.cli import streams
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.progress import Bar
from sophia_secrets.operations.session import Session
from sophia_secrets.state import chain


@contextmanager
def progress(console: Console, session: Session, what: str) -> Iterator[Callable[[int], None] | None]:
    """The `update` of a bar for the whole log where standard error is a terminal, else None."""
    if console.json or not console.styler.is_terminal(err=True):
        yield None
        return
    head = chain.parse_head(session.log.head())
    bar = Bar(what, head[0] if head is not None else 0, streams.say, width=console.width)
    try:
        yield bar.update
    finally:
        bar.clear()
