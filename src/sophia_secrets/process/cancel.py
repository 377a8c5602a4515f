"""Stopping a run from outside."""

from __future__ import annotations

import os
from typing import Self


class Cancel:
    """
    A wish to stop, which any thread or signal handler may express while a run goes on.

    One may serve several runs; it cannot be taken back. Holds two file descriptors until
    `close()` (or use it in a `with`); making it raises OSError where there are none left.
    """

    def __init__(self) -> None:
        self.cancelled = False
        self._reader = self._writer = -1
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)

    def cancel(self) -> None:
        """Stop: children are ended, and the run raises `errors.Interrupted`."""
        self.cancelled = True
        if self._writer >= 0:
            try:
                os.write(self._writer, b"!")
            except BlockingIOError:
                pass

    def fileno(self) -> int:
        """Readable from the first `cancel()` on."""
        return self._reader

    def close(self) -> None:
        """Give the descriptors back; no run may be using this any more."""
        reader, self._reader = self._reader, -1
        writer, self._writer = self._writer, -1
        for fd in (reader, writer):
            if fd >= 0:
                os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()
