"""What the audit log tells of a span of time: what was read and how often, what failed, by whom. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct, field

READ = "found"
DONE = "done"
CHANGED = "changed"
UNREADABLE = "unreadable"
DELETE = "delete"
FAILED = frozenset(
    {"absent", "backend_failed", "denied", "failed", "not_started", "refused", "unknown", "write_only"}
)
"""The outcomes of an attempt that did not get or do what it was for."""

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"


class Access(NamedTuple):
    """What a report keeps of an event: many events have the same."""

    command: str
    name: str
    backend: str
    outcome: str
    kind: str
    actor: str
    stale: bool
    degraded: bool


def access_of(event: Mapping[str, object]) -> Access:
    """The part of an event that a report counts by; `actor` is the user, and whether a CI run acted."""
    user = _text(event, "user")
    return Access(
        command=_text(event, "command"),
        name=_text(event, "name"),
        backend=_text(event, "backend"),
        outcome=_text(event, "outcome"),
        kind=_text(event, "kind"),
        actor=f"{user} (CI)" if user and _text(event, "ci") else user,
        stale=event.get("stale") is True,
        degraded=event.get("degraded") is True,
    )


def time_of(event: Mapping[str, object]) -> str:
    """An event's time as the log writes it, or "" for anything else."""
    found = _text(event, "time")
    return found if re.fullmatch(_TIME, found) else ""


def _text(event: Mapping[str, object], key: str) -> str:
    value = event.get(key, "")
    return value if isinstance(value, str) else ""


class _Day(Struct):
    events: int = 0
    reads: int = 0
    failed: int = 0


class Tally(Struct):
    """Events counted by what they have in common: it does not grow with how many there are."""

    times: dict[Access, int] = field(default_factory=lambda: defaultdict(int))
    latest: dict[Access, str] = field(default_factory=dict)
    days: dict[str, _Day] = field(default_factory=lambda: defaultdict(_Day))
    first: str = ""
    last: str = ""

    def add(self, access: Access, time: str) -> None:
        """Count one event, at a time of the log ("" where it is not known)."""
        self.add_many(access, 1, time, time)
        self.add_day(time[:10], 1, access.outcome == READ, access.outcome in FAILED)

    def add_many(self, access: Access, times: int, first: str, last: str) -> None:
        """Count events that are alike, the earliest at `first`; their days are counted by `add_day`."""
        self.times[access] += times
        self.latest[access] = max(last, self.latest.get(access, ""))
        self.first = min(first, self.first) if first and self.first else first or self.first
        self.last = max(last, self.last)

    def add_day(self, day: str, events: int, reads: int, failed: int) -> None:
        """Count events of one day, as the first ten characters of their time name it."""
        found = self.days[day]
        found.events += events
        found.reads += reads
        found.failed += failed


def tally(events: Iterable[Mapping[str, object]]) -> Tally:
    """Count events one by one."""
    counted = Tally()
    for event in events:
        counted.add(access_of(event), time_of(event))
    return counted


class Use(Struct, frozen=True):
    """
    How one secret was used. Times are as in the log, "" for never; `last_changed` is its last
    rotation, the first write included.
    """

    name: str
    reads: int = 0
    failed: int = 0
    degraded: int = 0
    last_read: str = ""
    last_changed: str = ""


class Trouble(Struct, frozen=True):
    """Attempts that failed alike; `name` is "" where a whole backend did not answer."""

    name: str
    backend: str
    outcome: str
    kind: str
    times: int
    last: str


class Share(Struct, frozen=True):
    """The part of the events that one actor, backend, command or day has."""

    label: str
    events: int
    reads: int
    failed: int


class Report(Struct, frozen=True):
    """
    What the events told.

    `secrets` are the names that were read and those that are known, most read first;
    `never_read` and `never_rotated` are among the known ones alone. `troubles` and the shares
    have the largest first, `days` the earliest.
    """

    first: str
    last: str
    events: int
    reads: int
    writes: int
    failed: int
    degraded: int
    stale: int
    unreadable: int
    secrets: tuple[Use, ...]
    never_read: tuple[str, ...]
    never_rotated: tuple[str, ...]
    troubles: tuple[Trouble, ...]
    actors: tuple[Share, ...]
    backends: tuple[Share, ...]
    commands: tuple[Share, ...]
    days: tuple[Share, ...]


