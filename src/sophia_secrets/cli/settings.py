"""`config` and `trust`."""

import os
from typing import Annotated, Any

import typer

from sophia_secrets import errors
from sophia_secrets import settings as layered
from sophia_secrets.cli.command_session import command_session, console_for
from sophia_secrets.cli.group import Group
from sophia_secrets.cli.model import model
from sophia_secrets.core.text import visible
from sophia_secrets.state import atomic

app = typer.Typer(
    cls=Group,
    name="config",
    help="Show and start the settings.",
    rich_markup_mode=None,
    add_completion=False,
)
app.command(short_help="Write a typed Python module of the declared secrets.")(model)


@app.command()
def show(ctx: typer.Context) -> None:
    """Show every setting, its value, and where it came from."""
    with command_session(ctx.obj, "config") as (session, console):
        settings = session.settings
        if console.json:
            shape = {
                "schema": 1,
                "profile": settings.profile,
                "settings": {
                    key: {"value": value, "source": settings.sources[key].place}
                    for key, value in settings.values.items()
                },
                "declared": sorted(settings.declared),
            }
            console.answer(shape)
            return
        profile = {"profile": settings.profile} if settings.profile is not None else {}
        rows = [
            [key, visible(_text(value)), visible(settings.sources[key].place)]
            for key, value in {**profile, **settings.values}.items()
        ]
        console.table(["setting", "value", "from"], rows)
        if settings.declared:
            console.print(f"\nDeclared secrets: {', '.join(sorted(settings.declared))}")


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case tuple():
            return ", ".join(str(part) for part in value)
        case float():
            return f"{value:g}s"
        case _:
            return str(value)


@app.command()
def path(ctx: typer.Context) -> None:
    """Show where settings, state and cache are."""
    with command_session(ctx.obj, "config") as (session, console):
        paths = session.paths
        shown = {
            "user": paths.user_file,
            "project": [
                seen.path
                for seen in session.settings.files
                if seen.path != paths.user_file and seen.stamp is not None
            ],
            "state": paths.state,
            "cache": paths.cache,
        }
        if console.json:
            console.answer({"schema": 1, **shown})
            return
        for name, place in shown.items():
            text = ", ".join(place) if isinstance(place, list) else str(place)
            console.print(f"{name:<8} {visible(text) or '-'}")


@app.command()
def init(
    ctx: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Start a settings file from what is found here.

    It is sophia-secrets.toml, commented, and .env.example from what is declared.
    """
    from sophia_secrets.operations.discovery import discover
    from sophia_secrets.settings.template import env_example, settings_text

    console = console_for(ctx.obj)
    if ctx.obj.config is not None:
        raise errors.UsageError(
            "`config init` starts sophia-secrets.toml in the working directory, so it takes no `--config`.",
            hint="Leave `--config` out, in the directory that the file is for.",
        )
    place = os.path.join(os.getcwd(), "sophia-secrets.toml")
    if os.path.lexists(place) and not force:
        raise errors.UsageError(f"{place} is there already.", hint="Add `--force` to replace it.")
    found = discover(os.getcwd(), os.environ)
    written = [place]
    atomic.replace_path(place, settings_text(found.settings).encode(), 0o644)
    with command_session(ctx.obj, "config") as (session, _):
        declared = session.settings.declared
        names_targets = session.settings.untrusted is not None
        session.notes.clear()  # what is to be done about the file is said below
    example = os.path.join(os.getcwd(), ".env.example")
    if declared and (force or not os.path.lexists(example)):
        atomic.replace_path(example, env_example(declared).encode(), 0o644)
        written.append(example)
    if console.json:
        console.answer({"schema": 1, "written": written, "found": found.settings})
        return
    for key, value in found.settings.items():
        console.note(f"Found {key} = {value} ({found.reasons.get(key, 'here')}).")
    for name in written:
        console.print(name)
    if names_targets:
        console.note("Read it, then run `sophia-secrets trust` so that its targets count.")


def trust(
    ctx: typer.Context,
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="The settings file; the project's by default.")
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Trust it no more.")] = False,
) -> None:
    """Let a project's settings file name targets; an edit revokes it."""
    console = console_for(ctx.obj)
    paths = layered.locate(os.environ)
    store = layered.TrustStore(paths.state)
    chosen = _chosen_files(file, ctx.obj.config, paths)
    done: list[dict[str, Any]] = []
    for each in chosen:
        if revoke:
            done.append({"file": each, "trusted": False, "changed": store.revoke(each)})
            continue
        document, _ = layered.read_named(each)
        before = store.is_trusted(each, document.substance)
        store.trust(each, document.substance)
        done.append({"file": each, "trusted": True, "changed": not before})
    if console.json:
        console.answer({"schema": 1, "files": done})
        return
    for row in done:
        word = "Trusted" if row["trusted"] else "No longer trusted" if row["changed"] else "Was not trusted"
        console.note(f"{word}: {row['file']}")


def _chosen_files(file: str | None, config: str | None, paths: layered.Paths) -> list[str]:
    """The file given as argument or with `--config`, or the project's. Raises `UsageError` for none or two."""
    named = {os.path.abspath(each) for each in (file, config) if each is not None}
    if len(named) > 1:
        raise errors.UsageError(
            f"`trust {file}` and `--config {config}` name two files.", hint="Leave one of the two out."
        )
    if named:
        return [*named]
    project = layered.find_project(os.getcwd(), paths.home)
    if not project.documents:
        raise errors.UsageError(
            "There is no project settings file here.", hint="Start one with `sophia-secrets config init`."
        )
    return [document.path for document in project.documents]
