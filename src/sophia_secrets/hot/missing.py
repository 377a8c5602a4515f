"""
A cache miss on the hot path: one vendor must be queried.

If another process is querying it, this one waits here, where waiting is cheap, and then finds the
answer in the cache (X1). If this process leads, the vendor's program is started from the route before
the rest of this program is imported.

Any other result (the lead, or a shared failure) is left to the full program, which finds it where it
would have waited itself: see `state.flight`.
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
"""The most seconds of waiting; after it the full program goes on with its own limit."""


def answer(
    arguments: list[str], environ: Mapping[bytes, bytes], clock: Callable[[], float] = time.time
) -> bytes | None:
    """
    As `hot.answer`, after another process has stored the missing record; None without such a process, or
    where more than one vendor's record is missing.

    If standard error is a terminal there is no wait here: the full program shows one.
    """
    name, _ = hot.parse_get(arguments)
    if not name or not _was_stored_meanwhile(environ, clock, lambda context: hot.walk(context, name)):
        return None
    return hot.answer(arguments, environ, clock)


def prepare(
    words: list[str], environ: Mapping[bytes, bytes], clock: Callable[[], float] = time.time
) -> Ready | None:
    """As `hot.run.prepare`, under the conditions of `answer`."""
    from sophia_secrets.hot import run

    if not words or not _was_stored_meanwhile(environ, clock, lambda context: run.choose(context, words)):
        return None
    return run.prepare(words, environ, clock)


def _was_stored_meanwhile(
    environ: Mapping[bytes, bytes], clock: Callable[[], float], ask: Callable[[hot.Context], object]
) -> bool:
    """Whether another process has stored the one missing record."""
    if b"GITHUB_ACTIONS" in environ:
        return False
    try:
        context = hot.Context(environ, clock)
        member = _missing(context, ask)
        return member is not None and _wait_for_other(context, member)
    except Exception:  # noqa: BLE001  the full program meets the same error and reports it
        return False


def _missing(context: hot.Context, ask: Callable[[hot.Context], object]) -> route_form.Member | None:
    """The vendor whose record is the only missing one, or None."""
    try:
        ask(context)
    except hot.Missing as miss:
        missing = [member for member in context.route.members if _is_missing(context, member)]
        return miss.member if len(missing) == 1 else None
    return None


def _is_missing(context: hot.Context, member: route_form.Member) -> bool:
    if member.kind != route_form.VENDOR:
        return False
    record = context.record(member)
    return record is None or not record.fresh


def _wait_for_other(context: hot.Context, member: route_form.Member) -> bool:
    until = None if os.isatty(2) else time.monotonic() + PATIENCE
    found = context.cache.lead(member.identity, until)
    if isinstance(found, flight.Waiting):
        found.close()
        return False
    if isinstance(found, Record):
        return True
    if isinstance(found, flight.Lead):
        if found.problem:
            return False
        _start_vendor(context, member)
    flight.leave(context.cache, member.identity, found)
    return False


def _start_vendor(context: hot.Context, member: route_form.Member) -> None:
    if not member.call:
        return
    from sophia_secrets.launch import ahead, termination
    from sophia_secrets.state import route_call

    plan = route_call.decode(member.call, keys.derive(context.master, b"route"), context.environ)
    if plan is not None:
        termination.defer()
        try:
            ahead.begin(plan, context.state)
        except (OSError, ValueError, NotImplementedError):
            pass  # the full program reports it when it starts the vendor
