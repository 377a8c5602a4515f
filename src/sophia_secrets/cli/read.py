"""`get` and `explain`."""

from typing import Annotated

import typer

from sophia_secrets.cli.frequent.explain import show_trace
from sophia_secrets.cli.frequent.get import print_value

Backend = Annotated[str | None, typer.Option("--backend", "-b", metavar="B", help="Ask this backend alone.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Neither read nor write the cache.")]


def get(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    backend: Backend = None,
    no_cache: NoCache = False,
    raw: Annotated[bool, typer.Option("--raw", help="The exact bytes, without a newline.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="The trace on standard error.")] = False,
    clip: Annotated[
        bool, typer.Option("--clip", help="To the clipboard instead of standard output.")
    ] = False,
) -> None:
    """Print a secret's value and one newline."""
    print_value(ctx.obj, name, backend=backend, no_cache=no_cache, raw=raw, explain=explain, clip=clip)


def explain(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    no_cache: NoCache = False,
) -> int:
    """Show the whole chain for one name, without its value: who answers, and who shadows whom."""
    return show_trace(ctx.obj, name, no_cache=no_cache)
