"""How far a walk along a long log is, on a terminal's standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sophia_secrets.cli import streams
from sophia_secrets.cli.console import Console
from sophia_secrets.core.count import counted
from sophia_secrets.operations.session import Session
from sophia_secrets.state import chain

PATIENCE = 0.5
"""Seconds before anything is shown: what is done by then needs no bar."""
_PACE = 0.1
_CELLS = 24


class Bar:
    """
    A line that is written again and again, and taken away by `clear`.

    `total` is how many events are to come, 0 where that is not known; `clock` gives seconds.
    Nothing but blanks and carriage returns moves the cursor.
    """

    def __init__(
        self,
        what: str,
        total: int,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._total = total
        self._say = say
        self._clock = clock
        self._next = clock() + PATIENCE
        self._shown = 0

    def update(self, count: int) -> None:
        """Show that so many events are done, if it is time to."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + _PACE
        text = f"{self._what}  {counted(count, 'event')}"
        if self._total:
            done = min(count / self._total, 1.0)
            filled = int(done * _CELLS)
            text = (
                f"{self._what}  {'█' * filled}{'░' * (_CELLS - filled)}  {count:,} of {self._total:,} events"
            )
        self._say("\r" + text.ljust(self._shown))
        self._shown = max(self._shown, len(text))

    def clear(self) -> None:
        """Leave nothing of it."""
        if self._shown:
            self._say("\r" + " " * self._shown + "\r")
            self._shown = 0


@contextmanager
def progress(console: Console, session: Session, what: str) -> Iterator[Callable[[int], None] | None]:
    """The `update` of a bar as long as the log, where a person looks at standard error, else None."""
    if console.json or not streams.is_terminal(2):
        yield None
        return
    head = chain.scan_head(session.log.head())
    bar = Bar(what, head[0] if head is not None else 0, streams.say)
    try:
        yield bar.update
    finally:
        bar.clear()
