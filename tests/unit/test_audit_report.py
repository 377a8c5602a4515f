"""The audit report: totals against a plain count, what is never read, the page, hostile names."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.cli import audit_page
from sophia_secrets.cli.audit_report import bar, shape
from sophia_secrets.cli.progress import PATIENCE, Bar
from sophia_secrets.core.audit_report import FailureCount, Report, Share, Use, report
from sophia_secrets.core.audit_tally import FAILED, Access, Tally, access_of, time_of
from sophia_secrets.operations import tallying
from sophia_secrets.state.audit import Actor, AuditLog, Event
from sophia_secrets.state.audit_read import Query

KEY = b"k" * 32
START = 1_770_000_000.0
HOSTILE = "A\x1b]0;owned\x07\u202eKEY<script>document.title='owned'</script>"
NAMES = ["OPENAI_API_KEY", "STRIPE_KEY", "DB_URL", "é\"\\,'", HOSTILE, "=1+1"]
OUTCOMES = [
    "found",
    "found",
    "found",
    "absent",
    "write_only",
    "failed",
    "backend_failed",
    "done",
    "intent",
    "seen",
]


def tally(events: Iterable[Mapping[str, object]]) -> Tally:
    """The events counted one by one: what the fast count of a log's bytes must come to."""
    counted = Tally()
    for event in events:
        counted.add(access_of(event), time_of(event))
    return counted


def some_events(count: int, seed: int = 1) -> list[Event]:
    chance = random.Random(seed)
    events = []
    for number in range(count):
        outcome = chance.choice(OUTCOMES)
        events.append(
            Event(
                "delete" if outcome == "done" and number % 7 == 0 else chance.choice(["get", "run", "set"]),
                outcome,
                "" if outcome == "backend_failed" else chance.choice(NAMES),
                chance.choice(["github", "pulumi", ""]),
                "acme/app",
                kind=chance.choice(["timed_out", "not_permitted"]) if outcome == "backend_failed" else "",
                degraded=chance.random() < 0.1,
                stale=chance.random() < 0.1,
                cached=chance.random() < 0.5,
                duration_ms=chance.choice([None, 0, 7, 1000]),
                count=chance.choice([None, None, 3]),
                id=f"{number:016x}" if outcome in ("done", "intent") else "",
                time=START + number * 97.0 + chance.random() * 4000,
            )
        )
    return events


def a_log(directory: Path, count: int, *, max_bytes: int = 1 << 24) -> AuditLog:
    """A log that two users and a CI run wrote."""
    actors = [
        Actor("ada", "engine", 42),
        Actor("grace", "engine", 1, reason='why, "pid":7'),
        Actor("runner", "ci", 9, ci="https://ci/1"),
    ]
    events = some_events(count)
    for at, actor in enumerate(actors):
        log = AuditLog(str(directory), KEY, actor=actor, sync=False, max_bytes=max_bytes)
        part = events[at::3]
        for first in range(0, len(part), 100):
            log.append(part[first : first + 100])
    return log


@pytest.mark.parametrize("count", [200, 20_000])
def test_the_totals_are_those_of_a_plain_count(tmp_path: Path, count: int) -> None:
    log = a_log(tmp_path / "log", count, max_bytes=1 << 20)
    events = list(log.read())
    found = report(tallying.tally(log.directory, Query()))
    assert found.events == len(events) >= count

    def times(**wanted: object) -> int:
        return sum(all(event.get(key) == value for key, value in wanted.items()) for event in events)

    failed = [event for event in events if event["outcome"] in FAILED]
    assert found.reads == times(outcome="found")
    assert found.writes == times(outcome="done")
    assert found.failed == len(failed)
    assert found.degraded == times(degraded=True)
    assert found.stale == times(stale=True)
    assert found.unreadable == 0
    used = {use.name: use for use in found.secrets}
    for name in NAMES:
        read_at = [e["time"] for e in events if e.get("name") == name and e["outcome"] == "found"]
        assert used[name].reads == len(read_at)
        assert used[name].last_read == max(read_at)
        assert used[name].failed == len([e for e in failed if e.get("name") == name])
        assert used[name].degraded == times(name=name, degraded=True)
    assert [use.reads for use in found.secrets] == sorted((use.reads for use in found.secrets), reverse=True)
    assert {share.label: share.events for share in found.backends} == {
        "github": times(backend="github"),
        "pulumi": times(backend="pulumi"),
    }
    by_user = Counter(event["user"] for event in events)
    assert {share.label: share.events for share in found.actors} == {
        "ada": by_user["ada"],
        "grace": by_user["grace"],
        "runner (CI)": by_user["runner"],
    }
    by_day = Counter(str(event["time"])[:10] for event in events)
    assert [(share.label, share.events) for share in found.days] == sorted(by_day.items())
    assert sum(share.reads for share in found.days) == found.reads
    assert sum(share.failed for share in found.days) == found.failed
    kinds = Counter(
        (e.get("name", ""), e.get("backend", ""), e["outcome"], e.get("kind", "")) for e in failed
    )
    assert {(t.name, t.backend, t.outcome, t.kind): t.times for t in found.troubles} == kinds
    assert (found.first, found.last) == (min(e["time"] for e in events), max(e["time"] for e in events))


