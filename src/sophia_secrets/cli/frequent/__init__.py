"""
The most frequent command lines, answered without Typer: importing that takes as long as answering them.

The functions of the modules here are the commands themselves; Typer calls the same ones.
"""

from __future__ import annotations

from collections.abc import Callable

from sophia_secrets.cli.options import Options
from sophia_secrets.hot import is_plain


def plain(arguments: list[str]) -> Callable[[], int] | None:
    """What answers this command line and gives its exit code; None where Typer has to read it."""
    match arguments:
        case ["get", name] | ["get", name, "--raw"] if is_plain(name):
            return lambda: _get(name, raw=len(arguments) == 3)
        case ["list"] | ["list", "--names"]:
            return lambda: _list(Options(), names=len(arguments) == 2)
        case ["list", "--json"] | ["--json", "list"]:
            return lambda: _list(Options(json=True), names=False)
        case ["set", name, "--backend" | "-b", backend] if is_plain(name) and is_plain(backend):
            return lambda: _set(name, backend)
    return None


def _get(name: str, *, raw: bool) -> int:
    from sophia_secrets.cli.frequent.value import give

    give(Options(), name, raw=raw)
    return 0


def _list(options: Options, *, names: bool) -> int:
    from sophia_secrets.cli.frequent.listing import show

    return show(options, names=names)


def _set(name: str, backend: str) -> int:
    from sophia_secrets.cli.frequent.store import store

    store(Options(), name, backend=backend)
    return 0
