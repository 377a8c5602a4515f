"""One event's line to the byte: the order of its fields, their bounds, its times, and finding a field in it."""

from __future__ import annotations

import pytest

from sophia_secrets.state.audit_event import (
    DONE,
    FOUND,
    Actor,
    Event,
    bounded,
    needle,
    string_of,
    thousandths_in,
    thousandths_of,
    write_actor,
    write_event,
    write_time,
    written_name,
)

NOON = 1_800_000_000.0
TEXTS = {
    "command": 32, "name": 512, "backend": 64, "target": 768, "outcome": 32, "kind": 64, "fingerprint": 128,
    "digest": 256, "updated_at": 64, "id": 32, "words": 2000,
}  # fmt: skip
ACTOR = {"user": 128, "host": 256, "ci": 512, "reason": 1000, "profile": 128}
LAST = 253402300799.999


def test_a_full_event_is_exactly_this() -> None:
    event = Event("c", "o", **{field: field[0] for field in TEXTS if field not in ("command", "outcome")})  # type: ignore[arg-type]
    event.cached = event.stale = event.degraded = True
    event.duration_ms, event.version, event.count = 1, 2, 3
    actor = Actor("u", "h", 7, ci="c", reason="r", profile="p")
    assert write_actor(actor) == '"pid":7,"user":"u","host":"h","ci":"c","reason":"r","profile":"p"'
    assert write_event(event, NOON, write_actor(actor)) == (
        b'"time":"2027-01-15T08:00:00.000Z","command":"c","name":"n","backend":"b","target":"t","outcome":"o",'
        b'"kind":"k","fingerprint":"f","digest":"d","updated_at":"u","id":"i","words":"w",'
        b'"cached":true,"stale":true,"degraded":true,"duration_ms":1,"version":2,"count":3,'
        b'"pid":7,"user":"u","host":"h","ci":"c","reason":"r","profile":"p"'
    )


def test_the_outcomes_that_others_go_by_stand_in_the_log_as_they_are_documented() -> None:
    found, done = (write_event(Event("get", outcome), 0.0, '"pid":0') for outcome in (FOUND, DONE))
    assert b',"outcome":"found",' in found
    assert b',"outcome":"done",' in done


def test_what_is_not_said_is_left_out() -> None:
    assert write_actor(Actor("", "", 0)) == '"pid":0'
    event = Event("", "")
    assert (event.name, event.backend, event.target, event.kind, event.time) == ("", "", "", "", 0.0)
    assert write_event(event, 0.0, '"pid":0') == b'"time":"1970-01-01T00:00:00.000Z","pid":0'


@pytest.mark.parametrize(("number", "written"), [(-1, 0), (0, 0), (10**15, 10**15), (10**15 + 1, 10**15)])
def test_a_number_is_kept_within_what_every_reader_of_json_holds(number: int, written: int) -> None:
    event = Event("", "", duration_ms=number, version=number, count=number)
    assert write_event(event, 0.0, "").endswith(
        b',"duration_ms":%d,"version":%d,"count":%d,' % (written, written, written)
    )


@pytest.mark.parametrize("field", TEXTS)
def test_A8_a_text_of_an_event_is_kept_up_to_its_bound(field: str) -> None:
    limit = TEXTS[field]
    for size, cut in ((limit, False), (limit + 1, True)):
        event = Event("", "")
        setattr(event, field, "x" * size)
        text = b"x" * (limit - 6) + b"\\u2026" if cut else b"x" * size
        assert write_event(event, 0.0, "") == b'"time":"1970-01-01T00:00:00.000Z","%b":"%b",' % (
            field.encode(), text,
        )  # fmt: skip
        assert needle(field, "x" * size) == b'"%b":"%b"' % (field.encode(), text)


@pytest.mark.parametrize("field", ACTOR)
def test_A8_a_text_of_an_actor_is_kept_up_to_its_bound(field: str) -> None:
    limit = ACTOR[field]
    for size, cut in ((limit, False), (limit + 1, True)):
        actor = Actor("", "", 1)
        setattr(actor, field, "x" * size)
        text = "x" * (limit - 6) + "\\u2026" if cut else "x" * size
        assert write_actor(actor) == f'"pid":1,"{field}":"{text}"'
        assert needle(field, "x" * size) == f'"{field}":"{text}"'.encode()


