"""`export` and `render`: secrets as a file."""

import os
import stat
from typing import Annotated

import typer

from sophia_secrets import errors
from sophia_secrets.cli import input_file, output_file, streams, workflow
from sophia_secrets.cli.command_session import command_session, warn_about_failures
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.read import Backend, NoCache
from sophia_secrets.core.count import counted
from sophia_secrets.core.text import first_workflow_command, listed
from sophia_secrets.formats import FORMATS
from sophia_secrets.operations import exporting
from sophia_secrets.operations.exporting import Export
from sophia_secrets.operations.session import Session

Output = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write this file, which only you can read."),
]


def export(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="PREFIX", help="All names that begin so: `AWS`, `AWS_*`."),
    ] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", "-f", metavar="F", help=f"One of: {', '.join(FORMATS)}.")
    ] = None,
    output: Output = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What a `k8s` Secret is called.")
    ] = None,
    backend: Backend = None,
    no_cache: NoCache = False,
) -> None:
    """Write secrets in a format: the names given, or what `run` hands to a command.

    Each format is exact for a parser, and refuses a value that it would not read back: `dotenv` for
    python-dotenv and Node's `--env-file`, `json` for any JSON parser, `yaml` for PyYAML, `shell` for
    bash and dash, `docker` for `docker run --env-file`, `k8s` for `kubectl apply`, `github-env` for
    the runner of GitHub Actions. `github-env` writes the file of $GITHUB_ENV itself, after the
    commands that make the runner hide the values.
    """
    wanted = (tuple(names or ()), tuple(only or ()))
    format_name = _format(format_name, output, as_json=ctx.obj.json)
    if name is not None and format_name != "k8s":
        raise errors.UsageError(
            "`--name` is for `--format k8s`.", hint="Leave it out, or add `--format k8s`."
        )
    options = {"name": name} if name is not None else {}

    def make(session: Session, console: Console) -> Export:
        made = exporting.export(
            session, *wanted, format_name, options=options, only=backend, use_cache=not no_cache
        )
        _print_warnings(made, console, session)
        return made

    with command_session(ctx.obj, "export") as (session, console):
        if format_name == "github-env":
            from sophia_secrets.formats import github_env
            from sophia_secrets.operations import step_file

            with step_file.opened(session.environ) as step:
                made = make(session, console)
                _say_masks(github_env.masks(made.pairs), as_json=console.json)
                step.append(made.content)
            place = session.environ[step_file.VARIABLE]
            _report(console, {"format": format_name}, made, place, "set for the next steps")
            return
        made = make(session, console)
        shape = {"format": format_name}
        _hand_over(made, output, shape, session, console)


def render(
    ctx: typer.Context,
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="A file; `-` is standard input.")],
    output: Output = None,
    backend: Backend = None,
    no_cache: NoCache = False,
) -> None:
    """Fill secrets into a file: `{{ NAME }}` is replaced by the value, everything else stays.

    Doubled braces, `{{{{ NAME }}}}`, give the text `{{ NAME }}`. A name without a value is an error.
    """
    parsed = exporting.parse_template(input_file.read(template))
    place = input_file.display_name(template)
    with command_session(ctx.obj, "render") as (session, console):
        made = exporting.render(session, parsed, place, only=backend, use_cache=not no_cache)
        _print_warnings(made, console, session)
        shape = {"template": place}
        if console.json and output is None:
            _mask_in_workflow(made, session)
            text = made.content.decode()
            console.answer({"schema": 1, **shape, "names": list(made.names), "text": text})
            return
        _hand_over(made, output, shape, session, console)


def _format(chosen: str | None, output: str | None, *, as_json: bool) -> str:
    if chosen == "github-env" and output is not None:
        raise errors.UsageError(
            "`--format github-env` writes the file of $GITHUB_ENV, so it takes no `--output`.",
            hint="Leave `--output` out.",
        )
    if as_json and output is None and chosen not in (None, "json", "github-env"):
        raise errors.UsageError(
            f"`--json` and `--format {chosen}` cannot share standard output.",
            hint="Give the file's name with `--output FILE`.",
        )
    if chosen is None:
        return "json" if as_json and output is None else "dotenv"
    return chosen


def _hand_over(
    made: Export, output: str | None, shape: dict[str, str], session: Session, console: Console
) -> None:
    """Write to the file, or to standard output."""
    _mask_in_workflow(made, session)
    if output is None:
        if session.in_workflow:
            _check_log(made.content)
        _warn_if_open(console)
        streams.deliver(made.content)
        return
    output_file.write(output, made.content)
    _report(console, shape, made, output, f"written to {output}, which only you can read")


def _report(console: Console, shape: dict[str, str], made: Export, output: str, done: str) -> None:
    if console.json:
        console.answer({"schema": 1, **shape, "names": list(made.names), "output": output})
    else:
        console.note(f"{counted(len(made.names), 'secret')} {done}.")


def _say_masks(masks: bytes, *, as_json: bool) -> None:
    """Write the masks to standard output, under `--json` to standard error; the runner reads both."""
    if as_json:
        streams.say(masks.decode())
    else:
        streams.deliver(masks)


def _mask_in_workflow(made: Export, session: Session) -> None:
    if session.in_workflow:
        workflow.mask(pair.value for pair in made.pairs)


def _check_log(content: bytes) -> None:
    """In a workflow standard output may be the job's log: no line may be a workflow command (G2)."""
    number = first_workflow_command(content) if _out_mode() is None else 0
    if number:
        raise errors.BadValue(
            f"Line {number} of the output would be a workflow command in the job's log.",
            hint="Write it to a file with `--output FILE`.",
        )


def _out_mode() -> int | None:
    """The permissions of standard output where it is a regular file."""
    try:
        seen = os.fstat(1).st_mode
    except OSError:
        return None
    return stat.S_IMODE(seen) if stat.S_ISREG(seen) else None


def _warn_if_open(console: Console) -> None:
    """Warn where standard output is a file that others may read (L11)."""
    mode = _out_mode()
    if mode is not None and mode & 0o077:
        console.warn(
            f"Standard output is a file that other users may read (mode {mode:04o}). "
            "`--output FILE` makes one that only you can read."
        )


def _print_warnings(made: Export, console: Console, session: Session) -> None:
    warn_about_failures(made.answers, console, session)
    if made.dangerous:
        console.warn(
            f"Left out, because programs obey variables of these names: {listed(made.dangerous)}. "
            "Name one to export it."
        )
    if made.absent:
        console.note(f"Declared, and not found: {listed(made.absent)}.")
