"""
YAML: one flat mapping of names and texts, exact for PyYAML's safe loader.

Everything is written in double quotes, so that `yes`, `1e3` and dates are text for any YAML parser. Read
strictly, event by event: aliases, tags, nesting and a second document are errors, so no input expands; a
plain scalar is read as the text in the file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from sophia_secrets import errors
from sophia_secrets.core import names
from sophia_secrets.core.model import SecretValue
from sophia_secrets.formats import Pair, check_names, decoded, malformed, text_of, value_problem

MAX_BYTES = 1024 * 1024
"""YAML is slow to read: a larger file is refused."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = ("", "~", "null", "Null", "NULL")
_TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")


def read(data: bytes) -> list[Pair]:
    """The mapping's names and values in order. Raises `errors.UsageError`, which quotes no value."""
    if len(data) > MAX_BYTES:
        raise errors.UsageError(f"The file is larger than {MAX_BYTES:,} bytes.")
    text = decoded(data)
    try:
        return _pairs(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        line = _line(error.problem_mark or error.context_mark)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
    # Outside the `except`: the parser's error contains the text around it.
    raise malformed(line, "it is not YAML")


def _pairs(events: Iterator[yaml.Event]) -> list[Pair]:
    pairs: list[Pair] = []
    lines: dict[str, int] = {}
    name: str | None = None
    inside = False
    for event in events:
        line = _line(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent) and (pairs or inside):
            raise malformed(line, "a second document begins here")
        if isinstance(event, yaml.AliasEvent):
            raise malformed(line, "it uses an alias")
        if isinstance(event, yaml.MappingStartEvent) and not inside:
            _check_node(event, line)
            inside = True
        elif isinstance(event, yaml.CollectionStartEvent):
            raise malformed(line, "a text is wanted where a list or a mapping begins")
        elif isinstance(event, yaml.ScalarEvent):
            if not inside:
                raise malformed(line, "a mapping of names and values is wanted")
            _check_node(event, line)
            if name is None:
                name = _name(event, line, lines)
            else:
                pairs.append(Pair(name, _value(event, line), lines[name]))
                name = None
    return pairs


def _line(mark: Any) -> int:
    """The line, from 1. Marks are of PyYAML or libyaml, without a common type, or None."""
    return int(mark.line) + 1 if mark else 1


def _check_node(event: yaml.ScalarEvent | yaml.MappingStartEvent, line: int) -> None:
    if event.anchor is not None:
        raise malformed(line, "it has an anchor")
    if event.tag not in _TEXT_TAGS:
        raise malformed(line, "it has a tag")


def _name(event: yaml.ScalarEvent, line: int, lines: dict[str, int]) -> str:
    name: str = event.value
    if not names.is_safe(name):
        raise malformed(line, "it does not begin with a name")
    if name in lines:
        raise malformed(line, f"{names.shown(name)} is already on line {lines[name]}")
    lines[name] = line
    return name


def _value(event: yaml.ScalarEvent, line: int) -> SecretValue:
    if event.tag is None and event.implicit[0] and event.value in _NULL:
        raise malformed(line, "there is no value; an empty one is two quotes")
    value = SecretValue(event.value)
    problem = value_problem(value, nul=True)
    if problem is not None:
        raise malformed(line, problem)
    return value


def write(pairs: Sequence[Pair]) -> bytes:
    """One mapping, each name and value in double quotes, in ASCII."""
    check_names(pairs, identifier=False)
    mapping = {pair.name: text_of(pair, nul=True) for pair in pairs}
    written: str = yaml.safe_dump(mapping, default_style='"', sort_keys=False, width=sys.maxsize)
    return written.encode()
