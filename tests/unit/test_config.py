"""Typed configuration: plain where it is used, hidden everywhere else, filled in one pass."""

from __future__ import annotations

import asyncio
import copy
import gc
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
import rich.pretty
import rich.traceback
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, field_validator
from rich.console import Console

from sophia_secrets import errors
from sophia_secrets.config import LLM, Config, Secret, SecretsModel, load_config, secret, setting
from sophia_secrets.core.model import (
    Resolution,
    SecretValue,
    TraceOutcome,
    TraceStep,
)
from sophia_secrets.manager import SecretsManager

CANARY = "canary-3f9a-value"


class Chain(SecretsManager):
    """A manager whose chain is a dictionary; `failed` names have a backend that failed above them."""

    def __init__(self, values: dict[str, str], failed: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.values = values
        self.failed = failed
        self.asked: list[list[str]] = []

    async def resolve(self, names: Any, *, use_cache: bool = True, optional: Any = ()) -> list[Resolution]:
        self.asked.append(list(names))
        return [self._one(name) for name in names]

    def _one(self, name: str) -> Resolution:
        value = self.values.get(name)
        trace = (TraceStep("pulumi", "acme/app", TraceOutcome.FAILED, "pulumi did not answer."),)
        return Resolution(
            name,
            None if value is None else SecretValue(value),
            None if value is None else "local",
            None,
            False,
            False,
            name in self.failed,
            0.0,
            trace if name in self.failed else (),
        )

    async def get_secret(self, name: str, use_cache: bool = True) -> str | None:
        if name in self.failed and self.values.get(name) is None:
            raise errors.TimedOut("pulumi did not answer.")
        return self.values.get(name)


def load(model: Any = Config, *, failed: tuple[str, ...] = (), missing: Any = "none", **values: str) -> Any:
    return asyncio.run(load_config(model, missing=missing, manager=Chain(values, failed)))


class Inner(SecretsModel):
    token: Secret[str] = secret("INNER_TOKEN")
    limit: int = setting("INNER_LIMIT", default=5, ge=1, le=10)


class Mine(SecretsModel):
    api_key: Secret[str] = secret("MY_API_KEY")
    pin: Secret[int | None] = None
    maybe: Secret[str | None]
    hosts: list[str] = []
    mode: Literal["a", "b"] = "a"
    inner: Inner


WHOLE = {"MY_API_KEY": CANARY, "PIN": "4711", "INNER_TOKEN": CANARY + "2", "HOSTS": "a, b,,c"}


def whole() -> Any:
    return load(Mine, **WHOLE)


def test_fields_are_plain_values_where_they_are_used() -> None:
    config = load(OPENAI_API_KEY=CANARY, NEON_DATABASE_URL="postgres://u:p@h/d", PORT="99", DEBUG="true",
                  CORS_ORIGINS="https://a.example, https://b.example", LOG_LEVEL="debug",
                  DEFAULT_TEMPERATURE="1.5", GH_APP_PRIVATE_KEY=CANARY)  # fmt: skip
    assert config.llm.openai_api_key == CANARY
    assert type(config.llm.openai_api_key) is str
    assert f"Bearer {config.llm.openai_api_key}" == f"Bearer {CANARY}"
    assert config.database.neon_database_url == "postgres://u:p@h/d"
    assert config.business.github_app_private_key == CANARY
    assert (config.deployment.port, config.deployment.debug) == (99, True)
    assert config.security.cors_origins == ("https://a.example", "https://b.example")
    assert (config.security.log_level, config.llm.default_temperature) == ("DEBUG", 1.5)
    assert config.llm.anthropic_api_key is None


def test_all_names_resolve_in_one_pass() -> None:
    chain = Chain({})
    asyncio.run(load_config(manager=chain))
    (names,) = chain.asked
    assert len(names) == len(set(names))
    assert {"OPENAI_API_KEY", "NEON_DATABASE_URL", "QDRANT_URL", "JWT_SECRET", "PORT"} <= set(names)
    assert not any(name.startswith("GITHUB_") for name in names)


def test_a_users_own_model_is_filled_the_same_way() -> None:
    config = whole()
    assert (config.api_key, config.pin, config.maybe, config.hosts) == (CANARY, 4711, None, ["a", "b", "c"])
    assert (config.inner.token, config.inner.limit) == (CANARY + "2", 5)
    assert load(Mine, **{**WHOLE, "HOSTS": '["x,y"]'}).hosts == ["x,y"]


SHOWINGS: dict[str, Callable[[Any], object]] = {
    "repr": repr,
    "str": str,
    "format": lambda c: f"{c} {c!r} {c:}",
    "percent": lambda c: "%s %r" % (c, c),  # noqa: UP031
    "dump": lambda c: repr(c.model_dump()),
    "dump mode json": lambda c: repr(c.model_dump(mode="json")),
    "dump json": lambda c: c.model_dump_json(),
    "dict": lambda c: repr(dict(c)),
    "vars": lambda c: repr(vars(c)) + repr(vars(c.inner)),
    "fields set": lambda c: repr(c.model_fields_set),
    "json schema": lambda c: json.dumps(type(c).model_json_schema()),
    "rich": lambda c: rich.pretty.pretty_repr(c),
    "copy": lambda c: repr(copy.copy(c)),
    "deep copy": lambda c: repr(copy.deepcopy(c)),
    "model copy": lambda c: repr(c.model_copy()) + repr(c.model_copy(deep=True)),
    "updated copy": lambda c: repr(c.model_copy(update={"api_key": CANARY})),
    "constructed": lambda c: repr(type(c).model_construct(api_key=CANARY, inner=c.inner)),
    "type adapter": lambda c: repr(TypeAdapter(type(c)).dump_python(c)),
    "in another model": lambda c: _Holder(it=c).model_dump_json() + repr(_Holder(it=c)),
    "difference": lambda c: _pytest_diff(c),
}  # fmt: skip


class _Holder(BaseModel):
    it: Mine


def _pytest_diff(config: Any) -> str:
    try:
        assert config == config.model_copy(update={"pin": 1})
    except AssertionError as error:
        return str(error)
    raise AssertionError("they differ")


@pytest.mark.parametrize("showing", SHOWINGS)
def test_L5_nothing_of_a_secret_is_shown(showing: str) -> None:
    shown = SHOWINGS[showing](whole())
    assert CANARY not in str(shown)
    assert "4711" not in str(shown)


def test_L5_a_secret_beside_anything_else_is_another_thing_and_formats_as_nothing() -> None:
    hidden = vars(whole())["api_key"]
    assert f"{hidden}" == f"{hidden:>40}" == str(hidden)
    assert hidden != CANARY
    assert hidden != CANARY


@pytest.mark.parametrize(
    ("text", "hosts"),
    [('["a", "b"]', ["a", "b"]), (" [] ", []), ("a,b", ["a", "b"]), ("", [])],
)
def test_a_list_is_json_or_stands_between_commas(text: str, hosts: list[str]) -> None:
    assert load(Mine, **(WHOLE | {"HOSTS": text})).hosts == hosts


@pytest.mark.parametrize("text", ["[a", "[" * 100_000])
def test_L3_a_list_that_is_no_json_is_said_to_be_none_without_being_quoted(text: str) -> None:
    with pytest.raises(errors.SophiaError) as caught:
        load(Mine, **(WHOLE | {"HOSTS": text}))
    assert "HOSTS" in caught.value.message
    assert text not in caught.value.message + caught.value.hint


def test_L5_the_dump_says_that_there_is_something() -> None:
    dumped = whole().model_dump()
    assert dumped["api_key"] == "<secret>"
    assert dumped["maybe"] is None
    assert dumped["inner"] == {"token": "<secret>", "limit": 5}


@pytest.mark.parametrize("dump", [pickle.dumps, json.dumps, lambda c: pickle.dumps(vars(c)["api_key"])])
def test_L5_pickling_and_foreign_dumping_are_refused(dump: Callable[[object], object]) -> None:
    with pytest.raises(TypeError) as caught:
        dump(whole())
    assert CANARY not in str(caught.value)


def test_L5_logging_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    config = whole()
    logging.getLogger("x").warning("%s %r", config, config.inner)
    assert CANARY not in caplog.text
    assert "<secret>" in caplog.text


def test_copies_still_give_the_values_and_equality_compares_them() -> None:
    config = whole()
    for again in (copy.copy(config), copy.deepcopy(config), config.model_copy(deep=True)):
        assert again.api_key == CANARY
        assert again == config
    assert config.model_copy(update={"api_key": "other"}).api_key == "other"
    assert config.model_copy(update={"api_key": "other"}) != config
    assert Inner.model_construct(token="x").token == "x"


def test_an_instance_does_not_change_and_the_refusal_quotes_nothing() -> None:
    config = whole()
    with pytest.raises(AttributeError) as caught:
        config.api_key = CANARY
    assert CANARY not in str(caught.value)
    with pytest.raises((AttributeError, ValidationError)) as removed:
        del config.api_key
    assert CANARY not in str(removed.value)


def reachable(error: BaseException) -> Iterator[object]:
    """Everything that hangs on an exception, but for the modules, frames and code around it."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        here = waiting.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        yield here
        if isinstance(here, BaseException):
            waiting += [here.args, here.__cause__, here.__context__, getattr(here, "__notes__", None)]
            waiting += list(vars(here).values())
            waiting += list(getattr(here, "exceptions", ()))
            if isinstance(here, ValidationError):
                waiting += [here.errors(), here.json()]
        elif isinstance(here, dict | list | tuple | set):
            waiting += gc.get_referents(here)


BAD: dict[str, Callable[[], object]] = {
    "whole number": lambda: load(PORT=CANARY),
    "out of range": lambda: load(PORT="70000", DEBUG=CANARY),
    "temperature": lambda: load(DEFAULT_TEMPERATURE=CANARY),
    "level": lambda: load(LOG_LEVEL=CANARY),
    "missing sibling": lambda: load(_WithPlainSibling, MY_API_KEY=CANARY),
    "own": lambda: load(Mine, **{**WHOLE, "PIN": CANARY, "MODE": CANARY, "INNER_LIMIT": CANARY}),
    "constructor": lambda: Mine(api_key=CANARY, pin=CANARY, maybe=None, inner=CANARY),  # type: ignore[arg-type]
    "constructor without the rest": lambda: Mine(api_key=CANARY),
    "extra": lambda: LLM(**{CANARY: CANARY}),  # type: ignore[arg-type]
    "validate": lambda: Mine.model_validate({"api_key": CANARY, "inner": {"token": CANARY, "limit": CANARY}}),
    "validate json": lambda: Mine.model_validate_json('{"api_key": "' + CANARY),
    "validate json fields": lambda: Mine.model_validate_json(json.dumps({"api_key": [CANARY]})),
    "adapter": lambda: TypeAdapter(Mine).validate_python({"api_key": CANARY}),
    "adapter list": lambda: TypeAdapter(list[Inner]).validate_python([{"token": CANARY, "limit": 99}]),
    "validator": lambda: load(_Picky, KEY=CANARY),
    "dictionary key": lambda: load(_Table, ROWS=json.dumps({CANARY: "x"})),
}


class _Picky(SecretsModel):
    key: str

    @field_validator("key")
    @classmethod
    def _never(cls, value: str) -> str:
        raise ValueError(f"no, not {value}")


class _Table(SecretsModel):
    rows: dict[str, int] = {}


@pytest.mark.parametrize("case", BAD)
def test_L3_no_validation_error_holds_a_value(case: str) -> None:
    with pytest.raises(errors.SophiaError) as caught:
        BAD[case]()
    for thing in reachable(caught.value):
        assert CANARY not in repr(thing)
        assert CANARY not in str(thing)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert not isinstance(caught.value.__context__, ValidationError)


class _WithPlainSibling(SecretsModel):
    my_api_key: Secret[str]
    other: str


@pytest.mark.parametrize("case", ["whole number", "own", "validator", "dictionary key", "level"])
def test_L4_a_traceback_with_locals_shows_no_value(case: str) -> None:
    def broken(chain: Chain, model: Any) -> object:
        return asyncio.run(load_config(model, manager=chain))

    given = {
        "whole number": (Config, {"PORT": CANARY, "OPENAI_API_KEY": CANARY}),
        "own": (Mine, {**WHOLE, "PIN": CANARY}),
        "validator": (_Picky, {"KEY": CANARY}),
        "dictionary key": (_Table, {"ROWS": json.dumps({CANARY: "x"})}),
        "level": (Config, {"LOG_LEVEL": CANARY}),
    }
    model, values = given[case]
    with pytest.raises(errors.BadSettings) as caught:
        broken(_Quiet(values), model)
    trace = caught.value.__traceback__
    # This test's own frame, whose values are plain, is left out.
    assert trace is not None
    shown = rich.traceback.Traceback.from_exception(
        type(caught.value),
        caught.value,
        trace.tb_next,
        show_locals=True,
        locals_max_string=None,
        max_frames=200,
    )
    out = io.StringIO()
    Console(file=out, width=400, color_system=None).print(shown)
    assert "locals" in out.getvalue()
    assert "load_config" in out.getvalue()
    assert CANARY not in out.getvalue()


class _Quiet(Chain):
    """A chain that the test's own plain dictionary does not show up in."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__({})
        self._hidden = {name: SecretValue(value) for name, value in values.items()}

    def _one(self, name: str) -> Resolution:
        return Resolution(name, self._hidden.get(name), "local", None, False, False, False, 0.0, ())


@given(st.text(min_size=1))
def test_L3_no_text_whatever_gets_into_an_error(text: str) -> None:
    marked = CANARY + text
    with pytest.raises(errors.BadSettings) as caught:
        load(PORT=marked, DEBUG=marked, CHUNK_SIZE=marked, SWARM_TIMEOUT=marked, LOG_LEVEL=marked)
    assert CANARY not in caught.value.message + caught.value.hint


def test_every_problem_is_told_at_once_by_secret_and_field() -> None:
    with pytest.raises(errors.BadSettings) as caught:
        load(Mine, MODE="c", INNER_LIMIT="11", PIN="x")
    assert caught.value.message == (
        "The configuration cannot be made: INNER_LIMIT (inner.limit) is too large; "
        "PIN (pin) must be a whole number; MODE (mode) is none of the values allowed; "
        "MY_API_KEY is missing; INNER_TOKEN is missing."
    )
    assert caught.value.exit_code == 2


def test_a_required_secret_that_is_nowhere_is_an_error() -> None:
    with pytest.raises(errors.NotFound) as caught:
        load(Mine)
    assert caught.value.message == (
        "The configuration needs MY_API_KEY, INNER_TOKEN, which are nowhere in the chain."
    )


class _Defaults(SecretsModel):
    a: Secret[str | None] = None
    b: Secret[str] = secret("B", default=CANARY)
    c: str = "plain"


def test_a_missing_secret_is_none_or_an_error_by_choice() -> None:
    config = load(_Defaults)
    assert (config.a, config.b, config.c) == (None, CANARY, "plain")
    assert CANARY not in repr(config)
    with pytest.raises(errors.NotFound) as caught:
        load(_Defaults, missing="error")
    assert caught.value.message == "The configuration needs A, which is nowhere in the chain."
    assert load(_Defaults, missing="error", A="x").a == "x"


def test_where_a_backend_failed_a_missing_secret_is_not_certain(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "sophia_secrets")
    assert load(_Defaults, failed=("A", "B", "C")).a is None
    assert "A, B, C may be somewhere, but a backend failed" in caplog.text
    with pytest.raises(errors.TimedOut):
        load(_Defaults, missing="error", failed=("A",))
    with pytest.raises(errors.TimedOut):
        load(Inner, failed=("INNER_TOKEN",))
    assert load(_Defaults, missing="error", failed=("A",), A="x").a == "x"


def test_a_backend_that_answers_again_meanwhile_does_not_make_a_half_configuration() -> None:
    class Recovers(Chain):
        async def get_secret(self, name: str, use_cache: bool = True) -> str | None:
            return "there now"

    with pytest.raises(errors.Unavailable) as caught:
        asyncio.run(load_config(Inner, manager=Recovers({}, ("INNER_TOKEN",))))
    assert caught.value.backend == "pulumi"


def test_a_model_without_fields_asks_nothing() -> None:
    class Empty(SecretsModel):
        pass

    chain = Chain({})
    assert asyncio.run(load_config(Empty, manager=chain)) == Empty()
    assert chain.asked == []


def test_an_optional_model_and_constraints_on_a_setting_are_understood() -> None:
    class Outer(SecretsModel):
        inner: Inner | None = None
        size: int = Field(default=1, ge=1)

    assert load(Outer, INNER_TOKEN="x").inner.token == "x"
    with pytest.raises(errors.BadSettings):
        load(Outer, INNER_TOKEN="x", SIZE="0")


def test_the_constructor_takes_plain_values_for_tests_of_users() -> None:
    config = Config(llm=LLM(openai_api_key=CANARY))
    assert config.llm.openai_api_key == CANARY
    assert CANARY not in repr(config)
