"""The global options: where they may stand, and what they hold."""

from __future__ import annotations

from msgspec import Struct

WITH_VALUE = frozenset({"--profile", "--config", "--timeout", "--max-stale", "--reason"})
ALONE = frozenset({"--strict", "--offline", "--verbose", "-v", "--debug", "--no-color", "--json"})
OWN_ARGUMENTS = frozenset({"run"})
"""Commands whose first positional argument starts somebody else's command line."""

MAY_STAND_ALONE = {"--generate": "default"}
"""Options whose value may be left out, and the value that is meant then."""


class Options(Struct):
    """The global options of one start of the program."""

    json: bool = False
    verbose: bool = False
    debug: bool = False
    no_color: bool = False
    profile: str | None = None
    config: str | None = None
    timeout: str | None = None
    strict: bool = False
    offline: bool = False
    max_stale: str | None = None
    reason: str = ""


def hoist(arguments: list[str]) -> list[str]:
    """
    The same command line with the global options in front, so that they may stand anywhere.

    Nothing after `--` is touched, nor what follows the command that `run` is given. An option
    whose value may be left out is given the one that is meant then.
    """
    front: list[str] = []
    rest: list[str] = []
    position = 0
    command = ""
    while position < len(arguments):
        word = arguments[position]
        if word == "--":
            break
        name, has_value, _ = word.partition("=")
        if name in WITH_VALUE:
            taken = 1 if has_value else 2
            front += arguments[position : position + taken]
            position += taken
            continue
        if word in ALONE:
            front.append(word)
        elif word in MAY_STAND_ALONE and (arguments[position + 1 : position + 2] or ["-"])[0].startswith("-"):
            rest.append(f"{word}={MAY_STAND_ALONE[word]}")
        else:
            if not word.startswith("-") and command in OWN_ARGUMENTS and not _is_option_value(rest):
                break
            if not word.startswith("-") and not command:
                command = word
            rest.append(word)
        position += 1
    return front + rest + arguments[position:]


_RUN_OPTIONS_WITH_VALUE = frozenset({"--only", "--scope", "--preserve", "--file", "--backend"})


def _is_option_value(before: list[str]) -> bool:
    return bool(before) and before[-1] in _RUN_OPTIONS_WITH_VALUE
