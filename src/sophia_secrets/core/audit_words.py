"""The vocabulary of the audit log: the values of an event's `outcome` and `command`."""

from __future__ import annotations

OUTCOMES = {
    "found": "A value was handed out; counts as an access.",
    "seen": "A value was found and not handed out (`explain`); or a vendor's mark was seen for the first time.",
    "unset": "A name that may be left out is nowhere (`load_config`).",
    "listed": "Names were shown.",
    "absent": "No value was handed out: no backend that was asked holds one.",
    "write_only": "No value was handed out: a backend holds one and never gives it back here.",
    "failed": "No value was handed out, or a write was not made; `kind` says why.",
    "backend_failed": "A backend did not answer; `kind` says why.",
    "intent": "A write is about to start.",
    "done": "A write was made.",
    "unchanged": "A write had nothing to do.",
    "refused": "A write was refused before the vendor was asked.",
    "unknown": "A write whose end nobody saw.",
    "not_started": "A write that was not begun, because one before it failed.",
    "changed": "A vendor's mark had moved without us: a new version.",
    "abandoned": "A rotation that was begun was given up.",
    "rotated": "The log goes on from the file before.",
    "recovered": "A line that a crash had torn was closed off.",
    "gap": "Lines of the log are missing or were altered before this one.",
    "new_chain": "The log goes on with another key.",
}
"""Each outcome and what it means; `-` may be typed for `_`."""

COMMANDS = (
    *("get", "list", "explain", "info", "set", "delete", "copy", "move", "sync", "diff", "rotate"),
    *("rotation", "run", "export", "render", "import", "scan", "cache", "check", "audit"),
    *("python get", "python set", "python delete", "python list"),
)
"""The commands that write events."""
