"""What the GitHub backend points at: explicit, well formed, and nobody else's (C3, I1, I2)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.backends.base import Unconfigured
from sophia_secrets.backends.github import GitHubBackend
from sophia_secrets.backends.github.scope import Scope, read_scope
from tests.vendors.github_feed import backend, context, exited, feed, listed

SCOPES = [
    (
        {"repository": "octo/app"},
        "octo/app",
        ("--repo", "github.com/octo/app"),
        "repos/octo/app/actions/secrets",
    ),
    (
        {"repository": " octo/app "},
        "octo/app",
        ("--repo", "github.com/octo/app"),
        "repos/octo/app/actions/secrets",
    ),
    (
        {"repository": "octo/app", "environment": "production"},
        "octo/app (production)",
        ("--repo", "github.com/octo/app", "--env", "production"),
        "repos/octo/app/environments/production/secrets",
    ),
    (
        {"repository": "octo/app", "environment": "eu/west#1"},
        "octo/app (eu/west#1)",
        ("--repo", "github.com/octo/app", "--env", "eu/west#1"),
        "repos/octo/app/environments/eu%2Fwest%231/secrets",
    ),
    (
        {"repository": "GHES.test/octo/.github"},
        "ghes.test/octo/.github",
        ("--repo", "ghes.test/octo/.github"),
        "repos/octo/.github/actions/secrets",
    ),
    (
        {"repository": "octo/app", "host": "ghes.test:8443"},
        "ghes.test:8443/octo/app",
        ("--repo", "ghes.test:8443/octo/app"),
        "repos/octo/app/actions/secrets",
    ),
    (
        {"repository": "octo/app", "app": "dependabot"},
        "octo/app (dependabot)",
        ("--repo", "github.com/octo/app", "--app", "dependabot"),
        "repos/octo/app/dependabot/secrets",
    ),
    (
        {"organization": "octo", "repository": "octo/app"},
        "org octo",
        ("--org", "octo"),
        "orgs/octo/actions/secrets",
    ),
    (
        {"organization": "octo", "host": "ghes.test", "app": "codespaces"},
        "org ghes.test/octo (codespaces)",
        ("--org", "octo", "--app", "codespaces"),
        "orgs/octo/codespaces/secrets",
    ),
]


@pytest.mark.parametrize(("section", "label", "flags", "path"), SCOPES)
def test_the_settings_name_one_scope(
    section: dict[str, str], label: str, flags: tuple[str, ...], path: str
) -> None:
    scope = read_scope(section, {})
    assert isinstance(scope, Scope)
    assert (scope.target.label, scope.flags, scope.list_path) == (label, flags, path)


def test_C1_no_two_scopes_share_their_parts() -> None:
    targets = [scope.target for section, *_ in SCOPES if isinstance(scope := read_scope(section, {}), Scope)]
    assert len({target.parts for target in targets}) == len({target.label for target in targets})


def test_C1_names_that_github_reads_without_case_are_one_target() -> None:
    one = read_scope({"repository": "Octo/App", "environment": "Prod"}, {})
    other = read_scope({"repository": "octo/app", "environment": "prod"}, {})
    assert isinstance(one, Scope)
    assert isinstance(other, Scope)
    assert one.target.parts == other.target.parts
    assert one.target.label == "Octo/App (Prod)"


@pytest.mark.parametrize("section", [{}, {"repository": ""}, {"repository": "  "}, {"environment": "x"}])
def test_C4_no_repository_is_not_configured(section: dict[str, str]) -> None:
    made = GitHubBackend.configure(section, context())
    assert isinstance(made, Unconfigured)
    assert "GITHUB_REPOSITORY" in made.hint
    assert "[github] repository" in made.hint


HOSTILE = [
    "-x",
    "-x/app",
    "octo/-x",
    "--repo=x/y",
    "octo",
    "/octo/app",
    "octo/",
    "a/b/c/d",
    "octo/..",
    "../app",
    "octo/.",
    "octo/app\n",
    "octo/app\r",
    "octo/a\x1b[31mpp",
    "octo/a b",
    "octo/a=b",
    "octo/app.git",
    "https://github.com/octo/app",
    "git@github.com:octo/app",
    "octo/app?x",
    "octo/app#x",
    "octo/%2e%2e",
    "octo/äpp",
    "ev il.test/octo/app",
    "-evil.test/octo/app",
    "user@evil.test/octo/app",
    "octo/\u202eppa",
    "octo/\ud800",
]


@pytest.mark.parametrize("repository", HOSTILE)
def test_I1_a_repository_that_is_none_reaches_nobody(repository: str) -> None:
    with pytest.raises(errors.BadName) as caught:
        read_scope({"repository": repository}, {})
    assert caught.value.backend == "github"
    assert caught.value.hint
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("text", ["-x", "a b", "a=b", "a\nb", "..", "a\x7f", "a\u200bb", "x" * 256])
def test_I2_an_environment_that_is_none_reaches_nobody(text: str) -> None:
    with pytest.raises(errors.BadName):
        read_scope({"repository": "octo/app", "environment": text}, {})


@pytest.mark.parametrize("text", ["-o", "oc to", "octo/app", "octo=", "o\n", "..", "ö"])
def test_I2_an_organisation_or_host_that_is_none_reaches_nobody(text: str) -> None:
    with pytest.raises(errors.BadName):
        read_scope({"organization": text}, {})
    with pytest.raises(errors.BadName):
        read_scope({"repository": "octo/app", "host": text.replace("octo", "a b")}, {})


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_I1_what_is_accepted_cannot_be_a_flag_or_leave_its_place(repo: str, env: str, host: str) -> None:
    try:
        scope = read_scope({"repository": repo, "environment": env, "host": host}, {})
    except (errors.BadName, errors.BadSettings):
        return
    if isinstance(scope, Scope):
        assert re.fullmatch(r"[\w.:-]+/[\w-]+/[\w.-]+", scope.flags[1], re.ASCII)
        assert not any(value.startswith("-") for value in scope.flags[1::2])
        assert re.fullmatch(
            r"repos/[\w-]+/[\w.-]+/(actions|environments/[\w.~%-]+)/secrets", scope.list_path, re.ASCII
        )


@pytest.mark.parametrize(
    "section",
    [
        {"organization": "octo", "environment": "x"},
        {"repository": "octo/app", "environment": "x", "app": "dependabot"},
        {"repository": "ghes.test/octo/app", "host": "github.com"},
        {"repository": "octo/app", "app": "pages"},
    ],
)
def test_parts_that_exclude_each_other_are_settings_that_cannot_be_meant(section: dict[str, str]) -> None:
    with pytest.raises(errors.BadSettings):
        read_scope(section, {})


def test_a_workflow_on_a_server_of_its_own_names_the_host() -> None:
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://GHES.test"}
    scope = read_scope({"repository": "octo/app"}, environ)
    assert isinstance(scope, Scope)
    assert scope.host == "ghes.test"
    named = read_scope({"repository": "github.com/octo/app"}, environ)
    assert isinstance(named, Scope)
    assert named.host == "github.com"
    with pytest.raises(errors.BadName):
        read_scope({"repository": "octo/app"}, environ | {"GITHUB_SERVER_URL": "https://u@evil.test/x"})


def test_C3_the_vendors_own_defaults_never_choose_the_target() -> None:
    environ = {
        "HOME": "/home/me",
        "GH_HOST": "evil.test",
        "GH_REPO": "evil/evil",
        "GITHUB_SERVER_URL": "https://e",
    }
    made = backend(environ)
    _, (listing,) = feed(made.snapshot(), listed())
    _, calls = feed(made.delete(["A"]), listed("A"), exited())
    assert listing.arguments == (
        "api",
        "--hostname",
        "github.com",
        "--paginate",
        "repos/octo/app/actions/secrets?per_page=100",
    )
    assert calls[1].arguments == ("secret", "delete", "A", "--repo", "github.com/octo/app")
    assert calls[1].environment["GH_HOST"] == "github.com"
    for call in (listing, calls[0]):
        assert "GH_HOST" not in call.environment
    for call in (listing, *calls):
        assert "evil" not in repr(dict(call.environment))
        assert call.directory is None


def test_a_server_with_a_port_is_named_where_gh_takes_one() -> None:
    made = backend({"HOME": "/home/me"}, repository="ghes.test:8443/octo/app")
    _, (listing,) = feed(made.snapshot(), listed())
    assert "--hostname" not in listing.arguments
    assert listing.environment["GH_HOST"] == "ghes.test:8443"
