"""A value that is not what is declared of its name is stored only where that is meant."""

from __future__ import annotations

import asyncio
import time

import pytest

from sophia_secrets import errors
from sophia_secrets.manager import SecretsManager
from tests.program import Program

WRONG = "canary-wrong-55aa"
RIGHT = "sk-right"
DECLARED = """\
[local]
file = "first.age"
[secrets.API_KEY]
pattern = "^sk-"
[secrets.PORT]
type = "port"
"""
PROBLEM = "does not match its pattern, and {place} asks for that"


@pytest.fixture
def declared(sophia: Program) -> Program:
    sophia.user_settings(DECLARED)
    return sophia


def place(declared: Program) -> str:
    return f"{declared.sophia / 'config' / 'config.toml'}:3"


def test_set_refuses_it_and_says_where_it_is_asked_for(declared: Program) -> None:
    done = declared("set", "API_KEY", "--backend", "local", stdin=WRONG)
    assert done.code == 2
    assert f"The new value of `API_KEY` {PROBLEM.format(place=place(declared))}." in done.err
    assert "--not-as-declared" in done.err
    assert WRONG not in done.said
    assert declared("get", "API_KEY").code == 3
    assert declared("set", "PORT", "--backend", "local", stdin="99999").code == 2
    assert declared("set", "API_KEY", "--backend", "local", stdin=RIGHT).code == 0
    assert declared("set", "PORT", "--backend", "local", stdin="8080").code == 0
    assert declared("set", "UNDECLARED", "--backend", "local", stdin=WRONG).code == 0


def test_set_stores_it_where_that_is_said(declared: Program) -> None:
    done = declared("set", "API_KEY", "--backend", "local", "--not-as-declared", stdin=WRONG)
    assert done.code == 0, done.said
    assert declared("get", "API_KEY").out == f"{WRONG}\n"
    assert declared("check").code == 7


def test_import_refuses_it_and_stores_the_others(declared: Program) -> None:
    (declared.cwd / "in.env").write_text(f"API_KEY={WRONG}\nOTHER=fine\n")
    done = declared("import", "in.env", "--backend", "local", "--yes", "--json")
    assert done.code == 2
    outcomes = {row["name"]: row["outcome"] for row in done.json["results"]}
    assert outcomes == {"API_KEY": "refused", "OTHER": "done"}
    (detail,) = [row["detail"] for row in done.json["results"] if row["name"] == "API_KEY"]
    assert detail.startswith(f"the value {PROBLEM.format(place=place(declared))}")
    assert WRONG not in done.said
    again = declared("import", "in.env", "--backend", "local", "--yes", "--not-as-declared")
    assert again.code == 0, again.said
    assert declared("get", "API_KEY").out == f"{WRONG}\n"


def test_copy_and_sync_refuse_it(declared: Program) -> None:
    declared.environment |= {"API_KEY": WRONG}
    for command in (("copy", "API_KEY"), ("sync", "--only", "API_KEY")):
        done = declared(*command, "--from", "env", "--to", "local", "--yes")
        assert done.code == 2, done.said
        assert PROBLEM.format(place=place(declared)) in done.said
        assert WRONG not in done.said
    done = declared("copy", "API_KEY", "--from", "env", "--to", "local", "--yes", "--not-as-declared")
    assert done.code == 0, done.said
    assert declared("get", "API_KEY", "--backend", "local").out == f"{WRONG}\n"


def test_rotate_refuses_it_before_anything_is_sealed(declared: Program) -> None:
    declared.store("API_KEY", RIGHT)
    done = declared("rotate", "API_KEY", "--yes", stdin=WRONG)
    assert done.code == 2
    assert WRONG not in done.said
    assert declared("get", "API_KEY").out == f"{RIGHT}\n"
    done = declared("rotate", "API_KEY", "--yes", "--not-as-declared", stdin=WRONG)
    assert done.code == 0, done.said
    assert declared("get", "API_KEY").out == f"{WRONG}\n"


def test_set_secret_refuses_it(declared: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in declared.full_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(declared.cwd)

    async def store() -> str | None:
        manager = SecretsManager()
        with pytest.raises(errors.BadValue, match="does not match its pattern") as refused:
            await manager.set_secret("API_KEY", WRONG, "local")
        assert WRONG not in str(refused.value) + refused.value.hint
        assert await manager.get_secret("API_KEY") is None
        assert await manager.set_secret("API_KEY", WRONG, "local", as_declared=False)
        return await manager.get_secret("API_KEY")

    assert asyncio.run(store()) == WRONG


def test_R3_a_pattern_that_takes_long_is_given_up(sophia: Program) -> None:
    sophia.user_settings('[secrets.SLOW]\npattern = "x*x*x*x*x*x*y"\n')
    began = time.monotonic()
    done = sophia("set", "SLOW", "--backend", "local", stdin="x" * 5000)
    assert done.code == 2
    assert time.monotonic() - began < 20
    assert "`SLOW`" in done.err


def test_R3_in_python_such_a_pattern_is_given_up_and_the_loop_goes_on(sophia: Program) -> None:
    sophia.user_settings('[secrets.SLOW]\npattern = "x*x*x*x*x*x*y"\n')

    async def store() -> int:
        manager = SecretsManager(environ=sophia.full_environment(), cwd=str(sophia.cwd))
        storing = asyncio.create_task(manager.set_secret("SLOW", "x" * 5000, "local"))
        turns = 0
        while not storing.done():
            await asyncio.sleep(0.02)
            turns += 1
        with pytest.raises(errors.BadValue, match="takes too long to hold against its pattern"):
            await storing
        assert await manager.set_secret("SLOW", "xy", "local")
        return turns

    assert asyncio.run(store()) >= 20


def test_where_python_cannot_be_started_again_the_pattern_holds_all_the_same(
    declared: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")

    async def store() -> str | None:
        manager = SecretsManager(environ=declared.full_environment(), cwd=str(declared.cwd))
        with pytest.raises(errors.BadValue, match="does not match its pattern"):
            await manager.set_secret("API_KEY", WRONG, "local")
        assert await manager.set_secret("API_KEY", RIGHT, "local")
        return await manager.get_secret("API_KEY")

    assert asyncio.run(store()) == RIGHT
