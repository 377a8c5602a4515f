"""Cancelling a run from outside."""

from __future__ import annotations

import os
from typing import Self


class Cancel:
    """
    A cancellation token, which any thread or signal handler may set while a run is in progress.

    One may serve several runs; it cannot be reset. It holds two file descriptors until `close()` (it
    is a context manager); creating it raises OSError where there are none left.
    """

    def __init__(self) -> None:
        self.cancelled = False
        self._reader = self._writer = -1
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)

    def cancel(self) -> None:
        """Cancel: children are stopped, and the run raises `errors.Interrupted`."""
        self.cancelled = True
        if self._writer >= 0:
            try:
                os.write(self._writer, b"!")
            except BlockingIOError:
                pass

    def fileno(self) -> int:
        """Becomes readable at the first `cancel()`."""
        return self._reader

    def close(self) -> None:
        """Close the descriptors; no run may still use this."""
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
