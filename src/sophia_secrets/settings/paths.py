"""The directories of this user's settings, state and cache."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from msgspec import Struct

from sophia_secrets import errors

APP = "sophia-secrets"
HOME_VARIABLE = "SOPHIA_SECRETS_HOME"
USER_FILE = "config.toml"


class Paths(Struct, frozen=True):
    """
    The three directories, absolute, not created yet; `home` is the user's.

    Without a home and other settings for them, each unknown one is "" and `reason` says why in a
    sentence (F5): reading works without them.
    """

    config: str
    state: str
    cache: str
    home: str
    reason: str = ""

    hint = f"Set {HOME_VARIABLE} to a directory of yours."

    @property
    def user_file(self) -> str:
        """The user's own settings file, or "" where its directory is unknown."""
        return os.path.join(self.config, USER_FILE) if self.config else ""


def locate(environ: Mapping[str, str], *, platform: str = sys.platform) -> Paths:
    """
    The directories for this environment.

    `SOPHIA_SECRETS_HOME` contains all three; without it they are the XDG base directories, or those of
    macOS. Raises `errors.BadSettings` where `SOPHIA_SECRETS_HOME` is not absolute.
    """
    home = _home(environ)
    chosen = environ.get(HOME_VARIABLE, "")
    if chosen.strip():
        if not os.path.isabs(chosen) or "\0" in chosen:
            raise errors.BadSettings(
                f"{HOME_VARIABLE} is not an absolute path.",
                hint=f'Give the whole path, such as `export {HOME_VARIABLE}="$PWD/secrets-home"`.',
            )
        chosen = os.path.normpath(chosen)
        config, state, cache = (os.path.join(chosen, each) for each in ("config", "state", "cache"))
        return Paths(config, state, cache, home)
    if platform == "darwin":
        return _macos(home)
    config = _xdg(environ, "XDG_CONFIG_HOME", home, ".config")
    state = _xdg(environ, "XDG_STATE_HOME", home, ".local/state")
    cache = _xdg(environ, "XDG_CACHE_HOME", home, ".cache")
    return Paths(config, state, cache, home, "" if config and state and cache else _homeless())


def _xdg(environ: Mapping[str, str], variable: str, home: str, below: str) -> str:
    # "If an implementation encounters a relative path in any of these variables it should
    # consider the path invalid and ignore it" (XDG Base Directory Specification).
    base = environ.get(variable, "")
    if not os.path.isabs(base):
        base = os.path.join(home, below) if home else ""
    return os.path.join(base, APP) if base else ""


def _macos(home: str) -> Paths:
    if not home:
        return Paths("", "", "", "", _homeless())
    from platformdirs.macos import MacOS

    known = MacOS(APP, appauthor=False)
    config, cache = (_below(each, home) for each in (known.user_config_dir, known.user_cache_dir))
    # macOS has one directory for settings and state, and only the state must be private.
    state = os.path.join(_below(known.user_state_dir, home), "state")
    return Paths(config, state, cache, home)


def _below(path: str, home: str) -> str:
    """A path of `platformdirs`, which uses the process's own home, moved below `home`."""
    own = os.path.expanduser("~")
    return os.path.join(home, os.path.relpath(path, own)) if path.startswith(own + os.sep) else path


def _home(environ: Mapping[str, str]) -> str:
    named = environ.get("HOME", "")
    if os.path.isabs(named):
        return os.path.normpath(named)
    import pwd

    try:
        entry = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""
    return entry if os.path.isabs(entry) else ""


def _homeless() -> str:
    return f"There is no home directory: HOME is not set and user {os.getuid()} has no entry among the users."
