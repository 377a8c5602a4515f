"""Typer's usage errors in our words, with a correct command line as hint."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sophia_secrets import errors

_EXTRA = r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)"
_FOR_JSON = frozenset({"--format", "--output", "-o", "-j"})
"""What other tools call `--json`."""
_GROUPS = frozenset({"audit", "cache", "config", "rotation"})


def as_usage_error(error: Any, words: Sequence[str]) -> errors.UsageError:
    """
    Convert an error of Typer to a `UsageError`; `words` is the command line.

    Typer's classes cannot be imported where it vendors click, so they are recognised by their names
    and attributes.
    """
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else _path_of(words)
    message, hint = str(error.format_message()), f"See `{path} --help`."
    option, parameter = getattr(error, "option_name", None), getattr(error, "param", None)
    extra = re.fullmatch(_EXTRA, message)
    match type(error).__name__:
        case "NoSuchOption" if option:
            message = f"There is no option `{option}` here."
            near = getattr(error, "possibilities", None)
            if near:
                from sophia_secrets.core.names import either

                hint = f"Did you mean {either([f'`{each}`' for each in near])}?"
            elif option in _FOR_JSON:
                hint = f"For an answer as JSON add `--json`; more with `{path} --help`."
        case "BadOptionUsage" if option:
            message = f"`{option}` {'needs a' if 'requires an argument' in message else 'takes no'} value."
        case "MissingParameter" if parameter is not None and context is not None:
            is_option = parameter.param_type_name == "option"
            what = f"`{max(parameter.opts, key=len)}`" if is_option else _called(parameter, context)
            message = f"`{path}` needs {what}."
            hint = f"Write `{_line(path, context)}`; more with `{path} --help`."
        case "UsageError" if extra is not None and context is not None:
            message = f"`{path}` got an unexpected argument `{extra[1]}`."
            hint = f"Write `{_line(path, context)}`; more with `{path} --help`."
    return errors.UsageError(message, hint=hint)


def _called(parameter: Any, context: Any) -> str:
    return str(parameter.make_metavar(context))


def _line(path: str, context: Any) -> str:
    """The command with its required arguments: `sophia-secrets copy NAME... --from B --to B`."""
    parts = [path]
    for each in context.command.params:
        if getattr(each, "hidden", False):
            continue
        if each.param_type_name == "argument":
            parts.append(_called(each, context))
        elif each.required:
            parts.append(f"{max(each.opts, key=len)} {_called(each, context)}")
    return " ".join(parts)


def _path_of(words: Sequence[str]) -> str:
    """The program and the command of a command line."""
    from sophia_secrets.cli.commands import ALIASES, COMMANDS

    named = [word for word in words if not word.startswith("-")]
    begun = next((at for at, word in enumerate(named) if word in COMMANDS or word in ALIASES), None)
    if begun is None:
        return "sophia-secrets"
    return " ".join(["sophia-secrets", *named[begun : begun + (2 if named[begun] in _GROUPS else 1)]])
