"""A secret's text does not get out by any of the ways that text usually gets out (L5)."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.traceback import Traceback

from sophia_secrets.core.model import HIDDEN, Change, Entry, EntryState, Resolution, SecretValue

CANARY = "canary-value-0451"
RESOLUTION = Resolution("A", SecretValue(CANARY), "env", "t", False, False, False, 0.0, ())
ENTRY = Entry(EntryState.READABLE, SecretValue(CANARY))


def rich_text(value: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(value)
    return console.file.getvalue()  # type: ignore[attr-defined]


WAYS: dict[str, Callable[[object], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda v: f"{v}",
    "format with a width": lambda v: f"{v!s:>40}",
    "percent": lambda v: "%s %r" % (v, v),  # noqa: UP031
    "vars": lambda v: str(getattr(v, "__dict__", "")),
    "rich": rich_text,
    "list": lambda v: str([v]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", [SecretValue(CANARY), ENTRY, RESOLUTION, Change("A", SecretValue(CANARY))])
def test_L5_no_rendering_shows_it(way: str, value: object) -> None:
    assert CANARY not in WAYS[way](value)


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, len, iter, hash])
def test_L5_what_would_copy_it_refuses(way: Callable[[object], object]) -> None:
    with pytest.raises(TypeError) as caught:
        way(SecretValue(CANARY))
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_L5_asdict_cannot_unwrap_it() -> None:
    with pytest.raises(TypeError):
        msgspec.to_builtins(ENTRY)
    with pytest.raises(TypeError):
        msgspec.json.encode(ENTRY)


def test_L5_logging_shows_the_placeholder(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("x").debug("%s %r %s", SecretValue(CANARY), SecretValue(CANARY), RESOLUTION)
    assert CANARY not in caplog.text
    assert HIDDEN in caplog.text


def test_L4_a_traceback_with_locals_shows_the_placeholder() -> None:
    def deep(value: SecretValue, resolution: Resolution) -> None:
        raise RuntimeError(f"{value} {resolution}")

    try:
        deep(SecretValue(CANARY), RESOLUTION)
    except RuntimeError as error:
        console = Console(file=io.StringIO(), width=200)
        console.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True))
        shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "RuntimeError" in shown
    assert "SecretValue" not in shown or CANARY not in shown.replace("CANARY = ", "")
    assert f"value = {HIDDEN}" in shown


@given(st.text(), st.text())
def test_equality_is_the_texts(left: str, right: str) -> None:
    assert (SecretValue(left) == SecretValue(right)) is (left == right)
    assert SecretValue(left).reveal() == left
    assert SecretValue(left) != left
