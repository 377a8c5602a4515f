"""The report of the audit log: what was read, how often, by whom, and what failed. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping

from msgspec import Struct

from sophia_secrets.core.audit_tally import CHANGED, DELETE, DONE, FAILED, READ, UNREADABLE, Access, Tally


class Use(Struct, frozen=True):
    """
    How one secret was used. Times are as in the log, "" for never; `last_changed` is its last rotation or
    first write.
    """

    name: str
    reads: int = 0
    failed: int = 0
    degraded: int = 0
    last_read: str = ""
    last_changed: str = ""


class FailureCount(Struct, frozen=True):
    """Failed attempts of one kind; `name` is "" where a whole backend failed."""

    name: str
    backend: str
    outcome: str
    kind: str
    times: int
    last: str


class Share(Struct, frozen=True):
    """The events of one actor, backend, command or day."""

    label: str
    events: int
    reads: int
    failed: int


class Report(Struct, frozen=True):
    """
    Everything that `audit report` shows.

    `secrets` are the names that were read or are known, most read first; `never_read` and
    `never_rotated` are known names. `troubles` and the shares are sorted by size, `days` by date.
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
    troubles: tuple[FailureCount, ...]
    actors: tuple[Share, ...]
    backends: tuple[Share, ...]
    commands: tuple[Share, ...]
    days: tuple[Share, ...]


def report(
    counted: Tally, known: Mapping[str, str] | None = None, read_before: Collection[str] = ()
) -> Report:
    """
    The report of a tally.

    `known` are the declared and stored names, each with the time of its last change on record ("" for
    none); a name that was written and not deleted by the counted events is known too. `read_before`
    are names that were read outside the counted time.
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
    """The names that some backend holds, according to the writes and deletions."""
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


def _troubles(counted: Tally) -> tuple[FailureCount, ...]:
    times: dict[tuple[str, str, str, str], int] = defaultdict(int)
    last: dict[tuple[str, str, str, str], str] = {}
    for access, count in counted.times.items():
        if access.outcome in FAILED:
            alike = (access.name, access.backend, access.outcome, access.kind)
            times[alike] += count
            last[alike] = max(counted.latest[access], last.get(alike, ""))
    found = [FailureCount(*alike, count, last[alike]) for alike, count in times.items()]
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
