"""`audit report`: as tables with bars, as JSON, or as an HTML page."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import to_builtins

from sophia_secrets.cli import output_file, shapes
from sophia_secrets.cli.audit_options import EventFilter, Since, Until
from sophia_secrets.cli.audit_progress import progress
from sophia_secrets.cli.command_session import ago, command_session
from sophia_secrets.cli.console import Console
from sophia_secrets.core.count import counted
from sophia_secrets.core.text import visible
from sophia_secrets.operations import auditing
from sophia_secrets.view import columns

if TYPE_CHECKING:
    from sophia_secrets.core.audit_report import Report, Share, Use

MOST, FEW, DAYS = 10, 5, 31
"""The most rows shown: of names and failures, of the least used names, of the newest days."""
_BAR = 14


def report(
    ctx: typer.Context,
    since: Since = None,
    until: Until = None,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write a page with charts, which only you can read."),
    ] = None,
) -> None:
    """Show what is used most and least, never read, never rotated; what failed; by actor, backend and day."""
    wanted = EventFilter(since=since, until=until)
    with command_session(ctx.obj, "audit") as (session, console):
        now = session.clock()
        query = wanted.query(now)
        with progress(console, session, "Counting") as update:
            found = auditing.make_report(session, query, update)
        if html is not None:
            from sophia_secrets.cli.audit_page import page

            output_file.write(html, page(found, shapes.instant(now) or "", since=since, until=until).encode())
        if console.json:
            console.answer(shape(found, query.since.decode(), query.until.decode()))
        elif html is not None:
            console.note(f"{counted(found.events, 'event')}, on a page in {html}, which only you can read.")
        else:
            show(found, console, now, since=since, until=until)


def shape(found: "Report", since: str, until: str) -> dict[str, Any]:
    """`audit report --json`."""
    whole: dict[str, Any] = to_builtins(found)
    by = {
        f"by_{one}": [
            {one: share.label, "events": share.events, "reads": share.reads, "failed": share.failed}
            for share in whole_shares
        ]
        for one, whole_shares in (
            ("actor", found.actors),
            ("backend", found.backends),
            ("command", found.commands),
            ("day", found.days),
        )
    }
    for many in ("actors", "backends", "commands", "days"):
        del whole[many]
    for times in (whole, *whole["secrets"], *whole["troubles"]):
        for key in ("first", "last", "last_read", "last_changed"):
            if key in times:
                times[key] = times[key] or None
    whole["failures"] = whole.pop("troubles")
    return {"schema": 1, "since": since or None, "until": until or None} | whole | by


def title(found: "Report", since: str | None, until: str | None) -> str:
    """The title of the report."""
    asked = [f"since {visible(since)}" if since else "", f"until {visible(until)}" if until else ""]
    span = " ".join(part for part in asked if part)
    if not span and found.first:
        first, last = found.first[:10], found.last[:10]
        span = f"on {first}" if first == last else f"from {first} to {last}"
    return f"{counted(found.events, 'event')} {span}".strip()


def bar(count: int, most: int, cells: int = _BAR) -> str:
    """A bar in proportion to `most`, readable without colour; a thin one for small counts."""
    full = count * cells // most if most else 0
    return "█" * full if full or not count else "▏"


def show(found: "Report", console: Console, now: float, *, since: str | None, until: str | None) -> None:
    """Print the report as tables; empty ones are left out."""
    console.print(console.style(title(found, since, until), "strong"))
    counts = [
        counted(found.reads, "read"),
        counted(found.writes, "write"),
        counted(found.failed, "failed attempt"),
        counted(found.degraded, "degraded answer"),
        counted(found.stale, "stale answer"),
    ]
    if found.unreadable:
        counts.append(counted(found.unreadable, "unreadable line"))
    console.print(", ".join(counts))
    used = [use for use in found.secrets if use.reads]
    _uses(console, "Most used", used[:MOST], now)
    if len(used) > MOST:
        _uses(console, "Least used", used[MOST:][-FEW:], now, most=used[0].reads)
    _names(console, "Never read", found.never_read)
    _names(console, "Never rotated", found.never_rotated)
    _troubles(console, found, now)
    degraded = sorted((use for use in found.secrets if use.degraded), key=lambda use: -use.degraded)[:MOST]
    _section(
        console,
        "Degraded answers",
        ["name", "", "times"],
        [
            [visible(use.name), bar(use.degraded, degraded[0].degraded), f"{use.degraded:,}"]
            for use in degraded
        ],
    )
    _shares(console, "By actor", "actor", found.actors)
    _shares(console, "By backend", "backend", found.backends)
    _shares(console, "By command", "command", found.commands)
    left_out = len(found.days) - DAYS
    _shares(
        console,
        f"By day, the last {DAYS} of {len(found.days)}" if left_out > 0 else "By day",
        "day",
        found.days[-DAYS:],
        most=DAYS,
    )


def when(time: str, now: float) -> str:
    """How long ago a time of the log is, or `never`."""
    return f"{ago(now - datetime.fromisoformat(time).timestamp())} ago" if time else "never"


def _section(console: Console, name: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    console.print("")
    console.print(console.style(name, "strong"))
    console.table(heads, _aligned(heads, rows))


def _aligned(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows with the columns of numbers, known by their heads, right-aligned."""
    numbers = [at for at, head in enumerate(heads) if head in ("reads", "events", "failed", "times")]
    widths = {at: max(len(heads[at]), *(columns.cells(row[at]) for row in rows)) for at in numbers}
    return [[cell.rjust(widths[at]) if at in widths else cell for at, cell in enumerate(row)] for row in rows]


