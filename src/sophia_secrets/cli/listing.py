"""`list` and `info`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sophia_secrets.cli import shapes
from sophia_secrets.cli.frequent.listing import show
from sophia_secrets.cli.opened import ago, opened
from sophia_secrets.cli.read import Backend, NoCache
from sophia_secrets.core.text import visible

if TYPE_CHECKING:
    from sophia_secrets.operations.knowing import Known


def list_secrets(
    ctx: typer.Context,
    prefix: Annotated[str, typer.Argument(metavar="[PREFIX]", help="Only names that begin so.")] = "",
    backend: Backend = None,
    names: Annotated[bool, typer.Option("--names", help="The names alone, one a line.")] = False,
    no_cache: NoCache = False,
) -> int:
    """Show the names, which backend holds which, and where each resolves from."""
    return show(ctx.obj, prefix=prefix, backend=backend, names=names, no_cache=no_cache)


def info(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
) -> None:
    """Show a secret's metadata: accesses, rotation, version, and what each backend says."""
    from sophia_secrets.operations import knowing

    with opened(ctx.obj, "info") as (session, console):
        known = knowing.about(session, name)
        if console.json:
            console.answer(_info_shape(known))
            return
        now = session.clock()
        console.print(console.style(visible(known.name), "strong"))
        console.print(f"  version        {known.version if known.version is not None else 'not known'}")
        console.print(f"  last accessed  {_when(known.last_accessed, now)}")
        console.print(f"  last rotated   {_when(known.last_rotated, now)}")
        console.print(f"  accesses       {known.access_count}")
        if known.backends:
            console.print("")
            console.table(
                ["backend", "target", "version", "changed", "by", "vendor says"],
                [
                    [
                        held.backend,
                        visible(held.target),
                        str(held.version or "-"),
                        f"{ago(now - held.last_rotated)} ago" if held.last_rotated else "-",
                        "us" if held.written_by_us else "someone else",
                        visible(held.updated_at or held.digest or "-"),
                    ]
                    for held in known.backends
                ],
            )
        if known.history:
            console.print("")
            console.table(
                ["when", "what", "backend", "version", "who"],
                [
                    [
                        event.when[:19].replace("T", " "),
                        event.what,
                        event.backend,
                        event.version,
                        visible(event.who),
                    ]
                    for event in known.history
                ],
            )


def _when(seconds: float | None, now: float) -> str:
    if not seconds:
        return "never"
    return f"{str(shapes.instant(seconds))[:19].replace('T', ' ')} UTC ({ago(now - seconds)} ago)"


def _info_shape(known: "Known") -> dict[str, Any]:
    return {
        "schema": 1,
        "name": known.name,
        "version": known.version,
        "last_accessed": shapes.instant(known.last_accessed),
        "last_rotated": shapes.instant(known.last_rotated),
        "access_count": known.access_count,
        "backends": {
            held.backend: {
                "target": held.target,
                "version": held.version,
                "last_rotated": shapes.instant(held.last_rotated),
                "updated_at": held.updated_at or None,
                "digest": held.digest or None,
                "written_by_us": held.written_by_us,
            }
            for held in known.backends
        },
        "history": [
            {"time": e.when, "command": e.what, "backend": e.backend, "version": e.version, "user": e.who}
            for e in known.history
        ],
    }
