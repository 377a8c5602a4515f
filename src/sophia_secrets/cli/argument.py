"""Refusing a value on the command line of a command that stores one (fault L1)."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_secrets import errors
from sophia_secrets.core import names as naming
from sophia_secrets.core.text import visible


def refuse_value(command: str, name: str, extra: Sequence[str] | None, backends: Sequence[str]) -> None:
    """
    Raises `UsageError` for a value on the command line, `NAME VALUE` or `NAME=VALUE`, without quoting it.

    `backends` are those of the command line, for the hint.
    """
    name, sign, _ = name.partition("=")
    safe = naming.is_safe(name)
    if not extra and not (sign and safe):
        return
    where = "".join(f" --backend {visible(backend)}" for backend in backends)
    run = f"Run `sophia-secrets {command} {name}{where}` and type it, or give it on standard input."
    raise errors.UsageError(
        "A value is never taken from the command line, where other users can see it.",
        hint=run if safe else "Give it on standard input.",
    )
