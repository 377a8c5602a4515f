"""
The most frequent command lines, parsed without Typer, whose import takes as long as answering them.

The modules here implement the commands; the Typer commands call the same functions.
"""

from __future__ import annotations

from collections.abc import Callable

from sophia_secrets.cli.options import Options
from sophia_secrets.hot import is_plain


def plain(arguments: list[str]) -> Callable[[], int | None] | None:
    """The function that runs this command line and returns its exit code (None for 0); None where Typer must parse it."""
    names = [word for word in arguments[1:] if is_plain(word)]
    match arguments:
        case ["list"] | ["list", "--names"]:
            from sophia_secrets.cli.frequent.list import show_list

            return lambda: show_list(Options(), names=len(arguments) == 2)
        case ["--json", "list"]:  # global options are at the front
            from sophia_secrets.cli.frequent.list import show_list

            return lambda: show_list(Options(json=True))
        case ["get", name] | ["get", name, "--raw"] if names == [name]:
            from sophia_secrets.cli.frequent.get import print_value

            return lambda: print_value(Options(), name, raw=len(arguments) == 3)
        case ["get", name, "--backend" | "-b", backend] if names == [name, backend]:
            from sophia_secrets.cli.frequent.get import print_value

            return lambda: print_value(Options(), name, backend=backend)
        case ["explain", name] if names == [name]:
            from sophia_secrets.cli.frequent.explain import show_trace

            return lambda: show_trace(Options(), name)
        case ["info", name] if names == [name]:
            from sophia_secrets.cli.frequent.info import show_info

            return lambda: show_info(Options(), name)
        case ["set", name, "--backend" | "-b", backend] if names == [name, backend]:
            from sophia_secrets.cli.frequent.set import store

            return lambda: store(Options(), name, backend=backend)
        case ["set", name, "--backend" | "-b", backend, "--generate", kind] if kind[:1] not in ("", "-"):
            from sophia_secrets.cli.frequent.set import store

            if names[:2] == [name, backend]:
                return lambda: store(Options(), name, backend=backend, generate=kind)
        case ["delete", name, "--backend" | "-b", backend, *flags] if names == [name, backend]:
            from sophia_secrets.cli.frequent.delete import delete

            if {"--yes", "-y", "--if-exists"}.issuperset(flags):
                yes, if_exists = "--yes" in flags or "-y" in flags, "--if-exists" in flags
                return lambda: delete(Options(), name, backend=backend, yes=yes, if_exists=if_exists)
    return None
