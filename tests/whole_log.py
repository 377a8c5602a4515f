"""The metadata computed from the whole audit log: what the counters and facts on disk are checked against."""

from __future__ import annotations

from dataclasses import dataclass, field

from sophia_secrets.state.audit import AuditLog
from sophia_secrets.state.audit_event import FOUND, thousandths_of
from sophia_secrets.state.counters import Count
from sophia_secrets.state.fact import Fact, fold


@dataclass
class Metadata:
    """`counts` by name; `facts` by (backend, target), then by name."""

    counts: dict[str, Count] = field(default_factory=dict)
    facts: dict[tuple[str, str], dict[str, Fact]] = field(default_factory=dict)


def rebuild(log: AuditLog) -> Metadata:
    """The metadata of every name, from one reading of the log."""
    metadata = Metadata()
    for event in log.read():
        name = event.get("name")
        if not isinstance(name, str):
            continue
        if event.get("outcome") == FOUND:
            last = thousandths_of(str(event.get("time", "")).encode()) / 1000
            before = metadata.counts.get(name)
            metadata.counts[name] = Count(
                before.times + 1 if before else 1, max(last, before.last) if before else last
            )
        if "version" in event:
            target = (str(event.get("backend", "")), str(event.get("target", "")))
            fold(metadata.facts.setdefault(target, {}), event)
    return metadata
