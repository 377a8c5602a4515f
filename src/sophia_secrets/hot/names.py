"""`completion --names` on the hot path: the names that a shell offers."""

from __future__ import annotations

import time

from sophia_secrets import hot
from sophia_secrets.state import route_form
from sophia_secrets.state.record import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def answer(environ: Mapping[bytes, bytes], clock: Callable[[], float] = time.time) -> bytes | None:
    """
    The names in the settings, the vault and the cache, whatever their age; None if the full program must
    run. Nothing is audited, because no value is read.

    `environ` is the process's own as bytes, `clock` gives Unix seconds.
    """
    try:
        context = hot.Context(environ, clock)
        found = set(context.route.declared)
        for member in context.route.members:
            found.update(_known(context, member))
        if not found or not all(hot.is_plain(name) for name in found):
            return None
        return "\n".join(sorted(found)).encode() + b"\n"
    except Exception:  # noqa: BLE001  the full program meets the same error and reports it
        return None


def _known(context: hot.Context, member: route_form.Member) -> list[str]:
    if member.kind in (route_form.VENDOR, route_form.WRITE_ONLY):
        record = context.record(member)
        states = record.states() if record is not None else {}
        return [name for name, letter in states.items() if letter != ABSENT]
    if member.kind == route_form.LOCAL and member.vault is not None:
        return list(member.vault.names)
    return []
