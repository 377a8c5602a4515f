from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.core.model import SecretValue
from sophia_secrets.core.template import Placeholder, fill, parse

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,20}", fullmatch=True)


def filled(text: str, **values: str) -> str:
    return fill(parse(text), {name: SecretValue(value) for name, value in values.items()})


def test_a_placeholder_is_replaced_and_the_rest_stays_byte_for_byte() -> None:
    assert filled("a: {{ X }}\r\n\tb: {{X}}{{\tY }}\n", X="1", Y="2") == "a: 1\r\n\tb: 12\n"


def test_a_value_is_never_read_as_a_template() -> None:
    assert filled("{{ X }}{{ Y }}", X="{{ Y }}", Y="{{{{ X }}}}") == "{{ Y }}{{{{ X }}}}"


@pytest.mark.parametrize(
    "text",
    [
        "{{", "}}", "{{}}", "{{ }}", "{{ .Values.x }}", "{{ a b }}", "{{ X", "{{ X }", "{ X }", "{{ 'X' }}",
        "{{- X -}}", "{{ X\n}}", "{{ X | upper }}", "{% X %}", "${X}", "{{ 1X }}", "{{ É }}", "",
    ],
)  # fmt: skip
def test_braces_around_what_cannot_be_a_name_stay_as_they_are(text: str) -> None:
    assert parse(text).first_lines == {}
    assert filled(text) == text


def test_doubled_braces_give_the_placeholder_itself() -> None:
    assert filled("{{{{ X }}}} {{{{Y}}}}") == "{{ X }} {{Y}}"
    assert filled("{{{ X }}}", X="1") == "{1}"
    assert filled("{{{{ X }}", X="1") == "{{1"


def test_each_name_stands_with_its_first_line() -> None:
    template = parse("one\n{{ B }}\n\n{{ A }} {{ B }}\n{{ C }}")
    assert template.first_lines == {"B": 2, "A": 4, "C": 5}
    assert template.parts[1] == Placeholder("B", 2)


@given(st.lists(st.one_of(st.text(), NAMES.map(lambda name: f"{{{{ {name} }}}}")), max_size=8).map("".join))
def test_filling_every_name_with_its_own_placeholder_changes_nothing_but_doubled_braces(text: str) -> None:
    template = parse(text)
    own = {
        part.name: SecretValue(f"<{part.name}>") for part in template.parts if isinstance(part, Placeholder)
    }
    result = fill(template, own)
    assert all(f"<{name}>" in result for name in own)
    if "{{{{" not in text and not own:
        assert result == text


@given(NAMES, st.text(), st.text(alphabet=st.characters(blacklist_characters="{}")))
def test_any_value_arrives_whole(name: str, value: str, around: str) -> None:
    assert filled(f"{around}{{{{{name}}}}}{around}", **{name: value}) == around + value + around


@pytest.mark.parametrize(
    "text",
    ["{" * 1_000_000, "{{ " * 300_000, "{{" + "a" * 1_000_000, "{{" + " " * 1_000_000, "{{{{a " * 200_000],
)
def test_R3_a_hostile_template_takes_linear_time(text: str) -> None:
    before = time.process_time()
    parse(text)
    assert time.process_time() - before < 1
