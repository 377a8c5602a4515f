"""I4: a value arrives at GitHub as it is, whichever way `gh secret set` takes it, or is refused."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.backends.github import dotenv, plan
from sophia_secrets.backends.github.rules import MAX_BYTES, value_problem
from sophia_secrets.core.model import Change, SecretValue

_EDGES = " \t\n\r\0a\u2028\\'\"$"
_PIECES = st.characters(exclude_categories=["Cs"]) | st.sampled_from(
    [*_EDGES, *"{}#=:AB", "---\n", "\r\n", "${AB}"]
)
_TEXT = st.lists(_PIECES, max_size=30).map("".join)


def read_godotenv(source: str, *, newest: bool) -> dict[str, str]:
    """
    What joho/godotenv (`parser.go`) reads, for assignments in quotes: v1.5.1, which `gh` has
    now, or the newest, which also takes YAML's document marks away.

    Written from its rules and not from our encoder: CRLF becomes LF first, a quote ends at the
    first one without a backslash before it, double quotes expand.
    """
    if newest:
        source = source.replace("---\n", "\n")
    source = source.replace("\r\n", "\n")
    found: dict[str, str] = {}
    while source := source.lstrip(" \t\n\r\v\f\x85\xa0"):
        name, source = source.split("=", 1)
        assert re.fullmatch(r"[A-Za-z0-9_.]+", name), "unexpected character in variable name"
        quote = source[0]
        assert quote in "'\"", "the encoder always quotes"
        end = next(at for at in range(1, len(source)) if source[at] == quote and source[at - 1] != "\\")
        value, source = source[1:end], source[end + 1 :]
        # strings.TrimFunc(value, isCharFunc(quote))
        value = value.strip(quote)
        if quote == '"':
            value = _expanded(_unescaped(value), found)
        found[name] = value
    return found


def _unescaped(value: str) -> str:
    def one(match: re.Match[str]) -> str:
        return {"n": "\n", "r": "\r"}.get(match[0][1:], match[0])

    value = re.sub(r"\\.", one, value)
    return re.sub(r"\\([^$])", r"\1", value)


def _expanded(value: str, known: dict[str, str]) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1] == "\\" or match[2] == "(":
            return match[0][1:]
        return known.get(match[4], "") if match[4] else match[0]

    return re.sub(r"(\\)?(\$)(\()?\{?([A-Z0-9_]+)?\}?", one, value)


def stored(batch: plan.Batch) -> dict[str, str]:
    """What the real `gh` would store for this call, by the rules of its two ways in."""
    text = batch.stdin.decode()
    if not batch.as_lines:
        return {batch.names[0]: text.rstrip("\r\n")}
    now, later = read_godotenv(text, newest=False), read_godotenv(text, newest=True)
    assert now == later
    return now


@given(_TEXT)
def test_I4_one_value_arrives_or_is_refused(text: str) -> None:
    value = SecretValue(text)
    if value_problem(value):
        assert not text or "\0" in text
        return
    (batch,) = plan.plan([Change("NAME", value)])
    assert stored(batch) == {"NAME": text}


def test_I4_every_short_value_arrives_or_is_refused_on_both_ways() -> None:
    for size in (1, 2, 3):
        for characters in itertools.product(_EDGES, repeat=size):
            text = "".join(characters)
            value = SecretValue(text)
            if value_problem(value):
                assert "\0" in text
                continue
            alone = plan.plan([Change("NAME", value)])
            among = plan.plan([Change("OTHER", SecretValue("x")), Change("NAME", value)])
            assert {"NAME": text} == stored(alone[0])
            arrived: dict[str, str] = {}
            for batch in among:
                arrived |= stored(batch)
            assert arrived == {"NAME": text, "OTHER": "x"}


@given(st.lists(_TEXT.filter(lambda text: text and "\0" not in text), min_size=2, max_size=45))
def test_many_values_arrive_in_chunks_that_github_bears(texts: list[str]) -> None:
    changes = [Change(f"NAME_{number}", SecretValue(text)) for number, text in enumerate(texts)]
    arrived: dict[str, str] = {}
    for batch in plan.plan(changes):
        assert len(batch.changes) <= plan.CHUNK
        arrived |= stored(batch)
    assert arrived == {change.name: change.value.reveal() for change in changes}


def test_a_variable_of_an_earlier_line_is_not_expanded() -> None:
    changes = [Change("ABC", SecretValue("x")), Change("NAME", SecretValue("it's $ABC ${ABC} $(ABC)"))]
    (batch,) = plan.plan(changes)
    assert stored(batch)["NAME"] == "it's $ABC ${ABC} $(ABC)"


@pytest.mark.parametrize("text", ["'\\", "'\"", "a\\", '\r"', "\r\\"])
def test_what_no_line_carries_goes_bare_on_standard_input(text: str) -> None:
    assert dotenv.line("NAME", SecretValue(text)) is None
    assert not dotenv.is_trimmed(SecretValue(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("a\0b", "NUL"),
        ("\ud800", "surrogate"),
        ("a" * (MAX_BYTES + 1), "49153 bytes"),
        ("é" * (MAX_BYTES // 2) + "a", "49153 bytes"),
    ],
)
def test_I4_a_value_that_github_would_alter_is_refused_with_the_reason(text: str, words: str) -> None:
    reason = value_problem(SecretValue(text))
    assert reason
    assert words in reason
    assert not text or text not in reason


def test_a_pem_arrives_whole_with_the_newest_parser_too() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQ==\n-----END PRIVATE KEY-----\n"
    batches = plan.plan([Change("KEY", SecretValue(pem)), Change("OTHER", SecretValue('-----\nx"\n---'))])
    assert [stored(batch) for batch in batches] == [{"KEY": pem, "OTHER": '-----\nx"\n---'}]


def test_the_greatest_value_is_taken() -> None:
    assert value_problem(SecretValue("a" * MAX_BYTES)) is None
