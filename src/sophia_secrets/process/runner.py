"""Driving the backends' steps: all calls in parallel, in one loop of the calling thread."""

from __future__ import annotations

import select
import signal
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from math import ceil
from time import monotonic
from types import MappingProxyType
from typing import Generic, TypeVar

from msgspec import Struct

from sophia_secrets.backends.base import Call, Completed, Ended, Steps
from sophia_secrets.errors import Interrupted
from sophia_secrets.launch import ahead, termination
from sophia_secrets.launch.private import PrivateDirectory
from sophia_secrets.process.cancel import Cancel
from sophia_secrets.process.child import GIVE_UP, GRACE, Child, Phase
from sophia_secrets.process.start import StartedCall, Starter

LONGEST_WAIT = 3600.0
"""Seconds after which the loop polls again even if nothing happened (poll has no infinite float)."""

K = TypeVar("K")
T = TypeVar("T")

_DEFAULT_PROGRAMS: Mapping[str, str | None] = MappingProxyType({})


class Event(Struct, frozen=True):
    """
    A call started (`ended` is None) or ended, for the debug log and for spinners.

    `path` is the program's ("" where none was found), `seconds` how long the call took.
    """

    label: str
    path: str
    ended: Ended | None = None
    code: int = 0
    seconds: float = 0.0
    detail: str = ""

    def __str__(self) -> str:
        if self.ended is None:
            return f"starting {self.path or self.label} ({self.label})"
        how = f"{self.ended.value} {self.code}" if self.ended is Ended.EXITED else self.ended.value
        return f"{self.label}: {how} after {self.seconds:.2f} s {self.detail}".rstrip()


Observe = Callable[[Event], None]


def run_all(
    steps: Mapping[K, Steps[T]],
    *,
    programs: Mapping[str, str | None] = _DEFAULT_PROGRAMS,
    path: str,
    deadline: float | None = None,
    cancel: Cancel | None = None,
    limit: int = 8,
    observe: Observe | None = None,
    parent: str | None = None,
) -> dict[K, T]:
    """
    Drive every generator to its end and return what each returned, in the order of `steps`.

    `programs` gives a command name (`gh`, `pulumi`, `fly`) an explicit path; others are
    looked up in `path`, the text of a PATH variable. `deadline` (monotonic seconds) bounds
    everything, besides each call's own timeout: a call that has not started by then is `TIMED_OUT`. At
    most `limit` children run at once. `observe` is called at each start and end. `parent` is the
    preferred place of private directories.

    A call that fails is a `Completed`, never an exception. An exception from a generator,
    `errors.Interrupted` after `cancel` and `KeyboardInterrupt` stop all children (SIGTERM, two
    seconds, SIGKILL), close all generators and propagate. In every case each child is reaped, each
    descriptor closed and each private directory removed.
    """
    started = ahead.take()
    private = started.private if started is not None else PrivateDirectory(parent)
    starter = Starter(programs, path, deadline, private, started)
    try:
        return _Loop(steps, starter, cancel=cancel, limit=limit, observe=observe).run()
    finally:
        starter.close()
        private.remove()


def run(
    steps: Steps[T],
    *,
    programs: Mapping[str, str | None] = _DEFAULT_PROGRAMS,
    path: str,
    deadline: float | None = None,
    cancel: Cancel | None = None,
    observe: Observe | None = None,
    parent: str | None = None,
) -> T:
    """`run_all` for one generator."""
    done = run_all(
        {"": steps},
        programs=programs,
        path=path,
        deadline=deadline,
        cancel=cancel,
        observe=observe,
        parent=parent,
    )
    return done[""]


