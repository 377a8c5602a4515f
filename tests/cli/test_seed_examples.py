"""The first description's Python examples run as they are, but for the import path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import Done, Program
from tests.world import World

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "seed.py"


def example(sophia: Program, name: str) -> Done:
    return script(sophia, str(EXAMPLES), name)


def script(sophia: Program, *arguments: str) -> Done:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=sophia.cwd,
        env=sophia.full_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_get_from_the_local_backend(sophia: Program) -> None:
    sophia.store("OPENAI_API_KEY", "sk-local")
    done = example(sophia, "get")
    assert (done.code, done.out, done.err) == (0, "sk-local\nsk-local\n", "")


def test_get_of_what_is_nowhere_is_none(sophia: Program) -> None:
    assert example(sophia, "get").out == "None\nNone\n"


def test_get_from_a_vendor_asks_it_once_with_the_cache_and_once_without(
    sophia: Program, vendors: World
) -> None:
    vendors.define({"OPENAI_API_KEY": "sk-pulumi"})
    assert example(sophia, "get").out == "sk-pulumi\nsk-pulumi\n"
    assert vendors.starts() == {"github": 0, "pulumi": 2, "fly": 0}


def test_set_stores_the_value_at_github(sophia: Program, vendors: World) -> None:
    done = example(sophia, "set")
    assert (done.code, done.out) == (0, "True\n"), done.err
    assert vendors.github.store["repos/octo/app/actions"] == {"NEW_API_KEY": b"your-secret-value"}


def test_set_without_a_repository_is_refused_and_stored_nowhere_else(sophia: Program) -> None:
    done = example(sophia, "set")
    assert done.code == 1
    assert "NotConfigured" in done.err
    assert sophia("get", "NEW_API_KEY").code == 3


def test_list_from_the_local_backend(sophia: Program) -> None:
    sophia.store("B_KEY", "1")
    sophia.store("A_KEY", "2")
    assert example(sophia, "list").out == "A_KEY B_KEY\n"


def test_list_from_the_vendors(sophia: Program, vendors: World) -> None:
    vendors.define({"A_KEY": "1"})
    vendors.github.put("repos/octo/app/actions", "B_KEY", b"2")
    assert example(sophia, "list").out == "A_KEY B_KEY\n"


def test_initialize_with_debug_logging_shows_each_backend(sophia: Program, vendors: World) -> None:
    done = example(sophia, "debug")
    assert done.code == 0, done.err
    for backend in ("github", "pulumi", "fly", "local", "env"):
        assert f"DEBUG:sophia_secrets:{backend}." in done.err
    assert "DEBUG:sophia_secrets:pulumi env open acme/app/production: exited 0 after " in done.err


def test_debug_logging_shows_each_call_and_the_words_of_one_that_failed(
    sophia: Program, vendors: World
) -> None:
    vendors.pulumi_fails(503, {"code": 503, "message": "down for maintenance"})
    code = (
        "import asyncio, logging\nlogging.basicConfig(level=logging.DEBUG)\n"
        "from sophia_secrets.manager import secrets_manager\nasyncio.run(secrets_manager.initialize())"
    )
    done = script(sophia, "-c", code)
    assert "DEBUG:sophia_secrets:starting " in done.err
    assert "DEBUG:sophia_secrets:pulumi.environment said: " in done.err
    assert "down for maintenance" in done.err


def test_L3_load_config_from_the_local_backend_gives_values_and_shows_none(sophia: Program) -> None:
    sophia.store("OPENAI_API_KEY", "sk-canary")
    sophia.store("NEON_DATABASE_URL", "postgres://canary@db/app")
    done = example(sophia, "config")
    values, shown = done.out.splitlines()
    assert values == "sk-canary postgres://canary@db/app"
    assert "openai_api_key=<secret>" in shown
    assert "canary" not in shown + done.err


@pytest.mark.parametrize("warm", [False, True])
def test_load_config_asks_each_vendor_at_most_once(sophia: Program, vendors: World, warm: bool) -> None:
    vendors.define({"OPENAI_API_KEY": "sk-1", "NEON_DATABASE_URL": "postgres://db"})
    if warm:
        example(sophia, "config")
    before = vendors.starts()
    done = example(sophia, "config")
    assert done.out.startswith("sk-1 postgres://db\n")
    after = vendors.starts()
    asked = {name: after[name] - before[name] for name in after}
    assert asked == {"github": 0, "pulumi": 0 if warm else 1, "fly": 0}
    accesses = [e for e in sophia.events() if e["outcome"] == "found" and e["name"] == "OPENAI_API_KEY"]
    assert len(accesses) == (2 if warm else 1)


def test_load_config_degrades_to_what_is_there_and_says_so(sophia: Program, vendors: World) -> None:
    vendors.pulumi_fails(503, {"code": 503, "message": "no"})
    sophia.store("OPENAI_API_KEY", "sk-local")
    done = example(sophia, "config")
    assert done.code == 0, done.err
    assert done.out.startswith("sk-local None\n")
    code = (
        "import asyncio, logging\nlogging.basicConfig(level=logging.WARNING)\n"
        "from sophia_secrets import load_config\nprint(asyncio.run(load_config()).llm.openai_api_key)"
    )
    done = script(sophia, "-c", code)
    assert done.out == "sk-local\n"
    assert "NEON_DATABASE_URL" in done.err
    assert "a backend failed" in done.err
