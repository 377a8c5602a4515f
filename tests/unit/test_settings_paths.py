"""Where settings, state and cache are."""

import os
import pwd
from collections.abc import Callable

import pytest

from sophia_secrets import errors
from sophia_secrets.settings import locate


def nobody(_uid: int) -> pwd.struct_passwd:
    raise KeyError("no such user")


def test_one_directory_may_hold_all_three() -> None:
    found = locate({"SOPHIA_SECRETS_HOME": "/data/s/", "HOME": "/home/me", "XDG_STATE_HOME": "/x"})
    assert (found.config, found.state, found.cache) == ("/data/s/config", "/data/s/state", "/data/s/cache")
    assert found.user_file == "/data/s/config/config.toml"
    assert found.home == "/home/me"


@pytest.mark.parametrize("path", ["here", "./here", "~/here", "/a\0b"])
def test_that_directory_is_absolute(path: str) -> None:
    with pytest.raises(errors.BadSettings) as refused:
        locate({"SOPHIA_SECRETS_HOME": path, "HOME": "/home/me"})
    assert "SOPHIA_SECRETS_HOME" in refused.value.message


def test_linux_uses_the_base_directories_and_ignores_relative_ones() -> None:
    environ = {
        "HOME": "/home/me",
        "XDG_CONFIG_HOME": "/c",
        "XDG_STATE_HOME": "relative",
        "XDG_CACHE_HOME": "",
    }
    found = locate(environ, platform="linux")
    assert found.config == "/c/sophia-secrets"
    assert found.state == "/home/me/.local/state/sophia-secrets"
    assert found.cache == "/home/me/.cache/sophia-secrets"
    assert found.reason == ""


def test_macos_uses_its_library_and_keeps_the_state_apart() -> None:
    found = locate({"HOME": "/Users/me"}, platform="darwin")
    assert found.config == "/Users/me/Library/Application Support/sophia-secrets"
    assert found.state == "/Users/me/Library/Application Support/sophia-secrets/state"
    assert found.cache == "/Users/me/Library/Caches/sophia-secrets"


@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_F5_without_a_home_the_users_entry_counts(
    home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: pwd.struct_passwd(("u", "x", uid, 0, "", "/home/u", "")))
    assert locate(home, platform="linux").state == "/home/u/.local/state/sophia-secrets"


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_F5_without_any_home_nothing_is_known_and_the_reason_is(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    found = locate({}, platform=platform)
    assert (found.config, found.state, found.cache, found.user_file) == ("", "", "", "")
    assert str(os.getuid()) in found.reason
    assert "SOPHIA_SECRETS_HOME" in found.hint


def test_F5_a_directory_that_is_known_is_used_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    never: Callable[[int], pwd.struct_passwd] = nobody
    monkeypatch.setattr(pwd, "getpwuid", never)
    assert locate({"XDG_STATE_HOME": "/s"}, platform="linux").state == "/s/sophia-secrets"
    whole = locate({"SOPHIA_SECRETS_HOME": "/data"})
    assert (whole.state, whole.reason) == ("/data/state", "")
