"""
A start of the program that misses: what one vendor has to be asked for.

Where another process asks it already, this one waits here, where waiting costs little, and then
finds its answer in the cache (X1). Where it is this one's turn, the vendor's program is started
before the rest of this program is imported, as the route says.

What comes of it otherwise (the turn to ask, or the failure that is shared) is left for the whole
program, which meets it where it would have waited itself: see `state.flight`.
"""

from __future__ import annotations

import os
import time

from sophia_secrets import hot
from sophia_secrets.state import flight, keys, route_form
from sophia_secrets.state.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sophia_secrets.hot.run import Ready

PATIENCE = 32.0
"""Seconds of waiting; the whole program then goes on as its settings say."""


def answer(
    arguments: list[str], environ: Mapping[bytes, bytes], clock: Callable[[], float] = time.time
) -> bytes | None:
    """
    As `hot.answer`, once another process has stored what is missing; None where there is none, or
    where one vendor's record is not all that is missing.

    With a terminal for standard error nobody waits here: a person is told what is waited for.
    """
    name, _ = hot.parse_get(arguments)
    if not name or not _was_stored_meanwhile(environ, clock, lambda start: hot.walk(start, name)):
        return None
    return hot.answer(arguments, environ, clock)


def prepare(
    words: list[str], environ: Mapping[bytes, bytes], clock: Callable[[], float] = time.time
) -> Ready | None:
    """As `hot.run.prepare`, in the way of `answer`."""
    from sophia_secrets.hot import run

    if not words or not _was_stored_meanwhile(environ, clock, lambda start: run.choose(start, words)):
        return None
    return run.prepare(words, environ, clock)


def _was_stored_meanwhile(
    environ: Mapping[bytes, bytes], clock: Callable[[], float], ask: Callable[[hot.Start], object]
) -> bool:
    """Whether the one record that it lacked was stored by another process meanwhile."""
    if b"GITHUB_ACTIONS" in environ:
        return False
    try:
        start = hot.Start(environ, clock)
        member = _missing(start, ask)
        return member is not None and _wait_for_other(start, member)
    except Exception:  # noqa: BLE001  whatever it is, the whole program meets it too and says what it is
        return False


def _missing(start: hot.Start, ask: Callable[[hot.Start], object]) -> route_form.Member | None:
    """The vendor for want of whose record alone the hot path did not answer."""
    try:
        ask(start)
    except hot.Missing as miss:
        missing = [member for member in start.route.members if _is_missing(start, member)]
        return miss.member if len(missing) == 1 else None
    return None


def _is_missing(start: hot.Start, member: route_form.Member) -> bool:
    if member.kind != route_form.VENDOR:
        return False
    record = start.record(member)
    return record is None or not record.fresh


def _wait_for_other(start: hot.Start, member: route_form.Member) -> bool:
    until = None if os.isatty(2) else time.monotonic() + PATIENCE
    found = start.cache.lead(member.identity, until)
    if isinstance(found, flight.Waiting):
        found.close()
        return False
    if isinstance(found, Record):
        return True
    if isinstance(found, flight.Lead):
        if found.problem:
            return False
        _start_vendor(start, member)
    flight.leave(start.cache, member.identity, found)
    return False


def _start_vendor(start: hot.Start, member: route_form.Member) -> None:
    if not member.call:
        return
    from sophia_secrets.launch import ahead, termination
    from sophia_secrets.state import route_call

    plan = route_call.decode(member.call, keys.derive(start.master, b"route"), start.environ)
    if plan is not None:
        termination.defer()
        try:
            ahead.begin(plan, start.state)
        except (OSError, ValueError, NotImplementedError):
            pass  # the whole program says what it is, when it starts it