class _Loop(Generic[K, T]):
    def __init__(
        self,
        steps: Mapping[K, Steps[T]],
        starter: Starter,
        *,
        cancel: Cancel | None,
        limit: int,
        observe: Observe | None,
    ) -> None:
        self._steps = steps
        self._starter = starter
        self._cancel = cancel
        self._limit = limit
        self._observe = observe
        self._waiting: deque[tuple[K, Call]] = deque()
        self._running: list[tuple[K, StartedCall]] = []
        self._results: dict[K, T] = {}

    def run(self) -> dict[K, T]:
        with ExitStack() as last:
            for one in self._steps.values():
                last.callback(one.close)
            last.callback(self._end_all)
            for key in self._steps:
                self._advance(key, None)
            while self._waiting or self._running:
                self._check_cancelled()
                self._start_waiting()
                self._poll()
            return {key: self._results[key] for key in self._steps}

    def _advance(self, key: K, completed: Completed | None) -> None:
        one = self._steps[key]
        try:
            call = next(one) if completed is None else one.send(completed)
        except StopIteration as end:
            self._results[key] = end.value
        else:
            self._waiting.append((key, call))

    def _check_cancelled(self) -> None:
        if termination.is_due():
            raise termination.Terminated
        if self._cancel is not None and self._cancel.cancelled:
            raise Interrupted("stopped before it was done")

    def _start_waiting(self) -> None:
        while self._waiting and len(self._running) < self._limit:
            key, call = self._waiting.popleft()
            started = self._starter.start(call)
            if isinstance(started, Completed):
                self._notify(_ended(call, started, 0.0))
                self._advance(key, started)
            else:
                self._running.append((key, started))
                self._notify(Event(_label(call), started.child.program))

    def _poll(self) -> None:
        """Wait until something happens to a child, and handle it."""
        if not self._running:
            return
        self._check_cancelled()
        children = [started.child for _, started in self._running]
        seconds = min(child.alarm for child in children) - monotonic()
        cancel = [] if self._cancel is None else [self._cancel.fileno()]
        ready = _wait([*cancel, *(fd for child in children for fd in child.open_fds())], seconds)
        now = monotonic()
        for child in children:
            _handle_ready(child, ready, now)
        self._check_cancelled()
        for key, started in [one for one in self._running if one[1].child.phase is Phase.OVER]:
            started.close()
            self._running.remove((key, started))
            completed = started.child.completed()
            self._notify(_ended(started.child.call, completed, monotonic() - started.at))
            self._advance(key, completed)

    def _notify(self, event: Event) -> None:
        if self._observe is not None:
            self._observe(event)

    def _end_all(self) -> None:
        """Stop and reap every child that is left, whatever happens meanwhile."""
        children = [started.child for _, started in self._running]
        try:
            for child in children:
                child.signal(signal.SIGTERM)
            _wait_for_exits(children, GRACE)
        finally:
            try:
                for child in children:
                    child.signal(signal.SIGKILL)
                _wait_for_exits(children, GIVE_UP)
            finally:
                for _, started in self._running:
                    started.close()
                self._running.clear()


def _handle_ready(child: Child, ready: frozenset[int], now: float) -> None:
    # Output is read before the exit is handled, so that none is lost.
    for fd in child.open_fds():
        if fd in ready:
            if fd == child.exit_fd:
                child.on_exit(now)
            else:
                child.read(fd, now)
    if now >= child.alarm and child.phase is not Phase.OVER:
        child.on_alarm(now)


def _label(call: Call) -> str:
    return call.label or call.program


def _ended(call: Call, completed: Completed, seconds: float) -> Event:
    return Event(_label(call), completed.path, completed.ended, completed.code, seconds, completed.detail)


def _wait(fds: Iterable[int], seconds: float) -> frozenset[int]:
    """Wait at most `seconds`; the descriptors that are readable or closed at the other end."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return frozenset(fd for fd, _ in poll.poll(ceil(min(max(seconds, 0), LONGEST_WAIT) * 1000)))


def _wait_for_exits(children: Iterable[Child], seconds: float) -> None:
    left = {child.exit_fd: child for child in children if not child.gone}
    until = monotonic() + seconds
    while left and monotonic() < until:
        for fd in _wait(left, until - monotonic()):
            left.pop(fd).on_exit(monotonic())
