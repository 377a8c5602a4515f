"""
The hot path: `get`, `run` and `list` from a compiled route and the cache, before anything else is imported.

The work is done by `state`, as for the full program. In any unusual case the hot path returns None
before anything was written or printed, and the full program starts over and reports it.
"""

from __future__ import annotations

import os
import time

from sophia_secrets.state import files, keys, route, route_form
from sophia_secrets.state.audit import AuditLog, count_wait
from sophia_secrets.state.audit_event import Actor, Event
from sophia_secrets.state.cache import Cache
from sophia_secrets.state.counters import Counters
from sophia_secrets.state.record import READABLE, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sophia_secrets.state.route_form import Member, Route, Vault

LOCK_SECONDS = 0.5
"""The wait for the audit log's lock; after it the full program waits up to its own limit."""
DISK_SECONDS = 4.5
"""The wait for the disk, until the deadline of any append: giving up earlier would append an event twice."""

_VAULT_LIMIT = 24 << 20
_IDENTITY_LIMIT = 64 << 10


class NeedsFullProgram(Exception):
    """The hot path cannot answer; the full program must."""


class Missing(NeedsFullProgram):
    """A vendor must be queried, because its record is absent or expired."""

    def __init__(self, member: Member) -> None:
        super().__init__()
        self.member = member


class Found:
    """A value and its backend."""

    __slots__ = ("cached", "member", "value")

    def __init__(self, member: Member, value: bytes, *, cached: bool) -> None:
        self.member = member
        self.value = value
        self.cached = cached


class Context:
    """The key, the route and the cache of this start of the program."""

    __slots__ = ("_opened", "_records", "cache", "clock", "environ", "master", "route", "state")

    def __init__(self, environ: Mapping[bytes, bytes], clock: Callable[[], float]) -> None:
        places = route.directories(environ)
        if places is None:
            raise NeedsFullProgram
        state, cache = places
        variable = os.fsdecode(environ.get(keys.VARIABLE.encode(), b"")) or None
        self._records: dict[str, Record | None] = {}
        self._opened: bytes | None = None
        self.environ = environ
        self.clock = clock
        self.state = state
        self.master = keys.load(state, variable, create=False).key
        key = keys.derive(self.master, b"route")
        found = route.load(cache, key, route.tag(key, os.getcwd(), environ))
        if found is None or not route.holds(found):
            raise NeedsFullProgram
        self.route: Route = found
        self.cache = Cache(
            cache,
            keys.derive(self.master, b"cache"),
            clock=clock,
            ttl=found.ttl,
            stale_for=found.stale_for,
        )

    def record(self, member: Member) -> Record | None:
        """The vendor's record, fresh or stale, or None. Raises where it has notes or warnings to print."""
        if member.backend not in self._records:
            found = self.cache.read(member.identity)
            if self.cache.warnings() or (isinstance(found, Record) and found.notes):
                raise NeedsFullProgram
            self._records[member.backend] = found if isinstance(found, Record) else None
        return self._records[member.backend]

    def vault_text(self, vault: Vault) -> bytes:
        """The decrypted text of the vault."""
        if self._opened is None:
            from sophia_secrets.state import age

            data = files.read_path(vault.file, _VAULT_LIMIT, private=vault.file_private)
            identity = files.read_path(vault.identity, _IDENTITY_LIMIT)
            if data is None or identity is None:
                raise NeedsFullProgram
            self._opened = age.opened(data, identity)
            if self._opened is None:
                raise NeedsFullProgram
        return self._opened


def answer(
    arguments: list[str], environ: Mapping[bytes, bytes], clock: Callable[[], float] = time.time
) -> bytes | None:
    """
    The output of this command line, after its audit event is on disk; None if the full program must run.

    `environ` is the process's own as bytes, `clock` gives Unix seconds.
    """
    name, raw = parse_get(arguments)
    if not name or b"GITHUB_ACTIONS" in environ:
        return None
    began = time.monotonic()
    try:
        context = Context(environ, clock)
        found = walk(context, name)
        text = found.value if raw else found.value + b"\n"
        record(context, "get", {name: found}, began)
    except Exception:  # noqa: BLE001  the full program meets the same error and reports it
        return None
    return text


