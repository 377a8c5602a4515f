"""`set` and `delete`."""

from typing import Annotated

import typer

from sophia_secrets import errors
from sophia_secrets.cli.argument import refuse_value
from sophia_secrets.cli.frequent.store import store
from sophia_secrets.cli.opened import opened
from sophia_secrets.core.model import Outcome
from sophia_secrets.operations import writing

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
    with opened(ctx.obj, "delete") as (session, console):
        if backend is None:
            raise errors.UsageError(
                "Say where to delete from with `--backend`.",
                hint=f"See who holds it with `sophia-secrets explain {name}`.",
            )
        target = writing.destination(session, backend)
        if not yes:
            if not console.interactive:
                raise errors.UsageError(
                    f"Deleting {name} from {target.name} ({target.target}) asks first, and there is no terminal.",
                    hint="Add `--yes`.",
                )
            if not console.confirm(f"Delete {name} from {target.name} ({target.target})?"):
                raise errors.Interrupted("Nothing was deleted.")
        written = writing.delete(session, target, [name])
        problem = writing.problem_of(written.receipt)
        if problem is not None:
            raise problem
        (result,) = written.receipt.results
        if result.outcome is Outcome.UNCHANGED and not if_exists:
            raise errors.NotFound(
                f"{target.name} ({target.target}) holds no `{name}`, so nothing was deleted.",
                hint="Add `--if-exists` where that is no error.",
                backend=target.name,
                target=str(target.target),
            )
        if console.json:
            shape = {
                "schema": 1,
                "name": name,
                "backend": target.name,
                "target": str(target.target),
                "deleted": result.outcome is Outcome.DONE,
                "verified": result.verified,
            }
            console.answer(shape)
        elif result.outcome is Outcome.DONE:
            remark = f"; {result.detail.rstrip('.')}" if result.detail else ""
            console.note(f"Deleted {name} from {target.name} ({target.target}){remark}.")
        else:
            console.note(f"{target.name} ({target.target}) held no {name}.")
