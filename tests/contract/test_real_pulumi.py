"""
The Pulumi backend against programs: always the stand-in, and the real `pulumi` where
`SOPHIA_TEST_PULUMI` or PATH has one. Both must give every answer below, so the stand-in is what it
says it is. The real one talks to a local Pulumi Cloud and keeps stacks in a directory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sophia_secrets.backends.base import Context, Steps, T
from sophia_secrets.backends.pulumi import PulumiBackend
from sophia_secrets.core.model import (
    Change,
    Check,
    CheckStatus,
    EntryState,
    Failure,
    FailureKind,
    Outcome,
    Receipt,
    SecretValue,
    Snapshot,
)
from sophia_secrets.process import run
from tests.vendors.pulumi_cli import PulumiCli
from tests.vendors.pulumi_cloud import TOKEN, PulumiCloud, PulumiService

REAL = os.environ.get("SOPHIA_TEST_PULUMI") or shutil.which("pulumi")
REFERENCE = "acme/app/production"
SECTION = {"organization": "acme", "project": "app", "environment": "production"}
DEFINITION = """\
values:
  environmentVariables:
    API_KEY: {fn::secret: first}
    PORT: 8080
    RATE: 1.5
    DEBUG: true
    NOTHING: null
    FILED: as defined
    QUOTED: "<a&b>"
  files:
    FILED: content of a file
    ONLY_FILE: {fn::secret: "line 1\\nline 2\\n"}
  pulumiConfig:
    app:region: eu
    aws:region: us
    API_KEY: hidden
  database: {password: {fn::secret: deep}, hosts: [one, two]}
  TOP: at the top
