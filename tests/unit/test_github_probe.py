"""What `doctor` says of GitHub, in two calls."""

from __future__ import annotations

import json

import pytest

from sophia_secrets.backends.base import Completed, Ended
from sophia_secrets.core.model import CheckStatus
from tests.vendors.github_feed import backend, exited, feed, listed

VERSION = exited(b"gh version 2.103.3 (2026-10-26)\nhttps://github.com/cli/cli/releases/tag/v2.103.3\n")
OK, WARN, FAIL, SKIP = CheckStatus.OK, CheckStatus.WARN, CheckStatus.FAIL, CheckStatus.SKIP


def test_all_is_well() -> None:
    checks, calls = feed(backend().probe(), VERSION, listed("A", "B"))
    assert [(check.id, check.status, check.message) for check in checks] == [
        ("github.cli", OK, "gh 2.103.3 (/usr/bin/gh)"),
        ("github.auth", OK, "with the session of `gh`"),
        ("github.target", OK, "octo/app: 2 secrets"),
    ]
    assert [call.arguments[0] for call in calls] == ["--version", "api"]
    assert all(not check.hint for check in checks)


def test_the_token_in_use_is_named_and_not_shown() -> None:
    checks, _ = feed(backend({"GITHUB_TOKEN": "ghp_canary", "HOME": "/h"}).probe(), VERSION, listed("A"))
    assert checks[1].message == "with the token in `GITHUB_TOKEN`"
    assert "canary" not in repr(checks)
    assert checks[2].message == "octo/app: 1 secret"


@pytest.mark.parametrize(
    ("completed", "words"),
    [
        (Completed(Ended.NOT_FOUND), "not found"),
        (Completed(Ended.NOT_RUNNABLE, path="/usr/bin/gh"), "could not be started"),
        (exited(b"gh version 2.22.1 (2023-01-01)\n"), "2.22.1 is too old"),
        (exited(b"gh version 1.99.0 (2021-01-01)\n"), "too old"),
        (exited(b"Usage: gh [some other program]\n"), "not the GitHub CLI"),
        (exited(b""), "not the GitHub CLI"),
        (exited(code=1), "exit code 1"),
    ],
)
def test_without_a_usable_gh_nothing_else_is_tried(completed: Completed, words: str) -> None:
    checks, _ = feed(backend().probe(), completed)
    assert [check.status for check in checks] == [FAIL, SKIP, SKIP]
    assert words in checks[0].message
    assert checks[0].hint


@pytest.mark.parametrize(
    "text", [b"gh version 2.23.0+dfsg1 (2023-02-27 Debian 2.23.0+dfsg1-1)\n", b"gh version 3.0.0\n"]
)
def test_a_version_is_compared_as_numbers(text: bytes) -> None:
    checks, _ = feed(backend().probe(), exited(text), listed())
    assert checks[0].status is OK


@pytest.mark.parametrize(
    ("stderr", "statuses"),
    [
        ("gh: Bad credentials (HTTP 401)", [OK, FAIL, SKIP]),
        ("gh: Must have admin rights (HTTP 403)", [OK, OK, FAIL]),
        ("gh: Not Found (HTTP 404)", [OK, SKIP, FAIL]),
        ("gh: HTTP 502", [OK, SKIP, FAIL]),
        ("error connecting to api.github.com", [OK, SKIP, FAIL]),
    ],
)
def test_the_list_tells_who_is_at_fault(stderr: str, statuses: list[CheckStatus]) -> None:
    checks, _ = feed(backend().probe(), VERSION, exited(stderr=stderr, code=1))
    assert [check.status for check in checks] == statuses
    assert all(check.hint for check in checks if check.status is FAIL)


def test_a_job_with_its_secrets_in_json_needs_no_gh() -> None:
    environ = {"GITHUB_ACTIONS": "true", "SOPHIA_GITHUB_SECRETS_JSON": json.dumps({"A": "canary"})}
    checks, _ = feed(backend(environ).probe())
    assert [check.status for check in checks] == [SKIP, SKIP, OK]
    assert "canary" not in repr(checks)
    checks, _ = feed(backend(environ | {"SOPHIA_GITHUB_SECRETS_JSON": "{"}).probe())
    assert [check.status for check in checks] == [SKIP, SKIP, FAIL]


def test_a_job_whose_token_may_not_list_is_warned_and_told_the_better_way() -> None:
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "ghs_x"}
    refused = exited(stderr="gh: Resource not accessible by integration (HTTP 403)", code=1)
    checks, _ = feed(backend(environ).probe(), VERSION, refused)
    assert [check.status for check in checks] == [OK, OK, WARN]
    assert "toJSON(secrets)" in checks[2].hint
    checks, _ = feed(backend({"GITHUB_ACTIONS": "true"}).probe())
    assert [check.status for check in checks] == [SKIP, SKIP, WARN]
    assert "toJSON(secrets)" in checks[2].hint
