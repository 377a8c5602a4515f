"""The dotenv text: what is written, what is read, what is refused."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.core.model import SecretValue
from sophia_secrets.formats import Pair, dotenv

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NASTY = st.text("'\"`\\#$ {}\n\r\t=a", max_size=8)


def pair(value: str, name: str = "A") -> Pair:
    return Pair(name, SecretValue(value))


def plain(data: bytes) -> list[tuple[str, str, int]]:
    return [(p.name, p.value.reveal(), p.line) for p in dotenv.read(data)]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", "A=''\n"),
        ("plain", "A='plain'\n"),
        ("two\nlines\n", "A='two\nlines\n'\n"),
        ("don't", 'A="don\'t"\n'),
        ('{"a": "don\'t"}', 'A={"a": "don\'t"}\n'),
        ("C:\\\\share", "A=C:\\\\share\n"),
        ("é # $x", "A='é # $x'\n"),
    ],
)
def test_each_value_gets_the_form_that_all_parsers_share(value: str, written: str) -> None:
    assert dotenv.write([pair(value)]).decode() == written


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("canary\0", "NUL"),
        ("canary\r\n", "carriage return"),
        ("canary${HOME}", "python-dotenv expands"),
        ("canary${HOME:-x}", "python-dotenv expands"),
        ("canary'\"#", "differently"),
        ("canary\ud800", "surrogate"),
    ],
)
def test_a_value_that_the_parsers_would_not_all_read_is_refused_by_name(value: str, reason: str) -> None:
    with pytest.raises(errors.BadValue) as caught:
        dotenv.write([pair("fine", "B"), pair(value)])
    assert "`A`" in caught.value.message
    assert reason in caught.value.message
    assert "canary" not in repr(caught.value.args) + caught.value.hint
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["", "-x", "1A", "a b", "a=b", "a\nb", "é", "A#", "'A'", "A" * 256])
def test_I2_a_name_that_would_be_another_line_is_refused(name: str) -> None:
    for write in (dotenv.write, dotenv.write_for_us):
        with pytest.raises((errors.BadName, errors.BadValue)):
            write([pair("x", name)])


def test_a_name_written_twice_is_refused() -> None:
    with pytest.raises(errors.BadName, match="twice"):
        dotenv.write([pair("1"), pair("2")])


@given(st.lists(st.one_of(TEXT, NASTY), max_size=8))
def test_our_own_file_carries_every_text(values: list[str]) -> None:
    pairs = [pair(value, f"V_{index}") for index, value in enumerate(values)]
    back = dotenv.read(dotenv.write_for_us(pairs))
    assert [(p.name, p.value) for p in back] == [(p.name, p.value) for p in pairs]


@given(st.one_of(TEXT, NASTY))
def test_what_is_not_refused_is_read_back(value: str) -> None:
    try:
        data = dotenv.write([pair(value)])
    except errors.BadValue:
        return
    assert [p.value.reveal() for p in dotenv.read(data)] == [value]


def test_only_a_nul_or_half_a_surrogate_pair_is_too_much_for_our_own_file() -> None:
    for value in ("a\0b", "a\udc80"):
        with pytest.raises(errors.BadValue):
            dotenv.write_for_us([pair(value)])


def test_a_file_as_people_write_it_is_read() -> None:
    data = (
        "\ufeff# comment\r\n"
        "\r\n"
        "export A=1\r\n"
        "B = two words  # comment\n"
        "C=a#b\n"
        "D='x # \\' \\\\ \\n'\n"
        'E="x\\n\\"y" # comment\n'
        "F=\n"
        "G= # comment\n"
        "  H='line\n"
        "line'\n"
        "'I'=quoted name\n"
        "a.b-c=${A}"
    ).encode()
    assert plain(data) == [
        ("A", "1", 3),
        ("B", "two words", 4),
        ("C", "a#b", 5),
        ("D", "x # ' \\ \\n", 6),
        ("E", 'x\n"y', 7),
        ("F", "", 8),
        ("G", "", 9),
        ("H", "line\nline", 10),
        ("I", "quoted name", 12),
        ("a.b-c", "${A}", 13),
    ]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"# only a comment", b"\xef\xbb\xbf"])
def test_a_file_without_names_is_empty(data: bytes) -> None:
    assert dotenv.read(data) == []


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"A=1\n=canary\n", 2, "name"),
        (b"A=1\n\ncanary canary\n", 3, "no `=`"),
        (b"A=1\nCANARY\n", 2, "no `=`"),
        (b"A='canary\nB=2\n", 1, "not closed"),
        (b"X=1\nA='canary' canary\n", 2, "after the closing quote"),
        (b"1A=canary\n", 1, "name"),
        (b"\xc3\xa9=canary\n", 1, "name"),
        (b"B=1\nA=canary\xff\n", 2, "UTF-8"),
        (b"A='x\ny'\nB=1\nA=canary\n", 4, "already on line 1"),
        (b"A" * 300 + b"=canary", 1, "name"),
    ],
)
def test_a_line_that_is_not_understood_is_named_and_not_quoted(data: bytes, line: int, reason: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        dotenv.read(data)
    assert caught.value.message.startswith(f"Line {line} ")
    assert reason in caught.value.message
    assert "canary" not in caught.value.message.lower()
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "data",
    [
        b"A='" + b"\\'" * 500_000,
        b"A=" + b" \t" * 500_000 + b"#",
        b"A='x'" + b" " * 1_000_000 + b"x",
        b"A=x" + b" " * 1_000_000 + b"x",
        b"\n" * 1_000_000,
        b"A=" + b"# " * 500_000,
        b"A=" + b"x " * 500_000,
        b"export" + b" " * 1_000_000,
        b"".join(b"A%d='x'\n" % n for n in range(80_000)),
        b"A=" + b" " * 1_000_000 + b"x #" + b" " * 1_000_000,
    ],
)
def test_R3_a_hostile_file_takes_linear_time(data: bytes) -> None:
    began = time.monotonic()
    try:
        dotenv.read(data)
    except errors.UsageError:
        pass
    assert time.monotonic() - began < 10


def test_R3_a_huge_file_is_not_looked_at() -> None:
    with pytest.raises(errors.UsageError, match="larger"):
        dotenv.read(b"#" * (16 * 1024 * 1024 + 1))
