"""
The metadata of one secret at one target, as a fold over events of the audit log: pure.
"""

from __future__ import annotations

from sophia_secrets.state import keys
from sophia_secrets.state.audit_event import DONE, Event, thousandths_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SEEN = "seen"
CHANGED = "changed"
_DELETE = "delete"


class Fact:
    """
    One name at one target.

    `version` never decreases. `last_rotated` is Unix seconds, None where no change was seen. `digest`
    and `updated_at` are the vendor's, as last seen. `written_by_us` refers to the latest version. A
    `deleted` name keeps its version.
    """

    __slots__ = ("deleted", "digest", "fingerprint", "last_rotated", "updated_at", "version", "written_by_us")

    def __init__(
        self,
        version: int,
        last_rotated: float | None = None,
        *,
        fingerprint: str = "",
        digest: str = "",
        updated_at: str = "",
        written_by_us: bool = False,
        deleted: bool = False,
    ) -> None:
        self.version = version
        self.last_rotated = last_rotated
        self.fingerprint = fingerprint
        self.digest = digest
        self.updated_at = updated_at
        self.written_by_us = written_by_us
        self.deleted = deleted

    def fields(self) -> dict[str, object]:
        """The arguments of the constructor, by name."""
        return {field: getattr(self, field) for field in self.__slots__}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fact) and self.fields() == other.fields()

    __hash__ = None  # type: ignore[assignment]


def _text(event: Mapping[str, object], field: str) -> str:
    value = event.get(field, "")
    return value if isinstance(value, str) else ""


def fold(facts: dict[str, Fact], event: Mapping[str, object]) -> None:
    """Update the facts of a target by one event of the log."""
    name, outcome, version = _text(event, "name"), event.get("outcome"), event.get("version")
    if not name or not isinstance(version, int) or outcome not in (DONE, SEEN, CHANGED):
        return
    before = facts.get(name) or Fact(0)
    when = thousandths_of(_text(event, "time").encode()) / 1000
    ours = outcome == DONE
    facts[name] = Fact(
        max(version, before.version),
        before.last_rotated if outcome == SEEN else when,
        fingerprint=before.fingerprint if outcome == SEEN else _text(event, "fingerprint"),
        digest=_text(event, "digest"),
        updated_at=_text(event, "updated_at"),
        written_by_us=before.written_by_us if outcome == SEEN else ours,
        deleted=ours and event.get("command") == _DELETE,
    )


def difference(fact: Fact | None, name: str, digest: str, updated_at: str, command: str) -> Event | None:
    """The event for the vendor's digest and time of a name, where they differ from the last known ones."""
    if fact is None:
        return Event(command, SEEN, name, version=1, digest=digest, updated_at=updated_at)
    pairs = ((fact.digest, digest), (fact.updated_at, updated_at))
    if fact.deleted or any(known and now and known != now for known, now in pairs):
        return Event(
            command,
            CHANGED,
            name,
            version=fact.version + 1,
            digest=digest or fact.digest,
            updated_at=updated_at or fact.updated_at,
        )
    if any(now and not known for known, now in pairs):
        return Event(
            command,
            SEEN,
            name,
            version=fact.version,
            digest=digest or fact.digest,
            updated_at=updated_at or fact.updated_at,
        )
    return None


def fold_all(events: Iterable[Mapping[str, object]]) -> dict[str, Fact]:
    """The facts after the events of one target, oldest first."""
    facts: dict[str, Fact] = {}
    for event in events:
        fold(facts, event)
    return facts


def pack(key: bytes, ident: str, facts: Mapping[str, Fact]) -> bytes:
    """The content of a target's file, with its MAC over the facts and the file's name `ident`."""
    from json import dumps

    body = dumps({name: fact.fields() for name, fact in facts.items()}, separators=(",", ":")).encode()
    return body + b"\n" + keys.mac(key, b"facts file", ident.encode(), body).hex().encode() + b"\n"


def unpack(key: bytes, ident: str, data: bytes) -> dict[str, Fact] | None:
    """The facts in a file, or None where it was not written under that name with that key."""
    from json import loads

    body, _, mac = data.removesuffix(b"\n").rpartition(b"\n")
    if not keys.equal(keys.mac(key, b"facts file", ident.encode(), body).hex().encode(), mac):
        return None
    return {name: Fact(**fields) for name, fields in loads(body).items()}
