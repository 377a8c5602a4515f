"""`cache status`, `cache clear` and `cache warm`."""

from typing import Annotated

import typer
from msgspec.structs import replace

from sophia_secrets import errors
from sophia_secrets.cli import shapes
from sophia_secrets.cli.command_session import ago, command_session, warn_about_failures
from sophia_secrets.cli.group import Group
from sophia_secrets.core.count import counted
from sophia_secrets.core.text import visible
from sophia_secrets.operations import reading

app = typer.Typer(
    cls=Group,
    name="cache",
    help="Show, clear and warm the encrypted cache.",
    rich_markup_mode=None,
    add_completion=False,
)


@app.command()
def status(ctx: typer.Context) -> None:
    """Show what is cached, never a value."""
    with command_session(ctx.obj, "cache") as (session, console):
        stored = session.cache.entries() if session.cache is not None else []
        if console.json:
            rows = [
                {
                    "backend": each.backend,
                    "target": each.target,
                    "fetched_at": shapes.instant(each.fetched_at),
                    "expires_at": shapes.instant(each.expires_at),
                    "names": each.names,
                }
                for each in stored
            ]
            source = session.master.source if session.has_key else None
            console.answer({"schema": 1, "entries": rows, "key_source": source})
            return
        if session.cache is None:
            console.note("The cache is switched off.")
        elif not stored:
            console.note("The cache is empty. Fill it with `sophia-secrets cache warm`.")
        else:
            now = session.clock()
            console.table(
                ["backend", "target", "names", "fetched", "state"],
                [
                    [
                        each.backend,
                        visible(each.target),
                        str(each.names),
                        f"{ago(now - each.fetched_at)} ago",
                        console.style("fresh", "good")
                        if each.fresh
                        else console.style(f"stale, kept {ago(each.stale_until - now)} more", "warn"),
                    ]
                    for each in stored
                ],
            )


@app.command()
def clear(
    ctx: typer.Context,
    backend: Annotated[
        str | None, typer.Option("--backend", "-b", metavar="B", help="This backend's alone.")
    ] = None,
) -> None:
    """Forget what is cached. Metadata and the audit log stay."""
    with command_session(ctx.obj, "cache") as (session, console):
        if backend is not None:
            session.backend(backend)
        removed = session.cache.clear(backend) if session.cache is not None else 0
        if console.json:
            console.answer({"schema": 1, "removed": removed})
        else:
            console.note(f"Removed {counted(removed, 'snapshot')} from the cache.")


@app.command()
def warm(ctx: typer.Context) -> None:
    """Ask every backend now, for later reads and `--offline`."""
    # No cached record is used as an answer, and each stays until the vendor's new answer is there.
    with command_session(replace(ctx.obj, max_stale="0"), "cache") as (session, console):
        if session.cache is None:
            raise errors.UsageError("The cache is switched off.", hint="Set `[cache] ttl` in the settings.")
        read = reading.list_all(session)
        warm_now = [a for a in read.answers if a.snapshot is not None and a.backend not in ("env", "local")]
        if console.json:
            rows = [
                {"backend": a.backend, "target": a.target, "names": len(a.snapshot.entries)}
                for a in warm_now
                if a.snapshot is not None
            ]
            failures = [shapes.failure(failure) for failure in read.failures]
            console.answer({"schema": 1, "entries": rows, "failures": failures})
        for answer in warm_now:
            if answer.snapshot is not None:
                console.note(
                    f"{answer.backend} ({answer.target}): {counted(len(answer.snapshot.entries), 'name')}"
                )
        if not warm_now and not read.failures:
            console.note("No backend here needs the cache.")
        warn_about_failures(read.answers, console, session)
        for failure in read.failures:
            raise typer.Exit(errors.error_for(failure.kind.value).exit_code)
