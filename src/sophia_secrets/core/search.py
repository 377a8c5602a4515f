"""
Finding known values in a stream of bytes, by name and line.

A value is searched for as it is and in the encodings of `redact` (JSON, Python, XML, URL, base64 at each
alignment); of a value of several lines also each line by itself. This finds accidents: a value that
someone wants to hide can always be encoded differently.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from sophia_secrets.core.model import SecretValue
from sophia_secrets.core.redact import spellings

MINIMUM = 8
"""The shortest value, or line of one, in characters, that is searched for: shorter ones would match everywhere."""

_WINDOW = 1 << 20
_TOKEN = 16
_TOKEN_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.%~")
_TOKENS_ONLY = bytes(byte if byte in _TOKEN_BYTES else 0x20 for byte in range(256))
_LINE_END = r"\r\n|\r|\n"
_RANDOM = r"[A-Za-z0-9+_=-]{16,}+"


class Search:
    """Searches for named values; one name may have several values, and one value several names."""

    def __init__(self, values: Iterable[tuple[str, SecretValue]]) -> None:
        found: dict[bytes, set[str]] = {}
        short: set[str] = set()
        self._of_many_lines: set[str] = set()
        for name, value in values:
            text = value.reveal()
            lines = [line for line in re.split(_LINE_END, text) if line.strip()]
            if len(lines) > 1:
                self._of_many_lines.add(name)
            forms = _forms(text, lines)
            if not forms:
                short.add(name)
            for form in forms:
                found.setdefault(form, set()).add(name)
        self._names = {form: tuple(sorted(names)) for form, names in found.items()}
        self._longest = max(map(len, found), default=1)
        # Long tokens can only be inside long tokens, which are a small part of most text.
        self._tokens = [form for form in found if len(form) >= _TOKEN and _TOKEN_BYTES.issuperset(form)]
        tokens = frozenset(self._tokens)
        self._others = [form for form in found if form not in tokens]
        self.too_short = tuple(sorted(short))

    def names_in(self, text: bytes) -> list[str]:
        """The names whose values a short text contains, sorted."""
        return sorted({name for form in self._present(text) for name in self._names[form]})

    def lines(self, chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
        """
        Each (line, name) of the stream once, lines from 1 and in order.

        Consecutive lines that contain lines of one value are reported once, by the first. The result does not
        depend on how the stream is split into chunks.
        """
        line = 1
        last: dict[str, int] = {}
        for window, fresh in self._windows(chunks):
            at = 0
            for position, name in sorted(self._places(window)):
                if position >= fresh:
                    break
                line += window.count(b"\n", at, position)
                at = position
                before = last.get(name)
                last[name] = line
                if before == line or (before == line - 1 and name in self._of_many_lines):
                    continue
                yield line, name
            line += window.count(b"\n", at, fresh)

    def _windows(self, chunks: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
        """
        Overlapping windows, each with an offset: a match that begins before the offset is contained whole;
        the next window begins there.
        """
        size = max(_WINDOW, 4 * self._longest)
        step = size - self._longest + 1
        held = bytearray()
        for chunk in chunks:
            held += chunk
            while len(held) > size:
                yield bytes(held[:size]), step
                del held[:step]
        yield bytes(held), len(held)

    def _places(self, window: bytes) -> set[tuple[int, str]]:
        """The first position of each value in each line."""
        places: set[tuple[int, str]] = set()
        for form in self._present(window):
            at = window.find(form)
            while at >= 0:
                places.update((at, name) for name in self._names[form])
                at = window.find(b"\n", at)
                at = window.find(form, at + 1) if at >= 0 else -1
        return places

    def _present(self, window: bytes) -> Iterator[bytes]:
        yield from (form for form in self._others if form in window)
        if self._tokens:
            long = b" ".join(word for word in window.translate(_TOKENS_ONLY).split() if len(word) >= _TOKEN)
            yield from (form for form in self._tokens if form in long)


def _forms(text: str, lines: list[str]) -> set[bytes]:
    if not lines:
        return set()
    forms = spellings(text, MINIMUM)
    if len(lines) == 1:
        return forms
    for line in lines:
        forms -= spellings(line, MINIMUM)
    is_document = _is_document(text)
    stripped = (line.strip() for line in lines)
    return forms | {
        line.encode("utf-8", "surrogatepass") for line in stripped if _is_revealing(line, is_document)
    }


def _is_revealing(line: str, is_document: bool) -> bool:
    """Whether a line reveals a part of its value, instead of only framing it."""
    if len(line) < MINIMUM or line.startswith("-----"):
        return False
    # Every service account key in JSON has the line `"type": "service_account",`.
    return not is_document or any(
        any(map(str.isdigit, run)) and any(map(str.isalpha, run)) for run in re.findall(_RANDOM, line)
    )


def _is_document(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False
