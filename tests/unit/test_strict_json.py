"""V4, V5, L3: only strict JSON gets through, and no error tells what the document said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.core import strict_json
from sophia_secrets.core.strict_json import BadJSON, Number

CANARY = "canary-7f3a"


def _numbers_to_text(value: object) -> object:
    match value:
        case Number():
            return json.loads(value.text)
        case dict():
            return {key: _numbers_to_text(item) for key, item in value.items()}
        case list():
            return [_numbers_to_text(item) for item in value]
    return value


_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(_DOCUMENTS, st.booleans())
def test_every_plain_document_is_read_as_the_standard_library_reads_it(
    document: object, ascii_: bool
) -> None:
    data = json.dumps(document, ensure_ascii=ascii_).encode()
    assert _numbers_to_text(strict_json.loads(data)) == document


@given(
    st.lists(st.dictionaries(_TEXT, _TEXT, max_size=3), max_size=5), st.sampled_from(["", "\n", " \r\n\t"])
)
def test_a_stream_needs_no_separator(documents: list[dict[str, str]], between: str) -> None:
    data = between.join(json.dumps(document) for document in documents).encode()
    assert strict_json.stream(data) == documents


VECTORS = {
    "100k levels": b"[" * 100_000 + b"]" * 100_000,
    "100k levels of objects": b'{"a":' * 100_000,
    "65 levels": b"[" * 65 + b"]" * 65,
    "NaN": b'{"a": NaN}',
    "Infinity": b"[Infinity]",
    "minus Infinity": b"[-Infinity]",
    "equal keys": b'{"a": "x", "a": "x"}',
    "equal keys after unescaping": b'{"a": 1, "\\u0061": 2}',
    "equal keys deep inside": b'[{"b": [{"a": 1, "a": 2}]}]',
    "lone high surrogate": b'["\\ud800"]',
    "lone low surrogate": b'["\\udc00x"]',
    "lone surrogate in a key": b'{"\\udfff": 1}',
    "encoded surrogate": b'["\xed\xa0\x80"]',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-16 without mark": '{"a": 1}'.encode("utf-16-le"),
    "not UTF-8": b'{"a": "\xff"}',
    "a page": b"<html><body>Sign in</body></html>",
    "text after": b'{"a": 1}\nA new release of gh is available',
    "text before": b'Warning: x\n{"a": 1}',
    "NUL after": b"{}\0",
    "control character in text": b'["a\nb"]',
    "single quotes": b"{'a': 1}",
    "trailing comma": b"[1,]",
    "comment": b"[1 /* x */]",
    "no-break space": "{}\u00a0".encode(),
}


@pytest.mark.parametrize("data", VECTORS.values(), ids=VECTORS.keys())
def test_V5_odd_json_is_refused(data: bytes) -> None:
    with pytest.raises(BadJSON):
        strict_json.stream(data)
    with pytest.raises(BadJSON):
        strict_json.loads(data)


def test_V5_64_levels_are_the_most() -> None:
    assert strict_json.loads(b"[" * 64 + b"]" * 64)
    assert strict_json.loads(b"[" * 64 + b'"text at the bottom"' + b"]" * 64)


@pytest.mark.parametrize("text", ["9" * 5000, "1e999", "-0", "1.10", "0.1e-7"])
def test_V5_numbers_keep_every_digit(text: str) -> None:
    document = strict_json.loads(f"[{text}]".encode())
    assert document == [Number(text)]
    assert not isinstance(document[0], str)  # type: ignore[index]


def test_a_number_does_not_show_itself() -> None:
    assert "4711" not in f"{Number('4711')!r} {Number('4711')}"


@pytest.mark.parametrize("data", [b"", b" \n"])
def test_loads_wants_a_document_and_stream_does_not(data: bytes) -> None:
    assert strict_json.stream(data) == []
    with pytest.raises(BadJSON):
        strict_json.loads(data)


def test_loads_refuses_two_documents() -> None:
    with pytest.raises(BadJSON):
        strict_json.loads(b"{}{}")


def test_V4_no_proper_prefix_of_an_object_is_read() -> None:
    data = json.dumps({"total_count": 1, "secrets": [{"name": "é", "n": [1, None, True]}]}).encode()
    for end in range(1, len(data)):
        with pytest.raises(BadJSON):
            strict_json.stream(data[:end])


@given(st.binary(max_size=60))
def test_V4_garbage_is_a_document_or_bad_json_and_nothing_else(data: bytes) -> None:
    try:
        strict_json.stream(data)
    except BadJSON:
        pass


@pytest.mark.parametrize(
    "data",
    [
        f'{{"a": "{CANARY}"'.encode(),
        f'{{"a": "{CANARY}", "a": 1}}'.encode(),
        f'{{"{CANARY}": 1, "{CANARY}": 1}}'.encode(),
        f'["{CANARY}", NaN]'.encode(),
        f'["{CANARY}\\ud800"]'.encode(),
        f'["{CANARY}'.encode() + b"\xff",
        b"[" * 100_000 + CANARY.encode(),
        f'"{CANARY}" {CANARY}'.encode(),
    ],
)
def test_L3_the_error_holds_nothing_of_the_document(data: bytes) -> None:
    with pytest.raises(BadJSON) as caught:
        strict_json.loads(data)
    error = caught.value
    assert error.__context__ is None
    assert error.__cause__ is None
    assert CANARY not in repr((error.args, vars(error), str(error)))


def test_numbers_are_the_same_where_they_are_written_so() -> None:
    one, same, other = strict_json.loads(b"[1, 1, 1.0]")
    assert {one, same, other} == {one, other}
