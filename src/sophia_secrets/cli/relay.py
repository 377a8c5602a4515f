"""Relaying the output of a supervised command, with secret values masked."""

from __future__ import annotations

import errno
import os
import select
import time
from collections.abc import Callable

from msgspec import Struct

from sophia_secrets.cli import streams
from sophia_secrets.core.redact import Masker

_CHUNK = 65536
_DRAIN = 0.25
"""Seconds after the command's end for processes that it left behind to end their output."""
_LAST = 262144
"""An upper bound for the command's own output that is still unread at its end: more than its pipes hold."""


class _Output(Struct, frozen=True):
    goal: int
    masker: Masker


class Relay:
    """The command's outputs, each read from a pipe or pseudo-terminal and written to its destination."""

    def __init__(self, masker: Callable[[], Masker]) -> None:
        self._masker = masker
        self._outputs: dict[int, _Output] = {}

    def add(self, source: int, goal: int) -> None:
        """Take ownership of the descriptor `source`, which is closed at the end of its output."""
        self._outputs[source] = _Output(goal, self._masker())

    def sources(self) -> list[int]:
        """The descriptors to wait on."""
        return list(self._outputs)

    def __contains__(self, source: int) -> bool:
        return source in self._outputs

    def pass_on(self, source: int) -> int:
        """Relay what one output has; returns the number of bytes."""
        output = self._outputs[source]
        try:
            chunk = os.read(source, _CHUNK)
        except BlockingIOError:
            return 0
        except OSError:  # the last process has closed the pseudo-terminal
            chunk = b""
        shown = output.masker.feed(chunk) if chunk else output.masker.flush()
        if not _write(output.goal, shown) or not chunk:
            # Where the reader is gone, the command gets a broken pipe, as it would without us.
            del self._outputs[source]
            os.close(source)
        return len(chunk)

    def pass_on_ready(self) -> None:
        """Relay what is available now."""
        while ready := select.select(self.sources(), [], [], 0)[0]:
            if not sum(self.pass_on(source) for source in ready):
                return

    def finish(self) -> None:
        """After the command's end, relay all that it wrote; processes left behind have a moment to end."""
        until = time.monotonic() + _DRAIN
        last = 0
        while self._outputs:
            left = until - time.monotonic()
            ready, _, _ = select.select(self.sources(), [], [], max(left, 0))
            if not ready or (left <= 0 and last > _LAST):
                break
            last += sum(self.pass_on(source) for source in ready)
        for output in self._outputs.values():
            _write(output.goal, output.masker.flush())


def _write(fd: int, data: bytes) -> bool:
    """Write all data; False where the destination is closed."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            select.select([], [fd], [])
        except OSError as problem:
            if problem.errno not in (errno.EPIPE, errno.EIO):
                streams.say(f"error: The output could not be written: {os.strerror(problem.errno or 0)}.\n")
            return False
    return True
