"""
Removing known values from text and from byte streams.

A value is searched for as it is, line by line, and in the usual encodings: JSON, Python, XML, URL and
base64 at each of its three alignments. This stops accidents; a program that wants to leak a value can
always encode it differently.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MINIMUM = 4
"""The shortest value, in characters, that is redacted: shorter ones would match everywhere."""

MASK = b"***"

_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.%~")
_WORD_MAP = bytes(0x78 if byte in _WORD else 0x20 for byte in range(256))
_LONG = 16
_HEAD = 4


class Redactor:
    """Replaces every known value in text by `***`; values shorter than `MINIMUM` are ignored."""

    __slots__ = ("_forms",)

    def __init__(self, values: Iterable[str]) -> None:
        self._forms = _Forms(values)

    def redact(self, text: str, *, cut: bool = False) -> str:
        """
        The text without the values: each run of overlapping matches becomes one mask.

        `cut` says that the text may be truncated: an end that begins a value is masked too.
        """
        masker = Masker._of(self._forms)
        done = masker.feed(text.encode("utf-8", "surrogatepass")) + masker.flush(cut=cut)
        return done.decode("utf-8", "surrogatepass")


class Masker:
    """
    Replaces every known value in a stream of bytes.

    The output does not depend on how the stream is split into chunks. Only a tail that begins a form of
    some value is held back, so that a prompt without a newline appears at once.
    """

    __slots__ = ("_covered", "_forms", "_tail")

    def __init__(self, values: Iterable[str]) -> None:
        self._begin(_Forms(values))

    @classmethod
    def _of(cls, forms: _Forms) -> Masker:
        masker = cls.__new__(cls)
        masker._begin(forms)
        return masker

    def _begin(self, forms: _Forms) -> None:
        self._forms = forms
        self._tail = b""
        self._covered = 0  # the part of the tail whose mask was already output

    def feed(self, chunk: bytes) -> bytes:
        """The output after this chunk."""
        held = self._tail + chunk
        return self._emit(held, self._forms.hold(held), self._forms.spans(held))

    def flush(self, *, cut: bool = False) -> bytes:
        """
        The rest of the output at the end of the stream; the masker can then be reused.

        With `cut`, a tail of at least four bytes that begins a value is masked, because the stream was
        truncated.
        """
        held = self._tail
        spans = self._forms.spans(held)
        if cut and len(held) >= _HEAD:
            spans = [(0, len(held))]  # all that is held back begins a value
        shown = self._emit(held, len(held), spans)
        self._covered = 0
        return shown

    def _emit(self, held: bytes, end: int, spans: list[tuple[int, int]]) -> bytes:
        out: list[bytes] = []
        at = self._covered
        for start, stop in spans:
            if start < at:
                at = max(at, stop)
            elif start < end:
                out += (held[at:start], MASK)
                at = stop
        if at < end:
            out.append(held[at:end])
            at = end
        self._tail = held[end:]
        self._covered = at - end
        return b"".join(out)


class _Forms:
    """All encoded forms of some values, and their positions in bytes."""

    __slots__ = ("_heads", "_longest", "_others", "_run", "_sorted", "_words")

    def __init__(self, values: Iterable[str]) -> None:
        found = {form for value in values for form in spellings(value)}
        self._sorted = sorted(found)
        self._longest = max(map(len, found), default=0)
        self._heads = frozenset(form[:_HEAD] for form in found)
        # A token of 16 bytes can only be inside a run of token bytes of at least its length, and such
        # runs are a small part of most output: searching only them is ten times faster.
        self._words = [form for form in self._sorted if len(form) >= _LONG and _WORD.issuperset(form)]
        words = frozenset(self._words)
        self._others = [form for form in self._sorted if form not in words]
        self._run = b"x" * min(map(len, self._words), default=0)

    def spans(self, held: bytes) -> list[tuple[int, int]]:
        """The ranges covered by a form, sorted, overlapping ones merged."""
        spans: list[tuple[int, int]] = []
        for form in self._present(held):
            at = held.find(form)
            while at >= 0:
                spans.append((at, at + len(form)))
                at = held.find(form, at + 1)
        return _merge(spans)

    def hold(self, held: bytes) -> int:
        """The first offset from which the rest is a proper prefix of some form."""
        size = len(held)
        for at in range(max(0, size - self._longest + 1), size):
            if size - at >= _HEAD and held[at : at + _HEAD] not in self._heads:
                continue
            rest = held[at:]
            place = bisect_left(self._sorted, rest)
            if place < len(self._sorted) and self._sorted[place] == rest:
                place += 1
            if place < len(self._sorted) and self._sorted[place].startswith(rest):
                return at
        return size

    def _present(self, held: bytes) -> Iterator[bytes]:
        yield from (form for form in self._others if form in held)
        if self._words:
            runs = b" ".join(self._runs(held))
            yield from (form for form in self._words if form in runs)

    def _runs(self, held: bytes) -> Iterator[bytes]:
        shape = held.translate(_WORD_MAP)
        start = shape.find(self._run)
        while start >= 0:
            stop = shape.find(b" ", start)
            if stop < 0:
                stop = len(shape)
            yield held[start:stop]
            start = shape.find(self._run, stop)


def spellings(value: str, minimum: int = MINIMUM) -> set[bytes]:
    """The forms in which output may contain this value or one of its lines, as UTF-8."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    pieces = {value, "\r\n".join(lines), *lines}
    pieces |= {piece.strip() for piece in pieces}
    found: set[bytes] = set()
    for piece in pieces:
        if len(piece) >= minimum:
            raw = piece.encode("utf-8", "surrogatepass")
            found.update(
                text.encode("utf-8", "surrogatepass")
                for text in (piece, *_escaped(piece), *_quoted(raw))
                if len(text) >= minimum
            )
            found.update(form for form in _base64(raw) if len(form) >= minimum)
    return found


_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})


def _escaped(piece: str) -> Iterator[str]:
    yield json.dumps(piece)[1:-1]
    plain = json.dumps(piece, ensure_ascii=False)[1:-1]
    yield plain
    # Go's encoding/json (`HTMLEscape`) writes these five as escapes.
    for sign in "<>&\u2028\u2029":
        plain = plain.replace(sign, f"\\u{ord(sign):04x}")
    yield plain
    yield repr(piece)[1:-1]
    yield piece.translate(_XML)


def _quoted(raw: bytes) -> Iterator[str]:
    yield quote(raw, safe="")
    yield quote(raw)
    yield quote(raw, safe="!'()*")  # what JavaScript's encodeURIComponent leaves
    yield quote_plus(raw)


def _base64(raw: bytes) -> Iterator[bytes]:
    for before in range(3):
        encoded = b2a_base64(bytes(before) + raw, newline=False)
        # Only the characters that do not depend on neighbouring bytes.
        core = encoded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))


def _merge(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged
