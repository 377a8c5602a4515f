"""Error texts for callers in Python: arguments instead of command-line options."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sophia_secrets.errors import SophiaError

P = ParamSpec("P")
T = TypeVar("T")

ARGUMENTS = {
    "backend": "backend=",
    "config": "config_file=",
    "debug": "logging.DEBUG",
    "no-cache": "use_cache=False",
    "not-as-declared": "as_declared=False",
    "offline": "offline=True",
    "strict": "strict=True",
    "timeout": "timeout=",
}
"""The argument or setting in Python for each option."""

PHRASES = {
    "un the command again": "un it again",
    "(flag --profile)": "(argument `profile`)",
    "The flag for ": "The argument ",
    "flag for ": "argument ",
}
"""What in Python is said for a phrase of the command line."""

_OPTION = re.compile(r"`--([a-z-]+)(?: [A-Z]+)?`")


def with_python_wording(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The coroutine function, with `reword` applied to its errors."""

    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except SophiaError as error:
            reword(error)
            raise

    return call


def reword(error: SophiaError) -> None:
    """Replace options by arguments in the message, the hint and the note of the error."""
    error.message = in_python(error.message)
    error.args = (error.message,)
    hint = in_python(error.hint)
    if hint != error.hint:
        notes = getattr(error, "__notes__", [])
        notes[:] = [note.replace(error.hint, hint) for note in notes]
        error.hint = hint


def in_python(text: str) -> str:
    """The text with arguments instead of options; whole command lines are unchanged."""

    def argument(option: re.Match[str]) -> str:
        found = ARGUMENTS.get(option[1])
        return option[0] if found is None else f"`{found}`"

    for phrase, told in PHRASES.items():
        text = text.replace(phrase, told)
    return _OPTION.sub(argument, text)
