"""What is read from a workflow file: its uses of secrets, their places and levels, what it hands on."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.core import workflow
from sophia_secrets.core.workflow import Kind, Workflow, references


def named(text: str) -> list[str]:
    return [name for kind, name, _ in references(text) if kind is Kind.NAMED]


def read(text: str) -> Workflow:
    return workflow.read(text.encode(), "ci.yml")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("${{ secrets.A }}", ["A"]),
        ("${{secrets.a}}", ["A"]),
        ("${{ SECRETS.A }}", ["A"]),
        ("${{ secrets['A'] }}", ["A"]),
        ("${{ secrets [ 'A' ] }}", ["A"]),
        ("${{ secrets . A }}", ["A"]),
        ("${{ secrets.A || secrets.B }} and ${{ secrets.C }}", ["A", "B", "C"]),
        ("${{ format('{0}}}', secrets.A) }}", ["A"]),
        ("${{ format('it''s }} {0}', secrets.A) }}", ["A"]),
        ("${{ 'secrets.A' }}", []),
        ("${{ needs.secrets.A }}", []),
        ("${{ mysecrets.A }}", []),
        ("secrets.A }}", []),
        ("${{ vars.A }}", []),
        ("${{ secrets.A", ["A"]),
        ("${{ !secrets.A && fromJSON(secrets.B).c }}", ["A", "B"]),
    ],
)
def test_names_are_found_in_expressions_alone(text: str, names: list[str]) -> None:
    assert named(text) == names


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("${{ toJSON(secrets) }}", Kind.ALL),
        ("${{ secrets.* }}", Kind.ALL),
        ("${{ secrets }}", Kind.ALL),
        ("${{ secrets[matrix.name] }}", Kind.COMPUTED),
        ("${{ secrets[format('{0}_KEY', matrix.x)] }}", Kind.COMPUTED),
        ("${{ secrets['A' && 'B'] }}", Kind.COMPUTED),
    ],
)
def test_what_has_no_name_is_told_apart(text: str, kind: Kind) -> None:
    assert [found for found, _, _ in references(text)] == [kind]


@given(st.text(st.sampled_from("${}' .[]secrtA\"\n")))
def test_any_text_can_be_scanned(text: str) -> None:
    for kind, name, offset in references(text):
        assert text[offset : offset + 7].lower() == "secrets"
        assert bool(name) == (kind is Kind.NAMED) or kind is Kind.NAMED


@given(st.from_regex(r"[A-Z_][A-Z0-9_]{0,20}", fullmatch=True), st.text(st.sampled_from("ab '.x}")))
def test_a_use_behind_any_string_literal_is_found(name: str, literal: str) -> None:
    quoted = literal.replace("'", "''")
    assert named("${{ contains('" + quoted + "', secrets." + name + ") }}") == [name]


JOBS = """\
name: ci
on:
  push:
  pull_request:
env:
  TOP: ${{ secrets.TOP_KEY }}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo one
          echo ${{ secrets.IN_BLOCK }}
      - uses: x/y@v1
        with:
          token: ${{ secrets.GITHUB_TOKEN }}
          key: "${{ secrets['WITH_KEY'] }}"
  deploy:
    environment: production
    steps: [{run: x, env: {K: "${{ secrets.DEPLOY_KEY }}"}}]
  review:
    environment: {name: "${{ github.ref_name }}", url: x}
    steps: [{env: {K: "${{ secrets.REVIEW_KEY }}"}}]
  named:
    environment: {name: staging}
    env: {K: "${{ secrets.STAGING_KEY }}"}
