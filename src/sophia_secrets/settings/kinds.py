"""The kinds of a setting's value, parsed from a file (TOML) or from a variable or flag (text)."""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import assert_never

_DURATION = r"(?a)([0-9]{1,12}(?:\.[0-9]{1,6})?)\s?([smhd]?)"
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST = 36525 * 86400.0
"""A hundred years, in seconds: the longest duration."""

MAX_TEXT = 4096
_PRIVATE_KEY = "AGE-SECRET-KEY-"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})

Value = str | bool | float | tuple[str, ...] | None
"""A parsed value. Durations are seconds; None is an unset or emptied text or path."""


class Kind(Enum):
    TEXT = "text"
    PROSE = "text of many lines"
    BOOLEAN = "boolean"
    DURATION = "duration"
    LIST = "list of text"
    BOOLEAN_OR_LIST = "boolean or list of text"
    CHOICE = "choice"
    PATH = "path"


class InvalidValue(ValueError):
    """The value is not valid: `problem` says why and never quotes it."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


def from_toml(kind: Kind, raw: object, choices: tuple[str, ...] = ()) -> Value:
    """The value of a settings file. Raises `InvalidValue`. Blank text is None (C4)."""
    match kind:
        case Kind.TEXT | Kind.PATH:
            return _text(raw)
        case Kind.PROSE:
            return _text(raw, lines=True)
        case Kind.BOOLEAN:
            if isinstance(raw, bool):
                return raw
            raise InvalidValue("must be true or false")
        case Kind.DURATION:
            return _seconds(raw)
        case Kind.LIST:
            if not isinstance(raw, list):
                raise InvalidValue('must be a list of text, such as ["a", "b"]')
            return _members(raw, choices)
        case Kind.BOOLEAN_OR_LIST:
            if isinstance(raw, bool | list):
                return raw if isinstance(raw, bool) else _members(raw, choices)
            raise InvalidValue("must be true, false or a list of text")
        case Kind.CHOICE:
            return _choice(_text(raw) or "", choices)
        case _:
            assert_never(kind)


def from_text(kind: Kind, text: str, choices: tuple[str, ...] = ()) -> Value:
    """The value of a variable or a flag; a list is comma-separated. Raises `InvalidValue`."""
    match kind:
        case Kind.BOOLEAN:
            word = text.strip().lower()
            if word in _TRUE or word in _FALSE:
                return word in _TRUE
            raise InvalidValue("must be true or false (1, 0, yes, no, on and off are understood)")
        case Kind.LIST:
            return _members([part.strip() for part in text.split(",") if part.strip()], choices)
        case Kind.BOOLEAN_OR_LIST:
            return from_text(
                Kind.BOOLEAN if text.strip().lower() in _TRUE | _FALSE else Kind.LIST, text, choices
            )
        case Kind.TEXT | Kind.PROSE | Kind.PATH | Kind.DURATION | Kind.CHOICE:
            return from_toml(kind, text, choices)
        case _:
            assert_never(kind)


def duration(text: str) -> float:
    """Seconds in `90`, `90s`, `5m`, `24h` or `90d`. Raises `InvalidValue`."""
    found = re.fullmatch(_DURATION, text.strip())
    if found is None:
        raise InvalidValue('must be a duration such as "90", "90s", "5m", "24h" or "90d"')
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > LONGEST:
        raise InvalidValue("is longer than a hundred years")
    return seconds


def _seconds(raw: object) -> float:
    if isinstance(raw, str):
        return duration(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise InvalidValue('must be a duration such as "90s", "5m", "24h" or "90d"')
    # TOML integers have no limit here, and `float` of a large one overflows.
    if not 0 <= raw <= LONGEST or not math.isfinite(raw):
        raise InvalidValue("must be between 0 and a hundred years, in seconds")
    return float(raw)


def _text(raw: object, *, lines: bool = False) -> str | None:
    if not isinstance(raw, str):
        raise InvalidValue("must be text in quotes")
    if not raw.strip():
        return None
    if len(raw) > MAX_TEXT:
        raise InvalidValue(f"has more than {MAX_TEXT} characters")
    if _PRIVATE_KEY in raw.upper():
        raise InvalidValue("holds a private age key, and settings never hold a secret")
    if has_controls(raw.replace("\n", " ").replace("\t", " ") if lines else raw):
        raise InvalidValue("holds a control character")
    return raw


def has_controls(text: str) -> bool:
    """Whether the text contains a C0 or C1 control character or a lone surrogate."""
    return any(c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in text)


def _choice(text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise InvalidValue(f"must be one of {', '.join(choices)}")
    return text


def _members(raw: list[object], choices: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for each in raw:
        text = _text(each)
        if text is None:
            raise InvalidValue("holds an empty text")
        if text in found:
            raise InvalidValue("holds the same text twice")
        found.append(_choice(text, choices) if choices else text)
    return tuple(found)
