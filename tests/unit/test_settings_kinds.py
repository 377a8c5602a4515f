"""Values of settings, from TOML and from text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.settings import kinds, pattern
from sophia_secrets.settings.kinds import InvalidValue, Kind, from_text, from_toml


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("90s", 90.0),
        ("90 s", 90.0),
        ("5m", 300.0),
        ("24h", 86400.0),
        ("90d", 7776000.0),
        ("0", 0.0),
        ("0.5s", 0.5),
        (" 5m ", 300.0),
    ],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert kinds.duration(text) == seconds
    assert from_toml(Kind.DURATION, text) == from_text(Kind.DURATION, text) == seconds


@pytest.mark.parametrize(
    "text", ["", "-1", "5x", "5mm", "m", "1e3", "inf", "nan", "٣", "5 minutes", "99999d", "1" * 400, "0x10"]
)
def test_what_is_no_duration_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        kinds.duration(text)
    assert not text or f'"{text}"' not in refused.value.problem


@pytest.mark.parametrize("raw", [True, -1, -0.1, math.inf, math.nan, 10**400, None, [], {}])
def test_a_number_that_is_no_duration_is_refused(raw: object) -> None:
    with pytest.raises(InvalidValue):
        from_toml(Kind.DURATION, raw)


def test_a_number_is_a_duration_in_seconds() -> None:
    assert from_toml(Kind.DURATION, 30) == 30.0
    assert from_toml(Kind.DURATION, 0.25) == 0.25


@given(st.integers(0, 999), st.sampled_from("smhd"))
def test_every_whole_duration_reads_back(number: int, unit: str) -> None:
    factor = {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    assert kinds.duration(f"{number}{unit}") == number * factor


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "yes", "on", " on "])
def test_words_for_true(text: str) -> None:
    assert from_text(Kind.BOOLEAN, text) is True


@pytest.mark.parametrize("text", ["0", "false", "No", "off"])
def test_words_for_false(text: str) -> None:
    assert from_text(Kind.BOOLEAN, text) is False


@pytest.mark.parametrize("raw", ["true", 1, 0, None])
def test_a_boolean_of_a_file_is_only_true_or_false(raw: object) -> None:
    with pytest.raises(InvalidValue):
        from_toml(Kind.BOOLEAN, raw)


def test_a_list_of_text_stands_between_commas() -> None:
    assert from_text(Kind.LIST, " fly, pulumi,,env ") == ("fly", "pulumi", "env")


@pytest.mark.parametrize("raw", [["a", "a"], ["a", 1], ["a", ""], "a", {"a": 1}, ["a\n"], ["a", ["b"]]])
def test_a_list_holds_different_texts_and_nothing_else(raw: object) -> None:
    with pytest.raises(InvalidValue):
        from_toml(Kind.LIST, raw)


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u2003"])
def test_C4_blank_text_is_none_and_never_any(blank: str) -> None:
    assert from_toml(Kind.TEXT, blank) is None
    assert from_toml(Kind.PATH, blank) is None


@pytest.mark.parametrize("text", ["a\0b", "a\nb", "a\x1b[0m", "a\x85b", "a\ud800", "x" * 4097])
def test_text_without_control_characters_and_of_bounded_length(text: str) -> None:
    with pytest.raises(InvalidValue):
        from_toml(Kind.TEXT, text)


def test_a_description_may_have_lines_but_no_terminal_codes() -> None:
    assert from_toml(Kind.PROSE, "one\n\ttwo") == "one\n\ttwo"
    with pytest.raises(InvalidValue):
        from_toml(Kind.PROSE, "one\x1b[2J")


def test_a_private_age_key_is_refused_and_not_quoted() -> None:
    key = "age-secret-key-1qqqqqqqqqqqqq"
    for kind, raw in ((Kind.PATH, key), (Kind.LIST, [key]), (Kind.TEXT, key.upper())):
        with pytest.raises(InvalidValue) as refused:
            from_toml(kind, raw)
        assert "qqq" not in refused.value.problem.lower()


@given(
    st.sampled_from(Kind),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
)
def test_any_value_is_of_its_kind_or_unfit(kind: Kind, raw: object) -> None:
    try:
        value = from_toml(kind, raw, ("a", "b"))
    except InvalidValue:
        return
    assert value is None or isinstance(value, str | bool | float | tuple)


@pytest.mark.parametrize(
    "accepted",
    [
        "^sk-",
        r"(\d{1,3}\.){3}\d{1,3}",
        "(?>a+)+",
        "(a++)+",
        "([A-Z]{4})*",
        "^(?:live|test)_[a-z]+$",
        "(?i)^x",
        r"\(a+\)+",
        "[(a+)]+",
        "(a+)?",
        "",
    ],
)
def test_a_pattern_that_is_searched_in_bounded_time_is_accepted(accepted: str) -> None:
    assert pattern.problem(accepted) is None


@pytest.mark.parametrize(
    "refused",
    [
        "(a+)+$",
        "(a|a)*b",
        "(?:a?a?)*b",
        "(?P<x>a+)+",
        "((a+)b)*",
        "(a?){30}b",
        "(?x)(a+) +",
        "(?x:(a+) +)",
        "(x)?(?(1)a+|b)+",
        "([a-z]+[0-9]*)+!",
    ],
)
def test_R3_a_pattern_that_may_take_for_ever_is_refused(refused: str) -> None:
    assert "for ever" in (pattern.problem(refused) or "")


@pytest.mark.parametrize("refused", ["(", "[", "*", "(?P<a>x)(?P<a>y)", "a{2,1}", "[[a]--b]", "a" * 513])
def test_a_pattern_that_is_none_is_refused(refused: str) -> None:
    assert pattern.problem(refused) is not None
