"""The metadata as the audit log alone tells it: what the indexes are made from, and checked against."""

from __future__ import annotations

from sophia_secrets.state.audit_event import FOUND, thousandths_of
from sophia_secrets.state.counters import Count
from sophia_secrets.state.fact import Fact, fold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sophia_secrets.state.audit import AuditLog


class Metadata:
    """`counts` by name; `facts` by (backend, target), then by name."""

    __slots__ = ("counts", "facts")

    def __init__(self) -> None:
        self.counts: dict[str, Count] = {}
        self.facts: dict[tuple[str, str], dict[str, Fact]] = {}


def rebuild(log: AuditLog) -> Metadata:
    """Everything, from the log, in one reading. Raises `errors.AuditFailed` where it cannot be read."""
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
