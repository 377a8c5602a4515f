"""The audit log as JSON Lines, CSV and CEF, each read back by what it is written for."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.core.audit_formats import COLUMNS, as_csv, cef, guarded, jsonl, milliseconds
from sophia_secrets.state.audit import Actor, Event
from sophia_secrets.state.audit_event import write_actor, write_event

TEXT = st.text(max_size=40) | st.sampled_from(
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "'=1",
        "''",
        "＝1",
        'a"b,c',
        "a\r\nb",
        "a|b=c\\d",
    ]
)
EVENTS = st.fixed_dictionaries(
    {"time": st.just("2026-05-04T10:00:00.250Z"), "outcome": TEXT},
    optional={
        "seq": st.integers(1, 10**17),
        "name": TEXT,
        "backend": TEXT,
        "words": TEXT,
        "user": TEXT,
        "reason": TEXT,
        "degraded": st.just(True),
        "duration_ms": st.integers(0, 10**15),
    },
)


def read_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def test_the_columns_are_all_the_fields_that_an_event_can_have() -> None:
    event = Event("get", "found", "N", "fly", "t", kind="k", cached=True, stale=True, degraded=True)
    event.duration_ms, event.version, event.count = 1, 2, 3
    event.fingerprint, event.digest, event.updated_at, event.id, event.words = "f", "d", "u", "i", "w"
    actor = write_actor(Actor("ada", "engine", 1, ci="c", reason="r", profile="p"))
    written = json.loads(b"{" + write_event(event, 1.0, actor) + b"}")
    assert {*written, "seq", "mac"} == set(COLUMNS)


@given(st.lists(EVENTS, max_size=5))
def test_python_reads_the_csv_back_exactly(events: list[dict[str, Any]]) -> None:
    rows = read_csv(b"".join(as_csv(events)))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(events) + 1
    for row, event in zip(rows[1:], events, strict=True):
        for column, cell in zip(COLUMNS, row, strict=True):
            value = event.get(column, "")
            text = value if isinstance(value, str) else json.dumps(value)
            assert cell.removeprefix("'") == text


@given(EVENTS)
def test_no_cell_begins_as_a_formula(event: dict[str, Any]) -> None:
    for row in read_csv(b"".join(as_csv([event]))):
        assert not [cell for cell in row if re.match(r"[=+\-@\t\r\n\0＝＋－＠]", cell)]


@pytest.mark.parametrize("cell", [f"{sign}1" for sign in "=+-@\t\r\n\0'＝＋－＠"])
def test_what_a_spreadsheet_obeys_has_an_apostrophe_before_it(cell: str) -> None:
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "API_KEY", "a=b", " =1", "2026-05-04", "é"])
def test_any_other_cell_is_as_it_was(cell: str) -> None:
    assert guarded(cell) == cell


def test_half_a_surrogate_pair_is_spelled_out_in_csv_and_cef() -> None:
    event = {"name": "A\ud800B"}
    assert b"A\\ud800B" in b"".join(as_csv([event]))
    assert b"A\\\\ud800B" in b"".join(cef([event], "1"))


@given(st.lists(EVENTS, max_size=5))
def test_json_lines_hold_what_the_log_holds(events: list[dict[str, Any]]) -> None:
    lines = b"".join(jsonl(events))
    assert lines.isascii()
    assert [json.loads(line) for line in lines.splitlines()] == events


ENDS = {"n": "\n", "r": "\r"}


def read_cef(line: str) -> tuple[list[str], dict[str, str]]:
    """Head and extension, as "Implementing ArcSight Common Event Format" says they are read."""
    head = re.match(r"((?:[^|\\]|\\[|\\])*\|){7}", line)
    assert head is not None
    parts = re.findall(r"((?:[^|\\]|\\[|\\])*)\|", head.group())
    keys = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", extension := line[head.end() :]))
    values = {}
    for key, following in zip(keys, [*keys[1:], None], strict=False):
        raw = extension[key.end() : following.start() if following else len(extension)]
        assert re.fullmatch(r"(?:[^\\=\r\n]|\\[\\=nr])*", raw), raw
        values[key[1]] = re.sub(r"\\(.)", lambda sign: ENDS.get(sign[1], sign[1]), raw)
    return [re.sub(r"\\(.)", r"\1", part) for part in parts], values


PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from("\n\ré…"))


@given(PRINTABLE, PRINTABLE, PRINTABLE)
def test_a_reader_of_cef_gets_the_texts_back(name: str, words: str, outcome: str) -> None:
    event = {"command": "get", "name": name, "words": words[:900], "outcome": outcome[:60], "user": "ada"}
    (line,) = cef([event], "1.2|3\\4")
    text = line.decode()
    assert text.count("\n") == 1
    head, values = read_cef(text.removesuffix("\n"))
    assert head[:4] == ["CEF:0", "sophia-secrets", "sophia-secrets", "1.2|3\\4"]
    assert values.get("cs1", "") == name
    assert values.get("msg", "") == words[:900]
    assert values.get("outcome", "") == outcome[:60]
    assert values["suser"] == "ada"


@given(EVENTS)
def test_I5_no_line_of_cef_can_act_on_a_terminal(event: dict[str, Any]) -> None:
    (line,) = cef([event], "1")
    assert line.endswith(b"\n")
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", line.decode().removesuffix("\n"))


def test_cef_knows_the_time_and_how_grave_it_is() -> None:
    def read(**event: object) -> tuple[list[str], dict[str, str]]:
        (line,) = cef([{"time": "2026-05-04T10:00:00.250Z", **event}], "1")
        return read_cef(line.decode().removesuffix("\n"))

    head, values = read(command="get", outcome="found", degraded=True, stale=True, duration_ms=0)
    assert values["rt"] == "1777888800250"
    assert head[4:] == ["get:found", "get found", "4"]
    assert (values["flexString1"], values["flexString1Label"]) == ("stale,degraded", "flags")
    assert (values["cn1"], values["cn1Label"]) == ("0", "duration_ms")
    grave = [int(read(command="x", outcome=outcome)[0][6]) for outcome in ("intent", "done", "absent", "gap")]
    assert grave == sorted(set(grave))
    assert "rt" not in read(time="yesterday")[1]


@pytest.mark.parametrize(
    ("severity", "event"),
    [
        (9, {"outcome": "gap"}),
        (9, {"outcome": "new_chain"}),
        (9, {"outcome": "unreadable", "degraded": True}),
        (6, {"outcome": "absent"}),
        (6, {"outcome": "refused", "stale": True}),
        (4, {"outcome": "found", "degraded": True}),
        (4, {"outcome": "found", "stale": True}),
        (4, {"outcome": "recovered"}),
        (2, {"outcome": "found"}),
        (1, {"outcome": "intent"}),
        (1, {"outcome": "rotated"}),
    ],
)
def test_how_grave_each_outcome_is(severity: int, event: dict[str, object]) -> None:
    (line,) = cef([event], "1")
    assert read_cef(line.decode().removesuffix("\n"))[0][6] == str(severity)


TOLD = {field: f"the-{field}" for field in COLUMNS} | {
    "seq": 7,
    "time": "2026-05-04T10:00:00.250Z",
    "pid": 4711,
    "outcome": "not_started",
    "cached": True,
    "stale": True,
    "degraded": True,
    "duration_ms": 12,
    "version": 3,
    "count": 0,
}


def test_a_line_of_cef_word_for_word() -> None:
    (line,) = cef([TOLD], "1.2")
    assert line.decode() == (
        "CEF:0|sophia-secrets|sophia-secrets|1.2|the-command:not_started|the-command not started|6|"
        "rt=1777888800250 externalId=7 act=the-command outcome=not_started reason=the-kind suser=the-user "
        "shost=the-host spid=4711 msg=the-words cs1=the-name cs1Label=name cs2=the-backend cs2Label=backend "
        "cs3=the-target cs3Label=target cs4=the-ci cs4Label=ci cs5=the-profile cs5Label=profile "
        "cs6=the-reason cs6Label=reason cn1=12 cn1Label=duration_ms cn2=3 cn2Label=version cn3=0 "
        "cn3Label=count flexString2=the-id flexString2Label=id flexString1=cached,stale,degraded "
        "flexString1Label=flags\n"
    )
    assert list(cef([{"outcome": "new_chain"}], "1.2")) == [
        b"CEF:0|sophia-secrets|sophia-secrets|1.2|new_chain|new chain|9|outcome=new_chain\n"
    ]


@pytest.mark.parametrize(
    ("key", "field", "limit"),
    [
        ("externalId", "seq", 40),
        ("act", "command", 63),
        ("outcome", "outcome", 63),
        ("reason", "kind", 1023),
        ("suser", "user", 1023),
        ("shost", "host", 1023),
        ("spid", "pid", 20),
        ("msg", "words", 1023),
        ("cs1", "name", 4000),
        ("cs2", "backend", 4000),
        ("cs3", "target", 4000),
        ("cs4", "ci", 4000),
        ("cs5", "profile", 4000),
        ("cs6", "reason", 4000),
        ("cn1", "duration_ms", 20),
        ("cn2", "version", 20),
        ("cn3", "count", 20),
        ("flexString2", "id", 1023),
    ],
)
def test_cef_cuts_each_text_at_the_length_of_its_key(key: str, field: str, limit: int) -> None:
    whole, cut = (
        read_cef(line.decode().removesuffix("\n"))[1][key]
        for line in cef([{field: "x" * limit}, {field: "x" * (limit + 1)}], "1")
    )
    assert whole == "x" * limit
    assert cut == "x" * (limit - 1) + "…"


@pytest.mark.parametrize(
    "time", [None, 1777888800, "yesterday", "2026-05-04T10:00:00.250", "2026-05-04", "2026-13-04T10:00:00Z"]
)
def test_what_names_no_moment_has_no_time(time: object) -> None:
    assert milliseconds(time) is None


def test_a_moment_is_a_whole_number_of_milliseconds() -> None:
    assert milliseconds("1970-01-01T00:00:01.001Z") == 1001
    assert milliseconds("1970-01-01T01:00:00.999999+01:00") == 1000


def test_cef_cuts_texts_to_what_their_key_may_hold() -> None:
    (line,) = cef([{"words": "w" * 2000, "outcome": "o" * 100}], "1")
    _, values = read_cef(line.decode().removesuffix("\n"))
    assert values["msg"] == "w" * 1022 + "…"
    assert len(values["outcome"]) == 63