@pytest.mark.parametrize("span", [(None, None), (START + 5000, None), (START + 5000, START + 9000.5)])
def test_counting_bytes_and_counting_events_agree(
    tmp_path: Path, span: tuple[float | None, float | None]
) -> None:
    log = a_log(tmp_path / "log", 600, max_bytes=20_000)
    query = Query(since=span[0], until=span[1])
    counted = tallying.tally(log.directory, query)
    assert counted == tally(log.read(query))
    assert (span[0] is None) == (sum(counted.times.values()) >= 600)


def test_counting_goes_on_where_more_kinds_come_than_are_kept_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallying, "_MOST_KINDS", 5)
    log = a_log(tmp_path / "log", 600, max_bytes=20_000)
    seen: list[int] = []
    assert tallying.tally(log.directory, Query(), seen.append) == tally(log.read())
    assert seen == sorted(seen)
    assert seen[-1] == len(list(log.read()))


def test_A9_counting_and_reading_agree_on_damaged_logs(tmp_path: Path) -> None:
    log = a_log(tmp_path / "log", 60)
    path = tmp_path / "log" / "audit.jsonl"
    whole = path.read_bytes()
    chance = random.Random(5)
    changes: list[bytes] = [
        whole[:-40],
        whole + b'{"seq":9',
        whole + b"\xff\xfe\n\n[]\n{}\n",
        whole.replace(b'"time":"2026', b'"time":"abcd', 3),
        whole.replace(b'"pid":42', b'"pid":042', 2).replace(b'"pid":9', b'"pid":9,"time":"x"', 2),
        whole.replace(b'"outcome":"found"', b'"outcome":{"pid":1,"a":2}', 2),
        whole.replace(b'"duration_ms":7', b'"duration_ms":07', 2),
        whole.replace(b'"duration_ms":0', b'"duration_ms":0,"degraded":true', 2),
    ]
    for _ in range(300):
        at = chance.randrange(len(whole))
        changes.append(whole[:at] + bytes([chance.choice(b'0"{}\\,:aZ\n\xe9')]) + whole[at + 1 :])
    for changed in changes:
        path.write_bytes(changed)
        for query in (Query(), Query(since=START + 3000), Query(until=START + 3000)):
            assert tallying.tally(log.directory, query) == tally(log.read(query))


TEXT = st.text(max_size=8) | st.sampled_from(NAMES) | st.integers() | st.none() | st.just({})
FIELDS = st.dictionaries(
    st.sampled_from(["time", "name", "backend", "outcome", "command", "user", "ci", "degraded", "kind"]),
    TEXT | st.sampled_from(["found", "absent", "done", "2026-05-04T10:00:00.000Z"]),
)


@given(st.lists(FIELDS, max_size=12))
def test_any_events_give_a_report_whose_parts_add_up(events: list[dict[str, Any]]) -> None:
    found = report(tally(events))
    assert found.events == len(events)
    assert sum(trouble.times for trouble in found.troubles) == found.failed
    assert sum(share.events for share in found.days) <= found.events
    assert audit_page.page(found, "2026-05-04T10:00:00.000Z").count("<h1>") == 1
    assert shape(found, "", "")["schema"] == 1


def an_event(
    outcome: str, name: str, time: str, command: str = "get", backend: str = "fly"
) -> dict[str, Any]:
    return {"outcome": outcome, "name": name, "time": time, "command": command, "backend": backend}


MONDAY, TUESDAY, SUNDAY = (f"2026-05-0{day}T10:00:00.000Z" for day in (4, 5, 3))


def test_what_is_known_and_was_not_read_is_never_read() -> None:
    events = [an_event("found", "A", MONDAY), an_event("absent", "B", MONDAY), an_event("seen", "C", MONDAY)]
    found = report(tally(events), {"A": "", "B": "", "C": "", "D": ""}, read_before={"D"})
    assert found.never_read == ("B", "C")
    assert [(use.name, use.reads) for use in found.secrets] == [("A", 1), ("B", 0), ("C", 0), ("D", 0)]


def test_a_name_that_was_only_asked_for_is_not_known() -> None:
    found = report(tally([an_event("absent", "TYPO", MONDAY)]))
    assert found.secrets == found.never_read == found.never_rotated == ()
    assert [trouble.name for trouble in found.troubles] == ["TYPO"]


