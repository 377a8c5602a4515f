"""Names, apps and values that Fly can be given, asked before anything is started."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.backends.base import Context
from sophia_secrets.backends.fly import FlyBackend
from sophia_secrets.backends.fly.rules import problem
from sophia_secrets.core.model import SecretValue
from sophia_secrets.errors import BadName


def _context(**environ: str) -> Context:
    return Context(environ=environ, home="/home/me", cwd="/", state_directory="/nowhere")


@pytest.mark.parametrize("app", ["-a", "--app=x", "../x", "a/b", "A", "a b", "a\n", "a" * 63, "a=b", "é"])
def test_I1_an_app_name_that_flyctl_may_misread_is_refused(app: str) -> None:
    with pytest.raises(BadName):
        FlyBackend.configure({"app": app}, _context())


@pytest.mark.parametrize("app", ["a", "0-app", "a" * 62])
def test_an_ordinary_app_name_is_the_target(app: str) -> None:
    backend = FlyBackend.configure({"app": app}, _context())
    assert isinstance(backend, FlyBackend)
    assert backend.target.label == app


@given(st.text())
def test_I1_no_name_with_a_dash_a_sign_or_a_blank_passes(name: str) -> None:
    if problem(name, None) is None:
        assert name.isascii()
        assert name.isidentifier()


@pytest.mark.parametrize("name", ["FLY_APP_NAME", "FLY_MACHINE_ID", "FLY_REGION", "PRIMARY_REGION"])
def test_a_variable_that_fly_sets_is_refused(name: str) -> None:
    assert "Fly sets" in str(problem(name, None))


@pytest.mark.parametrize("name", ["A", "_a9", "FLY_API_TOKEN", "DATABASE_URL"])
def test_an_ordinary_name_passes(name: str) -> None:
    assert problem(name, SecretValue("v")) is None


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("", "empty"),
        ("a\0b", "NUL"),
        ("a\ud800", "surrogate"),
        (" a\r\nb", "white space"),
        ("x" * 65537, "too long"),
        (" " + "x" * 65536, "too long"),
    ],
)
def test_I4_a_value_that_would_not_arrive_whole_is_refused(value: str, word: str) -> None:
    told = problem("NAME", SecretValue(value))
    assert told is not None
    assert word in told


@pytest.mark.parametrize("value", [" a ", "a\n", "a\r\nb", "x" * 65536, "'", '"', "-", "#", "a#b", "\x1c"])
def test_I4_a_value_that_one_way_carries_passes(value: str) -> None:
    assert problem("NAME", SecretValue(value)) is None


@given(st.text(max_size=30))
def test_L7_a_refusal_never_quotes_the_value(value: str) -> None:
    value = "Zq9" + value
    assert "Zq9" not in str(problem("NAME", SecretValue(value)))
