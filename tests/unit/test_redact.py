"""Known values never come out of the redactor, however they are spelled or cut (L7, L8, L9)."""

import base64
import html
import json
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sophia_secrets.core.redact import Masker, Redactor, spellings

PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"

# Few letters, so that prefixes, overlaps and neighbours are common. No asterisk: the mask itself
# could then spell a value.
LETTERS = st.text("abAB\n =é", max_size=12)
SECRETS = st.lists(LETTERS, max_size=5)


def reference(values: list[str], text: bytes) -> bytes:
    """The rule, byte by byte: what some form covers is masked, overlapping matches as one."""
    forms = {form for value in values for form in spellings(value)}
    spans = [
        (at, at + len(form)) for form in forms for at in range(len(text)) if text[at : at + len(form)] == form
    ]
    out, end = [], 0
    for start, stop in sorted(spans):
        if start < end:
            end = max(end, stop)
        else:
            out += [text[end:start], b"***"]
            end = stop
    return b"".join([*out, text[end:]])


def streamed(values: list[str], chunks: list[bytes]) -> bytes:
    masker = Masker(values)
    return b"".join(map(masker.feed, chunks)) + masker.flush()


@given(SECRETS, st.text("abAB\n =é%20\\nYWJ", max_size=60), st.lists(st.integers(0, 80), max_size=6))
@example(["aaaa", "aaaab", "aabb"], "aaaaaabbaaaab", [3, 4, 7])
@example(["aaaa", "aaaaaaaa"], "aaaaa", [4])
@example(["abab", "babA"], "ababAabab", [5])
def test_L8_no_byte_depends_on_the_chunks(values: list[str], text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in pairwise(edges)]
    whole = reference(values, data)
    assert streamed(values, chunks) == whole
    assert streamed(values, [bytes([byte]) for byte in data]) == whole
    assert Redactor(values).redact(text) == whole.decode()


@given(SECRETS, st.lists(st.one_of(LETTERS, st.integers(0, 4)), max_size=8))
def test_L8_no_value_of_four_characters_comes_out(values: list[str], parts: list[str | int]) -> None:
    text = "".join(
        part if isinstance(part, str) else (values[part] if part < len(values) else "") for part in parts
    )
    shown = Redactor(values).redact(text)
    assert not [value for value in values if len(value) >= 4 and value in shown]


@given(st.text(min_size=4, max_size=40), st.binary(max_size=4), st.binary(max_size=4))
def test_L7_no_spelling_of_a_value_comes_out(value: str, before: bytes, after: bytes) -> None:
    raw = value.encode("utf-8", "surrogatepass")
    wrapped = before + raw + after
    for spelled in (raw, json.dumps(value)[1:-1].encode(), quote(raw, safe="").encode()):
        assert spelled not in streamed([value], [b"<" + spelled + b">"]).replace(b"***", b"")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        shown = streamed([value], [encode(wrapped)]).split(b"***")
        # All but the characters that the neighbours have a part in.
        assert len(shown) > 1
        assert len(b"".join(shown)) <= len(encode(before)) + len(encode(after)) + 4


@pytest.mark.parametrize(
    "spelled",
    [
        'pass"<&>\\word/é',
        r"pass\"<&>\\word/é",
        r"pass\"<&>\\word/\u00e9",
        r"pass\"\u003c\u0026\u003e\\word/é",
        html.escape('pass"<&>\\word/é'),
        "pass%22%3C%26%3E%5Cword%2F%C3%A9",
        "pass%22%3C%26%3E%5Cword/%C3%A9",
    ],
)
def test_L7_every_spelling_is_masked_whole(spelled: str) -> None:
    assert Redactor(['pass"<&>\\word/é']).redact(f"error: {spelled}!") == "error: ***!"


def test_L7_each_line_of_a_value_is_masked_alone() -> None:
    shown = Redactor([PEM]).redact("line 3 is invalid: hkiG9w0BAQEFAASC\nMIIEvQIBADANBgkq and more")
    assert shown == "line 3 is invalid: ***\n*** and more"


def test_L7_a_value_that_was_trimmed_or_given_other_line_ends_is_masked() -> None:
    redactor = Redactor(["  padded value \n", "one1\ntwo2"])
    assert redactor.redact("[padded value]") == "[***]"
    assert redactor.redact("one1\r\ntwo2") == "***"
    assert Redactor(["one1\r\ntwo2\nthree3"]).redact("one1\r\ntwo2\r\nthree3") == "***"


def test_values_under_four_characters_and_empty_ones_are_left_alone() -> None:
    assert Redactor(["", "a", "abc", "\n\n\n\n\n"]).redact("abc a, none") == "abc a, none"


def test_adjacent_values_are_both_masked() -> None:
    assert Redactor(["first", "second"]).redact("firstsecond") == "******"


def test_the_longest_of_several_values_wins() -> None:
    assert Redactor(["token", "token-with-more"]).redact("x token-with-more x") == "x *** x"