"""


def test_each_use_has_its_line_and_its_jobs_environment() -> None:
    found = read(JOBS)
    assert [(use.name, use.line, use.environment) for use in found.uses] == [
        ("TOP_KEY", 6, ""),
        ("IN_BLOCK", 13, ""),
        ("WITH_KEY", 17, ""),
        ("DEPLOY_KEY", 20, "production"),
        ("REVIEW_KEY", 23, None),
        ("STAGING_KEY", 26, "staging"),
    ]
    assert found.runs_for_forks
    assert not found.is_only_called


@pytest.mark.parametrize("on", ["on: push", "on: [push, pull_request_target]", "'on': {push: {}}"])
def test_what_gives_forks_no_run_without_secrets_is_told_apart(on: str) -> None:
    assert not read(f"{on}\njobs: {{a: {{}}}}").runs_for_forks


def test_calls_say_what_they_hand_on() -> None:
    found = read(
        "on: push\njobs:\n"
        "  a: {uses: ./.github/workflows/x.yml, secrets: inherit}\n"
        "  b: {uses: octo/x/.github/workflows/y.yml@v1, secrets: {token: '${{ secrets.A }}'}}\n"
        "  c: {uses: ./.github/workflows/x.yml}\n"
    )
    assert [(c.line, c.is_local, c.inherit, sorted(c.passed)) for c in found.calls] == [
        (3, True, True, []),
        (4, False, False, ["TOKEN"]),
        (5, True, False, []),
    ]
    assert [use.name for use in found.uses] == ["A"]


def test_a_called_workflow_declares_what_it_takes() -> None:
    found = read(
        "on:\n  workflow_call:\n    secrets:\n      token: {required: true}\n      other:\n"
        "jobs: {a: {env: {X: '${{ secrets.token }}'}}}\n"
    )
    assert found.declared == {"TOKEN": True, "OTHER": False}
    assert found.is_only_called


def test_a_workflow_whose_jobs_are_none_uses_nothing() -> None:
    found = read("jobs: {a: text, b: [x]}\n")
    assert (list(found.uses), list(found.calls), found.declared, found.is_only_called) == ([], [], {}, False)


def test_an_alias_is_used_in_each_job_that_has_it() -> None:
    found = read(
        "on: push\njobs:\n  a: {env: &e {X: '${{ secrets.A }}'}, environment: one}\n"
        "  b: {env: *e, environment: two}\n"
    )
    assert [(use.name, use.environment) for use in found.uses] == [("A", "one"), ("A", "two")]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "has no `jobs`"),
        (b"jobs: []", "has no `jobs`"),
        (b"- jobs", "has no `jobs`"),
        (b"jobs: {a: {canary", "ci.yml:2 cannot be read as a workflow: it is not YAML"),
        (b"jobs:\n  a: \x00", "not YAML"),
        (b"jobs: {a: \xff}", "not UTF-8"),
        (b"jobs: {a: {}}\n---\njobs: {}", "ci.yml:2 cannot be read as a workflow: a second document"),
        (b"jobs: {a: *b}", "an alias has no anchor"),
        (b"jobs: &a {a: *a}", "an alias has no anchor"),
        (b"[" * 5000, "it is not YAML"),
        (b"- " * 100 + b"a", "nested too deeply"),
        (b"#" * (workflow.MAX_BYTES + 1), "larger than"),
    ],
)
def test_L3_a_file_that_is_no_workflow_is_an_error_that_quotes_none_of_it(data: bytes, said: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        workflow.read(data, "ci.yml")
    assert said in caught.value.message
    assert "canary" not in caught.value.message
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_R3_aliases_that_multiply_end_in_an_error() -> None:
    lines = ["on: push", "x0: &x0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 12)]
    began = time.process_time()
    with pytest.raises(errors.UsageError, match="too large"):
        read("\n".join([*lines, "jobs: {a: {env: *x11}}"]))
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    "filler", ["${{ secrets.A ", "'", "${{ '", "''", "secrets.", "${{secrets.A}}", "\n ", "[", "a"]
)
def test_R3_half_a_megabyte_made_to_be_slow_is_read_in_under_a_second(filler: str) -> None:
    body = (filler * (480_000 // len(filler))).replace("\n", "\n          ")
    text = "on: push\njobs:\n  a:\n    steps:\n      - run: |\n          " + body[:480_000]
    began = time.process_time()
    read(text)
    assert time.process_time() - began < 1.0
