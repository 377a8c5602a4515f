"""
Forwarding audit events to syslog or the journal, once they are durable in our log.

One datagram per event, without waiting: a log that is full, missing or slow causes one note and never
fails a command. An event holds no value, so none is forwarded.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator

from sophia_secrets.operations.session import Session

OFF, SYSLOG, JOURNALD = "off", "syslog", "journald"

SOCKETS = {
    # Linux, macOS, FreeBSD: the first that is there.
    SYSLOG: ("/dev/log", "/var/run/syslog", "/var/run/log"),
    JOURNALD: ("/run/systemd/journal/socket",),
}
IDENTIFIER = "sophia-secrets"

_AUTHPRIV, _WARNING, _INFORMATIONAL = 10, 4, 6
_NORMAL_OUTCOMES = frozenset({"found", "seen", "unset", "listed", "intent", "done", "unchanged", "rotated"})
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def forwarder(session: Session) -> Callable[[list[bytes], int], None] | None:
    """The `on_append` of an `AuditLog`, or None where nothing is forwarded."""
    destination = session.settings.value("audit.forward")
    if destination == OFF:
        return None
    path = socket_path(session)
    form = journal_entry if destination == JOURNALD else syslog_line

    def forward(fields: list[bytes], last: int) -> None:
        first = last - len(fields) + 1
        events = [f'{{"seq":{first + index},{each.decode()}}}' for index, each in enumerate(fields)]
        problem = send(path, [form(event, session.clock()) for event in events])
        note = f"Audit events were not forwarded to {destination} ({path}): {problem}."
        if problem and note not in session.notes:
            session.notes.append(note)

    return forward


def socket_path(session: Session) -> str:
    """The socket that events go to: the configured one, else the first default one that exists."""
    chosen = session.settings.value("audit.forward_socket")
    if chosen:
        return str(chosen)
    usual = SOCKETS[str(session.settings.value("audit.forward"))]
    return next((each for each in usual if os.path.exists(each)), usual[0])


def send(path: str, datagrams: list[bytes]) -> str:
    """Send the datagrams without blocking; the reason of the first failure, or ""."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.connect(path)
            for each in datagrams:
                out.send(each)
        return ""
    except OSError as problem:
        return os.strerror(problem.errno).lower() if problem.errno else "the name of the socket is too long"


def syslog_line(event: str, now: float) -> bytes:
    """
    The event as one line of RFC 3164, as `syslog(3)` writes it to a local socket: facility
    `authpriv`, severity `warning` for what did not succeed.
    """
    fields = json.loads(event)
    t = time.localtime(now)
    stamp = f"{_MONTHS[t.tm_mon - 1]} {t.tm_mday:2} {t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02}"
    priority = _AUTHPRIV * 8 + _severity(fields)
    return f"<{priority}>{stamp} {IDENTIFIER}[{fields.get('pid', 0)}]: {event}".encode("ascii")


def journal_entry(event: str, now: float) -> bytes:
    """
    The event in the journal's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): a
    sentence, and each field of the event as a field of its own, `SOPHIA_NAME` and so on.
    """
    del now  # the journal has a clock of its own, and the event its time
    fields = json.loads(event)
    entry = [
        ("MESSAGE", _sentence(fields)),
        ("PRIORITY", str(_severity(fields))),
        ("SYSLOG_FACILITY", str(_AUTHPRIV)),
        ("SYSLOG_IDENTIFIER", IDENTIFIER),
        ("SOPHIA_EVENT", event),
    ]
    entry += [(f"SOPHIA_{key.upper()}", str(value)) for key, value in fields.items()]
    return b"".join(_journal_field(name, value) for name, value in entry)


def _journal_field(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "replace")
    if b"\n" not in data:
        return b"%s=%s\n" % (name.encode(), data)
    return b"%s\n%s%s\n" % (name.encode(), len(data).to_bytes(8, "little"), data)


def _sentence(fields: dict[str, object]) -> str:
    return " ".join(_words(fields))


def _words(fields: dict[str, object]) -> Iterator[str]:
    yield f"{fields.get('command', '')} {fields.get('name', '')}".strip() + ":"
    yield str(fields.get("outcome", ""))
    if fields.get("backend"):
        yield f"({fields['backend']}{', ' + str(fields['target']) if fields.get('target') else ''})"


def _severity(fields: dict[str, object]) -> int:
    is_normal = fields.get("outcome") in _NORMAL_OUTCOMES and not fields.get("degraded")
    return _INFORMATIONAL if is_normal else _WARNING
