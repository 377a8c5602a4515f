"""Ages and moments: from a vendor's text to seconds, from seconds to words."""

from __future__ import annotations

from datetime import datetime

from sophia_secrets.core.count import counted


def moment(text: str) -> float | None:
    """The Unix seconds of an RFC 3339 time, or None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo is not None else None


def age_in_words(seconds: float) -> str:
    """An age or a period in its largest whole unit: `90 days`, `3 hours`."""
    for name, unit in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * unit:
            return f"{int(seconds // unit)} {name}"
    return counted(int(seconds), "second")
