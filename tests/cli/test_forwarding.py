"""Audit events in the system's own log: a real datagram socket stands in for `/dev/log` and the journal."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sophia_secrets import hot
from sophia_secrets.operations import forwarding, routing
from sophia_secrets.operations.fetch import ChainQuery, gather
from sophia_secrets.operations.opening import open_session
from tests.hot_states import keep_in_vault
from tests.program import Program

CANARY = "canary-forwarded-4b1d"
LINE = re.compile(
    rb"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d sophia-secrets\[(\d+)\]: (\{.*\})", re.DOTALL
)


class Listener:
    """The other end: what arrived so far."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(place))
        self.socket.setblocking(False)

    def received(self) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(1 << 20))
            except BlockingIOError:
                return found


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    made = Listener(tmp_path / "log")
    yield made
    made.socket.close()


def forward(sophia: Program, way: str, place: Path) -> None:
    sophia.user_settings(f'[audit]\nforward = "{way}"\nforward_socket = "{place}"\n')


def journal_fields(entry: bytes) -> dict[str, str]:
    """The native protocol, read as https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ describes it."""
    fields = {}
    while entry:
        line, _, entry = entry.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(entry[:8], "little")
            value, end, entry = entry[8 : 8 + size], entry[8 + size : 9 + size], entry[9 + size :]
            assert end == b"\n"
        fields[name.decode()] = value.decode()
    return fields


def logged(sophia: Program) -> list[dict[str, Any]]:
    return [{key: value for key, value in event.items() if key != "mac"} for event in sophia.events()]


def test_syslog_gets_each_event_as_the_log_has_it_and_no_value(sophia: Program, listener: Listener) -> None:
    value = CANARY
    forward(sophia, "syslog", listener.place)
    sophia.store("API_KEY", value)
    assert sophia("get", "API_KEY", "--reason", "tïcket\n4711").out == f"{value}\n"
    assert sophia("get", "NOT_THERE").code == 3
    assert sophia("run", "--only", "API_KEY", "--", "true").code == 0
    received = listener.received()
    parsed = [LINE.fullmatch(each) for each in received]
    assert all(parsed), received
    events = [json.loads(each[3]) for each in parsed if each]
    assert events == logged(sophia)[: len(events)]
    assert [event["outcome"] for event in events] == ["intent", "done", "found", "absent", "found"]
    assert [int(each[1]) for each in parsed if each] == [86, 86, 86, 84, 86]
    assert [int(each[2]) for each in parsed if each] == [event["pid"] for event in events]
    assert all(each.isascii() and b"\n" not in each and value.encode() not in each for each in received)


def test_the_journal_gets_each_field_by_its_name(sophia: Program, listener: Listener) -> None:
    forward(sophia, "journald", listener.place)
    sophia.store("API_KEY", CANARY)
    assert sophia("get", "API_KEY", "--reason", "two\nlinés").code == 0
    received = listener.received()
    assert not any(CANARY.encode() in each for each in received)
    *_, found = map(journal_fields, received)
    assert found["MESSAGE"].startswith("get API_KEY: found (local, ")
    assert found["SYSLOG_IDENTIFIER"] == "sophia-secrets"
    assert (found["PRIORITY"], found["SYSLOG_FACILITY"]) == ("6", "10")
    assert found["SOPHIA_REASON"] == "two\nlinés"
    assert json.loads(found["SOPHIA_EVENT"]) == logged(sophia)[2]
    expected = {f"SOPHIA_{key.upper()}": str(value) for key, value in logged(sophia)[2].items()}
    assert {name: found[name] for name in expected} == expected


