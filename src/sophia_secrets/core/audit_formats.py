"""The audit log for other programs: JSON Lines, CSV and CEF. Pure: events in, bytes out."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping

from sophia_secrets.core.audit_tally import FAILED, UNREADABLE
from sophia_secrets.core.text import visible
from sophia_secrets.core.times import unix_seconds

Event = Mapping[str, object]

COLUMNS = (
    "seq",
    "time",
    "user",
    "host",
    "pid",
    "ci",
    "reason",
    "profile",
    "command",
    "name",
    "backend",
    "target",
    "outcome",
    "kind",
    "cached",
    "stale",
    "degraded",
    "duration_ms",
    "version",
    "count",
    "fingerprint",
    "digest",
    "updated_at",
    "id",
    "words",
    "mac",
)
"""The columns of the CSV: every field that an event can have."""

# What a spreadsheet takes for a formula, or skips before one (OWASP "CSV Injection", ASVS 1.2.10); and
# the apostrophe itself, so that removing one always restores the text.
_OBEYED = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠", "'")
_SURROGATES = "[\ud800-\udfff]"

TROUBLE = frozenset({UNREADABLE, "gap", "new_chain"})
ROUTINE = frozenset({"intent", "rotated"})
"""Outcomes that say that the log is damaged, and those of no interest."""


def jsonl(events: Iterable[Event]) -> Iterator[bytes]:
    """One event per line, in ASCII, as in the log."""
    for event in events:
        yield json.dumps(event, separators=(",", ":")).encode() + b"\n"


def as_csv(events: Iterable[Event]) -> Iterator[bytes]:
    """
    A header and one event per row, in UTF-8, as in RFC 4180 and read by Python's `csv.reader`.

    A cell that a spreadsheet could take for a formula, or that begins with an apostrophe, is prefixed
    with an apostrophe: removing one leading apostrophe restores the text of the log. That is safe for
    programs that split at commas. Lone surrogates, which UTF-8 cannot encode, are escaped
    (`\\ud800`). True is `true`; a missing field is empty.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for event in events:
        yield _drained(buffer)
        writer.writerow([guarded(cell(event.get(column))) for column in COLUMNS])
    yield _drained(buffer)


def guarded(cell: str) -> str:
    """The cell, prefixed with an apostrophe where a spreadsheet might evaluate it."""
    return "'" + cell if cell.startswith(_OBEYED) else cell


def cell(value: object) -> str:
    """A field as text: "" for a missing one, lone surrogates escaped."""
    if value is None or value is False:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return re.sub(_SURROGATES, lambda half: visible(half.group()), text)


def _drained(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def cef(events: Iterable[Event], version: str) -> Iterator[bytes]:
    """
    One event per line in ArcSight's Common Event Format, version 0, in UTF-8; `version` is the product's.

    Escaped as "Implementing ArcSight Common Event Format" says: `\\` and `|` in the header, `\\` and
    `=` in a value, line ends in a value as `\\n` and `\\r`. Other control characters are escaped.
    Texts are truncated to the length that the dictionary allows for their key.
    """
    for event in events:
        yield _cef_line(event, version).encode()


def _cef_line(event: Event, version: str) -> str:
    command, outcome = cell(event.get("command")), cell(event.get("outcome"))
    head = (
        "CEF:0",
        "sophia-secrets",
        "sophia-secrets",
        version,
        f"{command}:{outcome}" if command else outcome,
        f"{command} {outcome}".strip().replace("_", " "),
        str(_severity(event, outcome)),
    )
    extension = " ".join(f"{key}={value}" for key, value in _extension(event))
    return "|".join(_head(part) for part in head) + f"|{extension}\n"


def _severity(event: Event, outcome: str) -> int:
    """The severity in CEF, from 0 to 10."""
    if outcome in TROUBLE:
        return 9
    if outcome in FAILED:
        return 6
    if event.get("degraded") or event.get("stale") or outcome == "recovered":
        return 4
    return 1 if outcome in ROUTINE else 2


_KEYS = (
    ("externalId", "seq", 40),
    ("act", "command", 63),
    ("outcome", "outcome", 63),
    ("reason", "kind", 1023),
    ("suser", "user", 1023),
    ("shost", "host", 1023),
    ("spid", "pid", 20),
    ("msg", "words", 1023),
)
_LABELLED = (
    ("cs1", "name", 4000),
    ("cs2", "backend", 4000),
    ("cs3", "target", 4000),
    ("cs4", "ci", 4000),
    ("cs5", "profile", 4000),
    ("cs6", "reason", 4000),
    ("cn1", "duration_ms", 20),
    ("cn2", "version", 20),
    ("cn3", "count", 20),
    ("flexString2", "id", 1023),
)


def _extension(event: Event) -> Iterator[tuple[str, str]]:
    received = milliseconds(event.get("time"))
    if received is not None:
        yield "rt", str(received)
    for key, field, limit in _KEYS:
        if text := cell(event.get(field)):
            yield key, _value(text, limit)
    for key, field, limit in _LABELLED:
        if text := cell(event.get(field)):
            yield key, _value(text, limit)
            yield f"{key}Label", field
    flags = [flag for flag in ("cached", "stale", "degraded") if event.get(flag) is True]
    if flags:
        yield "flexString1", ",".join(flags)
        yield "flexString1Label", "flags"


def _head(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str, limit: int) -> str:
    shown = re.sub(r"[^\r\n]+", lambda part: visible(part.group()), text)
    if len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    escaped = shown.replace("\\", "\\\\").replace("=", "\\=")
    return escaped.replace("\n", "\\n").replace("\r", "\\r")


def milliseconds(time: object) -> int | None:
    """An event's time as Unix milliseconds, or None where it has none."""
    seconds = unix_seconds(time) if isinstance(time, str) else None
    return None if seconds is None else round(seconds * 1000)