def parse_get(arguments: list[str]) -> tuple[str, bool]:
    """The name of a plain `get NAME`, or "", and whether `--raw` is given."""
    if not 2 <= len(arguments) <= 3 or arguments[0] != "get":
        return "", False
    rest = [word for word in arguments[1:] if word != "--raw"]
    if len(rest) != 1 or not is_plain(rest[0]):
        return "", False
    return rest[0], len(arguments) == 3


def is_plain(name: str) -> bool:
    """Whether the name is safe and valid for every backend, as most are."""
    plain = name.replace("_", "").replace(".", "").replace("-", "")
    return name[:1] != "-" and len(name) <= 255 and plain.isascii() and plain.isalnum()


def walk(context: Context, name: str) -> Found:
    """The value of the first backend of the chain that has the name, after all of them were checked."""
    found: Found | None = None
    for member in context.route.members:
        if member.kind in (route_form.VENDOR, route_form.WRITE_ONLY):
            found = _of_vendor(context, member, name, found)
        elif found is not None:
            continue
        elif member.kind == route_form.LOCAL:
            found = _of_vault(context, member, name)
        else:
            found = of_environment(context, member, name)
    if found is None:
        raise NeedsFullProgram
    found.value.decode()
    return found


def _of_vendor(context: Context, member: Member, name: str, found: Found | None) -> Found | None:
    record = context.record(member)
    readable = member.kind == route_form.VENDOR
    if found is not None:
        return found
    if record is None or not record.fresh:
        if readable:
            raise Missing(member)
        return None
    entry = record.find(name)
    if entry is None or entry[0] != READABLE:
        return None
    if not readable:
        raise NeedsFullProgram
    return Found(member, entry[1], cached=True)


def _of_vault(context: Context, member: Member, name: str) -> Found | None:
    vault = member.vault
    if vault is None:
        raise NeedsFullProgram
    if name not in vault.names:
        return None
    kept = vault.names[name]
    if kept is None:
        raise NeedsFullProgram
    value = context.vault_text(vault)[kept.at : kept.at + kept.length]
    mark = route.mark(keys.derive(context.master, b"route"), name, value)
    if not keys.equal(mark, kept.mark):
        raise NeedsFullProgram
    return Found(member, value, cached=False)


def of_environment(context: Context, member: Member, name: str) -> Found | None:
    """The variable of that name, as it is or in upper case with underscores."""
    spelled = name.upper().replace("-", "_").replace(".", "_")
    if member.kind != route_form.ENV or spelled.startswith("SOPHIA_"):
        raise NeedsFullProgram
    for candidate in (name, spelled):
        value = context.environ.get(candidate.encode())
        if value is not None:
            return Found(member, value, cached=False)
    return None


def record(context: Context, command: str, found: Mapping[str, Found], began: float) -> None:
    """Append one audit event per name durably, and update the counters, before a value is printed."""
    append(
        context,
        [
            Event(
                command,
                "found",
                name,
                one.member.backend,
                one.member.target,
                cached=one.cached,
                duration_ms=elapsed(began),
            )
            for name, one in found.items()
        ],
    )


def elapsed(began: float) -> int:
    """Whole milliseconds since `began` (monotonic seconds)."""
    return round((time.monotonic() - began) * 1000)


def append(context: Context, events: list[Event]) -> None:
    """Append the events to the audit log, unless it is off."""
    settings = context.route
    if not settings.audit or not events:
        return
    log = AuditLog(
        settings.audit,
        keys.derive(context.master, b"audit"),
        actor=Actor(
            settings.user, os.uname().nodename, os.getpid(), ci=settings.ci, profile=settings.profile
        ),
        clock=context.clock,
        sync=settings.sync,
        counters=Counters(keys.derive(context.master, b"metadata")),
    )
    began = time.monotonic()
    try:
        log.append(events, LOCK_SECONDS, DISK_SECONDS)
    except BaseException:
        count_wait(time.monotonic() - began)
        raise
