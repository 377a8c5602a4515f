"""An empty value is stored where it is meant, and not because a variable was undefined."""

from __future__ import annotations

import asyncio

import pytest

from sophia_secrets import errors
from sophia_secrets.manager import SecretsManager
from tests.program import Program
from tests.terminal import Terminal
from tests.world import World


@pytest.mark.parametrize("nothing", ["", "\n", "\r\n"])
def test_standard_input_that_holds_nothing_is_refused(sophia: Program, nothing: str) -> None:
    sophia.store("API_KEY", "kept")
    done = sophia("set", "API_KEY", "--backend", "local", stdin=nothing)
    assert (done.code, done.out) == (2, "")
    note, error, hint = done.err.splitlines()
    assert note.startswith("note: local → ")
    assert error == "error: Standard input is empty, so nothing was stored."
    assert hint.endswith("`sophia-secrets set API_KEY --backend local --allow-empty` stores an empty value.")
    assert sophia("get", "API_KEY").out == "kept\n"
    assert [event["command"] for event in sophia.events()].count("set") == 2


def test_a_file_that_holds_nothing_is_refused(sophia: Program) -> None:
    (sophia.cwd / "key.txt").touch()
    done = sophia("set", "API_KEY", "--backend", "local", "--from-file", "key.txt", "--json")
    assert done.code == 2
    assert done.json["error"]["kind"] == "bad_value"
    assert done.json["error"]["message"] == "The file key.txt is empty, so nothing was stored."
    assert sophia("get", "API_KEY").code == 3


def test_a_newline_that_is_kept_is_a_value(sophia: Program) -> None:
    assert sophia("set", "API_KEY", "--backend", "local", "--raw", stdin="\n").code == 0
    assert sophia("get", "API_KEY", "--raw").out == "\n"


def test_an_empty_value_is_stored_where_it_is_asked_for(sophia: Program) -> None:
    assert sophia("set", "API_KEY", "--backend", "local", "--allow-empty", stdin="").code == 0
    done = sophia("get", "API_KEY", "--raw")
    assert (done.code, done.out) == (0, "")
    with Terminal(sophia, "set", "OTHER_KEY", "--backend", "local", "--allow-empty") as terminal:
        for prompt in ("hidden", "Again"):
            terminal.wait_for(prompt)
            terminal.type("\n")
        assert terminal.end() == 0
    assert sophia("get", "OTHER_KEY", "--json").json["value"] == ""


@pytest.mark.parametrize("backend", ["github", "fly"])
def test_a_vendor_that_cannot_keep_an_empty_value_is_not_told_of_one(
    sophia: Program, vendors: World, backend: str
) -> None:
    done = sophia("set", "API_KEY", "--backend", backend, stdin="")
    assert done.code == 2
    assert "--allow-empty" not in done.err
    done = sophia("set", "API_KEY", "--backend", backend, "--allow-empty", stdin="")
    assert done.code == 2
    assert f"cannot be stored in {backend} exactly" in done.err
    assert vendors.starts() == {"github": 0, "pulumi": 0, "fly": 0}


def test_python_says_what_it_means(sophia: Program, vendors: World) -> None:
    manager = SecretsManager(environ=sophia.full_environment(), cwd=str(sophia.cwd))

    async def work() -> None:
        assert await manager.set_secret("API_KEY", "", backend="local")
        assert await manager.get_secret("API_KEY") == ""
        with pytest.raises(errors.BadValue):
            await manager.set_secret("API_KEY", "", backend="github")

    asyncio.run(work())
    assert vendors.starts()["github"] == 0
