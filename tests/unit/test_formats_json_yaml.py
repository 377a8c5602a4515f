"""The flat JSON object and the flat YAML mapping."""

from __future__ import annotations

import json
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors, formats
from sophia_secrets.core.model import SecretValue
from sophia_secrets.formats import Pair

CANARY = "canary-7f3a"
BOTH = pytest.mark.parametrize("name", ["json", "yaml"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_.-]{0,30}\Z")


def pairs(**values: str) -> list[Pair]:
    return [Pair(name, SecretValue(value)) for name, value in values.items()]


def plain(found: list[Pair]) -> list[tuple[str, str]]:
    return [(pair.name, pair.value.reveal()) for pair in found]


@BOTH
@given(values=st.dictionaries(NAMES, TEXT, max_size=6))
def test_every_text_comes_back_exactly_and_in_order(name: str, values: dict[str, str]) -> None:
    data = formats.writer(name)(pairs(**values))
    assert data.isascii()
    assert plain(formats.reader(name)(data)) == list(values.items())


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "no",
        "1e3",
        "0o17",
        "2001-01-01",
        "null",
        "~",
        "",
        " x ",
        "- a",
        "a: b",
        "#",
        "!!str",
        "<<",
        "=",
        "1_000",
        ".inf",
        "12:30:45",
        "a\x85b\u2028c\ufeff",
        "\0",
    ],
)
def test_what_looks_like_something_else_stays_text_for_any_loader(text: str) -> None:
    written = pairs(A=text, NO=text)
    assert yaml.safe_load(formats.writer("yaml")(written)) == {"A": text, "NO": text}
    assert json.loads(formats.writer("json")(written)) == {"A": text, "NO": text}


@BOTH
def test_half_a_surrogate_pair_is_refused(name: str) -> None:
    with pytest.raises(errors.BadValue, match="`A`"):
        formats.writer(name)(pairs(A=f"{CANARY}\ud800"))


@BOTH
def test_I2_a_bad_or_repeated_name_is_refused(name: str) -> None:
    for bad in ("", "-x", "a b", "a\nb", "a=b"):
        with pytest.raises(errors.BadName):
            formats.writer(name)(pairs(**{bad: "x"}))
    with pytest.raises(errors.BadName, match="twice"):
        formats.writer(name)([*pairs(A="1"), *pairs(A="2")])


def test_scalars_are_read_as_they_were_written() -> None:
    expected = [("A", "007"), ("B", "1e3"), ("C", "text")]
    assert plain(formats.reader("yaml")(b"A: 007\nB: 1e3\nC: 'text'\n")) == expected
    assert plain(formats.reader("json")(b'\xef\xbb\xbf{"B": 1e3, "C": "text"}')) == expected[1:]
    found = formats.reader("yaml")(b"# x\nA: yes\n\nB: |\n  two\n  lines\nC: 2001-01-01")
    assert [(p.name, p.value.reveal(), p.line) for p in found] == [
        ("A", "yes", 2),
        ("B", "two\nlines\n", 4),
        ("C", "2001-01-01", 7),
    ]


def test_an_empty_yaml_file_has_no_names() -> None:
    assert (
        formats.reader("yaml")(b"")
        == formats.reader("yaml")(b"# only\n")
        == formats.reader("yaml")(b"{}")
        == []
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (f'{{"A": "{CANARY}", "A": "x"}}', "twice"),
        (f'{{"A": {{"B": "{CANARY}"}}}}', "`A` has an object"),
        (f'{{"A": ["{CANARY}"]}}', "`A` has a list"),
        (f'{{"B": "{CANARY}", "A": true}}', "`A` has true or false"),
        ('{"A": null}', "`A` has null"),
        ('{"A": NaN}', "NaN"),
        (f'["{CANARY}"]', "not a JSON object"),
        (f'{{"A": "{CANARY}"', "not JSON"),
        (f'{{"A": "{CANARY}"}} x', "not JSON"),
        (f'{{"A b": "{CANARY}"}}', "`A b` cannot be a secret's name"),
        (f'{{"A": "{CANARY}\\ud800"}}', "surrogate"),
        ("[" * 200_000, "nested"),
        ("", "no document"),
    ],
)
def test_V5_json_that_is_not_a_flat_object_of_texts_is_refused(data: str, reason: str) -> None:
    refuses("json", data.encode(), reason)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (f"A: {CANARY}\nA: x", "Line 2 cannot be read: `A` is already on line 1"),
        (f"A: 1\nB: [{CANARY}]", "Line 2 cannot be read: a text is wanted"),
        (f"A:\n  B: {CANARY}", "Line 2 cannot be read: a text is wanted"),
        (f"- {CANARY}", "Line 1 cannot be read"),
        (CANARY, "a mapping of names"),
        (f"A: &x {CANARY}\nB: *x", "Line 1 cannot be read: it has an anchor"),
        ("A: 1\nB: *x", "Line 2 cannot be read: it uses an alias"),
        ("A: 1\n<<: {B: 2}", "Line 2 cannot be read: a text is wanted"),
        (f"A: !!binary {CANARY}", "a tag"),
        ("A: !!python/object/apply:os.getpid []", "a text is wanted"),
        ("!!python/object:x.Y {A: b}", "a tag"),
        ("A:", "no value"),
        ("A: ~", "no value"),
        (f"A: {CANARY}\n---\nB: 2", "Line 2 cannot be read: a second document"),
        (f"A: {CANARY}: {CANARY}", "Line 1 cannot be read: it is not YAML"),
        (f"A: '{CANARY}", "not YAML"),
        (f"A: 1\nB: {CANARY}\x07", "not YAML"),
        (f"A B: {CANARY}", "name"),
        (f"? [A]\n: {CANARY}", "a text is wanted"),
        ("[" * 1000, "Line 1 cannot be read"),
    ],
)
def test_R3_yaml_that_is_not_a_flat_mapping_of_texts_is_refused(data: str, reason: str) -> None:
    refuses("yaml", data.encode(), reason)


def refuses(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        formats.reader(name)(data)
    assert reason in caught.value.message
    assert CANARY not in repr(caught.value.args) + caught.value.hint
    assert caught.value.__context__ is None


@BOTH
def test_bytes_that_are_not_utf_8_are_refused_by_line(name: str) -> None:
    refuses(name, b"\n\n" + CANARY.encode() + b"\xff", "Line 3 ")


@pytest.mark.parametrize(
    "part",
    ["[", "a: ", "? ", "- ", '"\\x41', "&", " ", "#", "\n", "'", "a: 'x\n", "a\n", "{a: ", "!", "%", "|\n"],
)
def test_R3_a_hostile_megabyte_of_yaml_is_answered_in_no_time(part: str) -> None:
    data = (part * (1024 * 1024 // len(part)))[: 1024 * 1024].encode()
    began = time.monotonic()
    for start in (b"", b"A: 1\n"):
        try:
            formats.reader("yaml")((start + data)[: 1024 * 1024])
        except errors.UsageError:
            pass
    assert time.monotonic() - began < 10


def test_R3_a_larger_yaml_file_is_not_looked_at() -> None:
    refuses("yaml", b"#" * (1024 * 1024 + 1), "larger")
