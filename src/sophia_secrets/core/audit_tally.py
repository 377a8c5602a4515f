"""Counting audit events by the fields that a report needs. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct, field

READ = "found"
DONE = "done"
CHANGED = "changed"
UNREADABLE = "unreadable"
DELETE = "delete"
FAILED = frozenset({"absent", "backend_failed", "failed", "not_started", "refused", "unknown", "write_only"})
"""The outcomes of failed attempts."""

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"


class Access(NamedTuple):
    """The fields of an event that a report counts by."""

    command: str
    name: str
    backend: str
    outcome: str
    kind: str
    actor: str
    stale: bool
    degraded: bool


def access_of(event: Mapping[str, object]) -> Access:
    """The `Access` of an event; `actor` is the user, marked where a CI run acted."""
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
    """An event's time as written in the log, or "" for anything else."""
    found = _text(event, "time")
    return found if re.fullmatch(_TIME, found) else ""


def _text(event: Mapping[str, object], key: str) -> str:
    value = event.get(key, "")
    return value if isinstance(value, str) else ""


class Day(Struct):
    """The events of one day."""

    events: int = 0
    reads: int = 0
    failed: int = 0


class Tally(Struct):
    """Counts of equal events: its size depends on their variety, not on their number."""

    times: dict[Access, int] = field(default_factory=lambda: defaultdict(int))
    latest: dict[Access, str] = field(default_factory=dict)
    days: dict[str, Day] = field(default_factory=lambda: defaultdict(Day))
    first: str = ""
    last: str = ""

    def add(self, access: Access, time: str) -> None:
        """Count one event, at a time of the log ("" if unknown)."""
        self.add_many(access, 1, time, time)
        self.add_day(time[:10], 1, access.outcome == READ, access.outcome in FAILED)

    def add_many(self, access: Access, times: int, first: str, last: str) -> None:
        """Count equal events, from `first` to `last`; their days are counted by `add_day`."""
        self.times[access] += times
        self.latest[access] = max(last, self.latest.get(access, ""))
        self.first = min(first, self.first) if first and self.first else first or self.first
        self.last = max(last, self.last)

    def add_day(self, day: str, events: int, reads: int, failed: int) -> None:
        """Count events of one day, the first ten characters of their time."""
        found = self.days[day]
        found.events += events
        found.reads += reads
        found.failed += failed
