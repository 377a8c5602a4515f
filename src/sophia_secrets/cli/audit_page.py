"""
The report as one self-contained page: no script, font or image is loaded.

Foreign text is made visible and escaped, and the page's Content-Security-Policy forbids loading or
running anything, should that fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from html import escape

from sophia_secrets.core.audit_report import FailureCount, Report, Share, Use
from sophia_secrets.core.count import counted
from sophia_secrets.core.text import visible

FEWEST_DAYS, DAYS = 14, 90
"""The least and the most days that the chart shows, up to the newest."""
MOST = 100
"""The most rows of a table; `audit report --json` has all."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { --paper: #fff; --ink: #1c2024; --soft: #60646c; --line: #e0e1e6; --good: #2f7d5b; --bad: #c8372d; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181b; --ink: #edeef0; --soft: #a0a4ab; --line: #33373c; --good: #54b48a; --bad: #ef6a5f; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 3rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .5rem; }
p { margin: .2rem 0; } .soft { color: var(--soft); font-size: .875rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.tile { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .875rem; }
.chart { width: 100%; height: 9rem; display: block; border-bottom: 1px solid var(--line); }
.ends { display: flex; justify-content: space-between; gap: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th { text-align: left; color: var(--soft); font-weight: 500; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:first-child { font-family: ui-monospace, monospace; font-size: .85rem; overflow-wrap: anywhere; min-width: 8rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.time { white-space: nowrap; }
.bar { display: block; width: 7rem; height: .8rem; margin-top: .3rem; }
@media (max-width: 40rem) {
  table { font-size: .8rem; } th, td { padding-right: .4rem; }
  td:first-child { font-size: .75rem; min-width: 8rem; } .bar { width: 1.75rem; }
  .clock, .wide { display: none; }
}
.good { fill: var(--good); } .bad { fill: var(--bad); }
ul { columns: 16rem; padding-left: 1.2rem; margin: 0; font-family: ui-monospace, monospace; font-size: .85rem;
  overflow-wrap: anywhere; }
""".strip()


def page(report: Report, made_at: str, *, since: str | None = None, until: str | None = None) -> str:
    """The page; `made_at` is RFC 3339, `since` and `until` are the options as typed."""
    asked = " ".join(f"{word} {text}" for word, text in (("since", since), ("until", until)) if text)
    of = f", of the events {_text(asked)}" if asked else ""
    about = f"Made {_text(made_at)}{of}. All times are UTC. There is no secret&#8217;s value here."
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<meta name="referrer" content="no-referrer">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            "<title>Audit report</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            "<h1>Audit report</h1>",
            f'<p class="soft">{about}</p>',
            *_tiles(report),
            *_days(report.days),
            *_uses("Most used", [use for use in report.secrets if use.reads]),
            *_names("Never read", report.never_read),
            *_names("Never rotated", report.never_rotated),
            *_troubles(report.troubles),
            *_degraded(report.secrets),
            *_shares("By actor", report.actors),
            *_shares("By backend", report.backends),
            *_shares("By command", report.commands),
            "</body>",
            "</html>",
            "",
        ]
    )


def _text(foreign: str) -> str:
    return escape(visible(foreign))


def _tiles(report: Report) -> Iterator[str]:
    tiles = [
        ("events", report.events),
        ("reads", report.reads),
        ("writes", report.writes),
        ("failed attempts", report.failed),
        ("degraded answers", report.degraded),
        ("stale answers", report.stale),
    ]
    if report.unreadable:
        tiles.append(("unreadable lines", report.unreadable))
    yield '<div class="tiles">'
    for label, count in tiles:
        yield f'<div class="tile"><b>{count:,}</b><span>{label}</span></div>'
    yield "</div>"


def _days(shares: Sequence[Share]) -> Iterator[str]:
    by_day = {day: share for share in shares if (day := _date(share.label)) is not None}
    if not by_day:
        return
    last = max(by_day)
    first = max(min(*by_day, last - timedelta(days=FEWEST_DAYS - 1)), last - timedelta(days=DAYS - 1))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    most = max(by_day[day].events for day in days if day in by_day)
    yield "<h2>By day</h2>"
    yield f'<p class="soft">Events a day, failed attempts in red below; {most:,} on the busiest.</p>'
    yield (
        f'<svg class="chart" viewBox="0 0 {len(days) * 10} 100" preserveAspectRatio="none" role="img" '
        f'aria-label="Events a day from {first} to {last}">'
    )
    for number, day in enumerate(days):
        share = by_day.get(day)
        if share is not None:
            yield _column(number * 10 + 1, share, most)
    yield "</svg>"
    yield f'<p class="ends soft"><span>{first}</span><span>{last}</span></p>'


def _column(left: int, share: Share, most: int) -> str:
    failed = share.failed / most * 100
    rest = (share.events - share.failed) / most * 100
    return (
        f"<g><title>{_text(share.label)}: {counted(share.events, 'event')}, {share.failed:,} failed</title>"
        f'<rect class="good" x="{left}" y="{100 - failed - rest:.2f}" width="8" height="{rest:.2f}"/>'
        f'<rect class="bad" x="{left}" y="{100 - failed:.2f}" width="8" height="{failed:.2f}"/></g>'
    )


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year >= 1970 else None


def _bar(count: int, most: int, style: str = "good") -> str:
    width = max(count / most * 100, 1) if count and most else 0
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{style}" width="{width:.1f}" height="10"/></svg>'
    )


def _table(
    title: str, heads: Iterable[str], rows: Sequence[Sequence[str]], left_out: int = 0
) -> Iterator[str]:
    if not rows:
        return
    yield f"<h2>{title}</h2>"
    yield '<div class="scroll"><table>'
    yield "<tr>" + "".join(f"<th{_class(head)}>{head}</th>" for head in heads) + "</tr>"
    for row in rows:
        cells = (f"<td{_class(head)}>{cell}</td>" for head, cell in zip(heads, row, strict=True))
        yield "<tr>" + "".join(cells) + "</tr>"
    yield "</table></div>"
    if left_out > 0:
        yield f'<p class="soft">and {left_out:,} more</p>'


def _class(head: str) -> str:
    if head in ("reads", "events", "failed", "times"):
        return ' class="number"'
    if head == "changed":
        return ' class="time wide"'
    return ' class="time"' if head in ("last read", "last") else ""


def _time(time: str) -> str:
    day, clock = _text(time[:10]), _text(time[11:16])
    return f'{day} <span class="clock">{clock}</span>' if day else "&#8211;"


def _uses(title: str, uses: Sequence[Use]) -> Iterator[str]:
    most = max((use.reads for use in uses), default=0)
    rows = [
        [
            _text(use.name),
            _bar(use.reads, most),
            f"{use.reads:,}",
            f"{use.failed:,}",
            _time(use.last_read),
            _time(use.last_changed),
        ]
        for use in uses[:MOST]
    ]
    heads = ("name", "", "reads", "failed", "last read", "changed")
    return _table(title, heads, rows, len(uses) - MOST)


def _names(title: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"<h2>{title}</h2>"
        yield "<ul>" + "".join(f"<li>{_text(name)}</li>" for name in names) + "</ul>"


def _troubles(troubles: Sequence[FailureCount]) -> Iterator[str]:
    most = max((each.times for each in troubles), default=0)
    rows = [
        [
            _text(each.name) or "(the backend)",
            _text(each.kind or each.outcome).replace("_", "-"),
            _text(each.backend) or "&#8211;",
            _bar(each.times, most, "bad"),
            f"{each.times:,}",
            _time(each.last),
        ]
        for each in troubles[:MOST]
    ]
    heads = ("name", "why", "backend", "", "times", "last")
    return _table("Failed attempts", heads, rows, len(troubles) - MOST)


def _degraded(uses: Sequence[Use]) -> Iterator[str]:
    found = sorted((use for use in uses if use.degraded), key=lambda use: (-use.degraded, use.name))
    rows = [
        [_text(use.name), _bar(use.degraded, found[0].degraded), f"{use.degraded:,}"] for use in found[:MOST]
    ]
    return _table("Degraded answers", ("name", "", "times"), rows, len(found) - MOST)


def _shares(title: str, shares: Sequence[Share]) -> Iterator[str]:
    most = max((share.events for share in shares), default=0)
    rows = [
        [
            _text(share.label),
            _bar(share.events, most),
            f"{share.events:,}",
            f"{share.reads:,}",
            f"{share.failed:,}",
        ]
        for share in shares[:MOST]
    ]
    heads = (title.removeprefix("By "), "", "events", "reads", "failed")
    return _table(title, heads, rows, len(shares) - MOST)
