"""
An audit event: a closed list of bounded fields, and its JSON.

There is no free-form field and no field for a value. Every text is truncated to its bound, so that a
line never exceeds `chain.LINE_LIMIT`.
"""

from __future__ import annotations

import time
from _json import encode_basestring_ascii

FOUND = "found"
DONE = "done"

_LONGEST_TIME = 253402300799.999

# In the order of the line; the bounds are bytes of JSON without its quotes, 6,100 in all.
_EVENT_TEXTS = (
    ("command", 32),
    ("name", 512),
    ("backend", 64),
    ("target", 768),
    ("outcome", 32),
    ("kind", 64),
    ("fingerprint", 128),
    ("digest", 256),
    ("updated_at", 64),
    ("id", 32),
    ("words", 2000),
)
_FLAGS = ("cached", "stale", "degraded")
_NUMBERS = ("duration_ms", "version", "count")
_ACTOR_TEXTS = (("user", 128), ("host", 256), ("ci", 512), ("reason", 1000), ("profile", 128))
_LARGEST = 10**15


class Actor:
    """
    Who acts: user (the name, or the number as text), host, process, CI run (URL or id), the given reason
    and the profile in use.
    """

    __slots__ = ("ci", "host", "pid", "profile", "reason", "user")

    def __init__(
        self, user: str, host: str, pid: int, *, ci: str = "", reason: str = "", profile: str = ""
    ) -> None:
        self.user = user
        self.host = host
        self.pid = pid
        self.ci = ci
        self.reason = reason
        self.profile = profile


class Event:
    """
    One access, or one step of a write.

    `outcome` is `found`, `absent`, `write_only`, `failed`, `intent`, `done`, `unknown` and so on; `kind`
    is the kind of a failure. An event whose outcome is `found` counts as an access to `name`. `time`
    is Unix seconds, 0.0 for the time of writing. `id` links an intent to its outcome. `version`,
    `fingerprint`, `digest` and `updated_at` describe the result of a write. `words` are the vendor's
    error text, already redacted.
    """

    __slots__ = (
        "backend",
        "cached",
        "command",
        "count",
        "degraded",
        "digest",
        "duration_ms",
        "fingerprint",
        "id",
        "kind",
        "name",
        "outcome",
        "stale",
        "target",
        "time",
        "updated_at",
        "version",
        "words",
    )

    def __init__(
        self,
        command: str,
        outcome: str,
        name: str = "",
        backend: str = "",
        target: str = "",
        *,
        kind: str = "",
        cached: bool = False,
        stale: bool = False,
        degraded: bool = False,
        duration_ms: int | None = None,
        version: int | None = None,
        fingerprint: str = "",
        digest: str = "",
        updated_at: str = "",
        id: str = "",  # noqa: A002
        count: int | None = None,
        words: str = "",
        time: float = 0.0,
    ) -> None:
        self.command = command
        self.outcome = outcome
        self.name = name
        self.backend = backend
        self.target = target
        self.kind = kind
        self.cached = cached
        self.stale = stale
        self.degraded = degraded
        self.duration_ms = duration_ms
        self.version = version
        self.fingerprint = fingerprint
        self.digest = digest
        self.updated_at = updated_at
        self.id = id
        self.count = count
        self.words = words
        self.time = time


def bounded(text: str, limit: int) -> str:
    """A text as an ASCII JSON string, truncated to `limit` bytes between its quotes."""
    written: str = encode_basestring_ascii(text)
    if len(written) <= limit + 2:
        return written
    kept = text[:limit]
    room = limit - len("\\u2026")
    while len(written) > room + 2:
        kept = kept[: min(len(kept) - 1, len(kept) * room // (len(written) - 2) + 1)]
        written = encode_basestring_ascii(kept)
    return written[:-1] + '\\u2026"'


def written_name(name: str) -> bytes:
    """A secret's name as it is written in a line, with quotes: the key of its counters."""
    return bounded(name, 512).encode()


def needle(field: str, text: str) -> bytes:
    """The bytes that a line contains exactly when this field has this text."""
    limit = dict(_EVENT_TEXTS + _ACTOR_TEXTS)[field]
    return f'"{field}":{bounded(text, limit)}'.encode()


def thousandths_in(seconds: float) -> int:
    """Unix seconds as whole milliseconds, clamped to the times that a line can hold."""
    return int(min(max(0.0, seconds), _LONGEST_TIME) * 1000)


def write_time(seconds: float) -> str:
    """Unix seconds as RFC 3339 in UTC with milliseconds, the years 1970 to 9999 only."""
    thousandths = thousandths_in(seconds)
    t = time.gmtime(thousandths // 1000)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (*t[:6], thousandths % 1000)


def write_actor(actor: Actor) -> str:
    """The actor's fields of a line, the same for every event of a process."""
    parts = [f'"pid":{actor.pid}']
    for field, limit in _ACTOR_TEXTS:
        if value := getattr(actor, field):
            parts.append(f'"{field}":{bounded(value, limit)}')
    return ",".join(parts)


def write_event(event: Event, now: float, actor: str) -> bytes:
    """The fields of a line, without empty ones; `now` is the time of an event that has none."""
    parts = [f'"time":"{write_time(event.time or now)}"']
    for field, limit in _EVENT_TEXTS:
        if value := getattr(event, field):
            parts.append(f'"{field}":{bounded(value, limit)}')
    for field in _FLAGS:
        if getattr(event, field):
            parts.append(f'"{field}":true')
    for field in _NUMBERS:
        number = getattr(event, field)
        if number is not None:
            parts.append(f'"{field}":{min(max(int(number), 0), _LARGEST)}')
    parts.append(actor)
    return ",".join(parts).encode()


def string_of(line: bytes, field: bytes) -> bytes:
    """The text of a field as written in a line, with quotes; empty where it is left out."""
    start = line.find(b'"' + field + b'":"')
    if start < 0:
        return b""
    start += len(field) + 3
    end = line.find(b'"', start + 1)
    while end > 0 and _is_escaped(line, end):
        end = line.find(b'"', end + 1)
    return line[start : end + 1]


def _is_escaped(line: bytes, at: int) -> bool:
    before = line[:at]
    return (len(before) - len(before.rstrip(b"\\"))) % 2 == 1


def thousandths_of(time_text: bytes) -> int:
    """The milliseconds since 1970 of a time as written in a line, with or without quotes; 0 for anything else."""
    from calendar import timegm

    plain = time_text.strip(b'"')
    try:
        numbers = [
            int(plain[a:b]) for a, b in ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19), (20, 23))
        ]
        return timegm(tuple(numbers[:6])) * 1000 + numbers[6]
    except (ValueError, IndexError):
        return 0
