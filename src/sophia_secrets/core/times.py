"""Times: between RFC 3339 and Unix seconds, and ages in words."""

from __future__ import annotations

from datetime import UTC, datetime

from sophia_secrets.core.count import counted


def unix_seconds(text: str) -> float | None:
    """The Unix seconds of an RFC 3339 time, or None for any other text."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed.timestamp() if parsed.tzinfo is not None else None


def rfc3339(seconds: float) -> str:
    """Unix seconds as RFC 3339 in UTC with milliseconds, as the audit log writes them."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def age_in_words(seconds: float) -> str:
    """An age or a period in its largest whole unit: `90 days`, `3 hours`."""
    for name, unit in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * unit:
            return f"{int(seconds // unit)} {name}"
    return counted(int(seconds), "second")
