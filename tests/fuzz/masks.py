"""Taking values out of text: none is left, and where a stream was cut says nothing of the result."""

from __future__ import annotations

from sophia_secrets.core.redact import MASK, MINIMUM, Masker, Redactor


def _parts(data: bytes) -> tuple[list[str], bytes]:
    """Up to four values, each ended by a 0xff byte, which no UTF-8 holds, and then the text."""
    *first, text = data.split(b"\xff", 4)
    return [each.decode("utf-8", "replace") for each in first], text


def redactor(data: bytes) -> None:
    values, raw = _parts(data)
    text = raw.decode("utf-8", "replace")
    redacted = Redactor(values)
    done = redacted.redact(text)
    for value in values:
        # A mask between two pieces of text may happen to spell a value that holds a star.
        if len(value) >= MINIMUM and "*" not in value:
            assert value not in done
            assert MASK.decode() in redacted.redact(f"a {value} b")
    if not any(len(value) >= MINIMUM for value in values):
        assert done == text


def masker(data: bytes) -> None:
    values, text = _parts(data[1:])
    step = (data[:1] or b"\1")[0] % 7 + 1
    whole, cut, reused = Masker(values), Masker(values), Masker(values)
    expected = whole.feed(text) + whole.flush()
    pieces = [cut.feed(text[at : at + step]) for at in range(0, len(text), step)]
    assert b"".join(pieces) + cut.flush() == expected
    for _ in range(2):
        assert reused.feed(text) + reused.flush() == expected
