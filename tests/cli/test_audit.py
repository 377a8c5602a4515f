"""Questions to the audit log, as a user asks them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import select
import shutil
import signal
import stat
import subprocess
import time
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sophia_secrets.cli.commands import COMMANDS
from sophia_secrets.core import audit_words
from sophia_secrets.core.text import visible
from sophia_secrets.operations.recording import audit_directory
from sophia_secrets.state import keys
from sophia_secrets.state.audit import Actor, AuditLog, Event
from tests.program import PROGRAM, Program
from tests.terminal import Terminal
from tests.world import ENVIRONMENT, World

NOW = 1_790_000_000.0
HOSTILE = "A\x1b[2J\x1b]0;owned\x07\u202eKEY"
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


def open_log(sophia: Program, user: str = "ada", **more: Any) -> AuditLog:
    """The log that the program reads, to be written by the test."""
    state = sophia.sophia / "state"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    sophia.sophia.chmod(0o700)
    key = keys.derive(keys.load(str(state), None).key, b"audit")
    actor = Actor(user, "engine", 42)
    return AuditLog(audit_directory(str(state)), key, actor=actor, sync=False, **more)


def fill(sophia: Program, count: int) -> AuditLog:
    """Events of every kind, one a minute, the last one now."""
    log = open_log(sophia)
    now = time.time()
    events = [
        Event(
            ("get", "run")[number % 2],
            ("found", "absent", "found", "write_only")[number % 4],
            f"KEY_{number % 5}",
            ("fly", "pulumi")[number % 2],
            "acme/app",
            degraded=number % 10 == 0,
            duration_ms=number % 50,
            time=now - 60.0 * (count - 1 - number),
        )
        for number in range(count)
    ]
    for first in range(0, count, 500):
        log.append(events[first : first + 500])
    return log


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def asked(sophia: Program, *arguments: str) -> list[dict[str, Any]]:
    done = sophia("audit", "log", "--json", *arguments)
    assert (done.code, done.err) == (0, "")
    return lines(done.out)


def test_log_filters_by_every_field_and_keeps_the_newest_last(sophia: Program) -> None:
    fill(sophia, 200)
    open_log(sophia, "grace").append([Event("set", "done", "OTHER", "local", version=1)])
    everything = asked(sophia, "--last", "1000")
    assert [event["seq"] for event in everything] == list(range(1, 202))
    assert [event["seq"] for event in asked(sophia)] == list(range(182, 202))
    for option, field, word in (
        ("--name", "name", "KEY_3"),
        ("--backend", "backend", "fly"),
        ("--outcome", "outcome", "absent"),
        ("--command", "command", "set"),
        ("--actor", "user", "grace"),
    ):
        found = asked(sophia, option, word, "--last", "1000")
        assert found == [event for event in everything if event[field] == word] != []
    both = asked(sophia, "--name", "KEY_3", "--outcome", "write-only", "--last", "2")
    wanted = [e for e in everything if (e["name"], e["outcome"]) == ("KEY_3", "write_only")]
    assert both == wanted[-2:]


def test_log_since_and_until_take_ages_dates_and_times(sophia: Program) -> None:
    log = open_log(sophia)
    for day, hour in ((4, 9), (4, 23), (5, 0), (5, 10)):
        log.append(
            [Event("get", "found", f"AT_{day}_{hour}", time=1777852800.0 + (day - 4) * 86400 + hour * 3600)]
        )
    log.append([Event("get", "found", "NOW")])

    def names(*arguments: str) -> list[str]:
        return [event["name"] for event in asked(sophia, *arguments)]

    assert names("--since", "2026-05-05") == ["AT_5_0", "AT_5_10", "NOW"]
    assert names("--until", "2026-05-05") == ["AT_4_9", "AT_4_23"]
    assert names("--since", "2026-05-04T23:00:00Z", "--until", "2026-05-05T10:00:00.000Z") == [
        "AT_4_23",
        "AT_5_0",
    ]
    assert names("--since", "2026-05-05T01:30:00+01:00", "--until", "2026-05-06") == ["AT_5_10"]
    assert names("--since", "2026-05-05 10:00", "--until", "2026-05-06") == ["AT_5_10"]
    assert names("--since", "2h") == ["NOW"]
    assert names("--since", "7d") == ["NOW"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "yesterday"), "`--since yesterday` is not a time."),
        (("--since", "90"), "`--since 90` is not a time."),
        (("--until", "2026-13-01"), "`--until 2026-13-01` is not a time."),
        (("--since", "2026-W01-1"), "is not a time."),
        (("--since", "2026-05-05", "--until", "2026-05-05"), "is not before `--until`"),
        (("--name", ""), "`--name` is empty."),
        (
            ("--outcome", "fnd"),
            "No event has the outcome `fnd`.\nhint: Did you mean `found`? There are found,",
        ),
        (("--outcome", "xyzzy"), "hint: There are found, seen,"),
        (("--command", "unset"), "No event has the command `unset`.\nhint: Did you mean `delete`? There are"),
        (("--command", "python"), "Did you mean `python get`?"),
        (("--command", "x" * 5000), f"No event has the command `{'x' * 64}…`."),
        (("--follow", "--until", "2h"), "takes no `--until`"),
        (("--last", "0"), "--last"),
    ],
)
def test_what_can_match_nothing_is_a_usage_error(
    sophia: Program, arguments: tuple[str, ...], said: str
) -> None:
    done = sophia("audit", "log", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize("command", ["log", "export"])
def test_an_unknown_word_is_told_in_json_too(sophia: Program, command: str) -> None:
    done = sophia("audit", command, "--outcome", "fnd", "--json")
    assert (done.code, done.err) == (2, "")
    assert done.json["error"]["kind"] == "usage"
    assert "found" in done.json["error"]["hint"]


def test_each_command_that_has_no_word_in_the_log_writes_no_event(sophia: Program, vendors: World) -> None:
    silent = COMMANDS.keys() - {word.partition(" ")[0] for word in audit_words.COMMANDS}
    arguments = {"completion": ["bash"], "config": ["show"], "trust": ["sophia-secrets.toml"]}
    (sophia.cwd / "sophia-secrets.toml").write_text('[fly]\napp = "my-app"\n')
    assert silent == {"backends", "completion", "config", "doctor", "help", "trust"}
    for command in sorted(silent):
        done = sophia(command, *arguments.get(command, []))
        assert done.code in (0, 7), done.said
    assert sophia.events() == []


def test_the_log_of_a_backend_has_what_failed_at_it(sophia: Program, vendors: World) -> None:
    vendors.pulumi_fails(503, {"code": 503, "message": "down"})
    assert sophia("get", "A_KEY").code == 5
    assert sophia("get", "B_KEY", "--backend", "local").code == 3
    assert sophia("get", "C_KEY", "--backend", "fly").code == 3

    def shown(backend: str) -> list[tuple[str, ...]]:
        fields = ("name", "target", "outcome", "kind")
        return [tuple(e.get(field, "") for field in fields) for e in asked(sophia, "--backend", backend)]

    assert shown("pulumi") == [
        ("", ENVIRONMENT, "backend_failed", "unreachable"),
        ("A_KEY", ENVIRONMENT, "failed", "unreachable"),
    ]
    [(name, _, outcome, kind)] = shown("local")
    assert (name, outcome, kind) == ("B_KEY", "absent", "")
    assert shown("fly") == [("C_KEY", "my-app", "absent", "")]


def test_the_log_of_a_backend_has_the_looks_at_it_alone_and_what_it_did_not_hold(
    sophia: Program, vendors: World
) -> None:
    for arguments in (("list", "--backend", "fly"), ("list",)):
        assert sophia(*arguments).code == 0
    assert sophia("copy", "NOPE", "--from", "local", "--to", "fly", "--yes").code == 3
    found = [(e["command"], e.get("name", ""), e["outcome"]) for e in asked(sophia, "--backend", "fly")]
    assert found == [("list", "", "listed"), ("copy", "", "listed")]
    found = [(e["command"], e.get("name", ""), e["outcome"]) for e in asked(sophia, "--backend", "local")]
    assert found == [("copy", "", "listed"), ("copy", "NOPE", "absent")]
    assert [e["command"] for e in asked(sophia, "--outcome", "listed") if "backend" not in e] == ["list"]


def test_the_log_of_no_backend_at_all_names_those_there_are(sophia: Program) -> None:
    fill(sophia, 4)
    done = sophia("audit", "log", "--backend", "flyy")
    assert (done.code, done.out) == (0, "")
    assert "there is no backend `flyy`. The backends are github, pulumi, fly, local, env." in done.err
    assert sophia("audit", "log", "--backend", "local").err == "note: No event matches.\n"


def test_an_empty_log_says_so(sophia: Program) -> None:
    done = sophia("audit", "log")
    assert (done.code, done.out) == (0, "")
    assert "No event matches." in done.err
    assert asked(sophia) == []
    assert sophia("audit", "report").code == 0
    assert sophia("audit", "report", "--json").json["events"] == 0


def test_I5_the_log_and_the_report_fit_80_columns_and_hostile_names_move_nothing(sophia: Program) -> None:
    log = fill(sophia, 60)
    for name in (HOSTILE, "N" * 400, "日本語" * 20, "::add-mask::x"):
        log.append([Event("get", "found", name, name, name, degraded=True)] * 3)
        log.append([Event("get", "absent", name, kind=name, words=name)] * 3)
    for command in (("log", "--last", "60"), ("report",)):
        with Terminal(sophia, "audit", *command, lines=200) as terminal:
            assert terminal.end() == 0
            text = terminal.raw.decode()
            assert re.sub(r"\x1b\[[0-9;]*m", "", text).count("\x1b") == 0
            assert r"\x1b[2J" in text
            plain = re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r", "").splitlines()
            assert [line for line in plain if _cells(line) > 80] == []


def _cells(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)


def test_a_closed_pipe_ends_the_log_quietly(sophia: Program) -> None:
    fill(sophia, 20_000)
    for arguments in (("log", "--last", "100000"), ("export", "--format", "csv")):
        process = subprocess.Popen(
            [str(PROGRAM), "audit", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=sophia.full_environment(),
        )
        assert process.stdout is not None
        assert process.stdout.read(20)
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(30) == -signal.SIGPIPE


class Following:
    """`audit log --follow` with its output read as it comes."""

    def __init__(self, sophia: Program, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [str(PROGRAM), "audit", "log", "--follow", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=sophia.full_environment(),
        )
        assert self.process.stdout is not None
        self.out = self.process.stdout.fileno()
        self.text = ""

    def wait_for(self, count: int) -> list[str]:
        """The lines so far, once there are so many."""
        end = time.monotonic() + 20
        while self.text.count("\n") < count:
            assert time.monotonic() < end, self.text
            if select.select([self.out], [], [], 0.2)[0]:
                self.text += os.read(self.out, 65536).decode()
        return self.text.splitlines()

    def end(self, number: int) -> tuple[int, bytes]:
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


def test_follow_shows_the_last_events_then_each_new_one_once_over_a_rotation(sophia: Program) -> None:
    log = fill(sophia, 30)
    following = Following(sophia, "--last", "3", "--json", "--name", "KEY_1")
    assert len(following.wait_for(3)) == 3
    for number in range(4):
        log.append([Event("get", "found", "KEY_1", count=number), Event("get", "found", "KEY_2")])
        if number == 1:
            log = open_log(sophia, max_bytes=1)
    found = lines("\n".join(following.wait_for(7)))
    assert [event.get("count") for event in found] == [None, None, None, 0, 1, 2, 3]
    assert following.end(signal.SIGINT) == (130, b"")


def test_follow_in_a_table_is_one_line_an_event_where_there_is_no_terminal(sophia: Program) -> None:
    log = open_log(sophia)
    log.append([Event("get", "found", "A", "fly")])
    following = Following(sophia)
    head, first = following.wait_for(2)
    log.append([Event("export", "absent", "B"), Event("get", "found", HOSTILE + "N" * 100)])
    _, _, second, third = following.wait_for(4)
    assert head.split() == ["TIME", "COMMAND", "NAME", "BACKEND", "OUTCOME", "USER"]
    assert first.index("found") == second.index("absent") == head.index("OUTCOME")
    assert visible(HOSTILE) + "N" * 100 in third
    assert following.end(signal.SIGINT) == (130, b"")


def test_follow_on_a_terminal_keeps_its_columns_until_ctrl_c(sophia: Program) -> None:
    log = open_log(sophia)
    with Terminal(sophia, "audit", "log", "--follow") as terminal:
        terminal.wait_for("USER")
        log.append([Event("get", "found", HOSTILE + "N" * 40, "fly", degraded=True)])
        log.append([Event("get", "absent", "LAST_KEY")])
        terminal.wait_for("LAST_KEY")
        terminal.type("\x03")
        assert terminal.end() == 130
        rows = terminal.screen.splitlines()
        outcome = rows[0].index("OUTCOME")
        assert [row[outcome : outcome + 10].strip() for row in rows[1:3]] == ["found", "(degraded)"]
        last = next(row for row in rows if "LAST_KEY" in row)
        assert last[outcome:].startswith("absent")
        assert b"\x1b[2J" not in terminal.raw
        assert "Traceback" not in terminal.screen


def test_follow_ends_when_its_reader_is_gone_though_nothing_happens(sophia: Program) -> None:
    fill(sophia, 3)
    following = Following(sophia)
    following.wait_for(4)
    assert following.process.stdout is not None
    following.process.stdout.close()
    assert following.process.wait(20) == -signal.SIGPIPE
    assert following.process.stderr is not None
    assert following.process.stderr.read() == b""
    following.process.stderr.close()


def test_A9_log_report_and_verify_look_at_the_same_lines(sophia: Program) -> None:
    log = fill(sophia, 50)
    path = Path(log.directory) / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b'{"seq":20,', b'"seq":20,').replace(b"KEY_3", b"KEY_9", 1))
    shown = asked(sophia, "--last", "1000")
    found = sophia("audit", "report", "--json").json
    assert len(shown) == found["events"] == 50
    assert [event["outcome"] for event in shown].count("unreadable") == found["unreadable"] == 1
    assert sophia("audit", "verify").code == 6
    assert len(lines(sophia("audit", "export").out)) == 50


@pytest.mark.parametrize("count", [200, 20_000])
def test_report_says_what_the_log_says(sophia: Program, count: int) -> None:
    fill(sophia, count)
    events = lines(sophia("audit", "export").out)
    assert len(events) == count
    found = sophia("audit", "report", "--json").json
    outcomes = Counter(event["outcome"] for event in events)
    assert found["schema"] == 1
    assert (found["events"], found["reads"]) == (count, outcomes["found"])
    assert found["failed"] == outcomes["absent"] + outcomes["write_only"]
    assert found["degraded"] == count // 10
    names = Counter(event["name"] for event in events if event["outcome"] == "found")
    assert {use["name"]: use["reads"] for use in found["secrets"]} == names
    assert {row["backend"]: row["events"] for row in found["by_backend"]} == {
        "fly": count // 2,
        "pulumi": count // 2,
    }
    recent = sophia("audit", "report", "--json", "--since", "30m").json
    assert recent["events"] == len([e for e in events if e["time"] >= recent["since"]])
    assert 29 <= recent["events"] <= 31


def test_report_knows_what_is_declared_and_held_and_was_never_read(sophia: Program) -> None:
    sophia.store("READ_KEY", "v")
    sophia.store("UNREAD_KEY", "v")
    sophia.store("GONE_KEY", "v")
    assert sophia("delete", "GONE_KEY", "--backend", "local", "--yes").code == 0
    assert sophia("get", "READ_KEY").code == 0
    assert sophia("get", "TYPO_KEY").code == 3
    (sophia.cwd / "sophia-secrets.toml").write_text('[secrets.DECLARED_KEY]\ndescription = "x"\n')
    found = sophia("audit", "report", "--json").json
    assert found["never_read"] == ["DECLARED_KEY", "UNREAD_KEY"]
    assert found["never_rotated"] == ["DECLARED_KEY"]
    assert [use["name"] for use in found["secrets"]] == ["READ_KEY", "DECLARED_KEY", "UNREAD_KEY"]
    assert [(t["name"], t["outcome"], t["times"]) for t in found["failures"]] == [("TYPO_KEY", "absent", 1)]
    later = sophia("audit", "report", "--json", "--since", "2999-01-01").json
    assert (later["events"], later["never_read"]) == (0, ["DECLARED_KEY", "UNREAD_KEY"])
    text = sophia("audit", "report").out
    assert "Never read\n  DECLARED_KEY, UNREAD_KEY\n" in text
    assert re.search(r"READ_KEY +█+ +1 +0 ", text)


def test_report_is_readable_without_colour(sophia: Program) -> None:
    fill(sophia, 200)
    done = sophia("audit", "report")
    assert (done.code, done.err) == (0, "")
    assert "\x1b" not in done.out
    for heading in ("Most used", "Failed attempts", "Degraded answers", "By actor", "By backend", "By day"):
        assert f"\n{heading}\n" in done.out
    bars = re.findall(r"^KEY_\d +(█+) +(\d+) +\d+ ", done.out, re.MULTILINE)
    assert len(bars) == 5
    assert bars == sorted(bars, key=lambda row: -int(row[1]))


def test_export_as_csv_is_read_by_python_and_obeyed_by_no_spreadsheet(sophia: Program) -> None:
    log = open_log(sophia)
    log.append(
        [Event("get", "absent", name) for name in ("=cmd|'/c calc'!A1", 'a"b,\nc', "+1", "'q", HOSTILE)]
    )
    done = sophia("audit", "export", "--format", "csv")
    assert (done.code, done.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.out, newline="")))
    assert [row["name"] for row in rows] == ["'=cmd|'/c calc'!A1", 'a"b,\nc', "'+1", "''q", HOSTILE]
    assert [row["seq"] for row in rows] == ["1", "2", "3", "4", "5"]


def test_export_to_a_file_is_private_and_says_how_many(sophia: Program) -> None:
    fill(sophia, 30)
    place = sophia.cwd / "events.cef"
    place.write_text("old")
    place.chmod(0o644)
    done = sophia("audit", "export", "--format", "cef", "--name", "KEY_1", "--output", str(place))
    assert (done.code, done.out) == (0, "")
    assert "6 events written to" in done.err
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    written = place.read_text().splitlines()
    assert len(written) == 6
    assert all(line.startswith("CEF:0|sophia-secrets|sophia-secrets|") for line in written)
    assert all("cs1=KEY_1 cs1Label=name" in line for line in written)
    done = sophia("audit", "export", "--format", "otel", "--name", "KEY_1")
    (line,) = done.out.splitlines()
    assert line.count('"stringValue":"KEY_1"') == 6
    told = sophia("audit", "export", "--json", "--format", "csv", "--output", str(place)).json
    assert told == {"schema": 1, "format": "csv", "events": 30, "output": str(place)}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--format", "xml"), 2, "There is no format `xml`."),
        (("--format", "csv", "--json"), 2, "cannot share standard output"),
        (("--output", "/nowhere/at/all"), 2, "is not a directory"),
    ],
)
def test_an_export_that_cannot_be_is_refused(
    sophia: Program, arguments: tuple[str, ...], code: int, said: str
) -> None:
    fill(sophia, 3)
    done = sophia("audit", "export", *arguments)
    assert done.code == code
    assert said in done.said


def test_G2_an_export_into_a_jobs_log_is_never_a_command(sophia: Program) -> None:
    open_log(sophia).append(
        [Event("get", "absent", "x\n::set-env name=A::b"), Event("get", "absent", "##[x]")]
    )
    for format_name in ("csv", "jsonl", "cef"):
        done = sophia("audit", "export", "--format", format_name, GITHUB_ACTIONS="true")
        assert done.code == 2
        assert "workflow command" in done.err
        assert not [line for line in done.out.splitlines() if line.startswith("::") or "##[" in line]


def test_verify_shows_its_progress_on_a_terminal_and_leaves_only_the_answer(sophia: Program) -> None:
    fill(sophia, 2000)
    with Terminal(sophia, "audit", "verify") as terminal:
        assert terminal.end() == 0
        assert terminal.screen == "2,000 events, all as they were written."
    head = sophia("audit", "verify", "--head").out.strip()
    assert head.startswith("2000:")
    fill(sophia, 5)
    assert sophia("audit", "verify", "--expect-head", head).code == 0
    assert sophia("audit", "verify", "--expect-head", "2000:" + "0" * 64).code == 6


def test_report_of_many_names_and_a_torn_line_says_what_it_left_out(sophia: Program) -> None:
    log = open_log(sophia)
    log.append([Event("get", "found", f"KEY_{n:03}", "fly") for n in range(400) for _ in range(1 + (n < 5))])
    (path,) = [path for path in sophia.files() if path.name == "audit.jsonl"]
    with path.open("ab") as file:
        file.write(b"not a line of ours\n")
    done = sophia("audit", "report")
    assert done.code == 0
    assert "405 reads" in done.out
    assert "1 unreadable line" in done.out
    assert "\nLeast used\n" in done.out
    assert "KEY_399" in done.out.partition("\nLeast used\n")[2]
    page = sophia.cwd / "report.html"
    assert sophia("audit", "report", "--html", str(page)).code == 0
    assert "unreadable lines" in page.read_text()
    assert re.search(r">and \d+ more<", page.read_text())


def test_verify_speaks_json_and_gives_the_head_that_was_asked_for(sophia: Program) -> None:
    log = fill(sophia, 5)
    done = sophia("audit", "verify", "--json", "--head")
    assert (done.code, done.json["ok"], done.json["events"], done.json["first_bad"]) == (0, True, 5, None)
    assert done.json["head"] == log.head()
    assert "head" not in sophia("audit", "verify", "--json").json


def test_the_page_is_private_and_html_and_json_go_together(sophia: Program) -> None:
    fill(sophia, 40)
    place = sophia.cwd / "report.html"
    done = sophia("audit", "report", "--html", str(place))
    assert (done.code, done.out) == (0, "")
    assert "40 events, on a page in" in done.err
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert place.read_text().startswith("<!doctype html>")
    both = sophia("audit", "report", "--json", "--html", str(place), "--since", "10m")
    assert both.json["events"] in (10, 11)
    assert "of the events since 10m" in place.read_text()


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FRAME = """<!doctype html><body style="margin:0"><iframe src="report.html" width="{width}" height="900"></iframe>
<script>onload = () => {{
  const page = document.querySelector("iframe").contentDocument;
  const box = (css) => [...page.querySelectorAll(css)].map((each) => each.getBoundingClientRect());
  document.body.textContent = JSON.stringify({{
    title: page.title, wide: page.documentElement.scrollWidth, paper: getComputedStyle(page.body).backgroundColor,
    columns: box(".chart rect").filter((each) => each.height > 1).length,
    bars: box(".bar rect").map((each) => each.width), scripts: page.scripts.length, pictures: page.images.length,
  }});
}};</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_page_is_drawn_at_every_width_and_runs_nothing(sophia: Program) -> None:
    log = fill(sophia, 3000)
    log.append([Event("get", "found", name, name, degraded=True) for name in (SCRIPT, HOSTILE, "N" * 300)])
    place = sophia.cwd / "report.html"
    assert sophia("audit", "report", "--html", str(place)).code == 0
    for width, dark in ((390, False), (1200, True)):
        frame = sophia.cwd / "frame.html"
        frame.write_text(FRAME.format(width=width))
        seen = _look(frame, sophia, dark=dark)
        assert seen["title"] == "Audit report"
        assert (seen["scripts"], seen["pictures"]) == (0, 0)
        assert seen["wide"] <= width
        assert seen["columns"] >= 4
        assert max(seen["bars"]) > 20
        assert min(seen["bars"]) >= 0.2
        assert seen["paper"] == ("rgb(22, 24, 27)" if dark else "rgb(255, 255, 255)")


def _look(page: Path, sophia: Program, *, dark: bool) -> dict[str, Any]:
    """What a script beside the page sees of it, in headless Chromium."""
    done = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--allow-file-access-from-files",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--user-data-dir={sophia.root / 'chromium'}",
            "--window-size=1400,1000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=sophia.full_environment(),
    )
    body = re.search(r"<body[^>]*>(\{.*?\})</body>", done.stdout)
    assert body is not None, done.stdout[:2000]
    seen = json.loads(body[1])
    assert isinstance(seen, dict)
    return seen


def test_a_number_of_events_too_long_to_be_one_is_a_usage_error(sophia: Program) -> None:
    done = sophia("audit", "log", "--last", "9" * 5000)
    assert done.code == 2
    assert "is not a whole number of 1 or more" in done.err
    assert "Traceback" not in done.err
