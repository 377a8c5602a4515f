"""A new value is held against what is declared of its name, before any vendor is started."""

from __future__ import annotations

import time

import pytest

from tests.program import Program
from tests.world import World

DECLARED = """
[secrets.API_KEY]
pattern = "^sk-[0-9a-f]+$"
generate = "hex:16"
rotate_every = "1s"

[secrets.SESSION_ID]
type = "uuid"
generate = "uuid"

[secrets.PORT]
type = "port"
"""


@pytest.fixture
def declared(sophia: Program) -> Program:
    sophia.user_settings(DECLARED)
    return sophia


def test_set_stores_no_generated_value_that_its_declaration_refuses(declared: Program) -> None:
    for name, spec, reason in (
        ("API_KEY", "default", "does not match its pattern"),
        ("API_KEY", "alnum:40", "does not match its pattern"),
        ("PORT", "digits:8", "is not a port"),
        ("SESSION_ID", "hex:16", "is not a UUID"),
    ):
        done = declared("set", name, "--backend", "local", "--generate", spec)
        assert (done.code, done.out) == (2, ""), (name, spec)
        assert f"The new value of `{name}` {reason}" in done.err
        assert "config.toml:" in done.err
        assert declared("get", name).code == 3


def test_set_stores_a_generated_value_that_is_as_declared(declared: Program) -> None:
    assert declared("set", "SESSION_ID", "--backend", "local", "--generate", "default").code == 0
    assert declared("set", "UNDECLARED_KEY", "--backend", "local", "--generate", "hex:16").code == 0
    assert len(declared("get", "SESSION_ID").out.strip()) == 36


def test_rotate_refuses_a_generated_value_before_any_vendor_is_asked(
    declared: Program, vendors: World
) -> None:
    declared.store("API_KEY", "sk-01", "fly")
    declared.store("API_KEY", "sk-01", "local")
    before = vendors.starts()
    for more in ((), ("--dry-run",)):
        done = declared("rotate", "API_KEY", "--generate", "default", "--yes", *more)
        assert done.code == 2
        assert "does not match its pattern" in done.err
    assert vendors.starts() == before


def test_rotate_refuses_a_given_value_and_seals_nothing(declared: Program, vendors: World) -> None:
    declared.store("API_KEY", "sk-01", "fly")
    declared.store("API_KEY", "sk-01", "local")
    sets = vendors.fly.commands().count("secrets set")
    done = declared("rotate", "API_KEY", "--yes", stdin="canary-unfit-0003")
    assert done.code == 2
    assert "does not match its pattern" in done.err
    assert "canary-unfit-0003" not in done.said
    assert vendors.fly.commands().count("secrets set") == sets
    assert declared("get", "API_KEY", "--backend", "local").out == "sk-01\n"
    status = declared("rotation", "status", "--json").json["rotations"]
    assert [row["pending"] for row in status if row["name"] == "API_KEY"] in ([], [False])
    assert declared("rotate", "API_KEY", "--yes", stdin="sk-02").code == 0
    assert vendors.fly.values() == {"API_KEY": "sk-02"}


def test_a_dry_run_without_a_value_holds_none_against_the_pattern(declared: Program) -> None:
    declared.store("API_KEY", "sk-01")
    assert declared("rotate", "API_KEY", "--dry-run").code == 0


def test_rotating_all_that_is_due_stops_at_a_value_that_is_not_as_declared(declared: Program) -> None:
    declared.store("API_KEY", "sk-01")
    time.sleep(1.1)
    done = declared("rotate", "--due", "--yes")
    assert done.code == 2
    assert "does not match its pattern" in done.err
    assert declared("get", "API_KEY").out == "sk-01\n"
