"""`help PAGE`: pages about no single command."""

from typing import Annotated, Any

import typer
import typer.main

from sophia_secrets import errors
from sophia_secrets.cli.command_session import console_for
from sophia_secrets.cli.commands import ALIASES, COMMANDS

EXIT_CODES = """\
0    done
1    unexpected failure, or standard output could not be written
2    usage, bad name, bad settings, a value that the backend or format cannot carry
3    not found
4    not authenticated or not permitted
5    backend unavailable: program missing, unreachable, timed out, rate limited
6    audit or integrity failure
7    a check or policy failed
130  interrupted

`run` gives back the command's own code; 126 and 127 as a shell would."""

JSON = """\
Every command takes --json and answers with one object that has "schema": 1;
`export` gives the secrets themselves, `audit log` one event a line.
An error is an object too, on standard output, with the same exit code:
  {"schema":1,"error":{"kind","message","hint","backend","target"}}
The shapes are in the reference."""

PAGES = {"exit-codes": EXIT_CODES, "json": JSON}


def help_page(
    ctx: typer.Context,
    page: Annotated[
        str | None, typer.Argument(metavar="[PAGE]", help=f"{', '.join(PAGES)}, or a command.")
    ] = None,
) -> None:
    """Show a page of help, or a command's."""
    console = console_for(ctx.obj)
    text = _text(ctx, page)
    if console.json:
        console.answer({"schema": 1, "page": page, "text": text})
    else:
        console.print(text)


def _text(ctx: typer.Context, page: str | None) -> str:
    if page in PAGES:
        return PAGES[page]
    root: Any = ctx.find_root()
    if page is None:
        return str(root.get_help())
    if page not in COMMANDS and page not in ALIASES:
        raise errors.UsageError(
            f"There is no page `{page}`.", hint=f"The pages are {', '.join([*PAGES, *COMMANDS])}."
        )
    command = root.command.get_command(root, page)
    child: Any = type(root)(command, info_name=page, parent=root)
    return str(command.get_help(child))
