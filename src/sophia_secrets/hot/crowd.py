"""
Many starts of the program that miss at once: one of them goes on to ask the vendor, the others
wait here, where waiting costs little, and then find its answer in the cache (X1).

What comes of the wait otherwise (the turn to ask, or the failure that is shared) is left for the
whole program, which meets it where it would have waited itself: see `state.flight`.
"""

from __future__ import annotations

import os
import time

from sophia_secrets import hot
from sophia_secrets.state import flight, route_form
from sophia_secrets.state.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    name, _ = hot.asked(arguments)
    if not name or b"GITHUB_ACTIONS" in environ or os.isatty(2):
        return None
    try:
        start = hot.Start(environ, clock)
        missing = [member for member in start.route.members if _is_missing(start, member)]
        if len(missing) != 1 or _has_answer(start, name) or not _another_stored(start, missing[0]):
            return None
    except Exception:  # noqa: BLE001  whatever it is, the whole program meets it too and says what it is
        return None
    return hot.answer(arguments, environ, clock)


def _is_missing(start: hot.Start, member: route_form.Member) -> bool:
    if member.kind != route_form.VENDOR:
        return False
    record = start.record(member)
    return record is None or not record.fresh


def _has_answer(start: hot.Start, name: str) -> bool:
    """Whether it was not for want of a record that the hot path did not answer."""
    try:
        hot.walk(start, name)
    except hot.Missing:
        return False
    return True


def _another_stored(start: hot.Start, member: route_form.Member) -> bool:
    found = start.cache.lead(member.identity, time.monotonic() + PATIENCE)
    if isinstance(found, flight.Waiting):
        found.close()
        return False
    if isinstance(found, Record):
        return True
    if not isinstance(found, flight.Lead) or not found.problem:
        flight.leave(start.cache, member.identity, found)
    return False
