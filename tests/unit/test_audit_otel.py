"""The audit log as OpenTelemetry log records, read back by the library's own parser."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData

from sophia_secrets import errors
from sophia_secrets.core.audit_otel import BATCH, NAMES, PREFIX, otlp
from tests.unit.test_audit_formats import EVENTS

FOUND = {
    "seq": 7,
    "time": "2026-05-04T10:00:00.250Z",
    "command": "get",
    "name": "API_KEY",
    "backend": "fly",
    "target": "my-app",
    "outcome": "found",
    "cached": True,
    "duration_ms": 12,
    "pid": 4711,
    "user": "ada",
    "host": "engine",
    "mac": "00ff",
}


def parsed(events: list[dict[str, Any]]) -> list[LogsData]:
    return [json_format.Parse(line, LogsData()) for line in b"".join(otlp(events, "1.2")).splitlines()]


def records(data: LogsData) -> list[LogRecord]:
    return [r for resource in data.resource_logs for scope in resource.scope_logs for r in scope.log_records]


def attributes(holder: Any) -> dict[str, object]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in holder.attributes}


def test_an_event_is_a_record_with_its_fields() -> None:
    (data,) = parsed([FOUND])
    (resource,) = data.resource_logs
    assert attributes(resource.resource) == {
        "service.name": "sophia-secrets",
        "service.version": "1.2",
        "host.name": "engine",
    }
    assert resource.scope_logs[0].scope.name == "sophia_secrets.audit"
    (record,) = records(data)
    assert record.time_unix_nano == record.observed_time_unix_nano == 1777888800_250_000_000
    assert (record.severity_number, record.severity_text) == (9, "INFO")
    assert record.body.string_value == "get API_KEY: found"
    assert record.event_name == "sophia_secrets.get.found"
    assert attributes(record) == {
        "sophia_secrets.seq": 7,
        "user.name": "ada",
        "process.pid": 4711,
        "sophia_secrets.command": "get",
        "sophia_secrets.name": "API_KEY",
        "sophia_secrets.backend": "fly",
        "sophia_secrets.target": "my-app",
        "sophia_secrets.outcome": "found",
        "sophia_secrets.cached": True,
        "sophia_secrets.duration_ms": 12,
        "sophia_secrets.mac": "00ff",
    }


def test_the_json_is_that_of_otlp() -> None:
    (line,) = otlp([FOUND], "1.2")
    record = json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    assert record["severityNumber"] == 9, "a number, where protobuf's own JSON has a name"
    assert record["timeUnixNano"] == "1777888800250000000", "64 bits are text"
    assert "traceId" not in record


@pytest.mark.parametrize(
    ("event", "severity"),
    [
        ({"outcome": "found"}, "INFO"),
        ({"outcome": "intent"}, "DEBUG"),
        ({"outcome": "absent"}, "WARN"),
        ({"outcome": "found", "degraded": True}, "WARN"),
        ({"outcome": "found", "stale": True}, "WARN"),
        ({"outcome": "rotated"}, "DEBUG"),
        ({"outcome": "gap"}, "ERROR"),
        ({"outcome": "new_chain", "degraded": True}, "ERROR"),
    ],
)
def test_what_did_not_succeed_is_more_severe(event: Mapping[str, object], severity: str) -> None:
    (data,) = parsed([dict(event)])
    (record,) = records(data)
    assert record.severity_text == severity
    assert record.severity_number == {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}[severity]


def test_a_line_of_otlp_word_for_word() -> None:
    event = {"time": "2026-05-04T10:00:00.250Z", "outcome": "new_chain", "kind": "é", "count": 3}
    (line,) = otlp([event], "1.2")
    assert line == (
        b'{"resourceLogs":[{"resource":{"attributes":['
        b'{"key":"service.name","value":{"stringValue":"sophia-secrets"}},'
        b'{"key":"service.version","value":{"stringValue":"1.2"}}]},'
        b'"scopeLogs":[{"scope":{"name":"sophia_secrets.audit","version":"1.2"},"logRecords":[{'
        b'"timeUnixNano":"1777888800250000000","severityNumber":17,"severityText":"ERROR",'
        b'"body":{"stringValue":"new_chain"},"attributes":['
        b'{"key":"sophia_secrets.outcome","value":{"stringValue":"new_chain"}},'
        b'{"key":"error.type","value":{"stringValue":"\\u00e9"}},'
        b'{"key":"sophia_secrets.count","value":{"intValue":"3"}}],'
        b'"observedTimeUnixNano":"1777888800250000000","eventName":"sophia_secrets.new_chain"}]}]}]}\n'
    )


@pytest.mark.parametrize(
    ("value", "kind", "found"),
    [
        (True, "bool_value", True),
        (False, "bool_value", False),
        ((1 << 63) - 1, "int_value", (1 << 63) - 1),
        (1 - (1 << 63), "int_value", 1 - (1 << 63)),
        (1 << 63, "string_value", str(1 << 63)),
        ("", "string_value", ""),
        (["a"], "string_value", '["a"]'),
    ],
)
def test_a_field_has_the_kind_of_its_value_and_what_no_number_holds_is_text(
    value: object, kind: str, found: object
) -> None:
    (data,) = parsed([{"outcome": "found", "count": value}])
    (count,) = [each for each in records(data)[0].attributes if each.key == "sophia_secrets.count"]
    assert count.value.WhichOneof("value") == kind
    assert getattr(count.value, kind) == found


def test_many_events_are_several_lines_and_each_host_a_resource() -> None:
    events = [{**FOUND, "seq": n, "host": "a" if n < 700 else "b"} for n in range(BATCH * 2 + 1)]
    found = parsed(events)
    assert [len(records(data)) for data in found] == [BATCH, BATCH, 1]
    assert [attributes(r.resource)["host.name"] for r in found[1].resource_logs] == ["a", "b"]
    assert [attributes(r)["sophia_secrets.seq"] for data in found for r in records(data)] == list(range(1001))
    assert list(otlp([], "1")) == []


@given(EVENTS)
def test_any_event_is_read_back(event: dict[str, Any]) -> None:
    (line,) = otlp([event], "1")
    assert line.isascii()
    assert line.count(b"\n") == 1
    (record,) = records(json_format.Parse(line, LogsData()))
    found = attributes(record)
    for field, value in event.items():
        if field != "time" and not (isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value)):
            assert found[NAMES.get(field, PREFIX + field)] == value


def test_without_the_library_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.logs.v1.logs_pb2", None)
    with pytest.raises(errors.UsageError) as refused:
        list(otlp([FOUND], "1"))
    assert (refused.value.message, refused.value.hint) == (
        "`--format otel` needs the package `opentelemetry-proto`, which is not installed.",
        "Install it beside this program: `pip install opentelemetry-proto`.",
    )
