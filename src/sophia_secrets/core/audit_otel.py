"""
The audit log as OpenTelemetry log records: OTLP as JSON Lines, one `LogsData` per line.

This is what the Collector's `otlpjsonfile` receiver reads (OpenTelemetry Protocol File Exporter). The
messages and their JSON are those of `opentelemetry-proto`. The SDK is not used: it is for programs
that log while they run, and its log records and their encoder are not public yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import groupby, islice
from typing import Any

from sophia_secrets import errors
from sophia_secrets.core.audit_formats import COLUMNS, ROUTINE, TROUBLE, Event, cell, milliseconds
from sophia_secrets.core.audit_tally import FAILED

BATCH = 500
"""The most events in a line, which a reader holds in memory."""
PREFIX = "sophia_secrets."
NAMES = {"user": "user.name", "pid": "process.pid", "kind": "error.type"}
"""Attributes with a name in the semantic conventions; any other is `sophia_secrets.FIELD`."""

_OF_THE_RECORD = ("time", "host")
_SEVERITIES = {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}


def otlp(events: Iterable[Event], version: str) -> Iterator[bytes]:
    """
    The events; `version` is the product's.

    Each host is a resource, each event a record with its fields as attributes and a sentence as
    its body. Raises `UsageError` where `opentelemetry-proto` is not installed.
    """
    logs, json_format = _messages()
    left = iter(events)
    while batch := list(islice(left, BATCH)):
        data = logs.LogsData()
        for host, of_host in groupby(batch, key=lambda event: cell(event.get("host"))):
            resource = data.resource_logs.add()
            _set(resource.resource, "service.name", "sophia-secrets")
            _set(resource.resource, "service.version", version)
            if host:
                _set(resource.resource, "host.name", host)
            scope = resource.scope_logs.add()
            scope.scope.name, scope.scope.version = "sophia_secrets.audit", version
            for event in of_host:
                _fill(scope.log_records.add(), event)
        # OTLP/JSON encodes enumerations as numbers, unlike protobuf's own JSON.
        shape = json_format.MessageToDict(data, use_integers_for_enums=True)
        yield json.dumps(shape, separators=(",", ":")).encode() + b"\n"


def _messages() -> tuple[Any, Any]:
    try:
        return import_module("opentelemetry.proto.logs.v1.logs_pb2"), import_module(
            "google.protobuf.json_format"
        )
    except ImportError:
        pass
    raise errors.UsageError(
        "`--format otel` needs the package `opentelemetry-proto`, which is not installed.",
        hint="Install it beside this program: `pip install opentelemetry-proto`.",
    )


def _fill(record: Any, event: Event) -> None:
    moment = milliseconds(event.get("time"))
    if moment is not None:
        record.time_unix_nano = record.observed_time_unix_nano = moment * 1_000_000
    text = _severity(event)
    record.severity_number, record.severity_text = _SEVERITIES[text], text
    command, name, outcome = (cell(event.get(field)) for field in ("command", "name", "outcome"))
    record.event_name = f"{PREFIX}{command}.{outcome}" if command else f"{PREFIX}{outcome}"
    about = f"{command} {name}".strip()
    record.body.string_value = f"{about}: {outcome}" if about else outcome
    for field in COLUMNS:
        value = event.get(field)
        if value is not None and field not in _OF_THE_RECORD:
            _set(record, NAMES.get(field, PREFIX + field), value)


def _severity(event: Event) -> str:
    outcome = event.get("outcome")
    if outcome in TROUBLE:
        return "ERROR"
    if outcome in FAILED or event.get("degraded") or event.get("stale"):
        return "WARN"
    return "DEBUG" if outcome in ROUTINE else "INFO"


def _set(holder: Any, key: str, value: object) -> None:
    attribute = holder.attributes.add()
    attribute.key = key
    if isinstance(value, bool):
        attribute.value.bool_value = value
    elif isinstance(value, int) and abs(value) < 1 << 63:
        attribute.value.int_value = value
    else:
        attribute.value.string_value = cell(value)
