"""A record's defaults, its exact bytes, and what may be asked of one in any order."""

from __future__ import annotations

import struct

import pytest

from sophia_secrets.state import aead, keys, record
from sophia_secrets.state.record import Item, Miss, Record

KEY = bytes(range(32))
NONCE = bytes(range(24))
IDENTITY = (b"one", b"", b"three")


def opened(made: Record) -> Record:
    found = record.unseal(KEY, IDENTITY, record.seal(KEY, IDENTITY, made, NONCE), 0.0)
    assert isinstance(found, Record)
    return found


def test_what_is_not_said_of_a_record() -> None:
    made = Record({}, 5.0)
    assert (made.expires_at, made.stale_until, made.generation) == (0.0, 0.0, 0)
    assert (made.complete, made.notes, made.label, made.identity, made.fresh) == (True, (), "", (), True)
    assert Miss("absent").detail == ""


def test_how_they_are_shown() -> None:
    assert repr(Miss("corrupt")) == "Miss('corrupt')"
    assert repr(Item("r", b"value")) == "Item('r', <secret>)"
    assert repr(Record({}, 5.0, generation=3)) == "Record(fetched_at=5.0, generation=3, <secret>)"


@pytest.mark.parametrize("first", ["complete", "label", "identity", "notes", "entries"])
def test_whatever_is_asked_first_is_answered(first: str) -> None:
    expected = {
        "complete": False,
        "label": "acme/app",
        "identity": IDENTITY,
        "notes": ("a", "b"),
        "entries": ["A"],
    }
    made = Record(
        {"A": Item("r", b"v")}, 0.0, stale_until=9.0, complete=False, notes=("a", "b"), label="acme/app"
    )
    found = opened(made)
    for name in (first, *expected):
        told = getattr(found, name)
        assert (list(told) if name == "entries" else told) == expected[name]
        assert found.states() == {"A": "r"}
    assert found.notes == ("a", "b")


@pytest.mark.parametrize(("complete", "mark"), [(True, b"1"), (False, b"0")])
def test_a_record_is_exactly_this(complete: bool, mark: bytes) -> None:
    made = Record(
        {"A": Item("r", b"v", version="2")},
        1.0,
        expires_at=2.0,
        stale_until=3.0,
        generation=4,
        complete=complete,
    )
    tag = keys.mac(KEY, b"identity", *IDENTITY)
    header = b"SOPHIAR\1" + tag + struct.pack("<dddQ", 1.0, 2.0, 3.0, 4)

    def fields(*parts: bytes | None) -> bytes:
        return b"".join(
            struct.pack("<I", 0xFFFFFFFF if part is None else len(part)) + (part or b"") for part in parts
        )

    index = b"\nA\tr\t0\t1\n"
    meta = fields(fields(*IDENTITY), b"", mark, b"0", None, None, b"2", b"")
    plain = struct.pack("<II", len(index), 1) + index + b"v" + meta
    sealed = aead.seal(keys.mac(KEY, b"record"), NONCE, plain, header)
    assert record.seal(KEY, IDENTITY, made, NONCE) == header + NONCE + sealed


def test_a_record_of_nothing_but_its_frame_is_corrupt_and_not_a_crash() -> None:
    made = record.seal(KEY, IDENTITY, Record({}, 0.0, stale_until=9.0), NONCE)
    size = 72 + aead.NONCE + aead.TAG
    for length in (size - 1, size, size + 1):
        found = record.unseal(KEY, IDENTITY, made[:length], 0.0)
        assert isinstance(found, Miss)
        assert found.reason == "corrupt"


def test_an_item_of_no_known_state_is_not_written() -> None:
    with pytest.raises(ValueError, match=r"^an item is readable, write-only or absent$"):
        record.seal(KEY, IDENTITY, Record({"A": Item("x")}, 0.0), NONCE)


def test_a_name_that_an_empty_record_does_not_have() -> None:
    found = opened(Record({}, 0.0, stale_until=9.0))
    assert found.find("A") is None
    assert found.find("") is None
    assert found.names() == []
