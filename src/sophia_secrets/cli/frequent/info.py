"""`info`."""

from __future__ import annotations

from typing import Any

from sophia_secrets.cli import shapes
from sophia_secrets.cli.command_session import ago, command_session
from sophia_secrets.cli.options import Options
from sophia_secrets.core.text import visible
from sophia_secrets.operations import info
from sophia_secrets.operations.info import SecretInfo


def show_info(options: Options, name: str) -> None:
    """Show a secret's metadata: accesses, rotation, version, and what each backend says."""
    with command_session(options, "info") as (session, console):
        known = info.secret_info(session, name)
        if console.json:
            console.answer(_shape(known))
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


def _shape(known: SecretInfo) -> dict[str, Any]:
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
