"""
Every row of the vendors' operation tables, with the real programs and with the stand-ins.

A row's exit code, standard output and standard error are the same from both, so what is told of
one is true of the other. GitHub's program is always the real one, in every version at hand.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.contract.operations import FLY, GH, PULUMI, ROWS
from tests.contract.operations.pulumi import REF
from tests.contract.operations.row import Row
from tests.contract.test_real_gh import BINARIES
from tests.contract.test_real_pulumi import REAL
from tests.vendors.fly_vendor import StandIn, Vendor, environment, real_vendor
from tests.vendors.github_api import GitHubApi
from tests.vendors.pulumi_cli import PulumiCli
from tests.vendors.pulumi_cloud import TOKEN, PulumiCloud, PulumiService

DEFINITION = "values: {environmentVariables: {A: {fn::secret: first}, PORT: 8080}}"


def check(row: Row, program: str, environ: dict[str, str], cwd: Path, *before: str) -> None:
    done = subprocess.run(
        [program, *before, *row.arguments],
        input=row.stdin,
        env=environ,
        cwd=cwd,
        capture_output=True,
        timeout=60,
    )
    told = [*filter(None, done.stderr.decode().splitlines())]
    said = row.older_err if row.older_err and told == row.older_err.splitlines() else row.err
    assert (done.returncode, told) == (row.code, said.splitlines())
    assert row.read(done.stdout) == row.said


def _by_operation(rows: list[Row]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.operation)


@_by_operation(GH)
@pytest.mark.parametrize("gh", BINARIES, ids=lambda path: Path(path).parent.name)
def test_gh_does_what_the_table_says(gh: str, row: Row, tmp_path: Path) -> None:
    with GitHubApi() as api:
        repository = "repos/octo/app/actions"
        for number in range(150):
            api.put(repository, f"MANY_{number:03}", b"x")
        for scope in ("repos/octo/app/environments/production", "orgs/octo/actions"):
            api.put(scope, "KEPT", b"x")
        silent = {"GH_TELEMETRY": "0", "GH_NO_UPDATE_NOTIFIER": "1", "GH_PROMPT_DISABLED": "1"}
        check(row, gh, {**api.environment(), **silent, "NO_COLOR": "1"}, tmp_path)
        stored = {
            "set one": {"ONE": b"a\nb"},
            "set many": {"ONE": b"a b", "TWO": b"b\n"},
        }.get(row.operation, {})
        assert api.store[repository].items() >= stored.items()
        assert ("MANY_007" in api.store[repository]) == (row.operation != "delete")
        assert ("ONE" in api.store["orgs/octo/actions"]) == (row.operation == "set an organisation's")


@_by_operation(PULUMI)
@pytest.mark.parametrize("kind", ["stand-in", "real"])
def test_pulumi_does_what_the_table_says(kind: str, row: Row, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (tmp_path / "infra").mkdir()
    home.mkdir()
    (tmp_path / "infra" / "Pulumi.yaml").write_text("name: shop\nruntime: yaml\n")
    file = tmp_path / "infra" / "Pulumi.dev.yaml"
    file.write_text("config:\n  shop:port: 8080\n")
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "PULUMI_HOME": str(home),
        "PULUMI_ACCESS_TOKEN": TOKEN,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "NO_COLOR": "1",
    }
    with ExitStack() as stack:
        program, url, service = _pulumi(kind, tmp_path, stack)
        environ["PULUMI_BACKEND_URL"] = url
        check(row, program, environ, tmp_path, "--non-interactive", "--color", "never")
        if row.operation in {"write", "delete"}:
            variables = service().held(REF)["values"]["environmentVariables"]
            assert variables.get("A") == {"write": {"fn::secret": "second\n"}, "delete": None}[row.operation]
    assert ("shop:A" in file.read_text()) == (row.operation == "write to a stack")
    assert "second" not in file.read_text()


def _pulumi(kind: str, directory: Path, stack: ExitStack) -> tuple[str, str, Callable[[], PulumiService]]:
    """The program, where it is led to, and what its service holds afterwards."""
    if kind == "stand-in":
        cli = PulumiCli(directory / "stand-in")
        with cli.service() as service:
            _fill(service)
        return str(cli.path), "http://stand-in", lambda: stack.enter_context(cli.service())
    if REAL is None:
        pytest.skip("no real pulumi: set SOPHIA_TEST_PULUMI to its path")
    cloud = stack.enter_context(PulumiCloud())
    _fill(cloud)
    return REAL, cloud.url, lambda: cloud


def _fill(service: PulumiService) -> None:
    service.define("acme/app/base", "values: {}")
    service.define(REF, DEFINITION)
    service.stacks.append("acme/shop/dev")


@pytest.fixture(params=["stand-in", "real"])
def fly(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vendor]:
    if request.param == "stand-in":
        yield StandIn(tmp_path / "bin")
        return
    with real_vendor(tmp_path) as real:
        yield real


@_by_operation(FLY)
def test_flyctl_does_what_the_table_says(fly: Vendor, row: Row, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir(mode=0o700)
    (config / "logs").touch()
    fly.put(KEPT="old")
    fly.start_machine("m1", KEPT="old")
    check(row, fly.program, {**environment(config), "FLY_EMIT_RELEASE_JSON": "1"}, tmp_path)
    after = {
        "write one": {"KEPT": "old", "ONE": "a\nb"},
        "write many": {"KEPT": "old", "ONE": "a b", "TWO": "b\n"},
        "write and roll out": {"KEPT": "old", "ONE": "a"},
        "delete": {},
    }
    assert fly.values() == after.get(row.operation, {"KEPT": "old"})
    rolled_out = row.operation == "write and roll out"
    assert fly.environment("m1") == ({"KEPT": "old", "ONE": "a"} if rolled_out else {"KEPT": "old"})
    assert (config / "logs").read_bytes() == b""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_row_is_met_through_the_product_or_says_why_not(row: Row) -> None:
    assert bool(row.met) != bool(row.unused)
    if row.met:
        file, _, function = row.met.partition("::")
        tree = ast.parse(Path(__file__).with_name(f"{file}.py").read_text())
        assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
