"""`list` and `list --names` on the hot path."""

from __future__ import annotations

import os
import time

from sophia_secrets import hot
from sophia_secrets.state import route_form
from sophia_secrets.state.audit_event import Event
from sophia_secrets.state.record import ABSENT, READABLE, WRITE_ONLY
from sophia_secrets.view import ink, listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STATES = {READABLE: "readable", WRITE_ONLY: "write_only", ABSENT: "absent"}


def answer(
    environ: Mapping[bytes, bytes], clock: Callable[[], float] = time.time, *, names: bool
) -> bytes | None:
    """
    What a plain `list`, or with `names` a `list --names`, prints, its audit event on disk; None
    where the whole program must see to it.

    `environ` is the process's own as bytes, `clock` gives Unix seconds.
    """
    if b"GITHUB_ACTIONS" in environ:
        return None
    began = time.monotonic()
    try:
        start = hot.Start(dict(environ), clock)
        held = [_Held(start, member) for member in start.route.members]
        found = sorted({name for each in held for name in each.names()})
        text = "\n".join(found) if names else _table(found, held, environ)
        if not found or not text.isascii() or not all(name.isprintable() for name in found):
            return None
        event = Event("list", "listed", count=len(found), degraded=False, duration_ms=hot.elapsed(began))
        hot.append(start, [event])
    except Exception:  # noqa: BLE001  whatever it is, the whole program meets it too and says what it is
        return None
    return text.encode() + b"\n"


class _Held:
    """What one backend holds."""

    def __init__(self, start: hot.Start, member: route_form.Member) -> None:
        self.backend = member.backend
        self._start = start
        self._member = member
        self._states: dict[str, str] = {}
        self._else = "absent"
        if member.kind in (route_form.VENDOR, route_form.WRITE_ONLY):
            record = start.record(member)
            if record is None or not record.fresh:
                raise hot.NeedsFullProgram
            self._states = {name: _STATES[letter] for name, letter in record.states().items()}
            self._else = "absent" if record.complete else "unknown"
        elif member.kind == route_form.LOCAL and member.vault is not None:
            self._states = dict.fromkeys(member.vault.names, "readable")
        elif member.kind != route_form.ENV:
            raise hot.NeedsFullProgram

    def names(self) -> list[str]:
        """The names; the variables of this process are nobody's secrets."""
        return [name for name in self._states if "." not in name]

    def states(self, names: list[str]) -> list[str]:
        """For each name whether the backend has it, and can give its value."""
        if self._member.kind == route_form.ENV:
            return [self._in_environment(name) for name in names]
        known, otherwise = self._states, self._else
        if self.backend != "github":
            return [known.get(name, otherwise) for name in names]
        found = []
        for name in names:
            spelled = [known[each] for each in (name, name.upper()) if each in known]
            there = [state for state in spelled if state != "absent"]
            found.append((there or spelled or [otherwise])[0])
        return found

    def _in_environment(self, name: str) -> str:
        found = hot.of_environment(self._start, self._member, name)
        if found is None:
            return "absent"
        found.value.decode()  # what is no text is for the whole program to tell
        return "readable"


def _table(found: list[str], held: list[_Held], environ: Mapping[bytes, bytes]) -> str:
    rows = []
    for name, *states in zip(found, *(each.states(found) for each in held), strict=True):
        source = held[states.index("readable")].backend if "readable" in states else ""
        rows.append(listing.Row(name, source, states))
    seen = {name: os.fsdecode(environ[name.encode()]) for name in ink.VARIABLES if name.encode() in environ}
    return listing.table(rows, [each.backend for each in held], ink.Ink(seen))
