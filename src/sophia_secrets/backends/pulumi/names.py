"""The rules of Pulumi for names, targets and values."""

from __future__ import annotations

import re

from sophia_secrets import errors
from sophia_secrets.core.names import shown

_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,254}"
_SENDABLE = r"[^-\s=\x00-\x20\x7f-\x9f][^\s=\x00-\x20\x7f-\x9f]{0,1023}"
_ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
# No leading dot: the program resolves `..` in the URL that it builds from the parts, and so requests
# another one (pkg/cmd/esc/cli/client/client.go, cleanPath).
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_SURROGATE = "[\ud800-\udfff]"


def name_problem(name: str) -> str | None:
    """Why no value can be stored under this name, or None."""
    if re.fullmatch(_NAME, name):
        return None
    return "a name is letters, digits and underscores, at most 255, and does not begin with a digit"


def is_sendable(name: str) -> bool:
    """Whether the name is safe as an argument of a program (I1, I2)."""
    return re.fullmatch(_SENDABLE, name) is not None


def value_problem(text: str) -> str | None:
    """Why a value cannot be stored exactly, or None."""
    if "\0" in text:
        return "the value holds a NUL character, which no process environment can carry"
    if re.search(_SURROGATE, text):
        return "the value is not Unicode text (it holds a lone surrogate)"
    return None


def environment_parts(text: str, organization: str, project: str) -> tuple[str, str, str]:
    """
    Organisation ("" if unknown), project and environment of a setting.

    Raises `BadName` for an unsafe one, and for a pinned version, which cannot be written.
    """
    parts = text.split("/")
    if len(parts) > 3:
        raise errors.BadName(
            f"{shown(text)} is no Pulumi environment: it has more than three parts.",
            hint="Write env, project/env or organization/project/env.",
            backend="pulumi",
        )
    name = _checked(_PART, parts[-1], "environment")
    given_project = parts[-2] if len(parts) > 1 else project or "default"
    given_organization = parts[-3] if len(parts) > 2 else organization
    if given_organization or len(parts) > 2:
        _checked(_ORGANIZATION, given_organization, "organization")
    return given_organization, _checked(_PART, given_project, "project"), name


def stack_parts(text: str) -> tuple[str, str, str]:
    """Organisation, project (each "" where not given) and name of a stack. Raises `BadName`."""
    parts = text.split("/")
    if len(parts) > 3:
        raise errors.BadName(
            f"{shown(text)} is no Pulumi stack: it has more than three parts.",
            hint="Write stack, organization/stack or organization/project/stack.",
            backend="pulumi",
        )
    name = _checked(_PART, parts[-1], "stack")
    organization = _checked(_ORGANIZATION, parts[0], "organization") if len(parts) > 1 else ""
    project = _checked(_PART, parts[1], "project") if len(parts) > 2 else ""
    return organization, project, name


def _checked(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise errors.BadName(
            f"{shown(text)} is not the name of a Pulumi {what}.",
            hint="Correct `[pulumi]` in the settings, or the variable that names it: "
            "`sophia-secrets config show` says which.",
            backend="pulumi",
        )
    return text