def _uses(console: Console, name: str, uses: "Sequence[Use]", now: float, most: int = 0) -> None:
    most = most or max((use.reads for use in uses), default=0)
    rows = [
        [
            visible(use.name),
            console.style(bar(use.reads, most), "good"),
            f"{use.reads:,}",
            f"{use.failed:,}",
            when(use.last_read, now),
            when(use.last_changed, now) if use.last_changed else "-",
        ]
        for use in uses
    ]
    _section(console, name, ["name", "", "reads", "failed", "last read", "changed"], rows)


def _names(console: Console, name: str, names: Sequence[str]) -> None:
    if names:
        shown = ", ".join(visible(each) for each in names[: FEW * MOST])
        more = len(names) - FEW * MOST
        console.print("")
        console.print(console.style(name, "strong"))
        console.item("  ", f"{shown} and {more} more" if more > 0 else shown)


def _troubles(console: Console, found: "Report", now: float) -> None:
    most = max((each.times for each in found.troubles), default=0)
    rows = [
        [
            visible(each.name) or "(the backend)",
            console.style(visible(each.kind or each.outcome).replace("_", "-"), "bad"),
            visible(each.backend) or "-",
            console.style(bar(each.times, most, _BAR // 2), "bad"),
            f"{each.times:,}",
            when(each.last, now),
        ]
        for each in found.troubles[:MOST]
    ]
    left_out = len(found.troubles) - MOST
    name = (
        f"Failed attempts, the {MOST} most frequent of {len(found.troubles)} kinds"
        if left_out > 0
        else "Failed attempts"
    )
    _section(console, name, ["name", "why", "backend", "", "times", "last"], rows)


def _shares(console: Console, name: str, one: str, shares: "Sequence[Share]", most: int = MOST) -> None:
    largest = max((share.events for share in shares), default=0)
    rows = [
        [
            visible(share.label),
            console.style(bar(share.events, largest), "name"),
            f"{share.events:,}",
            f"{share.reads:,}",
            f"{share.failed:,}",
        ]
        for share in shares[:most]
    ]
    _section(console, name, [one, "", "events", "reads", "failed"], rows)
