"""The commands and options for the completion scripts, taken from the command line itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sophia_secrets.backends import BUILT_IN
from sophia_secrets.cli.commands import ALIASES, COMMANDS

BACKENDS = tuple(BUILT_IN)
SHELLS = ("bash", "zsh", "fish")
NAMED = ("get", "set", "delete", "explain", "info", "copy", "move", "rotate", "export")
"""The commands whose arguments are names of secrets."""


class Option(NamedTuple):
    """One option: its spellings, the metavar of its value ("" for none), and its help."""

    spellings: tuple[str, ...]
    value: str
    about: str


class CommandPath(NamedTuple):
    """A command, or a command of a group: the words that lead to it."""

    words: str
    about: str
    options: tuple[Option, ...]


class Vocabulary(NamedTuple):
    """All commands, the global options, and the commands of each group."""

    anywhere: tuple[Option, ...]
    places: tuple[CommandPath, ...]
    groups: dict[str, tuple[CommandPath, ...]]


def words(root: Any, context: Any) -> Vocabulary:
    """The vocabulary of this application; an alias is an entry of its own."""
    places: list[CommandPath] = []
    groups: dict[str, tuple[CommandPath, ...]] = {}
    for name in (*COMMANDS, *ALIASES):
        about = COMMANDS[ALIASES.get(name, name)].summary
        found = root.get_command(context, name)
        places.append(CommandPath(name, about, tuple(_options(found))))
        if hasattr(found, "commands"):
            groups[name] = tuple(
                CommandPath(f"{name} {child}", _first_line(below.help), tuple(_options(below)))
                for child, below in found.commands.items()
            )
    return Vocabulary(tuple(_options(root)), tuple(places), groups)


def _options(command: Any) -> Iterator[Option]:
    for each in command.params:
        if each.param_type_name == "option" and not getattr(each, "hidden", False):
            value = "" if each.is_flag or each.count else str(each.metavar or "VALUE")
            yield Option((*each.opts, *each.secondary_opts), value, _first_line(each.help))


def _first_line(text: str | None) -> str:
    return " ".join((text or "").partition("\n\n")[0].split())
