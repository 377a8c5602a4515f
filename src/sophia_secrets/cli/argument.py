"""The name on a command line that stores a value, and the refusal of a value there (fault L1)."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_secrets import errors
from sophia_secrets.core import names as naming
from sophia_secrets.core.text import visible


def refuse_value(command: str, name: str, extra: Sequence[str] | None, backends: Sequence[str]) -> None:
    """
    Raises `UsageError` where a value is given: `NAME VALUE` or `NAME=VALUE`; it is not repeated.

    `backends` are those of the command line, so that the command of the hint goes where this one went.
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
