"""
The commands that a message tells to type, with `--profile` and `--config` as they were given.

Without them such a command would mean other settings: a hint said under `--profile production`
would write to the development target.
"""

from __future__ import annotations

from collections.abc import Sequence

from sophia_secrets.cli.options import WITH_VALUE

_PROGRAM = "`sophia-secrets "
_OF_NO_SETTINGS = frozenset({"audit", "completion", "config", "help", "trust"})
"""Commands that mean the same whatever the profile; of `config`, those that messages name."""


def repeated(options: Sequence[str]) -> str:
    """The options among these global ones that choose the settings, as one types them again."""
    words: list[str] = []
    rest = iter(options)
    for word in rest:
        name, has_value, value = word.partition("=")
        if name in WITH_VALUE:
            value = value if has_value else next(rest)
            if name in ("--profile", "--config"):
                words += [name, _quoted(value)]
    return " ".join(words)


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word)


def with_options(text: str, options: str) -> str:
    """The text, its commands of this program given these options ("": none)."""
    if not options:
        return text
    before, *commands = text.split(_PROGRAM)
    parts = [before]
    for command in commands:
        first = command.partition("`")[0].split(" ", 1)[0]
        own = "" if first.startswith("-") or first in _OF_NO_SETTINGS else f"{options} "
        parts.append(f"{_PROGRAM}{own}{command}")
    return "".join(parts)


def hints_with_options(shape: object, options: str) -> object:
    """The same shape of JSON, each `hint` in it as `with_options` makes it."""
    if not options:
        return shape
    if isinstance(shape, dict):
        return {
            key: with_options(value, options)
            if key == "hint" and isinstance(value, str)
            else hints_with_options(value, options)
            for key, value in shape.items()
        }
    if isinstance(shape, (list, tuple)):
        return [hints_with_options(each, options) for each in shape]
    return shape
