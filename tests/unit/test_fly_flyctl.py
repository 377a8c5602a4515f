"""C3, L2, V8: what flyctl gets to see, to the last variable."""

from __future__ import annotations

import pytest

from sophia_secrets.backends.base import Context, Credential
from sophia_secrets.backends.fly import FlyBackend
from sophia_secrets.backends.fly.flyctl import Flyctl

HOSTILE = {
    "HOME": "/home/me",
    "PATH": "/usr/bin",
    "https_proxy": "http://proxy",
    "FLY_APP": "another",
    "FLY_APP_NAME": "another",
    "FLY_REGION": "ams",
    "FLY_ORG": "another",
    "FLY_JSON": "1",
    "LOG_LEVEL": "debug",
    "FLY_VERBOSE": "1",
    "VERBOSE": "1",
    "FLY_LOG_GQL_ERRORS": "1",
    "FLYCTL_OUTPUT_HAR": "/tmp/har",
    "FLY_API_BASE_URL": "http://evil",
    "FLY_FLAPS_BASE_URL": "http://evil",
    "FLY_UIEX_BASE_URL": "http://evil",
    "FLY_METRICS_BASE_URL": "http://evil",
    "FLY_METRICS_TOKEN": "m",
    "FLY_UPDATE_CHECK": "1",
    "FLY_INCIDENTS_CHECK": "1",
    "CLICOLOR_FORCE": "1",
    "FLY_FORCE_TRACE": "1",
    "FLY_GHA_ERROR_ANNOTATION": "1",
    "FLY_AUTH_TOKEN": "unread",
    "GITHUB_TOKEN": "ghp_x",
    "GH_TOKEN": "ghp_x",
    "PULUMI_ACCESS_TOKEN": "pul_x",
    "SOPHIA_SECRETS_CACHE_KEY": "k",
    "SOPHIA_GITHUB_SECRETS_JSON": "{}",
    "DATABASE_URL": "postgres://",
}
ALWAYS = {
    "HOME": "/home/me",
    "PATH": "/usr/bin",
    "https_proxy": "http://proxy",
    "NO_COLOR": "1",
    "FLY_NO_UPDATE_CHECK": "1",
    "FLY_NO_INCIDENTS_CHECK": "1",
    "FLY_SEND_METRICS": "0",
}


def _flyctl(home: str = "/home/me", cwd: str = "/repo", timeout: float = 30.0, **environ: str) -> Flyctl:
    return Flyctl(Context(environ=environ, home=home, cwd=cwd, state_directory="", timeout=timeout), "my-app")


def test_L2_the_environment_is_exactly_the_allow_list() -> None:
    call = _flyctl(**HOSTILE).call("secrets", "list", label="x")
    assert dict(call.environment) == ALWAYS
    assert call.directory is None


def test_L2_one_token_goes_with_it_and_no_other() -> None:
    call = _flyctl(**HOSTILE, FLY_API_TOKEN="second", FLY_ACCESS_TOKEN="first").call(label="x")
    assert dict(call.environment) == {**ALWAYS, "FLY_ACCESS_TOKEN": "first"}


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_token_does_not_hide_the_other(blank: str) -> None:
    flyctl = _flyctl(FLY_ACCESS_TOKEN=blank, FLY_API_TOKEN="second")
    assert dict(flyctl.call(label="x").environment)["FLY_API_TOKEN"] == "second"
    assert "FLY_ACCESS_TOKEN" not in flyctl.call(label="x").environment
    assert flyctl.credential == Credential(variables=(("FLY_API_TOKEN", "second"),))


def test_the_log_is_a_file_where_flyctl_wants_a_directory() -> None:
    (scratch,) = _flyctl().call(label="x").scratch
    assert scratch.variable == "FLY_CONFIG_DIR"
    assert dict(scratch.files) == {"logs": b""}


def test_the_users_session_is_linked_where_there_is_no_token() -> None:
    flyctl = _flyctl()
    assert dict(flyctl.call(label="x").scratch[0].links) == {
        "config.yml": "/home/me/.fly/config.yml",
        "flyctl.config.lock": "/home/me/.fly/flyctl.config.lock",
    }
    assert flyctl.credential == Credential(files=("/home/me/.fly/config.yml",))


def test_a_token_leaves_the_users_session_alone() -> None:
    assert dict(_flyctl(FLY_API_TOKEN="t").call(label="x").scratch[0].links) == {}


@pytest.mark.parametrize(("chosen", "wanted"), [("/etc/fly", "/etc/fly"), ("conf", "/repo/conf")])
def test_the_users_own_directory_is_found(chosen: str, wanted: str) -> None:
    assert _flyctl(FLY_CONFIG_DIR=chosen).credential.files == (f"{wanted}/config.yml",)


def test_without_home_and_token_nobody_can_be_told_apart() -> None:
    assert _flyctl(home="").credential == Credential()


def test_a_call_may_take_longer_than_the_default_but_never_less_than_the_user_said() -> None:
    assert _flyctl(timeout=30.0).call(label="x", least=60.0).timeout == 60.0
    assert _flyctl(timeout=90.0).call(label="x", least=60.0).timeout == 90.0


def test_a_token_is_in_no_repr() -> None:
    context = Context(environ={"FLY_API_TOKEN": "Zq9"}, home="/", cwd="/", state_directory="")
    backend = FlyBackend("my-app", context)
    call = Flyctl(context, "my-app").call(label="x")
    assert "Zq9" not in repr(call) + repr(backend.credential) + repr(context)
