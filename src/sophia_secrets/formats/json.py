"""
JSON: one flat object of names and texts, exact for every JSON parser (RFC 8259).

Read strictly: a duplicate name is an error, and so is a value that is not text. A number is read as the
text in the file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sophia_secrets import errors
from sophia_secrets.core import names, strict_json
from sophia_secrets.core.model import SecretValue
from sophia_secrets.formats import Pair, check_names, decoded, malformed, text_of


def read(data: bytes) -> list[Pair]:
    """The object's names and values in order. Raises `errors.UsageError`, which quotes no value."""
    text = decoded(data)
    try:
        document = strict_json.loads(text.encode())
    except strict_json.BadJSON as error:
        problem, line = str(error), error.line
    else:
        return _flat(document)
    if line:
        raise malformed(line, problem)
    twice = _twice(text)
    if twice is not None:
        problem = f"{names.shown(twice)} is there twice"
    raise errors.UsageError(f"The file is not strict JSON: {problem}.")


def _twice(text: str) -> str | None:
    """The first duplicate key of an object."""
    found: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                found.append(key)
            seen.add(key)

    try:
        json.loads(text, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return None
    return found[0] if found else None


def _flat(document: object) -> list[Pair]:
    if not isinstance(document, dict):
        raise errors.UsageError(
            "The file is not a JSON object of names and values.",
            hint='Nothing was stored. Write it as `{"NAME": "value"}`.',
        )
    pairs: list[Pair] = []
    for name, value in document.items():
        names.check_safe(name)
        text = value.text if isinstance(value, strict_json.Number) else value
        if not isinstance(text, str):
            raise errors.UsageError(
                f"{names.shown(name)} has {_kind(value)} for a value.", hint="Give it a text, in quotes."
            )
        pairs.append(Pair(name, SecretValue(text)))
    return pairs


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else "null"


def write(pairs: Sequence[Pair]) -> bytes:
    """One object, one name per line, in ASCII."""
    check_names(pairs, identifier=False)
    return json.dumps({pair.name: text_of(pair, nul=True) for pair in pairs}, indent=2).encode() + b"\n"
