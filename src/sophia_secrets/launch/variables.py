"""The environment of a command, as bytes: inherited variables, secrets over them, and size limits."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WITHHELD = frozenset({"SOPHIA_SECRETS_CACHE_KEY", "SOPHIA_SECRETS_IDENTITY", "SOPHIA_GITHUB_SECRETS_JSON"})
"""Our own variables that hold a key or secrets: no command inherits them (L2, G3)."""
_WITHHELD = frozenset(name.encode() for name in WITHHELD)

_POINTER = 8
MARGIN = 4096
"""Bytes left free of the system's limit on arguments and environment together."""
_PAGES = 32
"""Pages that Linux lets one argument or variable fill (`MAX_ARG_STRLEN`)."""
_MOST = 6 * 1024 * 1024
"""Bytes that Linux lets all of them fill under any stack limit (`_STK_LIM / 4 * 3` in fs/exec.c)."""


class Limits:
    """The longest `NAME=value` with its final NUL, and all arguments and variables together, in bytes."""

    __slots__ = ("string", "total")

    def __init__(self, string: int, total: int) -> None:
        self.string = string
        self.total = total


def limits() -> Limits:
    """The limits of this system."""
    total = os.sysconf("SC_ARG_MAX")
    if sys.platform != "linux":
        return Limits(total, total)
    most = min(total, _MOST) if total > 0 else _MOST
    return Limits(_PAGES * os.sysconf("SC_PAGE_SIZE"), most)


def merged(
    inherited: Mapping[bytes, bytes], secrets: Mapping[bytes, bytes]
) -> tuple[dict[bytes, bytes], list[bytes]]:
    """The inherited variables without `WITHHELD`, overlaid by the secrets; and the names whose value was replaced."""
    variables = {name: value for name, value in inherited.items() if name and name not in _WITHHELD}
    replaced = [name for name, value in secrets.items() if variables.get(name, value) != value]
    variables.update(secrets)
    return variables, replaced


def string_size(name: bytes, value: bytes) -> int:
    """The bytes of `NAME=value` with its final NUL."""
    return len(name) + len(value) + 2


def total_size(variables: Mapping[bytes, bytes], arguments: Iterable[bytes]) -> int:
    """The bytes that these arguments and variables take together, with the pointers to them."""
    total = sum(string_size(name, value) + _POINTER for name, value in variables.items())
    return total + sum(len(argument) + 1 + _POINTER for argument in arguments)
