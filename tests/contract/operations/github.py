"""The operations of `gh`: the rows that `sophia_secrets.backends.github` is built on, and the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.contract.operations.row import Row, matches, text


def documents(out: bytes) -> list[Any]:
    """JSON documents one after another, with nothing between."""
    found, rest, decoder = [], out.decode(), json.JSONDecoder()
    while rest.strip():
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:]
    return found


def _names(out: bytes) -> list[Any]:
    pages = documents(out)
    rows = [row for page in pages for row in page["secrets"]]
    assert [page["total_count"] for page in pages] == [len(rows)] * len(pages)
    assert all(re.fullmatch(r"[-0-9]{10}T[0-9:]{8}Z", row["updated_at"]) for row in rows)
    return [len(pages), *(row["name"] for row in rows[:2])]


def _visible(out: bytes) -> list[tuple[str, str]]:
    return [(row["name"], row["visibility"]) for page in documents(out) for row in page["secrets"]]


def _keys(*keys: str) -> Callable[[bytes], list[Any]]:
    return lambda out: [sorted(json.loads(out).keys() & set(keys)), json.loads(out).get("message")]


def _api(*arguments: str) -> tuple[str, ...]:
    return ("api", "--hostname", "github.com", *arguments)


def _list(path: str) -> tuple[str, ...]:
    return _api("--paginate", f"{path}?per_page=100")


GH = [
    Row(
        "gh",
        "version",
        ("--version",),
        matches(r"gh version \d+\.\d+\.\d+ .*"),
        True,
        met="test_real_gh::test_doctor_sees_the_version_the_sign_in_and_the_target",
    ),
    Row(
        "gh",
        "list a repository",
        _list("repos/octo/app/actions/secrets"),
        _names,
        [2, "MANY_000", "MANY_001"],
        met="test_real_gh::test_250_secrets_are_listed_in_one_call",
    ),
    Row(
        "gh",
        "list an environment",
        _list("repos/octo/app/environments/production/secrets"),
        _names,
        [1, "KEPT"],
        met="test_real_gh::test_every_scope_is_written_listed_and_deleted_apart",
    ),
    Row(
        "gh",
        "list an organisation",
        _list("orgs/octo/actions/secrets"),
        _visible,
        [("KEPT", "private")],
        met="test_real_gh::test_an_organisations_secret_stays_visible_to_whom_it_was",
    ),
    Row(
        "gh",
        "exists",
        _api("repos/octo/app/actions/secrets/MANY_007"),
        _keys("name", "created_at", "updated_at"),
        [["created_at", "name", "updated_at"], None],
        unused="the list has every name, its time too, in the same one call",
    ),
    Row(
        "gh",
        "exists not",
        _api("repos/octo/app/actions/secrets/GONE"),
        _keys("name", "message"),
        [["message"], "Not Found"],
        code=1,
        err="gh: Not Found (HTTP 404)\n",
        unused="the list has every name, its time too, in the same one call",
    ),
    Row(
        "gh",
        "set one",
        ("secret", "set", "ONE", "--repo", "github.com/octo/app"),
        text,
        "",
        stdin=b"a\nb",
        met="test_real_gh::test_I4_every_value_is_stored_exactly_alone",
    ),
    Row(
        "gh",
        "set many",
        ("secret", "set", "--env-file", "-", "--repo", "github.com/octo/app"),
        text,
        "",
        stdin=b"ONE='a b'\nTWO=\"b\\n\"\n",
        met="test_real_gh::test_I4_every_value_is_stored_exactly_among_others",
    ),
    Row(
        "gh",
        "set an organisation's",
        ("secret", "set", "ONE", "--org", "octo", "--visibility", "private"),
        text,
        "",
        stdin=b"a",
        met="test_real_gh::test_every_scope_is_written_listed_and_deleted_apart",
    ),
    Row(
        "gh",
        "delete",
        ("secret", "delete", "MANY_007", "--repo", "github.com/octo/app"),
        text,
        "",
        met="test_real_gh::test_every_scope_is_written_listed_and_deleted_apart",
    ),
    Row(
        "gh",
        "signed in?",
        ("auth", "token", "--hostname", "github.com"),
        text,
        "test-token\n",
        unused="it prints the token and proves nothing of it; `doctor` asks for the list, which does",
    ),
    Row(
        "gh",
        "signed in not",
        ("auth", "token", "--hostname", "ghes.test"),
        text,
        "",
        code=1,
        err="no oauth token found for ghes.test\n",
        older_err="no oauth token\n",
        unused="it prints the token and proves nothing of it; `doctor` asks for the list, which does",
    ),
]
