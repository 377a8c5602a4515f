"""`list`, `list --names` and `list --json` on the hot path."""

from __future__ import annotations

import time
from _json import encode_basestring_ascii as quoted

from sophia_secrets import hot
from sophia_secrets.state import route_form
from sophia_secrets.state.audit_event import Event
from sophia_secrets.state.record import ABSENT, READABLE, WRITE_ONLY
from sophia_secrets.view import listing, styling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sophia_secrets.state.record import Record

_STATES = {READABLE: "readable", WRITE_ONLY: "write_only", ABSENT: "absent"}
_FORMS = {(): "table", ("--names",): "names", ("--json",): "json"}


def answer(
    options: Sequence[str], environ: Mapping[bytes, bytes], clock: Callable[[], float] = time.time
) -> bytes | None:
    """
    The output of `list OPTIONS` for no option, `--names` and `--json`, after its audit event is on disk; None
    if the full program must run.

    `environ` is the process's own as bytes, `clock` gives Unix seconds.
    """
    form = _FORMS.get(tuple(options))
    if form is None or b"GITHUB_ACTIONS" in environ:
        return None
    began = time.monotonic()
    try:
        context = hot.Context(dict(environ), clock)
        contents = [_Contents(context, member) for member in context.route.members]
        found = sorted({name for each in contents for name in each.names()})
        if form == "names":
            text = "\n".join(found)
        else:
            text = _table(found, contents, environ) if form == "table" else _json(found, contents)
        if not found or not text.isascii() or not all(name.isprintable() for name in found):
            return None
        event = Event("list", "listed", count=len(found), degraded=False, duration_ms=hot.elapsed(began))
        hot.append(context, [event])
    except Exception:  # noqa: BLE001  the full program meets the same error and reports it
        return None
    return text.encode() + b"\n"


class _Contents:
    """The names of one backend and their states."""

    def __init__(self, context: hot.Context, member: route_form.Member) -> None:
        self.backend = member.backend
        self._context = context
        self._member = member
        self._record: Record | None = None
        self._states: dict[str, str] = {}
        self._else = "absent"
        if member.kind in (route_form.VENDOR, route_form.WRITE_ONLY):
            record = context.record(member)
            if record is None or not record.fresh:
                raise hot.NeedsFullProgram
            self._record = record
            self._states = {name: _STATES[letter] for name, letter in record.states().items()}
            self._else = "absent" if record.complete else "unknown"
        elif member.kind == route_form.LOCAL and member.vault is not None:
            self._states = dict.fromkeys(member.vault.names, "readable")
        elif member.kind != route_form.ENV:
            raise hot.NeedsFullProgram

    def names(self) -> list[str]:
        """The names; those of the process's variables are not listed."""
        return [name for name in self._states if "." not in name]

    def states(self, names: list[str]) -> list[str]:
        """The state of each name in the backend."""
        if self._member.kind == route_form.ENV:
            return [self._in_environment(name) for name in names]
        known, otherwise = self._states, self._else
        return [known.get(spelled, otherwise) for spelled in self._spellings(names)]

    def updated(self, names: list[str]) -> list[str | None]:
        """For each name when the vendor says that it was updated, in the vendor's words."""
        if self._record is None:
            return [None] * len(names)
        entries = self._record.entries
        return [
            entries[spelled].updated_at if spelled in entries else None for spelled in self._spellings(names)
        ]

    def _spellings(self, names: list[str]) -> list[str]:
        """The names as the backend spells them: GitHub in upper case."""
        return [self._spelled(name) for name in names] if self.backend == "github" else names

    def _spelled(self, name: str) -> str:
        known = [each for each in (name, name.upper()) if each in self._states]
        there = [each for each in known if self._states[each] != "absent"]
        return (there or known or [name])[0]

    def _in_environment(self, name: str) -> str:
        found = hot.of_environment(self._context, self._member, name)
        if found is None:
            return "absent"
        found.value.decode()  # the full program reports invalid UTF-8
        return "readable"


def _table(found: list[str], contents: list[_Contents], environ: Mapping[bytes, bytes]) -> str:
    rows = []
    for name, *states in zip(found, *(each.states(found) for each in contents), strict=True):
        source = contents[states.index("readable")].backend if "readable" in states else ""
        rows.append(listing.Row(name, source, states))
    return listing.table(rows, [each.backend for each in contents], styling.of_process(environ))


def _json(found: list[str], contents: list[_Contents]) -> str:
    """The output of `json.dumps`. Several copies of one secret need the full program, which compares them."""
    backends = [f'{quoted(each.backend)}: {{"state": ' for each in contents]
    secrets = []
    columns = [zip(each.states(found), each.updated(found), strict=True) for each in contents]
    for name, *cells in zip(found, *columns, strict=True):
        states = [state for state, _ in cells]
        source = "null"
        if "readable" in states:
            if len(states) - states.count("absent") - states.count("unknown") > 1:
                raise hot.NeedsFullProgram
            source = quoted(contents[states.index("readable")].backend)
        each = ", ".join(
            f'{backend}"{state}", "updated_at": {"null" if updated is None else quoted(updated)}, "drift": null}}'
            for backend, (state, updated) in zip(backends, cells, strict=True)
        )
        secrets.append(f'{{"name": {quoted(name)}, "resolves_from": {source}, "backends": {{{each}}}}}')
    return f'{{"schema": 1, "secrets": [{", ".join(secrets)}], "failures": []}}'