"""
NASTY = {
    "empty": "",
    "lines": "-----BEGIN KEY-----\nAAA\n-----END KEY-----\n",
    "newlines": "\n\n",
    "blanks": "  \t padded \t ",
    "carriage": "a\r\nb\r",
    "yaml": "a: b # c\n- d\n--- &x *y !z | > %",
    "quotes": '"\'`\\ \\n \\"',
    "unicode": "é漢😀\u2028\u0085\ufeff\u00a0\x7f",
    "control": "\x01\x1b[31m",
    "word": "true",
    "number": "007",
    "dollars": "$ $$ $$$ $a $$${",
    "reference": "${environmentVariables.API_KEY}",
    "dash": "--plaintext",
    "long": "x" * 100_000,
}


@dataclass
class World:
    """A program, what it talks to, and the variables that lead it there."""

    program: str
    environ: dict[str, str]
    cwd: Path
    cloud: PulumiCloud | None
    cli: PulumiCli | None

    def service(self) -> AbstractContextManager[PulumiService]:
        if self.cloud is not None:
            return nullcontext(self.cloud)
        assert self.cli is not None
        return self.cli.service()

    def define(self, definition: str, reference: str = REFERENCE) -> None:
        with self.service() as service:
            service.define(reference, definition)

    def fail(self, method: str, path: str, status: int, body: object) -> None:
        with self.service() as service:
            service.fail(method, path, status, body)

    def held(self, reference: str = REFERENCE) -> dict[str, Any]:
        with self.service() as service:
            variables: dict[str, Any] = service.held(reference)["values"].get("environmentVariables", {})
            return variables

    def backend(self, section: dict[str, str] | None = None, **environ: str) -> PulumiBackend:
        context = Context(self.environ | environ, "", str(self.cwd), "", timeout=60)
        backend = PulumiBackend.configure(SECTION if section is None else section, context)
        assert isinstance(backend, PulumiBackend)
        return backend

    def run(self, steps: Steps[T]) -> T:
        return run(steps, programs={"pulumi": self.program}, path="", parent=str(self.cwd / "scratch"))


@pytest.fixture(params=["stand-in", "real"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    for name in ("home", "tmp", "scratch"):
        (tmp_path / name).mkdir(mode=0o700)
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_ACCESS_TOKEN": TOKEN,
        "TMPDIR": str(tmp_path / "tmp"),
    }
    if request.param == "stand-in":
        cli = PulumiCli(tmp_path / "stand-in")
        yield World(str(cli.path), environ | {"PULUMI_BACKEND_URL": "http://stand-in"}, tmp_path, None, cli)
        return
    if REAL is None:
        pytest.skip("no real pulumi: set SOPHIA_TEST_PULUMI to its path")
    with PulumiCloud() as cloud:
        yield World(REAL, environ | {"PULUMI_BACKEND_URL": cloud.url}, tmp_path, cloud, None)


def values(snapshot: Snapshot | Failure) -> dict[str, str]:
    assert isinstance(snapshot, Snapshot), snapshot
    return {name: entry.value.reveal() for name, entry in snapshot.entries.items() if entry.value}


def failure(got: Snapshot | Failure) -> Failure:
    assert isinstance(got, Failure), got
    return got


def changes(**named: str) -> list[Change]:
    return [Change(name, SecretValue(text)) for name, text in named.items()]


def outcomes(receipt: Receipt) -> list[tuple[str, Outcome, bool]]:
    return [(result.name, result.outcome, result.verified) for result in receipt.results]


def test_one_open_gives_every_name_and_leaves_no_file(world: World) -> None:
    world.define(DEFINITION)
    assert values(world.run(world.backend().snapshot())) == {
        "API_KEY": "first",
        "PORT": "8080",
        "RATE": "1.5",
        "DEBUG": "true",
        "NOTHING": "",
        "FILED": "as defined",
        "QUOTED": "<a&b>",
        "ONLY_FILE": "line 1\nline 2\n",
        "region": "eu",
        "aws:region": "us",
        "database.password": "deep",
        "database.hosts[0]": "one",
        "database.hosts[1]": "two",
        "TOP": "at the top",
    }
    assert list((world.cwd / "tmp").iterdir()) == []
    assert list((world.cwd / "scratch").iterdir()) == []
    with world.service() as service:
        opens = [request for request in service.requests if request.path.split("?")[0].endswith("/open")]
    assert [request.path for request in opens] == [f"/api/esc/environments/{REFERENCE}/open?duration=5m0s"]


def test_an_environment_without_values_is_empty_and_not_a_failure(world: World) -> None:
    world.define("imports: []\n")
    assert values(world.run(world.backend().snapshot())) == {}


def test_an_imported_value_is_read_and_says_nothing_of_what_it_hides(world: World) -> None:
    world.define("values: {environmentVariables: {A: {fn::secret: base}, B: b}}", "acme/app/base")
    world.define("imports: [app/base]\nvalues: {environmentVariables: {A: {fn::secret: own}}}")
    assert values(world.run(world.backend().snapshot())) == {"A": "own", "B": "b"}


def test_the_token_is_not_written_into_the_users_session(world: World) -> None:
    world.define(DEFINITION)
    world.run(world.backend().snapshot())
    assert not (world.cwd / "home" / "credentials.json").exists()


def test_C2_a_new_token_acts_at_once(world: World) -> None:
    world.define(DEFINITION)
    session = world.cwd / "home" / "credentials.json"
    url = world.environ["PULUMI_BACKEND_URL"]
    account = {"accessToken": "old", "username": "other"}
    stored = {"current": url, "accessTokens": {url: "old"}, "accounts": {url: account}}
    session.write_text(json.dumps(stored))
    with world.service() as service:
        service.tokens["old"] = "other"
        service.denied.append(["other", REFERENCE])
    assert values(world.run(world.backend().snapshot()))["API_KEY"] == "first"
    without = world.backend(PULUMI_ACCESS_TOKEN="")
    assert failure(world.run(without.snapshot())).kind is FailureKind.NOT_PERMITTED


def test_a_stored_session_elsewhere_decides_where_a_token_goes(world: World) -> None:
    world.define(DEFINITION)
    url = world.environ.pop("PULUMI_BACKEND_URL")
    (world.cwd / "home" / "credentials.json").write_text(json.dumps({"current": url}))
    assert values(world.run(world.backend().snapshot()))["API_KEY"] == "first"
    assert world.backend().target.parts[0] == ("url", url)


def test_set_stores_a_secret_and_reads_it_back(world: World) -> None:
    world.define(DEFINITION)
    receipt = world.run(world.backend().write(changes(API_KEY="second", NEW_KEY="new")))
    assert outcomes(receipt) == [("API_KEY", Outcome.DONE, True), ("NEW_KEY", Outcome.DONE, True)]
    assert receipt.failure is None
    held = world.held()
    assert held["API_KEY"] == {"fn::secret": "second"}
    assert held["NEW_KEY"] == {"fn::secret": "new"}
    assert held["PORT"] == 8080


def test_set_makes_the_heading_where_it_is_missing(world: World) -> None:
    world.define("values: {}")
    receipt = world.run(world.backend().write(changes(A="a")))
    assert outcomes(receipt) == [("A", Outcome.DONE, True)]
    assert world.held() == {"A": {"fn::secret": "a"}}


def test_I4_values_arrive_exactly_or_with_a_function_that_undoes_base64(world: World) -> None:
    world.define("values: {environmentVariables: {}}")
    backend = world.backend()
    named = {key.upper(): value for key, value in NASTY.items()}
    assert [backend.problem(name, SecretValue(value)) for name, value in named.items()] == [None] * len(named)
    receipt = world.run(backend.write(changes(**named)))
    assert outcomes(receipt) == [(name, Outcome.DONE, True) for name in named]
    held = world.held()
    references = {"DOLLARS", "REFERENCE"}
    assert {name for name in named if "fn::fromBase64" in held[name]} == references
    assert {n: held[n]["fn::secret"] for n in named if n not in references} == {
        n: v for n, v in named.items() if n not in references
    }
    assert [r.detail != "" for r in receipt.results] == [r.name in references for r in receipt.results]


def test_X9_a_change_in_between_is_a_failure_and_writes_nothing(world: World) -> None:
    world.define(DEFINITION)
    with world.service() as service:
        service.change_during_next_write(REFERENCE, "values: {environmentVariables: {API_KEY: theirs}}")
    receipt = world.run(world.backend().write(changes(API_KEY="mine", OTHER="x")))
    assert outcomes(receipt) == [("API_KEY", Outcome.FAILED, False), ("OTHER", Outcome.NOT_STARTED, False)]
    assert receipt.failure is not None
    assert "changed by somebody else" in receipt.failure.message
    assert world.held() == {"API_KEY": "theirs"}


def test_V6_a_refusal_with_exit_code_0_is_a_failure(world: World) -> None:
    world.define(DEFINITION)
    diagnostic = {
        "summary": "no such thing",
        "range": {"environment": "production", "begin": {"line": 3, "column": 5}, "end": {}},
    }
    world.fail("PATCH", ".", 400, {"code": 400, "message": "Bad Request", "diagnostics": [diagnostic]})
    receipt = world.run(world.backend().write(changes(API_KEY="second")))
    assert outcomes(receipt) == [("API_KEY", Outcome.FAILED, False)]
    assert receipt.results[0].detail == "production:3:5: no such thing"


def test_V11_a_write_without_an_answer_is_settled_by_reading(world: World) -> None:
    world.define(DEFINITION)
    world.fail("PATCH", ".", 502, b"bad gateway")
    receipt = world.run(world.backend().write(changes(API_KEY="first")))
    assert outcomes(receipt) == [("API_KEY", Outcome.DONE, True)]
    receipt = world.run(world.backend().write(changes(API_KEY="second")))
    assert outcomes(receipt) == [("API_KEY", Outcome.UNKNOWN, False)]
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.UNREACHABLE


def test_delete_removes_what_is_there_wherever_it_stands(world: World) -> None:
    world.define(DEFINITION)
    receipt = world.run(world.backend().delete(["API_KEY", "NOT_THERE", "database.password", "ONLY_FILE"]))
    assert outcomes(receipt) == [
        ("API_KEY", Outcome.FAILED, False),
        ("NOT_THERE", Outcome.UNCHANGED, True),
        ("database.password", Outcome.DONE, True),
        ("ONLY_FILE", Outcome.DONE, True),
    ]
    assert "under another heading" in receipt.results[0].detail
    left = values(world.run(world.backend().snapshot()))
    assert left["API_KEY"] == "hidden"
    receipt = world.run(world.backend().delete(["API_KEY"]))
    assert outcomes(receipt) == [("API_KEY", Outcome.DONE, True)]
    assert "database.hosts[1]" in left
    assert not {"database.password", "ONLY_FILE"} & left.keys()


def test_delete_of_an_imported_name_says_that_it_is_imported(world: World) -> None:
    world.define("values: {environmentVariables: {A: a}}", "acme/app/base")
    world.define("imports: [app/base]\nvalues: {other: 1}")
    receipt = world.run(world.backend().delete(["A"]))
    assert outcomes(receipt) == [("A", Outcome.FAILED, False)]
    assert "imports" in receipt.results[0].detail
    assert values(world.run(world.backend().snapshot())) == {"A": "a", "other": "1"}


@pytest.mark.parametrize("coded", [True, False], ids=["with code", "without code"])
def test_an_environment_that_does_not_evaluate_is_told_in_its_own_words(world: World, coded: bool) -> None:
    world.define(DEFINITION)
    with world.service() as service:
        service.coded_diagnostics = coded
        service.environments[REFERENCE] = "values:\n  environmentVariables:\n    A: ${nope}\n"
    got = failure(world.run(world.backend().snapshot()))
    assert got.kind is FailureKind.BAD_OUTPUT
    assert 'unknown property "nope"' in got.message


STATUSES = [
    (401, FailureKind.NOT_AUTHENTICATED),
    (403, FailureKind.NOT_PERMITTED),
    (404, FailureKind.TARGET_NOT_FOUND),
    (429, FailureKind.RATE_LIMITED),
    (500, FailureKind.UNREACHABLE),
    (503, FailureKind.UNREACHABLE),
    (418, FailureKind.BAD_OUTPUT),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_C5_a_status_of_the_service_is_a_kind_of_failure(
    world: World, status: int, kind: FailureKind
) -> None:
    world.define(DEFINITION)
    world.fail("POST", "/open", status, {"code": status, "message": "Something [404] (see there): {x}"})
    got = failure(world.run(world.backend().snapshot()))
    assert got.kind is kind, got
    assert got.hint


def test_a_missing_environment_and_a_refused_token_are_told_apart(world: World) -> None:
    assert failure(world.run(world.backend().snapshot())).kind is FailureKind.TARGET_NOT_FOUND
    refused = failure(world.run(world.backend(PULUMI_ACCESS_TOKEN="wrong").snapshot()))
    assert refused.kind is FailureKind.NOT_AUTHENTICATED
    assert refused.message == "Pulumi does not accept the token for environment acme/app/production."
    nobody = failure(world.run(world.backend(PULUMI_ACCESS_TOKEN="").snapshot()))
    assert nobody.kind is FailureKind.NOT_AUTHENTICATED
    assert "pulumi login" in nobody.hint
    own = failure(world.run(world.backend(PULUMI_BACKEND_URL=f"file://{world.cwd}").snapshot()))
    assert own.kind is FailureKind.NOT_AUTHENTICATED
    assert "PULUMI_BACKEND_URL=https://api.pulumi.com" in own.hint
    receipt = world.run(world.backend().write(changes(A="a", B="b")))
    assert outcomes(receipt) == [("A", Outcome.FAILED, False), ("B", Outcome.NOT_STARTED, False)]


def test_L7_the_environments_values_are_in_no_failure(world: World) -> None:
    world.define(DEFINITION)
    world.fail("PATCH", ".", 400, {"code": 400, "message": "you sent canary-7fd1 and that is bad"})
    receipt = world.run(world.backend().write(changes(API_KEY="canary-7fd1")))
    assert receipt.results[0].outcome is Outcome.FAILED
    assert "canary" not in repr(receipt)


# --- stacks


@pytest.fixture
def stack(world: World) -> World:
    """A project `shop` in `infra` with the stack `dev`, whose passphrase is `open sesame`."""
    infra, state = world.cwd / "infra", world.cwd / "state"
    infra.mkdir()
    state.mkdir()
    (infra / "Pulumi.yaml").write_text("name: shop\nruntime: yaml\n")
    del world.environ["PULUMI_ACCESS_TOKEN"]
    world.environ |= {"PULUMI_BACKEND_URL": f"file://{state}", "PULUMI_CONFIG_PASSPHRASE": "open sesame"}
    if world.cli is not None:
        with world.cli.state() as held:
            held["stacks"]["dev"] = "open sesame"
    else:
        command = [
            world.program,
            "-C",
            str(infra),
            "--non-interactive",
            "stack",
            "init",
            "dev",
            "--no-select",
        ]
        environ = world.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
        subprocess.run(command, env=environ, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return world


STACK = {"stack": "dev", "directory": "infra"}


def test_a_stack_is_written_read_and_deleted(stack: World) -> None:
    backend = stack.backend(STACK)
    assert values(stack.run(backend.snapshot())) == {}
    named = {
        n.upper(): NASTY[n]
        for n in ("empty", "lines", "newlines", "carriage", "unicode", "reference", "dash")
    }
    receipt = stack.run(backend.write(changes(**named)))
    assert outcomes(receipt) == [(name, Outcome.DONE, True) for name in named]
    text = (stack.cwd / "infra" / "Pulumi.dev.yaml").read_text()
    assert "BEGIN KEY" not in text
    with (stack.cwd / "infra" / "Pulumi.dev.yaml").open("a") as file:
        file.write("  aws:region: eu\n  shop:port: 8080\n  shop:box: {deep: {er: v}, list: [1]}\n")
    assert values(stack.run(backend.snapshot())) == {
        **named,
        "aws:region": "eu",
        "port": "8080",
        "box": '{"deep":{"er":"v"},"list":[1]}',
        "box.deep.er": "v",
        "box.list[0]": "1",
    }
    receipt = stack.run(backend.delete(["LINES", "aws:region", "box.deep.er", "NOT_THERE"]))
    assert outcomes(receipt) == [
        ("LINES", Outcome.DONE, True),
        ("aws:region", Outcome.DONE, True),
        ("box.deep.er", Outcome.REFUSED, False),
        ("NOT_THERE", Outcome.UNCHANGED, True),
    ]


def test_a_stacks_failures_are_told_apart(stack: World) -> None:
    stack.run(stack.backend(STACK).write(changes(A="a")))
    wrong = failure(stack.run(stack.backend(STACK, PULUMI_CONFIG_PASSPHRASE="wrong").snapshot()))
    assert wrong.kind is FailureKind.NOT_AUTHENTICATED
    assert wrong.message == "The passphrase of stack dev is wrong."
    environ = dict(stack.environ)
    del stack.environ["PULUMI_CONFIG_PASSPHRASE"]
    assert failure(stack.run(stack.backend(STACK).snapshot())).message == "Stack dev needs its passphrase."
    stack.environ = environ
    absent = failure(stack.run(stack.backend(STACK | {"stack": "nope"}).snapshot()))
    assert absent.kind is FailureKind.TARGET_NOT_FOUND
    foreign = failure(stack.run(stack.backend(STACK | {"stack": "acme/dev"}).snapshot()))
    assert foreign.kind is FailureKind.TARGET_NOT_FOUND


def test_a_passphrase_file_opens_a_stack(stack: World) -> None:
    stack.run(stack.backend(STACK).write(changes(A="a")))
    (stack.cwd / "phrase").write_text("open sesame\n")
    del stack.environ["PULUMI_CONFIG_PASSPHRASE"]
    backend = stack.backend(STACK, PULUMI_CONFIG_PASSPHRASE_FILE=str(stack.cwd / "phrase"))
    assert values(stack.run(backend.snapshot())) == {"A": "a"}
    assert str(stack.cwd / "phrase") in backend.credential.files


def test_the_environment_wins_over_the_stack_and_says_so(world: World) -> None:
    infra = world.cwd / "infra"
    infra.mkdir()
    (infra / "Pulumi.yaml").write_text("name: app\nruntime: yaml\n")
    (infra / "Pulumi.dev.yaml").write_text("config:\n  app:TOP: other\n  app:ALONE: here\n  app:PORT: 8080\n")
    world.define(DEFINITION)
    with world.service() as service:
        service.stacks.append("acme/app/dev")
    backend = world.backend(SECTION | STACK)
    got = world.run(backend.snapshot())
    assert isinstance(got, Snapshot), got
    told = {name: (e.value.reveal() if e.value else None, e.detail) for name, e in got.entries.items()}
    assert told["TOP"] == (
        "at the top",
        "environment acme/app/production; hides another value in stack acme/app/dev",
    )
    assert told["PORT"][1].endswith("hides the same value in stack acme/app/dev")
    assert told["ALONE"] == ("here", "stack acme/app/dev")
    assert all(entry.state is EntryState.READABLE for entry in got.entries.values())
    receipt = world.run(backend.write(changes(ALONE="there")))
    assert outcomes(receipt) == [("ALONE", Outcome.DONE, True)]
    assert world.held()["ALONE"] == {"fn::secret": "there"}
    assert "ALONE: here" in (infra / "Pulumi.dev.yaml").read_text()
    with world.service() as service:
        service.stacks.clear()
    assert failure(world.run(backend.snapshot())).message.startswith("Stack acme/app/dev does not exist")


def test_probe_tells_version_user_and_both_places(world: World) -> None:
    def summary(checks: list[Check]) -> list[tuple[str, CheckStatus]]:
        return [(check.id, check.status) for check in checks]

    world.define(DEFINITION)
    ok, fail, skip = CheckStatus.OK, CheckStatus.FAIL, CheckStatus.SKIP
    checks = world.run(world.backend().probe())
    assert summary(checks) == [("pulumi.cli", ok), ("pulumi.auth", ok), ("pulumi.environment", ok)]
    assert checks[1].message == "logged in as user"
    checks = world.run(world.backend(SECTION | {"environment": "nope"}).probe())
    assert summary(checks) == [("pulumi.cli", ok), ("pulumi.auth", ok), ("pulumi.environment", fail)]
    checks = world.run(world.backend(PULUMI_ACCESS_TOKEN="wrong").probe())
    assert summary(checks) == [("pulumi.cli", ok), ("pulumi.auth", fail), ("pulumi.environment", skip)]
    assert all(check.hint for check in checks if check.status is fail)
