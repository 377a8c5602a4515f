"""Running blocking work in a thread that stops when its task is cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from sophia_secrets.process import Cancel

T = TypeVar("T")


async def run_in_thread(work: Callable[[Cancel], T]) -> T:
    """
    Return or raise what `work` does, without blocking the event loop.

    The thread is a daemon, so the interpreter does not wait for it at exit. When the awaiting task is
    cancelled, so is the `Cancel` passed to `work`.
    """
    cancel = Cancel()
    loop = asyncio.get_running_loop()
    outcome = _Outcome(lambda: work(cancel))
    done = loop.create_future()

    def finished() -> None:
        if not done.done():
            done.set_result(None)

    def thread() -> None:
        outcome.run()
        try:
            loop.call_soon_threadsafe(finished)
        except RuntimeError:  # the loop was closed: nobody waits any more
            return

    threading.Thread(target=thread, name="sophia-secrets", daemon=True).start()
    try:
        await done
    except asyncio.CancelledError:
        cancel.cancel()
        raise
    return outcome.take()


class _Outcome(Generic[T]):
    """The result or the exception of work in another thread; its `repr` shows neither."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._results: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001  handed to the caller, whatever it is
            self._error = error

    def take(self) -> T:
        if self._error is not None:
            raise self._error
        return self._results.pop()
