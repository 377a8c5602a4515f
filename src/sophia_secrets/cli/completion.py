"""`completion SHELL`: a script that completes commands, options and names, without vendor calls."""

import re
from typing import Annotated, Any

import typer

from sophia_secrets import errors
from sophia_secrets.cli.command_session import command_session, console_for
from sophia_secrets.cli.completion_words import SHELLS, words

_PLAIN = re.compile(r"[A-Za-z0-9_.:/@+-]+", re.ASCII)


def completion(
    ctx: typer.Context,
    shell: Annotated[str | None, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")] = None,
    names: Annotated[bool, typer.Option("--names", hidden=True)] = False,
) -> None:
    """Print a completion script: `eval "$(sophia-secrets completion bash)"`."""
    if names:
        _names(ctx)
        return
    if shell not in SHELLS:
        raise errors.UsageError(
            f"There is no completion for `{shell}`." if shell else "Say which shell.",
            hint="Run `sophia-secrets completion bash`, `zsh` or `fish`.",
        )
    from sophia_secrets.cli import completion_scripts

    root: Any = ctx.find_root()
    known = words(root.command, root)
    script = getattr(completion_scripts, shell)(known).rstrip("\n")
    console = console_for(ctx.obj)
    if console.json:
        console.answer({"schema": 1, "shell": shell, "script": script})
    else:
        console.print(script)


def _names(ctx: typer.Context) -> None:
    """
    The names in the cache, the local vault and the settings, without vendor calls and audit events.

    Names that a shell would not read as one word are left out.
    """
    from sophia_secrets.operations.offline import known_names

    with command_session(ctx.obj, "completion") as (session, console):
        found = [name for name in known_names(session) if _PLAIN.fullmatch(name)]
    if found:
        console.print("\n".join(found))