def report(
    counted: Tally, known: Mapping[str, str] | None = None, read_before: Collection[str] = ()
) -> Report:
    """
    The report of what was counted.

    `known` are the names that are declared or held, each with the time of its last change as far
    as it is on record elsewhere ("" where it is not); a name that the events say was written and
    not deleted is known too. `read_before` are names read at a time that was not counted.
    """
    held = _written(counted) | dict(known or {})
    secrets = _uses(counted, held)
    by_name = {use.name: use for use in secrets}

    def total(wanted: Callable[[Access], bool]) -> int:
        return sum(times for access, times in counted.times.items() if wanted(access))

    return Report(
        first=counted.first,
        last=counted.last,
        events=total(lambda _: True),
        reads=total(lambda access: access.outcome == READ),
        writes=total(lambda access: access.outcome == DONE),
        failed=total(lambda access: access.outcome in FAILED),
        degraded=total(lambda access: access.degraded),
        stale=total(lambda access: access.stale),
        unreadable=total(lambda access: access.outcome == UNREADABLE),
        secrets=secrets,
        never_read=tuple(
            name for name in sorted(held) if not by_name[name].reads and name not in read_before
        ),
        never_rotated=tuple(name for name in sorted(held) if not by_name[name].last_changed),
        troubles=_troubles(counted),
        actors=_shares(counted, lambda access: access.actor),
        backends=_shares(counted, lambda access: access.backend),
        commands=_shares(counted, lambda access: access.command),
        days=tuple(
            Share(day, each.events, each.reads, each.failed)
            for day, each in sorted(counted.days.items())
            if day
        ),
    )


def _written(counted: Tally) -> dict[str, str]:
    """The names that some backend holds, by what was written to it and deleted from it."""
    written: dict[tuple[str, str], str] = {}
    deleted: dict[tuple[str, str], str] = {}
    for access, latest in counted.latest.items():
        if access.outcome == DONE and access.name:
            side = deleted if access.command == DELETE else written
            place = (access.name, access.backend)
            side[place] = max(latest, side.get(place, ""))
    return {place[0]: "" for place, when in written.items() if when >= deleted.get(place, "")}


def _uses(counted: Tally, held: Mapping[str, str]) -> tuple[Use, ...]:
    reads: dict[str, int] = defaultdict(int)
    failed: dict[str, int] = defaultdict(int)
    degraded: dict[str, int] = defaultdict(int)
    last_read: dict[str, str] = {}
    last_changed = dict(held)
    for access, times in counted.times.items():
        name, latest = access.name, counted.latest[access]
        if access.outcome == READ:
            reads[name] += times
            last_read[name] = max(latest, last_read.get(name, ""))
        elif access.outcome in FAILED:
            failed[name] += times
        elif access.outcome == CHANGED or (access.outcome == DONE and access.command != DELETE):
            last_changed[name] = max(latest, last_changed.get(name, ""))
        if access.degraded:
            degraded[name] += times
    uses = [
        Use(
            name,
            reads[name],
            failed[name],
            degraded[name],
            last_read.get(name, ""),
            last_changed.get(name, ""),
        )
        for name in {*held, *reads} - {""}
    ]
    return tuple(sorted(uses, key=lambda use: (-use.reads, use.name)))


def _troubles(counted: Tally) -> tuple[Trouble, ...]:
    times: dict[tuple[str, str, str, str], int] = defaultdict(int)
    last: dict[tuple[str, str, str, str], str] = {}
    for access, count in counted.times.items():
        if access.outcome in FAILED:
            alike = (access.name, access.backend, access.outcome, access.kind)
            times[alike] += count
            last[alike] = max(counted.latest[access], last.get(alike, ""))
    found = [Trouble(*alike, count, last[alike]) for alike, count in times.items()]
    return tuple(
        sorted(found, key=lambda each: (-each.times, each.name, each.backend, each.outcome, each.kind))
    )


def _shares(counted: Tally, label_of: Callable[[Access], str]) -> tuple[Share, ...]:
    parts: dict[str, _Day] = defaultdict(_Day)
    for access, times in counted.times.items():
        part = parts[label_of(access)]
        part.events += times
        part.reads += times if access.outcome == READ else 0
        part.failed += times if access.outcome in FAILED else 0
    found = [Share(label, part.events, part.reads, part.failed) for label, part in parts.items() if label]
    return tuple(sorted(found, key=lambda share: (-share.events, share.label)))