def test_a_log_that_nobody_keeps_is_a_note_and_no_failure(sophia: Program, tmp_path: Path) -> None:
    forward(sophia, "syslog", tmp_path / "nobody")
    done = sophia("set", "API_KEY", "--backend", "local", stdin="value")
    assert done.code == 0
    note = f"Audit events were not forwarded to syslog ({tmp_path / 'nobody'}): no such file or directory."
    assert done.err.count(note) == 1
    done = sophia("get", "API_KEY")
    assert (done.code, done.out, done.err.count(note)) == (0, "value\n", 1)
    assert [event["outcome"] for event in logged(sophia)] == ["intent", "done", "found"]
    (check,) = [row for row in sophia("doctor", "--json").json["checks"] if row["id"] == "audit.forward"]
    assert check["status"] == "warn"
    assert check["hint"]


def test_doctor_says_where_events_go(sophia: Program, listener: Listener) -> None:
    forward(sophia, "journald", listener.place)
    (check,) = [row for row in sophia("doctor", "--json").json["checks"] if row["id"] == "audit.forward"]
    assert (check["status"], check["message"]) == (
        "ok",
        f"Audit events are forwarded to journald ({listener.place}).",
    )


def test_a_log_that_takes_nothing_is_not_waited_for(sophia: Program, listener: Listener) -> None:
    forward(sophia, "syslog", listener.place)
    sophia.store("API_KEY", "value")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full:
        full.setblocking(False)
        full.connect(str(listener.place))
        with pytest.raises(OSError, match=r"temporarily unavailable|buffer space"):
            while True:
                full.send(b"x" * 1000)
        began = time.monotonic()
        done = sophia("get", "API_KEY")
        assert time.monotonic() - began < 10
    assert (done.code, done.out) == (0, "value\n")
    assert "were not forwarded" in done.err
    assert logged(sophia)[-1]["outcome"] == "found"


def test_nothing_is_forwarded_that_our_own_log_did_not_take(sophia: Program, listener: Listener) -> None:
    forward(sophia, "syslog", listener.place)
    sophia.store("API_KEY", "value")
    listener.received()
    (head,) = sophia.sophia.rglob("audit.head")
    head.chmod(0o666)
    assert sophia("get", "API_KEY").code == 6
    assert listener.received() == []


def test_a_project_must_not_decide_where_events_go(sophia: Program, listener: Listener) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text('[audit]\nforward = "syslog"\n')
    done = sophia("get", "API_KEY")
    assert done.code == 2
    assert "may only stand in" in done.err


def test_the_hot_path_gives_way_where_events_are_forwarded(
    sophia: Program, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "RACY", -60.0)
    monkeypatch.chdir(sophia.cwd)
    environ = sophia.full_environment()
    raw = {os.fsencode(name): os.fsencode(value) for name, value in environ.items()}
    keep_in_vault(environ, sophia.cwd, {"API_KEY": "value"})

    def leave_a_route() -> None:
        session = open_session("get", environ=environ, cwd=str(sophia.cwd))
        routing.remember(session, gather(session, ChainQuery(("API_KEY",))), session.clock())

    leave_a_route()
    assert hot.answer(["get", "API_KEY"], raw) == b"value\n"
    assert hot.answer(["get", "API_KEY"], {**raw, b"SOPHIA_SECRETS_AUDIT_FORWARD": b"syslog"}) is None
    forward(sophia, "syslog", listener.place)
    assert hot.answer(["get", "API_KEY"], raw) is None
    leave_a_route()
    assert hot.answer(["get", "API_KEY"], raw) is None
    assert sophia("get", "API_KEY").out == "value\n"
    assert len(listener.received()) == 1


def test_the_usual_socket_that_is_there_is_taken(
    sophia: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usual = (str(tmp_path / "none"), str(tmp_path / "there"))
    monkeypatch.setattr(forwarding, "SOCKETS", {"syslog": usual})
    sophia.user_settings('[audit]\nforward = "syslog"\n')
    session = open_session("get", environ=sophia.full_environment(), cwd=str(sophia.cwd))
    assert forwarding.socket_path(session) == usual[0]
    (tmp_path / "there").touch()
    assert forwarding.socket_path(session) == usual[1]
