"""`list` and `info`."""

from typing import Annotated

import typer

from sophia_secrets.cli.frequent.info import show_info
from sophia_secrets.cli.frequent.list import show_list
from sophia_secrets.cli.read import Backend, NoCache


def list_secrets(
    ctx: typer.Context,
    prefix: Annotated[str, typer.Argument(metavar="[PREFIX]", help="Only names that begin so.")] = "",
    backend: Backend = None,
    names: Annotated[bool, typer.Option("--names", help="The names alone, one a line.")] = False,
    no_cache: NoCache = False,
) -> int:
    """Show the names, which backend holds which, and where each resolves from."""
    return show_list(ctx.obj, prefix=prefix, backend=backend, names=names, no_cache=no_cache)


def info(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
) -> None:
    """Show a secret's metadata: accesses, rotation, version, and what each backend says."""
    show_info(ctx.obj, name)
