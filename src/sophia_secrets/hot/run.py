"""`run -- COMMAND` on the hot path."""

from __future__ import annotations

import os
import time

from sophia_secrets import hot
from sophia_secrets.launch import command, inherited, variables
from sophia_secrets.launch.dangerous import is_dangerous
from sophia_secrets.state import route_form
from sophia_secrets.state.record import READABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Ready:
    """A command with its variables, whose audit events are on disk."""

    __slots__ = ("command", "variables")

    def __init__(self, found: command.Command, environment: dict[bytes, bytes]) -> None:
        self.command = found
        self.variables = environment


def prepare(
    words: list[str], environ: Mapping[bytes, bytes], clock: Callable[[], float] = time.time
) -> Ready | None:
    """
    The command of a plain `run -- WORDS`; None, with nothing written, if the full program must run.

    `environ` is the process's own as bytes, `clock` gives Unix seconds.
    """
    if not words or b"GITHUB_ACTIONS" in environ:
        return None
    began = time.monotonic()
    try:
        context = hot.Context(environ, clock)
        found, chosen = choose(context, words)
        own = {name.encode(): each.value for name, each in chosen.items()}
        environment, replaced = variables.merged(inherited.environment(), own)
        if not own or replaced or not _fits(found, environment, own):
            return None
        hot.record(context, "run", chosen, began)
    except Exception:  # noqa: BLE001  the full program meets the same error and reports it
        return None
    return Ready(found, environment)


def choose(context: hot.Context, words: list[str]) -> tuple[command.Command, dict[str, hot.Found]]:
    """The command and its secrets. Raises `hot.NeedsFullProgram` and `errors.SophiaError`."""
    found = command.look_up(words, os.environ.get("PATH"))
    return found, {name: hot.walk(context, name) for name in _names(context)}


def _names(context: hot.Context) -> list[str]:
    """The declared names, or all names with a value, without the process's variables."""
    names = list(context.route.declared) or _readable_names(context)
    if any(is_dangerous(name) or not hot.is_plain(name) for name in names):
        raise hot.NeedsFullProgram
    return names


def _readable_names(context: hot.Context) -> list[str]:
    names: set[str] = set()
    for member in context.route.members:
        if member.kind in (route_form.VENDOR, route_form.WRITE_ONLY):
            record = context.record(member)
            if member.kind == route_form.VENDOR and (record is None or not record.fresh):
                raise hot.Missing(member)
            if record is not None:
                names.update(name for name, state in record.states().items() if state == READABLE)
        elif member.kind == route_form.LOCAL:
            names.update(member.vault.names if member.vault is not None else ())
        elif member.kind != route_form.ENV:
            raise hot.NeedsFullProgram
    return sorted(name for name in names if name.isascii() and name.isidentifier())


def _fits(found: command.Command, environment: Mapping[bytes, bytes], own: Mapping[bytes, bytes]) -> bool:
    limits = variables.limits()
    return (
        not any(b"\0" in value for value in own.values())
        and max(variables.string_size(*each) for each in own.items()) <= limits.string
        and variables.total_size(environment, found.arguments) <= limits.total - variables.MARGIN
    )
