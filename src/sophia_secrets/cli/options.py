"""The global options, which may be anywhere on the command line."""

from __future__ import annotations

from msgspec import Struct

from sophia_secrets import errors

WITH_VALUE = frozenset({"--profile", "--config", "--timeout", "--max-stale", "--reason"})
_EXAMPLES = {
    "--profile": "Name one, as in `--profile production`; `sophia-secrets config show` lists what is set.",
    "--config": "Give a settings file, as in `--config sophia-secrets.toml`.",
    "--timeout": "Write it as `--timeout 30s`.",
    "--max-stale": "Write it as `--max-stale 10m`.",
    "--reason": "Write it as `--reason 'why'`.",
}
ALONE = frozenset({"--strict", "--offline", "--verbose", "-v", "--debug", "--no-color", "--json"})
OWN_ARGUMENTS = frozenset({"run"})
"""Commands whose first positional argument starts another command line."""

MAY_STAND_ALONE = {"--generate": "default"}
"""Options whose value may be omitted, and the default value."""


class Options(Struct):
    """The values of the global options."""

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
    The command line with the global options moved to the front, so that they may be given anywhere.

    Nothing after `--` is changed, nor what follows the command of `run`. An option whose value may be
    omitted gets its default. Raises `UsageError` for a global option without its value, or with a value
    that it does not take.
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
            if position + taken > len(arguments):
                raise errors.UsageError(f"`{name}` needs a value.", hint=_EXAMPLES[name])
            front += arguments[position : position + taken]
            position += taken
            continue
        if name in ALONE and has_value:
            raise errors.UsageError(f"`{name}` takes no value.", hint=f"Write `{name}` alone.")
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


def leading_options(arguments: list[str]) -> list[str]:
    """The global options at the front of a command line from `hoist`."""
    end = 0
    while end < len(arguments) and arguments[end].partition("=")[0] in WITH_VALUE | ALONE:
        end += 2 if arguments[end] in WITH_VALUE else 1
    return arguments[:end]


_RUN_OPTIONS_WITH_VALUE = frozenset({"--only", "--scope", "--preserve", "--file", "--backend"})


def _is_option_value(before: list[str]) -> bool:
    return bool(before) and before[-1] in _RUN_OPTIONS_WITH_VALUE
