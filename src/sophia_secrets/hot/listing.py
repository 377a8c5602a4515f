"""`list --names` on the hot path."""

from __future__ import annotations

import time

from sophia_secrets import hot
from sophia_secrets.state import route_form
from sophia_secrets.state.audit_event import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def answer(environ: Mapping[bytes, bytes], clock: Callable[[], float] = time.time) -> bytes | None:
    """
    What a plain `list --names` prints, its audit event on disk; None where the whole program must see to it.

    `environ` is the process's own as bytes, `clock` gives Unix seconds.
    """
    if b"GITHUB_ACTIONS" in environ:
        return None
    began = time.monotonic()
    try:
        start = hot.Start(environ, clock)
        found = sorted({name for member in start.route.members for name in _names(start, member)})
        text = "\n".join(found)
        if not found or not text.isascii() or not all(name.isprintable() for name in found):
            return None
        event = Event("list", "listed", count=len(found), degraded=False, duration_ms=hot.elapsed(began))
        hot.append(start, [event])
    except Exception:  # noqa: BLE001  whatever it is, the whole program meets it too and says what it is
        return None
    return text.encode() + b"\n"


def _names(start: hot.Start, member: route_form.Member) -> list[str]:
    """What a backend holds; the variables of this process are nobody's secrets."""
    if member.kind in (route_form.VENDOR, route_form.WRITE_ONLY):
        record = start.record(member)
        if record is None or not record.fresh:
            raise hot.NotMe
        held = record.names()
    elif member.kind == route_form.LOCAL and member.vault is not None:
        held = list(member.vault.names)
    elif member.kind == route_form.ENV:
        held = []
    else:
        raise hot.NotMe
    return [name for name in held if "." not in name]
