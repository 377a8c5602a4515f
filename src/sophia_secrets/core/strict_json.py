"""
Strict JSON parsing, for vendors' answers.

Stricter than `json.loads`, which accepts `NaN`, keeps the last of two equal keys, accepts lone
surrogates and can be made to exhaust the stack. No error raised here contains the document or a part of
it, in any attribute or in its context: the document may be full of secrets.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn, final

MAX_DEPTH = 64

_BLANK = re.compile(r"[ \t\n\r]*")
_SURROGATE = "[\ud800-\udfff]"


class BadJSON(ValueError):
    """
    Bytes that are not strict JSON. Its text is one of a few fixed reasons; `line` is the line of the error,
    0 if unknown.
    """

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line


@final
class Number:
    """
    A JSON number as it was written: `text` keeps every digit.

    Not a `str`, so that a check for text does not take one for the other; its `repr` shows
    nothing, because a number can be a secret too.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "<number>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def loads(data: bytes) -> object:
    """
    The one document in `data`: dict, list, str, bool, None or `Number`.

    Raises `BadJSON` for anything but one UTF-8 document: bytes that are not UTF-8, a byte order
    mark, text before or after it, equal keys in one object, `NaN` and `Infinity`, a lone
    surrogate, more than 64 levels.
    """
    documents = stream(data)
    if len(documents) != 1:
        raise BadJSON("more than one document" if documents else "no document")
    return documents[0]


def stream(data: bytes) -> list[object]:
    """
    All documents in `data`, with any or no white space between them (as `gh api --paginate`
    prints its pages); none for white space alone. Raises `BadJSON` as `loads` does.
    """
    text = _decoded(data)
    documents: list[object] = []
    position = _after_blank(text, 0)
    while position < len(text):
        document, position = _scanned(text, position)
        _check(document)
        documents.append(document)
        position = _after_blank(text, position)
    return documents


def _after_blank(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position


# `UnicodeDecodeError` and `JSONDecodeError` hold the document, and `raise ... from None` would still
# keep them in `__context__`: so `BadJSON` is raised outside the handlers.


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise BadJSON("not UTF-8")


def _scanned(text: str, position: int) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        reason, line = "it is not JSON", error.lineno
    except RecursionError:
        reason, line = "nested too deeply", 0
    raise BadJSON(reason, line)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise BadJSON("a key is there twice")
    return made


def _constant(_word: str) -> NoReturn:
    raise BadJSON("NaN or Infinity")


def _check(document: object) -> None:
    level: list[object] = [document]
    depth = 0
    while level:
        below: list[object] = []
        for value in level:
            if isinstance(value, str):
                if re.search(_SURROGATE, value):
                    raise BadJSON("a lone surrogate")
            elif isinstance(value, dict):
                below.extend(value)
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        depth += any(isinstance(value, dict | list) for value in level)
        if depth > MAX_DEPTH:
            raise BadJSON("nested too deeply")
        level = below


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=Number, parse_float=Number, parse_constant=_constant
)