def test_what_was_written_is_known_until_no_backend_holds_it() -> None:
    written = [an_event("done", "A", MONDAY, "set"), an_event("done", "A", MONDAY, "set", "github")]
    gone = an_event("done", "A", TUESDAY, "delete")
    assert report(tally(written)).never_read == ("A",)
    assert report(tally([*written, gone])).never_read == ("A",)
    assert report(tally([written[0], gone])).never_read == ()
    again = an_event("done", "A", "2026-05-06T10:00:00.000Z", "set")
    assert report(tally([written[0], gone, again])).never_read == ("A",)


def test_a_rotation_is_a_write_or_a_change_at_the_vendor_wherever_it_is_on_record() -> None:
    events = [an_event("done", "A", MONDAY, "rotate"), an_event("changed", "B", TUESDAY)]
    found = report(tally(events), {"A": SUNDAY, "B": "", "C": SUNDAY, "D": ""})
    assert {use.name: use.last_changed for use in found.secrets} == {
        "A": MONDAY,
        "B": TUESDAY,
        "C": SUNDAY,
        "D": "",
    }
    assert found.never_rotated == ("D",)


@pytest.mark.parametrize(
    "outcome",
    ["absent", "backend_failed", "failed", "not_started", "refused", "unknown", "write_only"],
)
def test_what_did_not_get_or_do_what_it_was_for_has_failed(outcome: str) -> None:
    found = report(tally([an_event(outcome, "A", MONDAY)]))
    assert (found.failed, found.troubles) == (1, (FailureCount("A", "fly", outcome, "", 1, MONDAY),))


@pytest.mark.parametrize("outcome", ["found", "done", "changed", "seen", "intent", "unreadable", "gap"])
def test_any_other_outcome_is_no_failure(outcome: str) -> None:
    found = report(tally([an_event(outcome, "A", MONDAY)]))
    assert (found.failed, found.troubles) == (0, ())
    assert found.unreadable == (outcome == "unreadable")


def test_what_an_event_leaves_out_or_has_of_another_kind_is_empty() -> None:
    event = {"command": 1, "name": None, "user": ["a"], "ci": "x", "stale": 1, "degraded": "yes"}
    assert access_of(event) == access_of({}) == Access("", "", "", "", "", "", False, False)
    assert time_of({"time": "yesterday"}) == time_of({"time": MONDAY + "\n"}) == time_of({}) == ""
    assert time_of({"time": MONDAY}) == MONDAY


def test_what_is_alike_is_in_one_order_whatever_the_order_of_the_log() -> None:
    kinds = [("b", "fly", "absent", ""), ("a", "github", "absent", ""), ("a", "fly", "refused", "x"),
             ("a", "fly", "absent", "y"), ("a", "fly", "absent", "x"), ("c", "fly", "absent", "")]  # fmt: skip
    events = [
        {"name": name, "backend": backend, "outcome": outcome, "kind": kind, "time": MONDAY, "user": name}
        for name, backend, outcome, kind in [*kinds, kinds[-1]]
    ]
    found = report(tally(events))
    assert [(t.name, t.backend, t.outcome, t.kind) for t in found.troubles] == [
        kinds[-1],
        *sorted(kinds[:-1]),
    ]
    assert [share.label for share in found.actors] == ["a", "c", "b"]


def test_what_is_told_of_a_name_is_the_latest_of_all_that_is_alike_but_for_what_is_not_told() -> None:
    def twice(outcome: str, command: str) -> list[dict[str, Any]]:
        return [
            an_event(outcome, "A", time, command) | {"stale": time == TUESDAY} for time in (TUESDAY, MONDAY)
        ]

    found = report(tally(twice("found", "get") + twice("done", "set") + twice("absent", "get")))
    assert found.secrets == (Use("A", 2, 2, 0, TUESDAY, TUESDAY),)
    assert found.troubles == (FailureCount("A", "fly", "absent", "", 2, TUESDAY),)
    assert found.never_read == found.never_rotated == ()


def test_of_a_name_that_is_only_known_everything_is_never() -> None:
    found = report(tally([an_event("found", "", MONDAY)]), {"A": ""})
    assert found.secrets == (Use("A", reads=0, failed=0, degraded=0, last_read="", last_changed=""),)
    assert found.secrets == (Use("A"),)
    assert (found.reads, found.never_read, found.never_rotated) == (1, ("A",), ("A",))


def test_a_name_that_was_written_without_a_time_is_known_and_its_rotation_is_not() -> None:
    found = report(tally([an_event("done", "A", "", "set")]))
    assert found.secrets == (Use("A"),)
    assert (found.first, found.last, found.days) == ("", "", ())


