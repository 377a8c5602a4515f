"""
Being told to end (Ctrl-C, SIGTERM, SIGHUP), as an exception that comes when it can be answered.

So a vendor's program that is at work is ended, its private directories go, and a write that was
under way is on record, before this process ends by the same signal. A second one ends it at once.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # `signal` itself makes enumerations of it

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_deferred: list[int] = []
_raised: list[int] = []


class Terminated(KeyboardInterrupt):
    """This process was told to end."""


def defer() -> None:
    """From now on the signals wait for `release`; one that is ignored stays ignored (`nohup`)."""
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _keep)


def release() -> None:
    """From now on what was held raises `Terminated` in the main thread; nothing happens where nothing was to be held."""
    for number in _SIGNALS:
        if signal.getsignal(number) is _keep:
            signal.signal(number, _raise)
    if _deferred:
        _raise(_deferred.pop(), None)


def end_at_once() -> None:
    """From now on the signals end this process at once."""
    for number in _SIGNALS:
        if signal.getsignal(number) in (_keep, _raise):
            signal.signal(number, _end)


def end_by_signal() -> None:
    """End by the signal that came, so that whoever started this process sees it; Ctrl-C has an exit code of its own."""
    for number in (*_raised, *_deferred):
        if number != signal.SIGINT:
            _end(number, None)


def _end(number: int, _frame: object) -> None:
    # Not set before it comes: Python tells of a signal that came just before its handler was taken away.
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _keep(number: int, _frame: object) -> None:
    _deferred.append(number)


def _raise(number: int, _frame: object) -> None:
    end_at_once()
    _raised.append(number)
    raise Terminated
