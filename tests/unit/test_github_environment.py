"""L2, V7, V8: what a started `gh` gets to see, and who it will be."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sophia_secrets.backends.base import Credential
from sophia_secrets.backends.github.gh import gh_for
from sophia_secrets.backends.github.scope import Scope
from tests.vendors.github_feed import context

QUIET = {
    "GH_NO_UPDATE_NOTIFIER": "1",
    "GH_PROMPT_DISABLED": "1",
    "GH_TELEMETRY": "0",
    "NO_COLOR": "1",
    "TERM": "dumb",
}
FOREIGN = {
    "PULUMI_ACCESS_TOKEN": "pul-x",
    "FLY_API_TOKEN": "fly-x",
    "FLY_ACCESS_TOKEN": "fly-y",
    "AWS_SECRET_ACCESS_KEY": "aws-x",
    "SOPHIA_GITHUB_SECRETS_JSON": "{}",
    "SOPHIA_SECRETS_CACHE_KEY": "key-x",
    "GITHUB_ACTIONS": "true",
    "GH_REPO": "evil/evil",
    "GH_HOST": "evil.test",
    "GH_DEBUG": "api",
    "DEBUG": "api",
    "GH_FORCE_TTY": "80",
    "CLICOLOR_FORCE": "1",
    "GH_PATH": "/evil",
    "PAGER": "less",
    "GH_PAGER": "less",
    "BROWSER": "x",
    "GH_BROWSER": "x",
    "EDITOR": "vi",
    "GH_EDITOR": "vi",
    "LD_PRELOAD": "/evil.so",
    "PATH": "/usr/bin",
    "ALL_PROXY": "socks5://x",
    "GH_TELEMETRY": "log",
}
TOKENS = {
    "GH_TOKEN": " ghp_one\n",
    "GITHUB_TOKEN": "ghp_two",
    "GH_ENTERPRISE_TOKEN": "ghp_three",
    "GITHUB_ENTERPRISE_TOKEN": "ghp_four",
}
PASSED = {
    "HOME": "/home/me",
    "XDG_CONFIG_HOME": "/home/me/.cfg",
    "GH_CONFIG_DIR": "/home/me/.gh",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1/bus",
    "HTTPS_PROXY": "http://p:1",
    "HTTP_PROXY": "http://p:2",
    "NO_PROXY": "x",
    "https_proxy": "http://p:3",
    "http_proxy": "http://p:4",
    "no_proxy": "y",
    "SSL_CERT_FILE": "/ca.pem",
    "SSL_CERT_DIR": "/ca",
}


def test_L2_the_child_gets_the_allow_list_and_one_token() -> None:
    gh = gh_for(Scope("github.com", "octo", "app"), context(FOREIGN | TOKENS | PASSED))
    assert gh.environment == QUIET | PASSED | {"GH_TOKEN": "ghp_one"}
    assert gh.credential == Credential(variables=(("GH_TOKEN", "ghp_one"),))


def test_C3_an_organisations_host_is_told_in_the_one_place_that_gh_has_for_it() -> None:
    environ = {"HOME": "/h", "GH_HOST": "evil.test"}
    gh = gh_for(Scope("ghes.test", "octo"), context(environ))
    assert gh.secret_call("set", "A", label="").environment["GH_HOST"] == "ghes.test"
    assert "GH_HOST" not in gh.call("api", label="").environment
    gh = gh_for(Scope("ghes.test", "octo", "app"), context(environ))
    assert "GH_HOST" not in gh.secret_call("set", "A", label="").environment


@pytest.mark.parametrize(
    ("host", "environ", "expected"),
    [
        ("github.com", TOKENS, ("GH_TOKEN", "ghp_one")),
        ("github.com", TOKENS | {"GH_TOKEN": " \n"}, ("GITHUB_TOKEN", "ghp_two")),
        ("acme.ghe.com", TOKENS, ("GH_TOKEN", "ghp_one")),
        ("github.localhost", TOKENS, ("GH_TOKEN", "ghp_one")),
        ("ghes.test", TOKENS, ("GH_ENTERPRISE_TOKEN", "ghp_three")),
        ("ghes.test", TOKENS | {"GH_ENTERPRISE_TOKEN": ""}, ("GITHUB_ENTERPRISE_TOKEN", "ghp_four")),
        ("notgithub.com", TOKENS, ("GH_ENTERPRISE_TOKEN", "ghp_three")),
        ("github.com.evil.test", TOKENS, ("GH_ENTERPRISE_TOKEN", "ghp_three")),
        ("ghes.test", {"GH_TOKEN": "ghp_one"}, None),
        ("github.com", {"GH_ENTERPRISE_TOKEN": "ghp_three"}, None),
        ("github.com", {"GH_TOKEN": "", "GITHUB_TOKEN": " "}, None),
    ],
)
def test_L2_a_token_goes_to_its_own_kind_of_host_alone(
    host: str, environ: dict[str, str], expected: tuple[str, str] | None
) -> None:
    gh = gh_for(Scope(host, "octo", "app"), context(environ))
    sent = {name: gh.environment[name] for name in TOKENS if name in gh.environment}
    assert sent == dict([expected] if expected else [])
    assert gh.credential.variables == ((expected,) if expected else ())
    assert bool(gh.credential.files) is (expected is None)


@pytest.mark.parametrize(
    ("environ", "file"),
    [
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/x", "GH_CONFIG_DIR": "/g"}, "/g/hosts.yml"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/x", "GH_CONFIG_DIR": ""}, "/x/gh/hosts.yml"),
        ({"HOME": "/h"}, "/h/.config/gh/hosts.yml"),
        ({}, "/home/me/.config/gh/hosts.yml"),
        ({"GH_CONFIG_DIR": "here"}, "/home/me/src/here/hosts.yml"),
    ],
)
def test_C2_without_a_token_the_session_file_says_who_asks(environ: dict[str, str], file: str) -> None:
    gh = gh_for(Scope("github.com", "octo", "app"), context(environ))
    assert gh.credential == Credential(files=(file,))


def test_C3_the_configuration_is_never_looked_for_in_the_working_directory() -> None:
    gh = gh_for(Scope("github.com", "octo", "app"), replace(context({}), home=""))
    assert gh.environment["GH_CONFIG_DIR"] == "/home/me/.state/gh"
    assert gh.credential == Credential(files=("/home/me/.state/gh/hosts.yml",))


def test_the_token_is_in_no_repr() -> None:
    gh = gh_for(Scope("github.com", "octo", "app"), context(TOKENS))
    call = gh.call("api", label="list", stdin=b"ghp_stdin")
    assert "ghp_" not in f"{gh!r} {call!r}"
    assert call.timeout == 12.5
