"""The words of an error for a caller in Python: its arguments, where they speak of the command line's options."""

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
"""What in Python says what an option says."""

_OPTION = re.compile(r"`--([a-z-]+)(?: [A-Z]+)?`")


def with_python_wording(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The coroutine function, whose errors name the arguments that it takes."""

    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except SophiaError as error:
            reword(error)
            raise

    return call


def reword(error: SophiaError) -> None:
    """Put the names of arguments for those of options, in the message, the hint and the note of it."""
    error.message = in_python(error.message)
    error.args = (error.message,)
    hint = in_python(error.hint)
    if hint != error.hint:
        notes = getattr(error, "__notes__", [])
        notes[:] = [note.replace(error.hint, hint) for note in notes]
        error.hint = hint


def in_python(text: str) -> str:
    """The text with arguments of Python for options; whole command lines stay as they are."""

    def argument(option: re.Match[str]) -> str:
        found = ARGUMENTS.get(option[1])
        return option[0] if found is None else f"`{found}`"

    return _OPTION.sub(argument, text.replace("un the command again", "un it again"))
