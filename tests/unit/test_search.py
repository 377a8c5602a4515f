from __future__ import annotations

import base64
import itertools
import json
import time
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_secrets.core import search as module
from sophia_secrets.core.model import SecretValue
from sophia_secrets.core.search import Search

KEY = "-----BEGIN KEY-----\nMIIcanaryline0001aaaa\nMIIcanaryline0002bbbb\nshort\n-----END KEY-----\n"
ACCOUNT = json.dumps(
    {"type": "service_account", "private_key_id": "0123456789abcdef0123456789abcdef", "n": "x" * 9}, indent=2
)


def search(**values: str) -> Search:
    return Search([(name, SecretValue(value)) for name, value in values.items()])


def found(text: str | bytes, **values: str) -> list[tuple[int, str]]:
    return list(search(**values).lines([text.encode() if isinstance(text, str) else text]))


def test_a_value_is_told_by_its_name_and_line() -> None:
    assert found("a\nb = hunter2-hunter2\n", A="hunter2-hunter2") == [(2, "A")]


def test_a_value_that_begins_with_a_line_end_is_found_and_the_search_ends() -> None:
    value = "\nhunter2-hunter2"
    told = [line for line, _ in found(f"a{value}\nb\nc{value}{value}\n", A=value)]
    assert {2, 5, 6} <= set(told) <= {1, 2, 4, 5, 6}
    assert told == sorted(set(told))


def test_every_line_that_holds_it_is_told_once() -> None:
    assert found("longvalue longvalue\nx\nlongvalue\n", A="longvalue") == [(1, "A"), (3, "A")]


def test_names_that_share_a_value_are_all_told() -> None:
    assert found("longvalue", A="longvalue", B="longvalue") == [(1, "A"), (1, "B")]


@pytest.mark.parametrize(
    "form",
    [
        lambda v: v,
        lambda v: json.dumps({"k": v}),
        lambda v: json.dumps({"k": v}, ensure_ascii=False),
        lambda v: urllib.parse.quote(v),
        lambda v: urllib.parse.quote(v, safe=""),
        lambda v: urllib.parse.quote_plus(v),
        lambda v: repr(v),
        lambda v: base64.b64encode(v.encode()).decode(),
        lambda v: base64.b64encode(b"user:" + v.encode() + b"\n").decode(),
        lambda v: base64.b64encode(b"u:" + v.encode()).decode(),
        lambda v: base64.urlsafe_b64encode(b"x" + v.encode()).decode(),
    ],
)
@pytest.mark.parametrize("value", ['pa"ss w/é+rd\\<x>&1', "plain-token-0123456789", "8charact"])
def test_the_usual_spellings_are_found(form, value: str) -> None:  # type: ignore[no-untyped-def]
    assert found(f"first\nthen {form(value)} there", A=value) == [(2, "A")]


def test_a_line_of_a_key_is_found_wherever_it_is_indented() -> None:
    assert found("x:\n    MIIcanaryline0002bbbb\n", PEM=KEY) == [(2, "PEM")]


def test_a_whole_key_is_told_once_by_its_first_line() -> None:
    assert found(f"x\n{KEY}y", PEM=KEY) == [(2, "PEM")]
    indented = "".join(f"  {line}\n" for line in KEY.splitlines())
    assert found(f"x\n{indented}", PEM=KEY) == [(3, "PEM")]


def test_the_frame_of_a_key_gives_nothing_away() -> None:
    assert found("-----BEGIN KEY-----\nsomebody else's\n-----END KEY-----\nshort\n", PEM=KEY) == []


def test_of_a_key_in_json_only_lines_with_something_random_count() -> None:
    assert found('  "type": "service_account",\n  "n": "xxxxxxxxx"\n', A=ACCOUNT) == []
    assert found('"private_key_id": "0123456789abcdef0123456789abcdef",\n', A=ACCOUNT) == [(1, "A")]
    assert found(json.dumps({"key": ACCOUNT}), A=ACCOUNT) == [(1, "A")]


@pytest.mark.parametrize("value", ["", "short", "1234567", "        ", " \n \n      \n"])
def test_what_would_be_found_everywhere_is_not_looked_for_and_said_so(value: str) -> None:
    assert search(A=value, B="long enough").too_short == ("A",)
    assert found("short 1234567                 \n\n", A=value) == []


def test_the_names_in_a_path_are_told() -> None:
    assert search(A="longvalue", B="other-value").names_in(b"dir/longvalue.txt") == ["A"]


def test_the_repr_of_a_search_holds_no_value() -> None:
    assert "longvalue" not in repr(search(A="longvalue"))


VALUES = st.text(alphabet="abc\n%+/ ", min_size=1, max_size=24)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from("ABC"), VALUES, max_size=3),
    st.lists(st.one_of(VALUES, st.integers(0, 2)), max_size=12),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_what_is_found_does_not_depend_on_the_chunks(
    values: dict[str, str], pieces: list[str | int], cuts: list[int]
) -> None:
    chosen = list(values.values()) or [""]
    text = "".join(p if isinstance(p, str) else chosen[p % len(chosen)] for p in pieces).encode()
    whole = found(text, **values)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    chunks = [text[start:stop] for start, stop in itertools.pairwise(places)]
    window = module._WINDOW
    module._WINDOW = 16
    try:
        assert list(search(**values).lines(chunks)) == whole
    finally:
        module._WINDOW = window


@given(st.text(alphabet="ab\n ", max_size=200), st.text(alphabet="ab ", min_size=8, max_size=12))
def test_a_value_of_one_line_is_found_exactly_in_the_lines_that_hold_it(text: str, value: str) -> None:
    piece = value.strip()
    if len(piece) < 8:
        return
    expected = [(n, "A") for n, line in enumerate(text.split("\n"), 1) if piece in line]
    assert found(text, A=value) == expected


def test_R3_a_hostile_file_takes_linear_time() -> None:
    values = {f"N{i}": f"token-{i:04}-" + "aZ9/" * 10 for i in range(50)} | {"A": "a" * 8, "P": KEY * 3}
    for text in (b"a" * 1_000_000, b"token-0001-aZ9/" * 70_000, b"aaaaaaaa\n" * 110_000, b"\n" * 1_000_000):
        before = time.process_time()
        list(search(**values).lines([text]))
        assert time.process_time() - before < 1
