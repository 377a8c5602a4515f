"""`run`: replace this process by a command with secrets in its environment."""

import os
from collections.abc import Mapping
from typing import Annotated

import typer

from sophia_secrets import errors
from sophia_secrets.cli import handover, streams, workflow
from sophia_secrets.cli.command_session import command_session, warn_about_failures
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.options import Options
from sophia_secrets.cli.read import NoCache
from sophia_secrets.core.child_environment import Selection
from sophia_secrets.core.model import SecretValue
from sophia_secrets.core.redact import MINIMUM
from sophia_secrets.core.text import listed
from sophia_secrets.launch import inherited
from sophia_secrets.launch.command import become, look_up
from sophia_secrets.launch.variables import limits
from sophia_secrets.operations import running


def run(
    ctx: typer.Context,
    command: Annotated[list[str] | None, typer.Argument(metavar="-- COMMAND [ARGS]...")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="This name, or all that begin so: `AWS`, `AWS_*`."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="NAME", help="The declared secrets of this scope, no other."),
    ] = None,
    pristine: Annotated[
        bool, typer.Option("--pristine", help="Inherit nothing, PATH neither: the secrets are all there is.")
    ] = False,
    preserve: Annotated[
        list[str] | None,
        typer.Option("--preserve", metavar="NAME", help="Keep the inherited variable of this name."),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            metavar="NAME",
            help="The value in an open private file, its path in the variable; for what inherits descriptors.",
        ),
    ] = None,
    mask: Annotated[bool, typer.Option("--mask", help="Hide the values in what the command prints.")] = False,
    backend: Annotated[
        str | None, typer.Option("--backend", "-b", metavar="B", help="Ask this backend alone.")
    ] = None,
    no_cache: NoCache = False,
) -> None:
    """Run a command with secrets in its environment.

    Which: the names of `--only` and `--scope`; without them the declared secrets, or all that can
    be read where none is declared. The command replaces this process, so its signals, terminal
    and exit code are its own. With `--mask` it is supervised instead.
    """
    if not command:
        raise errors.UsageError(
            "There is no command to run.", hint="Write it after `--`: `sophia-secrets run -- env`."
        )
    found = look_up(command, os.environ.get("PATH"))
    selection = Selection(
        tuple(only or ()), tuple(scope or ()), tuple(file or ()), frozenset(preserve or ()), pristine
    )
    with command_session(ctx.obj, "run") as (session, console):
        began = session.clock()
        prepared = running.prepare(
            session,
            selection,
            inherited.environment(),
            found.arguments,
            limits(),
            only=backend,
            use_cache=not no_cache,
        )
        warn_about_failures(prepared.answers, console, session)
        _print_run_notes(prepared, console, verbose=ctx.obj.verbose)
        if mask:
            _note_unmasked({**prepared.variables, **prepared.files}, console)
        parent = session.paths.state or None
        if ctx.obj == Options() and selection == Selection() and backend is None and not no_cache:
            from sophia_secrets.operations.routing import remember

            remember(session, prepared.answers, began)
    variables = prepared.environment.variables
    for name, value in prepared.files.items():
        content = value.reveal().encode()
        variables[name.encode()] = os.fsencode(handover.path_for(name, content, parent))
    if mask:
        from sophia_secrets.cli.supervise import supervise

        supervise(found, variables, [value.reveal() for value in prepared.values()])
    if session.in_workflow:
        workflow.mask(prepared.values())
    streams.flush_python_streams()
    become(found, variables)


def _print_run_notes(prepared: running.PreparedRun, console: Console, *, verbose: bool) -> None:
    """Print notes before the command starts: names only."""
    if prepared.dangerous:
        console.warn(
            f"Left out, because programs obey variables of these names: {listed(prepared.dangerous)}. "
            "Name one with `--only` to hand it over."
        )
    if prepared.environment.replaced:
        console.note(
            f"These replace variables of the same name: {listed(prepared.environment.replaced)}. "
            "`--preserve NAME` keeps the one there was."
        )
    if not prepared.variables and not prepared.files:
        console.note("No secret is handed over to the command.")
    if verbose and prepared.absent:
        console.note(f"Declared, and not found: {listed(prepared.absent)}.")
    if verbose and (prepared.variables or prepared.files):
        console.note(f"Handed over: {listed([*prepared.variables, *prepared.files])}.")


def _note_unmasked(values: Mapping[str, SecretValue], console: Console) -> None:
    short = [name for name, value in values.items() if 0 < len(value.reveal().strip()) < MINIMUM]
    if short:
        console.note(f"Too short to be hidden without hiding everything else: {listed(short)}.")
