"""The application: a group whose commands are imported when they are called."""

from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from sophia_secrets import __version__, errors
from sophia_secrets.cli.command import Command
from sophia_secrets.cli.commands import ALIASES, COMMANDS, MEANT
from sophia_secrets.cli.options import OWN_ARGUMENTS, Options

PROGRAM = "sophia-secrets"


class LazyGroup(typer.core.TyperGroup):
    """Commands from the table; the error for an unknown one suggests the nearest."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = COMMANDS.get(ALIASES.get(cmd_name, cmd_name))
        if command is None:
            from difflib import get_close_matches

            near = [MEANT[cmd_name]] if cmd_name in MEANT else []
            near = near or get_close_matches(cmd_name, [*COMMANDS, *ALIASES], n=1, cutoff=0.65)
            hint = f"Did you mean `{PROGRAM} {near[0]}`?" if near else f"See `{PROGRAM} --help`."
            raise errors.UsageError(f"There is no command `{cmd_name}`.", hint=hint)
        module, _, attribute = command.where.partition(":")
        found = getattr(import_module(f"sophia_secrets.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            return typer.main.get_group(found)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        # Options after the command of `run` are the command's own.
        interspersed = {"allow_interspersed_args": cmd_name not in OWN_ARGUMENTS}
        single.command(cmd_name, cls=Command, context_settings=interspersed)(found)
        return typer.main.get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, command in COMMANDS.items():
            sections.setdefault(command.section, []).append((name, command.summary))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)


app = typer.Typer(
    name=PROGRAM,
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Global options may stand anywhere before `--`. Pages: `help exit-codes`, `help json`.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="Use this profile of the settings.")
    ] = None,
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="Read this settings file as the project's.")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option(metavar="SECONDS", help="How long one vendor call may take.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="A failed backend is an error, not a warning.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Start no vendor; answer from the cache.")
    ] = False,
    max_stale: Annotated[
        str | None, typer.Option(metavar="AGE", help="Oldest cached answer to accept, such as 10m.")
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept in the audit log.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on standard error.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show every backend operation, values redacted.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """The right secret from the right place, and why.

    One chain over GitHub Actions, Pulumi ESC, Fly.io, a local vault and the environment.
    """
    ctx.obj = Options(
        json=json,
        verbose=verbose,
        debug=debug,
        no_color=no_color,
        profile=profile,
        config=config,
        timeout=timeout,
        strict=strict,
        offline=offline,
        max_stale=max_stale,
        reason=reason,
    )
    if ctx.invoked_subcommand is None:
        from sophia_secrets.cli.welcome import welcome

        welcome(ctx)
