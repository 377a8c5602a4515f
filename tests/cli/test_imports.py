"""
What the quick commands import: a golden list each, since every module costs each start.

A module that appears here is paid for by everybody's `get`: add one only with its cost measured
(`make bench`).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import Program
from tests.world import World

VERSION = {"sophia_secrets", "sophia_secrets.__main__", "gc"}

GET = VERSION | {
    "__future__",
    "_blake2",
    "_json",
    "_operator",
    "_struct",
    "_weakref",
    "errno",
    "fcntl",
    "resource",
    "sophia_secrets.hot",
    "sophia_secrets.state",
    "sophia_secrets.state.aead",
    "sophia_secrets.state.audit",
    "sophia_secrets.state.audit_append",
    "sophia_secrets.state.audit_disk",
    "sophia_secrets.state.audit_event",
    "sophia_secrets.state.cache",
    "sophia_secrets.state.chain",
    "sophia_secrets.state.counters",
    "sophia_secrets.state.counters_table",
    "sophia_secrets.state.files",
    "sophia_secrets.state.keys",
    "sophia_secrets.state.opening",
    "sophia_secrets.state.record",
    "sophia_secrets.state.route",
    "sophia_secrets.state.route_form",
}
CIPHER = {"_cffi_backend", "_sodium", "_sodium.lib", "nacl", "nacl._sodium"}
VAULT = {"pyrage", "sophia_secrets.state.age"}

RUN = GET | {
    "sophia_secrets.hot.run",
    "sophia_secrets.launch",
    "sophia_secrets.launch.command",
    "sophia_secrets.launch.dangerous",
    "sophia_secrets.launch.inherited",
    "sophia_secrets.launch.variables",
}

LIST = {
    "sophia_secrets.hot.listing",
    "sophia_secrets.view",
    "sophia_secrets.view.columns",
    "sophia_secrets.view.styling",
    "sophia_secrets.view.listing",
}

AUDIT_LOG = {
    "sophia_secrets.hot.audit",
    "sophia_secrets.state.audit_read",
    "sophia_secrets.view",
    "sophia_secrets.view.columns",
    "sophia_secrets.view.events",
    "sophia_secrets.view.styling",
}

_SCRIPT = """
import os, sys
before = set(sys.modules)
sys.argv[0] = "sophia-secrets"
from sophia_secrets.__main__ import run
def tell(*_, **__):
    os.write(2, "\\n".join(sorted(set(sys.modules) - before)).encode())
    os._exit(0)
{until} = tell
code = run()
os.write(2, "\\n".join(sorted(set(sys.modules) - before)).encode())
os._exit(code)
"""


def imported(sophia: Program, *arguments: str, until: str = "os.execve") -> set[str]:
    """
    The modules that one start of the program imports, whatever the interpreter has by itself: to its
    end, or to the first call of that function.
    """
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(until=until), *arguments],
        input=b"value",
        capture_output=True,
        cwd=sophia.cwd,
        env=sophia.full_environment(),
        check=True,
    )
    found = set(done.stderr.decode().splitlines())
    return {name for name in found if not name.startswith("pyrage.")}  # all one compiled file


@pytest.fixture
def settled(sophia: Program) -> Program:
    """The program, whose files count as left alone for long enough to compile a route over them."""
    sitecustomize = sophia.root / "settled" / "sitecustomize.py"
    sitecustomize.parent.mkdir()
    sitecustomize.write_text("from sophia_secrets.operations import routing\nrouting.RACY = -60.0\n")
    return sophia


def compile_route(sophia: Program, name: str, root: Path) -> None:
    """A full `get`, after which the route is there."""
    done = sophia("get", name, PYTHONPATH=str(root / "settled"))
    assert done.code == 0, done.said
    assert list(sophia.sophia.glob("cache/routes/*.route"))


def test_the_version_imports_nothing(sophia: Program) -> None:
    assert imported(sophia, "--version") <= VERSION


def test_the_help_imports_no_more_than_its_text(sophia: Program) -> None:
    assert imported(sophia, "--help") - VERSION <= {
        "__future__",
        "resource",
        "sophia_secrets.view",
        "sophia_secrets.view.prebuilt",
    }


def test_a_warm_get_of_a_cached_vendor_imports_the_state_alone(
    settled: Program, vendors: World, tmp_path: Path
) -> None:
    vendors.define({"API_KEY": "from pulumi"})
    assert settled("get", "API_KEY").out == "from pulumi\n"
    compile_route(settled, "API_KEY", tmp_path)
    assert imported(settled, "get", "API_KEY") - CIPHER - GET == set()
    assert vendors.pulumi_opens() == 1


def test_a_warm_run_imports_no_more_than_a_get_and_how_to_become_a_command(
    settled: Program, tmp_path: Path
) -> None:
    settled.store("API_KEY", "from the vault")
    done = settled("run", "--", "true", PYTHONPATH=str(tmp_path / "settled"))
    assert done.code == 0, done.said
    assert imported(settled, "run", "--", "true") - CIPHER - VAULT - RUN == set()


@pytest.mark.parametrize("arguments", [["list"], ["list", "--names"], ["list", "--json"]])
def test_a_warm_list_imports_no_more_than_a_get_and_the_table(
    settled: Program, tmp_path: Path, arguments: list[str]
) -> None:
    settled.store("API_KEY", "from the vault")
    assert "API_KEY" in settled(*arguments, PYTHONPATH=str(tmp_path / "settled")).out
    assert imported(settled, *arguments) - GET == LIST


def test_a_warm_audit_log_imports_no_more_than_a_get_and_the_table(settled: Program, tmp_path: Path) -> None:
    settled.store("API_KEY", "from the vault")
    compile_route(settled, "API_KEY", tmp_path)
    assert imported(settled, "audit", "log", "--last", "5") - GET == AUDIT_LOG


def test_a_name_that_is_being_typed_imports_no_more_than_a_get(settled: Program, tmp_path: Path) -> None:
    settled.store("API_KEY", "from the vault")
    compile_route(settled, "API_KEY", tmp_path)
    assert settled("completion", "--names").out == "API_KEY\n"
    assert imported(settled, "completion", "--names") - GET == {"sophia_secrets.hot.names"}


@pytest.mark.parametrize(
    "arguments", [["get", "API_KEY"], ["list", "--json"], ["set", "A_KEY", "--backend", "local"]]
)
def test_a_frequent_command_does_without_typer(sophia: Program, arguments: list[str]) -> None:
    sophia.store("API_KEY", "from the vault")
    assert "typer" not in imported(sophia, *arguments)


def test_a_warm_get_from_the_vault_imports_the_state_and_its_cipher_alone(
    settled: Program, tmp_path: Path
) -> None:
    settled.store("API_KEY", "from the vault")
    compile_route(settled, "API_KEY", tmp_path)
    assert imported(settled, "get", "API_KEY") - VAULT - GET == set()


@pytest.mark.parametrize("arguments", [["--help"], ["get", "--help"], ["config", "path"], ["backends"]])
def test_no_command_without_a_table_imports_what_only_some_need(
    sophia: Program, arguments: list[str]
) -> None:
    heavy = {"rich", "pydantic", "asyncio", "yaml", "tomllib", "logging", "pyrage", "keyring", "click"}
    assert imported(sophia, *arguments) & heavy == set()
