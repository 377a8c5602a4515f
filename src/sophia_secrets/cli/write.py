"""`set` and `delete`."""

from typing import Annotated

import typer

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend as BackendObject
from sophia_secrets.cli import prompt, streams
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.declared import NotAsDeclared, hold_to_declared
from sophia_secrets.cli.opened import opened
from sophia_secrets.cli.read import no_value_argument
from sophia_secrets.core.model import Change, Outcome, SecretValue
from sophia_secrets.core.text import visible
from sophia_secrets.operations import declaring, writing
from sophia_secrets.operations.session import Session
from sophia_secrets.state import files

Backend = Annotated[str | None, typer.Option("--backend", "-b", metavar="B", help="The backend to change.")]


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
            metavar="SPEC",
            help="Make a value: `hex:32`, `alnum:40`, `uuid`; `default` for the declared one.",
        ),
    ] = None,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Store the value also where it is empty.")
    ] = False,
    not_as_declared: NotAsDeclared = False,
) -> None:
    """Store a secret in one backend. The value comes from a hidden prompt, standard input, a file or a generator."""
    if extra:
        raise no_value_argument(name)
    with opened(ctx, "set") as (session, console):
        hold_to_declared(session, hold=not not_as_declared)
        target = writing.destination(session, backend)
        writing.check_name(target, name)
        console.note(f"{target.name} → {target.target}")
        value = _value(
            session, name, from_file=from_file, raw=raw, generate=generate, allow_empty=allow_empty
        )
        if value == SecretValue("") and not allow_empty:
            raise _nothing_given(target, name, from_file)
        declaring.check_new_value(session, name, value)
        change = Change(name, value)
        writing.check_value(target, change)
        written = writing.write(session, target, [change])
        problem = writing.problem_of(written.receipt)
        if problem is not None:
            raise problem
        _tell(console, target, name, written)


def _value(
    session: Session,
    name: str,
    *,
    from_file: str | None,
    raw: bool,
    generate: str | None,
    allow_empty: bool,
) -> SecretValue:
    if from_file is not None and generate is not None:
        raise errors.UsageError("`--from-file` and `--generate` exclude each other.")
    if generate is not None:
        declared = session.settings.declared.get(name)
        spec = (declared.generate if declared is not None else None) if generate == "default" else generate
        from sophia_secrets.core import generate as generating

        return generating.generate(spec or generating.DEFAULT)
    if from_file is not None:
        content = files.read_path(from_file, prompt.LIMIT, private=False, follow=True)
        if content is None:
            raise errors.UsageError(f"There is no file {from_file}.")
        return prompt.text_value(content)
    if streams.is_terminal(0):
        return prompt.ask_value(f"Value of {visible(name)} (hidden)", allow_empty=allow_empty)
    return prompt.piped_value(raw=raw)


def _nothing_given(target: BackendObject, name: str, from_file: str | None) -> errors.BadValue:
    """An undefined variable before a pipe is an empty value, and is hardly ever meant."""
    source = f"The file {visible(from_file)}" if from_file is not None else "Standard input"
    look = "Look at the command or the variable that it comes from"
    kept = target.problem(name, SecretValue("")) is None
    purpose = f"`sophia-secrets set {name} --backend {target.name} --allow-empty` stores an empty value."
    return errors.BadValue(
        f"{source} is empty, so nothing was stored.",
        hint=f"{look}; {purpose}" if kept else f"{look}.",
        backend=target.name,
        target=str(target.target),
    )


def _tell(console: Console, target: BackendObject, name: str, written: writing.Written) -> None:
    (result,) = written.receipt.results
    version = written.versions.get(name)
    if console.json:
        shape = {
            "schema": 1,
            "name": name,
            "backend": target.name,
            "target": str(target.target),
            "version": version,
            "verified": result.verified,
        }
        console.answer(shape)
        return
    remarks = (
        []
        if result.detail.startswith("not verified")
        else ["verified" if result.verified else "not verified"]
    )
    remarks += [result.detail.rstrip(".")] if result.detail else []
    number = f" as version {version}" if version else ""
    console.note(f"Stored {name} in {target.name} ({target.target}){number}, {'; '.join(remarks)}.")


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
    with opened(ctx, "delete") as (session, console):
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
