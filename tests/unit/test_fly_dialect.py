"""I3, I4: what flyctl's `import` and `set` make of their input, and the encoder that allows for it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sophia_secrets.backends.fly import dialect
from sophia_secrets.backends.fly.dialect import LINE_LIMIT, Rejected, encode, encode_all, parse, settable
from tests.vendors.fly_program import Failed, parse_secrets

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ODD = st.text("\"'# \t\r\n=\\$a`\u00a0\u2028é", max_size=12)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A=b\n", {"A": "b"}),
        ("A=b", {"A": "b"}),
        ("A=b\r\nC=d\r\n", {"A": "b", "C": "d"}),
        ("\n \t\n#A=b\n", {}),
        (" #A=b\n", {"#A": "b"}),
        (" A =  b  \n", {"A": "b  "}),
        ("A=\tb\n", {"A": "\tb"}),
        ("export A=b\n", {"export A": "b"}),
        ("\ufeffA=b\n", {"\ufeffA": "b"}),
        ("A=abc #d\n", {"A": "abc"}),
        ("A='a#b'\n", {"A": "'a"}),
        ('A="a#b"\n', {"A": "a#b"}),
        ('A="a"b#c"\n', {"A": '"a"b'}),
        ('A=" # x\n', {"A": '" # x'}),
        ('A="a\\nb"\n', {"A": "a\\nb"}),
        ('A="""b"""\n', {"A": "b"}),
        ('A=""""""\n', {"A": ""}),
        ('A="""b\nc"""\n', {"A": "b\nc"}),
        ('A="""x\n"""\n', {"A": "x\n"}),
        ('A="""x\n#y\n"""\n', {"A": "x\n#y\n"}),
        ('A=1\nB="""x\nC=2\n', {"A": "1"}),
        ("A=\n", {"A": ""}),
        ("A=1\nA=2\n", {"A": "2"}),
    ],
)
def test_every_rule_of_the_import_parser_is_kept(text: str, wanted: dict[str, str]) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize("text", ["Zq9\n", 'Zq9="\n', "Zq9='\n", "Zq9=' #x\n"])
def test_what_makes_flyctl_fail_or_panic_is_rejected_without_a_word_of_it(text: str) -> None:
    with pytest.raises(Rejected) as raised:
        parse(text)
    assert "Zq9" not in str(raised.value)


def test_I3_a_line_over_the_limit_ends_the_import_silently() -> None:
    fits = "B=" + "x" * (LINE_LIMIT - 2)
    assert set(parse(f"A=1\n{fits}\nC=3\n")) == {"A", "B", "C"}
    assert set(parse(f"A=1\n{fits}x\nC=3\n")) == {"A"}
    assert set(parse(f"A=1\n{fits}\r\nC=3\n")) == {"A"}


def _go(text: str) -> dict[str, str] | None:
    try:
        return parse_secrets(text.encode())
    except Failed:
        return None


def _ours(text: str) -> dict[str, str] | None:
    try:
        return parse(text)
    except Rejected:
        return None


def test_I3_the_port_agrees_with_a_transcription_on_all_short_inputs() -> None:
    alphabet = "\"'# \n=\ra"
    for length in range(6):
        for letters in itertools.product(alphabet, repeat=length):
            text = "A=" + "".join(letters)
            assert _ours(text) == _go(text), repr(text)


@given(st.text("\"'# \t\r\n=\\aB\x1c\u00a0\u2028\ufeff", max_size=30))
def test_I3_the_port_agrees_with_a_transcription_on_any_input(text: str) -> None:
    assert _ours(text) == _go(text)


def test_I3_every_short_value_on_one_line_has_a_form_that_is_exact() -> None:
    for length in range(5):
        for letters in itertools.product("\"'# \ra=\t\\", repeat=length):
            value = "".join(letters)
            lines = encode("N", value)
            assert lines is not None, repr(value)
            assert parse_secrets(f"X=1\n{lines}Y=2\n".encode()) == {"X": "1", "N": value, "Y": "2"}


@given(NAMES, TEXT | ODD)
@example("A", "-----BEGIN KEY-----\nab=\n-----END KEY-----\n")
@example("A", '{"a": "b#c"}')
@example("A", "x\nB=injected\n")
def test_I3_an_encoded_value_comes_back_whole_and_alone(name: str, value: str) -> None:
    lines = encode(name, value)
    if lines is not None:
        assert parse_secrets(b"< =1\n" + lines.encode() + b">=2\n") == {"<": "1", name: value, ">": "2"}


@pytest.mark.parametrize(
    "value",
    ["a\r\nb", 'a"b#\nc', 'a\nb"""\nc', "x" * 65536],
    ids=["CRLF", "sharp after an odd quote", "inner triple quote", "too long"],
)
def test_I3_what_no_form_carries_is_told(value: str) -> None:
    assert encode("N", value) is None
    with pytest.raises(Rejected):
        encode_all({"M": "1", "N": value})


@given(st.dictionaries(NAMES, (TEXT | ODD).filter(lambda text: encode("N" * 11, text) is not None)))
def test_I3_many_values_travel_together_without_touching_each_other(values: dict[str, str]) -> None:
    assert parse_secrets(encode_all(values).encode()) == values


def test_I4_a_value_that_set_would_trim_is_not_settable() -> None:
    for length in range(1, 4):
        for letters in itertools.product('" \t\n\r\x1ca\u2028\u0085', repeat=length):
            value = "".join(letters)
            # Go trims White_Space; U+001C is white space for Python alone.
            trimmed = value.strip("\t\n\v\f\r \x85\u2028")
            assert settable(value) == (value == trimmed), repr(value)


def test_I4_the_limit_of_set_is_in_bytes() -> None:
    assert settable("é" * 32768)
    assert not settable("é" * 32768 + "a")


def test_the_set_of_white_space_is_that_of_go() -> None:
    unicode_white_space = {chr(code) for code in range(0x110000) if chr(code).isspace()}
    assert set(dialect._GO_SPACE) == unicode_white_space - {"\x1c", "\x1d", "\x1e", "\x1f"}
