"""The names and values that a Fly app can store, checked before anything is started."""

from __future__ import annotations

import re

from sophia_secrets.backends.fly import dialect
from sophia_secrets.core.model import SecretValue

NAME = r"[A-Za-z_][A-Za-z0-9_]*"

# https://fly.io/docs/machines/runtime-environment/
PLATFORM = frozenset(
    {
        "FLY_APP_NAME",
        "FLY_MACHINE_ID",
        "FLY_ALLOC_ID",
        "FLY_REGION",
        "FLY_PUBLIC_IP",
        "FLY_IMAGE_REF",
        "FLY_MACHINE_VERSION",
        "FLY_PRIVATE_IP",
        "FLY_PROCESS_GROUP",
        "FLY_VM_MEMORY_MB",
        "FLY_STANDBY_FOR",
        "PRIMARY_REGION",
    }
)
"""The variables that Fly sets on a Machine, which a secret must not replace."""


def name_problem(name: str) -> str | None:
    """Why no Fly app can have a secret of this name, or None."""
    if re.fullmatch(NAME, name) is None:
        return "Fly's names are letters, digits and underscores, and do not begin with a digit"
    return None


def problem(name: str, value: SecretValue | None) -> str | None:
    """Why this cannot be stored exactly, or None. Never quotes the value."""
    wrong = name_problem(name)
    if wrong is not None:
        return wrong
    if name in PLATFORM:
        return f"{name} is a variable that Fly sets on every Machine"
    return None if value is None else _value_problem(name, value.reveal())


def _value_problem(name: str, text: str) -> str | None:
    if not text:
        return "an empty value: whether Fly keeps it is not certain; delete the secret instead"
    if "\0" in text:
        return "a NUL character, which no environment variable can hold"
    if re.search("[\ud800-\udfff]", text):
        return "a lone surrogate, which is not Unicode text"
    if dialect.settable(text) or dialect.encode(name, text) is not None:
        return None
    if max(len(line.encode()) for line in text.split("\n")) > dialect.LINE_LIMIT - len(name) - 10:
        return f"too long: flyctl carries {dialect.SET_LIMIT} bytes, without white space at the ends"
    return (
        "white space at an end, which `fly secrets set` takes away, together with quotation marks, "
        "`#` or CRLF that `fly secrets import` cannot carry"
    )
