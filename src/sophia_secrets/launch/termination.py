"""
Termination signals (Ctrl-C, SIGTERM, SIGHUP) as an exception, raised when it can be handled.

So a running vendor's program is stopped, its private directories are removed and a write in progress
is on record before this process ends by the same signal. A second signal ends it at once.
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
    """A signal asked this process to end."""


def defer() -> None:
    """From now on the signals are kept for `release`; one that is ignored stays ignored (`nohup`)."""
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _keep)


def release() -> None:
    """From now on a signal, or one kept since `defer`, raises `Terminated` in the main thread; no effect without `defer`."""
    for number in _SIGNALS:
        if signal.getsignal(number) is _keep:
            signal.signal(number, _raise)
    if _deferred:
        _raise(_deferred.pop(), None)


def is_due() -> bool:
    """
    Whether a signal has raised `Terminated`.

    Python drops an exception that comes in a finalizer or a callback of a weak reference, such as
    those of its import locks: so whoever is about to wait for long asks here first.
    """
    return bool(_raised)


def end_at_once() -> None:
    """From now on the signals end this process at once."""
    for number in _SIGNALS:
        if signal.getsignal(number) in (_keep, _raise):
            signal.signal(number, _end)


def end_by_signal() -> None:
    """End by the signal that was received, so that the parent sees it; Ctrl-C has an exit code of its own."""
    for number in (*_raised, *_deferred):
        if number != signal.SIGINT:
            _end(number, None)


def _end(number: int, _frame: object) -> None:
    # Not set earlier: Python reports a signal that came just before its handler was removed.
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _keep(number: int, _frame: object) -> None:
    _deferred.append(number)


def _raise(number: int, _frame: object) -> None:
    end_at_once()
    _raised.append(number)
    raise Terminated