def test_only_a_write_and_a_change_at_the_vendor_are_a_rotation() -> None:
    events = [an_event(outcome, "A", MONDAY, "set") for outcome in ("seen", "intent", "found", "refused")]
    events += [an_event("done", "A", TUESDAY, "delete"), an_event("found", "B", MONDAY)]
    found = report(tally([*events, an_event("changed", "B", SUNDAY)]))
    assert [(use.name, use.last_changed) for use in found.secrets] == [("A", ""), ("B", SUNDAY)]


def test_a_name_written_and_deleted_at_one_time_is_known() -> None:
    events = [an_event("done", "A", MONDAY, command) for command in ("delete", "set")]
    assert report(tally(events)).never_read == ("A",)


def test_each_share_has_its_reads_and_failures() -> None:
    events = [an_event(outcome, "A", MONDAY) for outcome in ("found", "found", "absent", "seen")]
    found = report(tally([*events, an_event("found", "A", MONDAY, "run", "github")]))
    assert found.backends == (Share("fly", 4, 2, 1), Share("github", 1, 1, 0))
    assert found.commands == (Share("get", 4, 2, 1), Share("run", 1, 1, 0))
    assert found.days == (Share(MONDAY[:10], 5, 3, 1),)


def test_an_empty_log_is_an_empty_report() -> None:
    found = report(Tally())
    assert (found.events, found.first, found.secrets, found.days) == (0, "", (), ())
    assert shape(found, "", "")["first"] is None


def test_bars_are_in_proportion_and_little_is_not_nothing() -> None:
    assert [bar(count, 10, 10) for count in (0, 1, 5, 10)] == ["", "█", "█████", "██████████"]
    assert bar(1, 1000, 10) == "▏"
    assert bar(0, 0, 10) == ""


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def a_report() -> Report:
    day = datetime(2026, 5, 1, tzinfo=UTC)
    events = [
        an_event(
            ("found", "absent")[number % 2],
            NAMES[number % 6],
            day.replace(day=1 + number % 28).strftime("%FT10:00:00.000Z"),
        )
        for number in range(200)
    ]
    hostile = an_event("found", HOSTILE, MONDAY, '"><img src=x onerror=alert(1)>', HOSTILE)
    return report(tally([*events, hostile | {"user": "</style><b>", "kind": HOSTILE}]), {HOSTILE + "2": ""})


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    text = audit_page.page(a_report(), "2026-05-04T10:00:00.000Z", since=HOSTILE, until='"')
    page = Page(text)
    assert not set(page.tags) & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "a",
        "use",
    }
    names = {name for name, _ in page.attributes}
    assert not [name for name in names if name.startswith("on") or name in ("src", "href", "style", "srcdoc")]
    assert "url(" not in text
    assert "@import" not in text
    assert re.findall(r"https?:|//[a-z]", text) == []
    assert "default-src 'none'" in text


def test_I5_hostile_names_are_text_on_the_page() -> None:
    text = audit_page.page(a_report(), "2026-05-04T10:00:00.000Z")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    said = "".join(Page(text).text)
    assert r"A\x1b]0;owned\x07\u202eKEY<script>" in said
    assert '"><img src=x onerror=alert(1)>' in said
    assert "</style><b>" in said


def test_the_page_has_a_column_for_each_day_and_a_bar_for_each_row() -> None:
    found = a_report()
    page = Page(audit_page.page(found, "2026-05-04T10:00:00.000Z"))
    assert page.tags["title"] == 1 + len(found.days)
    assert ("name", "viewport") in page.attributes
    assert "prefers-color-scheme: dark" in audit_page.page(found, "")
    used = [use for use in found.secrets if use.reads]
    shared = found.actors + found.backends + found.commands
    assert page.attributes.count(("class", "bar")) == len(used) + len(found.troubles) + len(shared)


def test_a_bar_of_progress_waits_keeps_its_pace_and_leaves_nothing() -> None:
    said: list[str] = []
    now = [0.0]
    shown = Bar("Verifying", 2000, said.append, lambda: now[0])
    shown.update(10)
    assert said == []
    now[0] = PATIENCE
    shown.update(1000)
    shown.update(1001)
    now[0] += 1
    shown.update(2000)
    assert [re.sub(r"\s+", " ", line) for line in said] == [
        f" Verifying {'█' * 12}{'░' * 12} 1,000 of 2,000 events",
        f" Verifying {'█' * 24} 2,000 of 2,000 events",
    ]
    shown.clear()
    assert said[-1].strip() == ""
    assert len(said[-1]) == len(said[1]) + 1
    assert "\x1b" not in "".join(said)


def test_a_bar_that_was_never_shown_has_nothing_to_take_away() -> None:
    said: list[str] = []
    Bar("Verifying", 0, said.append, lambda: 0.0).clear()
    assert said == []