def test_a_name_is_counted_as_it_stands_in_a_line() -> None:
    assert written_name('a"é') == b'"a\\"\\u00e9"'
    assert written_name("x" * 513) == b'"' + b"x" * 506 + b'\\u2026"'


@pytest.mark.parametrize(
    ("text", "limit", "written"),
    [
        ("é" * 3, 18, "\\u00e9" * 3), ("é" * 4, 18, "\\u00e9" * 2 + "\\u2026"), ("é" * 4, 17, "\\u00e9\\u2026"),
        ("abcdefghi", 8, "ab\\u2026"), ("\U0001f600x", 18, "\\ud83d\\ude00x"),
        ("\U0001f600\U0001f600", 18, "\\ud83d\\ude00\\u2026"), ("\U0001f600\U0001f600", 17, "\\u2026"),
        ("\n" * 9, 16, "\\n" * 5 + "\\u2026"), ("a\U0001f600bc", 14, "a\\u2026"), ("aéé", 12, "a\\u2026"),
    ],
)  # fmt: skip
def test_A8_a_text_is_cut_between_signs_and_as_late_as_can_be(text: str, limit: int, written: str) -> None:
    assert bounded(text, limit) == f'"{written}"'


# Times


@pytest.mark.parametrize(
    ("seconds", "thousandths"),
    [
        (-1.0, 0), (0.0, 0), (0.0015, 1), (1.5, 1500), (LAST, 253402300799999), (LAST + 1, 253402300799999),
        (float("nan"), 0), (float("inf"), 253402300799999), (float("-inf"), 0),
    ],
)  # fmt: skip
def test_C7_a_time_is_cut_to_one_that_a_line_can_hold(seconds: float, thousandths: int) -> None:
    assert thousandths_in(seconds) == thousandths


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"), (1.0625, "1970-01-01T00:00:01.062Z"),
        (951_827_696.789, "2000-02-29T12:34:56.789Z"), (LAST, "9999-12-31T23:59:59.999Z"),
    ],
)  # fmt: skip
def test_a_time_is_written_in_utc_and_read_back(seconds: float, written: str) -> None:
    assert write_time(seconds) == written
    assert thousandths_of(written.encode()) == thousandths_in(seconds)
    assert thousandths_of(b'"%b"' % written.encode()) == thousandths_in(seconds)


def test_an_event_has_its_own_time_or_the_moments() -> None:
    assert write_event(Event("", ""), 1.0, "").startswith(b'"time":"1970-01-01T00:00:01.000Z"')
    assert write_event(Event("", "", time=2.0), 1.0, "").startswith(b'"time":"1970-01-01T00:00:02.000Z"')


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b'""',
        b"X1970-01-01T00:00:01.000Z",
        b"yesterday",
        b"2027",
        b"2027-13-01T00:00:00.00",
        b"2027-01-15T08:00:00Z",
    ],
)
def test_what_is_no_time_is_none(text: bytes) -> None:
    assert thousandths_of(text) == 0


# Finding a field


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b'{"a":"x","b":"y"}', b'"x"'), (b'{"b":"y","a":"x"}', b'"x"'), (b'{"aa":"y","a":"x"}', b'"x"'),
        (b'{"b":"y"}', b""), (b'{"a":7}', b""), (b'{"a":""}', b'""'),
        (b'{"a":"x\\"y","b":"z"}', b'"x\\"y"'), (b'{"a":"x\\\\","b":"z"}', b'"x\\\\"'),
        (b'{"a":"x\\\\\\"y","b":"z"}', b'"x\\\\\\"y"'), (b'{"a":"\\"","b":"z"}', b'"\\""'),
        (b'"a":"x"', b'"x"'), (b'{"a":"X\\"y","b":"z"}', b'"X\\"y"'), (b'{"a":"\\"\\"\\"x"}', b'"\\"\\"\\"x"'),
    ],
)  # fmt: skip
def test_a_fields_text_is_found_with_its_quotes(line: bytes, text: bytes) -> None:
    assert string_of(line, b"a") == text


def test_a_field_that_is_cut_off_is_no_field() -> None:
    assert string_of(b'{"a":"x', b"a") == b""
    assert string_of(b'{"a":"x\\"', b"a") == b""
