"""Our own files after somebody changed them: a miss, or a verdict; never a value, never a crash."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from sophia_secrets.state import chain, record
from sophia_secrets.state.audit import Actor, AuditLog, Event
from sophia_secrets.state.audit_read import Query
from sophia_secrets.state.record import Item, Miss, Record
from tests.fuzz.canary import CANARY

KEY = bytes(range(32))
NONCE = bytes(range(24))
IDENTITY = (b"1", b"github", b"github.com", b"octo/app", b"credential")
NOW = 1_700_000_000.0


@cache
def sealed() -> bytes:
    items = {
        "API_KEY": Item("r", CANARY.encode() * 3, updated_at="2026-01-02T03:04:05Z", version="4"),
        "URL": Item("w", digest="914388feff8f83c6"),
        "GONE": Item("a", detail="absent"),
    }
    whole = Record(items, NOW, expires_at=NOW + 300, stale_until=NOW + 86400, generation=7, notes=("note",))
    return record.seal(KEY, IDENTITY, whole, NONCE)


def edited(base: bytes, data: bytes) -> bytes:
    """
    The base with a piece cut out and another put in.

    The first two bytes say where, the third how much goes; without them the data stands alone.
    """
    if len(data) < 3:
        return data
    at = int.from_bytes(data[:2], "big")
    if at == 0xFFFF:
        return data[2:]
    at %= len(base) + 1
    return base[:at] + data[3:] + base[at + data[2] :]


def record_bytes(data: bytes) -> None:
    blob = edited(sealed(), data)
    found = record.unseal(KEY, IDENTITY, blob, NOW)
    if blob != sealed():
        assert isinstance(found, Miss)
        assert CANARY not in f"{found!r}{found.reason}{found.detail}"
        assert isinstance(record.unseal_tagged(KEY, record.tag(KEY, IDENTITY), blob, None), Miss)


def record_round_trip(data: bytes) -> None:
    words = data.split(b"\xff")
    texts = [word.decode("utf-8", "replace") for word in words]
    items = {
        texts[at]: Item("rwa"[at % 3], words[-1 - at], detail=texts[at // 2], version=texts[at // 3])
        for at in range(len(words))
    }
    notes = tuple(texts[:2])
    before = Record(items, NOW, expires_at=NOW + 1, stale_until=NOW + 1, label=texts[-1], notes=notes)
    after = record.unseal(KEY, tuple(words), record.seal(KEY, tuple(words), before, NONCE), NOW)
    assert isinstance(after, Record)
    assert after.notes == notes
    assert after.names() == list(items)
    for name, item in items.items():
        assert after.find(name) == (item.state, item.value)
    assert after.find(texts[0] + "?") is None or texts[0] + "?" in items
    for name, item in after.entries.items():
        was = items[name]
        assert (item.state, item.value, item.detail, item.version, item.digest) == (
            was.state, was.value, was.detail, was.version, None
        )  # fmt: skip
    assert (after.identity, after.label) == (tuple(words), texts[-1])
    assert isinstance(
        record.unseal(KEY, (*words, b""), record.seal(KEY, tuple(words), before, NONCE), NOW), Miss
    )


class _Kept:
    """A log of eight events in a directory of its own, and what its file holds."""

    def __init__(self) -> None:
        base = "/dev/shm" if os.path.isdir("/dev/shm") else None
        self.directory = tempfile.mkdtemp(prefix="sophia-fuzz-", dir=base)
        atexit.register(shutil.rmtree, self.directory, ignore_errors=True)
        log = self.log()
        for number in range(8):
            log.append([Event("get", "found", f"NAME_{number % 3}", "pulumi", "acme/app")])
        log.close()
        self.path = Path(self.directory, "audit.jsonl")
        self.content = self.path.read_bytes()

    def log(self) -> AuditLog:
        return AuditLog(self.directory, KEY, actor=Actor("ada", "engine", 42), clock=lambda: NOW, sync=False)


@cache
def kept() -> _Kept:
    return _Kept()


def audit_log(data: bytes) -> None:
    before = kept()
    content = edited(before.content, data)
    before.path.write_bytes(content)
    log = before.log()
    try:
        everything = list(log.read())
        assert all(isinstance(event, dict) for event in everything)
        backwards = list(log.read(Query(newest_first=True)))
        assert backwards[::-1] == everything
        assert (
            list(log.read(Query(name="NAME_1")))
            == [event for event in everything if event.get("name") == "NAME_1"]
            or content != before.content
        )
        verdict = log.verify()
    finally:
        log.close()
    if verdict.ok:
        rest = content.removeprefix(before.content)
        assert content.startswith(before.content)
        assert not any(chain.has_form(line) for line in rest.split(b"\n"))
    else:
        assert content != before.content
        assert verdict.first_bad is not None
