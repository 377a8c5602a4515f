"""`set` and `delete`."""

from typing import Annotated

import typer

from sophia_secrets.cli.argument import refuse_value
from sophia_secrets.cli.frequent.delete import delete as delete_secret
from sophia_secrets.cli.frequent.set import store

Backend = Annotated[str | None, typer.Option("--backend", "-b", metavar="B", help="The backend to change.")]

NotAsDeclared = Annotated[
    bool,
    typer.Option("--not-as-declared", help="Also a value that is not of the declared type or pattern."),
]


def set_secret(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    extra: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    backend: Backend = None,
    from_file: Annotated[
        str | None, typer.Option("--from-file", metavar="FILE", help="The value is this file's content.")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Keep a final newline of standard input.")] = False,
    generate: Annotated[
        str | None,
        typer.Option(
            "--generate",
            metavar="[SPEC]",
            help="Make a value: `hex:32`, `alnum:40`, `uuid`; without SPEC the declared one.",
        ),
    ] = None,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Store the value also where it is empty.")
    ] = False,
    not_as_declared: NotAsDeclared = False,
) -> None:
    """Store a secret in one backend. The value comes from a hidden prompt, standard input, a file or a generator."""
    refuse_value("set", name, extra, [backend] if backend else [])
    store(
        ctx.obj,
        name,
        backend=backend,
        from_file=from_file,
        raw=raw,
        generate=generate,
        allow_empty=allow_empty,
        not_as_declared=not_as_declared,
    )


def delete(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    backend: Backend = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    if_exists: Annotated[
        bool, typer.Option("--if-exists", help="A name that is not there is not an error.")
    ] = False,
) -> None:
    """Remove a secret from one backend. Asks unless `--yes`."""
    delete_secret(ctx.obj, name, backend=backend, yes=yes, if_exists=if_exists)
