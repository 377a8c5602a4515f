"""Request coalescing: concurrent reads share one pass over the chain."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection, Sequence

from sophia_secrets.operations.reading import ReadResult

Read = Callable[[list[str], bool, list[str]], Awaitable[ReadResult]]
"""Reads names, with or without the cache; the last argument are the optional names."""


class Coalescer:
    """
    Collects the names requested in one iteration of an event loop and reads them together.

    Usable from several event loops and threads; each loop has its own batches.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._batches: dict[tuple[int, bool], _Batch] = {}
        self._lock = threading.Lock()

    async def read(self, names: Sequence[str], use_cache: bool, optional: Collection[str]) -> ReadResult:
        """
        The result of the batch with these names.

        Raises the refusal of one of these names, never of another caller's name.
        """
        loop = asyncio.get_running_loop()
        key = (id(loop), use_cache)
        with self._lock:
            batch = self._batches.get(key)
            if batch is None or batch.started:
                batch = self._batches[key] = _Batch()
                batch.task = loop.create_task(self._run(key, batch, use_cache))
            for name in names:
                batch.names[name] = batch.names.get(name, True) and name in optional
            batch.waiting += 1
        try:
            reading = await asyncio.shield(batch.task)
        except asyncio.CancelledError:
            batch.waiting -= 1
            if batch.waiting == 0:
                batch.task.cancel()
            raise
        for name in names:
            if name in reading.refusals:
                raise reading.refusals[name]
        return reading

    async def _run(self, key: tuple[int, bool], batch: _Batch, use_cache: bool) -> ReadResult:
        await asyncio.sleep(0)
        with self._lock:
            batch.started = True
            if self._batches.get(key) is batch:
                del self._batches[key]
        optional = [name for name, is_optional in batch.names.items() if is_optional]
        return await self._read(list(batch.names), use_cache, optional)


class _Batch:
    """Names to read together; true for those that are optional for every caller."""

    def __init__(self) -> None:
        self.names: dict[str, bool] = {}
        self.started = False
        self.waiting = 0
        self.task: asyncio.Task[ReadResult]