def test_a_cut_end_that_begins_a_value_is_masked_only_when_told() -> None:
    redactor = Redactor(["sk-live-0123456789"])
    assert redactor.redact("key sk-live-01") == "key sk-live-01"
    assert redactor.redact("key sk-live-01", cut=True) == "key ***"
    assert redactor.redact("key sk-", cut=True) == "key sk-"


def test_L9_a_prompt_without_a_newline_is_not_held_back() -> None:
    masker = Masker([PEM, "sk-live-0123456789"])
    shown = b"".join(masker.feed(bytes([byte])) for byte in PEM.encode())
    assert masker.feed(b"Passphrase: ") == b"Passphrase: "
    assert shown == b"***"


def test_L9_only_a_tail_that_begins_a_value_waits() -> None:
    masker = Masker(["sk-live-0123456789"])
    assert masker.feed(b"the key is sk-live") == b"the key is "
    assert masker.feed(b"ly different\n") == b"sk-lively different\n"
    assert masker.flush() == b""


def test_a_mask_that_was_shown_is_not_shown_again_for_the_same_run() -> None:
    masker = Masker(["abcdef", "defghi"])
    assert masker.feed(b"xabcdef") == b"x***"
    assert masker.feed(b"ghi.") == b"."


def test_L8_lone_surrogates_pass() -> None:
    assert Redactor(["\ud800abcd"]).redact("x\ud800abcd\udfff") == "x***\udfff"


def test_R3_a_megabyte_of_near_misses_is_done_in_one_go() -> None:
    text = b"aaaa" * 250_000
    assert streamed(["a" * 40 + "b"], [text]) == text
    text = b"-----BEGIN KEY---- " * 60_000
    assert streamed([PEM], [text]) == text


def test_nothing_of_a_value_is_in_a_repr() -> None:
    assert "canary" not in repr(Redactor(["canary-value"])) + repr(Masker(["canary-value"]))


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_each_line_of_a_value_is_masked_alone_whatever_ends_it(end: str) -> None:
    redactor = Redactor([f"first-line{end}second-line"])
    assert redactor.redact("x first-line y second-line z") == "x *** y *** z"


@pytest.mark.parametrize("before", [0, 1, 2])
def test_base64_is_masked_up_to_the_characters_that_its_neighbours_have_a_part_in(before: int) -> None:
    encoded = base64.b64encode(b"?" * before + b"a-value-of-some-length!!").decode()
    masked = Redactor(["a-value-of-some-length!!"]).redact(encoded)
    assert masked == encoded[: (before * 8 + 5) // 6] + "***" + encoded[(before + 24) * 8 // 6 :]


def test_a_cut_text_is_masked_from_four_characters_of_a_value_on() -> None:
    redactor = Redactor(["abcdefgh"])
    assert redactor.redact("x abcd", cut=True) == "x ***"
    assert redactor.redact("x abc", cut=True) == "x abc"
    assert redactor.redact("x abcd") == "x abcd"
    assert redactor.redact("x abcdefgh y abcde", cut=True) == "x *** y ***"


def test_a_masker_can_be_used_again_after_its_end() -> None:
    masker = Masker(["abcd", "abcdabcdef"])
    for _ in range(3):
        assert masker.feed(b"abcdab") + masker.flush() == b"***ab"
        assert masker.feed(b"first") + masker.flush() == b"first"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("x abc", "x abc"), ("x abcd", "x ***"), ("abcd", "***"), ("abc", "abc"), ("abcdefx", "***x")],
)
def test_an_end_of_four_bytes_that_begins_a_value_is_masked_where_text_was_cut(text: str, shown: str) -> None:
    redactor = Redactor(["abcdef"])
    assert redactor.redact(text, cut=True) == shown
    assert redactor.redact(text) == text.replace("abcdef", "***")


def test_a_value_that_may_still_become_a_longer_one_is_held_back_whole() -> None:
    masker = Masker(["aaaa", "aaaabbbb"])
    assert masker.feed(b"x") == b"x"
    assert masker.feed(b"aaaa") == b""
    assert masker.feed(b"b") == b""
    assert masker.feed(b"c") == b"***bc"
    assert masker.flush() == b""


@pytest.mark.parametrize("value", ["abcdef", "pässword", "two\nlines here"])
def test_L8_a_spelling_cut_anywhere_is_one_mask(value: str) -> None:
    for form in spellings(value):
        for cut in range(1, len(form)):
            assert streamed([value], [form[:cut], form[cut:]]) == b"***", (form, cut)


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ("X<y>z", r"X\u003cy\u003ez"),
        ("ab\x07cde", r"ab\x07cde"),
        ("ab\x07cde", r"ab\u0007cde"),
        ("a b/c!d", "a%20b%2Fc%21d"),
        ("a b/c!d", "a%20b/c%21d"),
        ("a b/c!d", "a%20b%2Fc!d"),
        ("a b/c!d", "a+b%2Fc%21d"),
    ],
)
def test_L7_a_spelling_is_masked_to_its_last_sign(value: str, spelled: str) -> None:
    assert Redactor([value]).redact(f"<{spelled}>") == "<***>"
