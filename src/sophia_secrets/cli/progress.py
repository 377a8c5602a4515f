"""A progress bar: one line on a terminal's standard error, erased when the work is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from sophia_secrets.cli import streams
from sophia_secrets.cli.console import Console
from sophia_secrets.core.text import visible
from sophia_secrets.view import columns

PATIENCE = 0.5
"""Seconds before the bar is shown, so that short tasks show none."""
_PACE = 0.1
_CELLS = 24
_LEAST = 10


class Bar:
    """
    A line that is rewritten at each update, and erased by `clear`.

    `total` is the number of `unit`, 0 if unknown; `clock` gives seconds, and nothing is shown in the
    first `patience` of them. It is never wider than `width` cells, and uses only spaces and carriage
    returns to move the cursor.
    """

    def __init__(
        self,
        what: str,
        total: int,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        unit: str = "events",
        width: int = 80,
        patience: float = PATIENCE,
    ) -> None:
        self._what = what
        self._total = total
        self._say = say
        self._clock = clock
        self._unit = unit
        self._width = width - 1
        self._next = clock() + patience
        self._shown = 0

    def update(self, count: int) -> None:
        """Show the number done so far, if an update is due."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + _PACE
        text = self._text(count)
        self._say("\r" + text + " " * max(0, self._shown - columns.cells(text)))
        self._shown = max(self._shown, columns.cells(text))

    def _text(self, count: int) -> str:
        state = f"  {count:,} {self._unit}"
        if self._total:
            state = f"  {count:,} of {self._total:,} {self._unit}"
            if _CELLS + len(state) + _LEAST < self._width:
                filled = int(min(count / self._total, 1.0) * _CELLS)
                state = f"  {'█' * filled}{'░' * (_CELLS - filled)}{state}"
        return columns.wrap(self._what, max(_LEAST, self._width - len(state)))[0] + state

    def clear(self) -> None:
        """Erase the line."""
        if self._shown:
            self._say("\r" + " " * self._shown + "\r")
            self._shown = 0


@contextmanager
def _shown(
    console: Console, what: str, total: int, unit: str, *, at_once: bool
) -> Iterator[Callable[[int], None]]:
    if console.json or not console.styler.is_terminal(err=True):
        yield lambda _: None
        return
    bar = Bar(
        visible(what), total, streams.say, unit=unit, width=console.width, patience=0 if at_once else PATIENCE
    )
    try:
        yield bar.update
    finally:
        bar.clear()


def worker(
    console: Console,
) -> Callable[[str, int, str, bool], AbstractContextManager[Callable[[int], None]]]:
    """The `Session.on_work` of this console: a progress bar on a terminal, else nothing."""
    return lambda what, total, unit, at_once: _shown(console, what, total, unit, at_once=at_once)
