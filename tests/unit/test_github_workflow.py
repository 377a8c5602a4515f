"""Inside a workflow: what the step was given, no more and no less (C8, G3)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.backends.base import Credential
from sophia_secrets.core.model import Entry, EntryState, Failure, FailureKind, SecretValue, Snapshot
from tests.vendors.github_feed import MOMENT, backend, exited, feed, listed

HERE = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "octo/app",
    "GITHUB_SERVER_URL": "https://github.com",
    "HOME": "/home/runner",
}
BY_INTEGRATION = exited(
    b'{"message":"Resource not accessible by integration"}',
    "gh: Resource not accessible by integration (HTTP 403)",
    code=1,
)


def with_json(document: object) -> dict[str, str]:
    text = document if isinstance(document, str) else json.dumps(document)
    return {**HERE, "SOPHIA_GITHUB_SECRETS_JSON": text}


def readable(text: str, updated_at: str | None = None) -> Entry:
    return Entry(EntryState.READABLE, SecretValue(text), updated_at=updated_at)


EMPTY = Entry(EntryState.ABSENT, detail="empty")


def test_the_jobs_json_is_the_whole_answer_without_a_call() -> None:
    made = backend(
        with_json({"github_token": "ghs_x", "API_KEY": "one", "PEM": "a\nb\n", "NONE": "", "my_key": "two"})
        | {"GH_TOKEN": "x", "API_KEY": "another"}
    )
    snapshot, _ = feed(made.snapshot())
    assert snapshot == Snapshot(
        made.target,
        {"API_KEY": readable("one"), "PEM": readable("a\nb\n"), "NONE": EMPTY, "MY_KEY": readable("two")},
    )
    assert made.capabilities.readable
    assert not made.capabilities.needs_call


@pytest.mark.parametrize("name", ["github_token", "GITHUB_TOKEN", "GitHub_Token"])
def test_the_workflows_own_token_is_no_secret_in_any_case(name: str) -> None:
    snapshot, _ = feed(backend(with_json({name: "ghs_x"})).snapshot())
    assert isinstance(snapshot, Snapshot)
    assert not snapshot.entries


def test_the_id_of_a_reusable_workflows_secret_is_kept() -> None:
    snapshot, _ = feed(backend(with_json({"access-token": "x"})).snapshot())
    assert isinstance(snapshot, Snapshot)
    assert snapshot.entries == {"access-token": readable("x")}


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "***",
        "${{ toJSON(secrets) }}",
        "[]",
        "null",
        '"x"',
        '{"A": "x"',
        '{"A": "x"}{}',
        '{"A": "x", "A": "x"}',
        '{"A": "x", "a": "y"}',
        '{"A": 1}',
        '{"A": null}',
        '{"A": {"B": "x"}}',
        '{"": "x"}',
        '{"A B": "x"}',
        '{"A\\n": "x"}',
        '{"-A": "x"}',
        '{"A": "\\ud800"}',
        '{"A": "\udc80"}',
        "\ufeff{}",
    ],
)
def test_G3_anything_but_a_flat_object_of_strings_is_bad_output_and_not_a_guess(text: str) -> None:
    made = backend(with_json(text) | {"A": "bare"}, declared=["A"])
    failure, _ = feed(made.snapshot())
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.BAD_OUTPUT
    assert "SOPHIA_GITHUB_SECRETS_JSON" in failure.message
    assert "toJSON(secrets)" in failure.hint


@given(st.text())
def test_G3_no_text_shows_up_in_the_failure(text: str) -> None:
    failure, _ = feed(backend(with_json(f'{{"A": "canary-{text}')).snapshot())
    assert isinstance(failure, Failure)
    assert "canary" not in repr(failure)


def test_a_declared_variable_is_a_secret_of_the_step_and_no_other_is() -> None:
    made = backend({**HERE, "API_KEY": "one", "EDITOR": "vi"}, declared=["API_KEY", "MISSING"])
    snapshot, _ = feed(made.snapshot())
    assert snapshot == Snapshot(made.target, {"API_KEY": readable("one")}, complete=False)
    assert made.capabilities.readable
    assert not made.capabilities.needs_call


def test_C8_an_undefined_secret_arrives_empty_and_is_absent() -> None:
    snapshot, _ = feed(backend({**HERE, "API_KEY": ""}, declared=["API_KEY"]).snapshot())
    assert isinstance(snapshot, Snapshot)
    assert snapshot.entries == {"API_KEY": EMPTY}


def test_a_name_that_github_could_not_hold_is_never_one_of_its() -> None:
    names = ["GITHUB_SHA", "github_x", "A-B", "1A"]
    snapshot, _ = feed(backend({**HERE, **dict.fromkeys(names, "x")}, declared=names).snapshot())
    assert isinstance(snapshot, Snapshot)
    assert not snapshot.entries


def test_with_a_token_what_github_lists_is_known_too() -> None:
    environ = {**HERE, "GH_TOKEN": "ghp_x", "LISTED": "one", "BLANK": "", "MINE": "two", "UNSET": ""}
    made = backend(environ, declared=["MINE", "UNSET"])
    assert made.capabilities.needs_call
    snapshot, calls = feed(made.snapshot(), listed("LISTED", "BLANK", "ELSEWHERE"))
    assert len(calls) == 1
    assert snapshot == Snapshot(
        made.target,
        {
            "LISTED": readable("one", MOMENT),
            "BLANK": Entry(EntryState.WRITE_ONLY, updated_at=MOMENT, detail="empty in this step"),
            "ELSEWHERE": Entry(EntryState.WRITE_ONLY, updated_at=MOMENT, detail="not given to this step"),
            "MINE": readable("two"),
            "UNSET": EMPTY,
        },
    )


def test_a_workflows_own_token_that_may_not_list_is_no_failure() -> None:
    made = backend({**HERE, "GITHUB_TOKEN": "ghs_x", "API_KEY": "one"}, declared=["API_KEY"])
    snapshot, _ = feed(made.snapshot(), BY_INTEGRATION)
    assert snapshot == Snapshot(made.target, {"API_KEY": readable("one")}, complete=False)


def test_a_list_that_fails_does_not_take_away_what_the_step_holds() -> None:
    down = exited(stderr="gh: HTTP 502", code=1)
    environ = {**HERE, "GH_TOKEN": "ghp_x"}
    snapshot, _ = feed(backend({**environ, "API_KEY": "one"}, declared=["API_KEY"]).snapshot(), down)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.entries == {"API_KEY": readable("one")}
    assert not snapshot.complete
    assert "HTTP 502" in snapshot.notes[0]
    failure, _ = feed(backend(environ, declared=["API_KEY"]).snapshot(), down)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.UNREACHABLE


def test_a_variable_that_is_not_text_is_told_and_not_read() -> None:
    snapshot, _ = feed(backend({**HERE, "API_KEY": "a\udc80"}, declared=["API_KEY"]).snapshot())
    assert isinstance(snapshot, Snapshot)
    assert snapshot.entries["API_KEY"] == Entry(EntryState.WRITE_ONLY, detail="not UTF-8 in this step")


def test_C2_what_one_step_was_given_is_never_for_the_cache() -> None:
    assert backend({**HERE, "GH_TOKEN": "ghp_x"}).credential == Credential()


@pytest.mark.parametrize(
    ("section", "environ"),
    [
        ({"repository": "octo/other"}, {}),
        ({"organization": "other"}, {}),
        ({"repository": "ghes.test/octo/app"}, {}),
        ({"repository": "octo/app", "app": "codespaces"}, {}),
        ({"repository": "octo/app"}, {"GITHUB_ACTIONS": "false"}),
        ({"repository": "octo/app"}, {"GITHUB_ACTIONS": "1"}),
    ],
)
def test_C1_another_targets_secrets_are_not_what_this_workflow_holds(
    section: dict[str, str], environ: dict[str, str]
) -> None:
    made = backend(with_json({"API_KEY": "x"}) | environ | {"API_KEY": "x"}, ["API_KEY"], **section)
    snapshot, _ = feed(made.snapshot(), listed("API_KEY"))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.entries["API_KEY"].state is EntryState.WRITE_ONLY
    assert not made.capabilities.readable


@pytest.mark.parametrize(
    "section",
    [
        {"repository": "Octo/App"},
        {"organization": "Octo"},
        {"repository": "octo/app", "environment": "production"},
        {"repository": "octo/app", "app": "dependabot"},
    ],
)
def test_the_workflows_own_repository_environment_and_organisation_are_inside(
    section: dict[str, str],
) -> None:
    snapshot, _ = feed(backend(with_json({"API_KEY": "x"}), **section).snapshot())
    assert isinstance(snapshot, Snapshot)
    assert snapshot.entries == {"API_KEY": readable("x")}
