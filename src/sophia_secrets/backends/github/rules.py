"""The names and values that GitHub or `gh` cannot store exactly, refused before anything is started (I2, I4)."""

from __future__ import annotations

import re

from sophia_secrets.backends.github.scope import Scope
from sophia_secrets.core.model import SecretValue

MAX_BYTES = 48 * 1024
"""GitHub's limit for one value (docs.github.com, "Secrets reference", limits)."""

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_SURROGATE = "[\ud800-\udfff]"
_IN_A_PATH = frozenset("/?#%")


def is_name(name: str) -> bool:
    """Whether a secret of GitHub can have this name, in upper or lower case."""
    return re.fullmatch(_NAME, name) is not None and not name.upper().startswith("GITHUB_")


def name_problem(name: str) -> str | None:
    """
    Why no secret can be stored under this name, with a similar valid name if there is one.

    The name itself is not quoted: it may contain anything.
    """
    if name.upper().startswith("GITHUB_"):
        return "GitHub keeps names that begin with GITHUB_ for itself"
    if not re.fullmatch(_NAME, name):
        return (
            "a GitHub secret's name has only A-Z, 0-9 and _, and does not begin with a digit"
            + _suggestion(name)
        )
    if name != name.upper():
        return f"GitHub stores names in upper case: use `{name.upper()}`"
    return None


def value_problem(value: SecretValue) -> str | None:
    """Why this value cannot be stored exactly, or None. Never quotes it."""
    text = value.reveal()
    if not text:
        return "GitHub cannot tell an empty secret from a missing one"
    if "\0" in text:
        return "the value holds a NUL, which no step's environment can hold"
    if re.search(_SURROGATE, text):
        return "the value holds a lone surrogate, which is not text that UTF-8 can carry"
    size = len(text.encode())
    if size > MAX_BYTES:
        return f"the value has {size} bytes and GitHub takes at most {MAX_BYTES}"
    return None


def scope_problem(scope: Scope) -> str | None:
    """
    Why nothing can be written to this scope: `gh` up to 2.96 puts an environment's name into the URL
    unquoted, later versions quote it (cli/cli `pkg/cmd/secret/set/http.go`).
    """
    if _IN_A_PATH & set(scope.environment):
        return "the environment's name holds one of / ? # %, which some versions of `gh` write elsewhere"
    return None


def _suggestion(name: str) -> str:
    near = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    if near[:1].isdigit():
        near = f"_{near}"
    return f": use `{near}`" if near and is_name(near) else ""
