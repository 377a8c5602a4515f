"""The rows of `audit log`, one per event."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sophia_secrets.view.styling import Styler

HEADS = ("time", "command", "name", "backend", "outcome", "user")
LAST = 20
"""The default number of events."""


def row(event: Mapping[str, object], styler: Styler, visible: Callable[[str], str]) -> list[str]:
    """The event's cells, one per `HEADS`; `visible` makes foreign text safe to print."""

    def text(field: str) -> str:
        return visible(str(event.get(field, "")))

    marks = [flag for flag in ("stale", "degraded") if event.get(flag) is True]
    outcome = styler.state(text("outcome"))
    return [
        text("time")[:19].replace("T", " "),
        text("command"),
        text("name"),
        text("backend"),
        f"{outcome} ({', '.join(marks)})" if marks else outcome,
        text("user"),
    ]
