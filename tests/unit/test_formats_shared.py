"""What all formats share: the registry, what a file is taken for, limits to the byte, words for a refusal."""

from __future__ import annotations

import pytest

from sophia_secrets import errors, formats
from sophia_secrets.core.model import SecretValue
from sophia_secrets.formats import Pair


def pair(value: str, name: str = "A") -> Pair:
    return Pair(name, SecretValue(value))


def test_a_format_that_there_is_not_is_answered_with_all_that_there_are() -> None:
    with pytest.raises(errors.UsageError) as caught:
        formats.writer("xml")
    assert caught.value.message == "There is no format `xml` here."
    assert caught.value.hint == "Use one of: dotenv, json, yaml, shell, github-env, docker, k8s."
    with pytest.raises(errors.UsageError) as caught:
        formats.reader("k8s")
    assert caught.value.message == "There is no format `k8s` here."
    assert caught.value.hint == "Use one of: dotenv, json, yaml."


def test_a_pair_of_no_file_is_on_no_line() -> None:
    assert pair("x").line == 0


@pytest.mark.parametrize(
    ("path", "data", "name"),
    [
        ("x/.json/y", b"", "dotenv"), (".env/x", b"A: b", "yaml"), ("a.env.d/x", b"A: b", "yaml"), ("-", b"X{", "dotenv"), ("y.jsonx", b"A: b", "yaml"), ("y.json", b"A=b", "json"),
        ("y.yml", b"{", "yaml"), ("y.yaml", b"{", "yaml"), ("y.yam", b"{", "json"),
        ("x.env", b"{", "dotenv"), (".envrc", b"{", "dotenv"), ("a.env.b", b"{", "dotenv"),
        ("a.envb", b"{", "json"), ("environment", b"{", "json"),
        ("-", b"\xef\xbb\xbf \t\r\n{", "json"), ("-", b"x{", "dotenv"), ("-", b"XX", "dotenv"),
        ("-", b"\n\n  # c: d\n\n  A: b", "yaml"), ("-", b"---", "yaml"), ("-", b"--- ", "yaml"),
        ("-", b"--", "dotenv"), ("-", b"A=b: c", "dotenv"), ("-", b"A: b=c", "yaml"), ("-", b"A\nB: c", "dotenv"),
        ("-", b"#\n" * 99 + b"A: b", "yaml"), ("-", b"#\n" * 100 + b"A: b", "dotenv"),
    ],
)  # fmt: skip
def test_what_a_file_is_taken_for(path: str, data: bytes, name: str) -> None:
    assert formats.guess(path, data) == name


def test_a_file_is_read_up_to_its_limit() -> None:
    assert len(formats.decoded(b"a" * (16 << 20))) == 16 << 20
    with pytest.raises(errors.UsageError) as caught:
        formats.decoded(b"a" * ((16 << 20) + 1))
    assert caught.value.message == "The file is larger than 16,777,216 bytes."


def test_a_byte_order_mark_is_taken_off_once() -> None:
    assert formats.decoded("\ufeffé\n".encode()) == "é\n"
    assert formats.decoded("\ufeff\ufeffA".encode()) == "\ufeffA"
    assert formats.decoded("A\ufeff".encode()) == "A\ufeff"


@pytest.mark.parametrize(
    ("data", "line"), [(b"\xff", 1), (b"\n\n\xff", 3), (b"a\n\xff\n\n", 2), (b"\xff\n\n", 1)]
)
def test_a_line_that_is_no_text_is_named_and_not_quoted(data: bytes, line: int) -> None:
    with pytest.raises(errors.UsageError) as caught:
        formats.decoded(data)
    assert caught.value.message == f"Line {line} cannot be read: it is not UTF-8."
    assert caught.value.__context__ is None


def test_a_nul_is_carried_only_where_the_format_says_so() -> None:
    assert formats.text_of(pair("a\0b"), nul=True) == "a\0b"
    assert formats.text_of(pair("ab")) == "ab"
    with pytest.raises(errors.BadValue) as caught:
        formats.text_of(pair("a\0b"))
    assert caught.value.message == "The value of `A` cannot be written: it holds a NUL."
    assert formats.value_problem(SecretValue("a\0b")) == "it holds a NUL"
    assert formats.value_problem(SecretValue("a\0b"), nul=True) is None


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\0\udbff"])
def test_half_a_pair_of_surrogates_is_no_text(text: str) -> None:
    with pytest.raises(errors.BadValue) as caught:
        formats.text_of(pair(text), nul=True)
    assert caught.value.message == (
        "The value of `A` cannot be written: it holds half of a surrogate pair, which is not text."
    )


@pytest.mark.parametrize("text", ["\ud7ff", "\ue000", "\U0001f600"])
def test_its_neighbours_are_text(text: str) -> None:
    assert formats.text_of(pair(text)) == text


def test_E5_a_variable_is_measured_with_its_name_in_bytes() -> None:
    assert formats.variable_text(pair("x" * 131_066, "NAME")) == "x" * 131_066
    with pytest.raises(errors.BadValue) as caught:
        formats.variable_text(pair("x" * 131_067, "NAME"))
    assert caught.value.message == (
        "The value of `NAME` cannot be written: "
        "with its name it has 131072 bytes, and Linux passes on at most 131071."
    )


def test_the_words_for_a_name_that_cannot_be_carried() -> None:
    refusal = formats.name_refusal(pair("x", "B"), "so it is")
    assert refusal.message == "`B` cannot be written: so it is."


def test_names_are_checked_for_a_format_of_variables_alone() -> None:
    formats.check_names([pair("x"), pair("y", "B-C")], identifier=False)
    formats.check_names([pair("x"), pair("y", "b_1")], identifier=True)
    for name, hint in (("B-C", "Store it as `B_C`."), ("é", "")):
        with pytest.raises(errors.BadName) as caught:
            formats.check_names([pair("x"), pair("y", name)], identifier=True)
        assert caught.value.message == (
            f"`{name}` is not a variable's name: letters, digits and underscores."
        )
        assert caught.value.hint == hint


@pytest.mark.parametrize("identifier", [False, True])
def test_a_name_stands_once_and_may_be_asked_for(identifier: bool) -> None:
    with pytest.raises(errors.BadName) as caught:
        formats.check_names([pair("x"), pair("y", "B"), pair("x")], identifier=identifier)
    assert caught.value.message == "`A` is there twice."
    with pytest.raises(errors.BadName) as caught:
        formats.check_names([pair("x", "")], identifier=identifier)
    assert "variable's name" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "known"),
    [("A", True), ("_", True), ("a9_", True), ("", False), ("9a", False), ("A-", False), ("A\n", False)],
)
def test_what_a_shell_takes_as_a_variables_name(name: str, known: bool) -> None:
    assert formats.is_identifier(name) is known
