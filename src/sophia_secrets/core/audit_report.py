"""The report of the audit log over a span of time: what was read, how often, by whom, what failed. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from sophia_secrets.core.audit_tally import CHANGED, DELETE, DONE, FAILED, READ, UNREADABLE, Access, Tally


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
    Everything that `audit report` shows.

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
    parts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for access, times in counted.times.items():
        part = parts[label_of(access)]
        part[0] += times
        part[1] += times if access.outcome == READ else 0
        part[2] += times if access.outcome in FAILED else 0
    found = [Share(label, *part) for label, part in parts.items() if label]
    return tuple(sorted(found, key=lambda share: (-share.events, share.label)))
