from __future__ import annotations

import hashlib

import pytest

from sophia_secrets.core.compare import LastWrite, Sameness, compare, fingerprint_of, untouched
from sophia_secrets.core.model import Entry, EntryState, SecretValue


def mark(value: SecretValue) -> str:
    return hashlib.blake2b(value.reveal().encode(), key=b"test").hexdigest()


def readable(value: str) -> Entry:
    return Entry(EntryState.READABLE, SecretValue(value))


def hidden(digest: str = "d1", updated_at: str = "") -> Entry:
    return Entry(EntryState.WRITE_ONLY, digest=digest or None, updated_at=updated_at or None)


def wrote(value: str, digest: str = "d1", updated_at: str = "") -> LastWrite:
    return LastWrite(mark(SecretValue(value)), digest, updated_at)


@pytest.mark.parametrize(
    ("left", "left_write", "right", "right_write", "expected"),
    [
        (readable("a"), None, readable("a"), None, Sameness.SAME),
        (readable("a"), None, readable("b"), None, Sameness.DIFFERENT),
        (readable("a"), None, hidden(), wrote("a"), Sameness.SAME),
        (readable("b"), None, hidden(), wrote("a"), Sameness.DIFFERENT),
        (readable("a"), None, hidden("d2"), wrote("a"), Sameness.UNKNOWN),
        (readable("a"), None, hidden(), None, Sameness.UNKNOWN),
        (readable("a"), None, hidden(""), wrote("a"), Sameness.UNKNOWN),
        (hidden(), wrote("a"), hidden("d9"), wrote("a", "d9"), Sameness.SAME),
        (hidden(), wrote("a"), hidden("d9"), wrote("b", "d9"), Sameness.DIFFERENT),
        (hidden(), wrote("a"), hidden("d9"), None, Sameness.UNKNOWN),
        (readable("a"), None, hidden("", "t1"), wrote("a", "", "t1"), Sameness.SAME),
        (readable("a"), None, hidden("", "t2"), wrote("a", "", "t1"), Sameness.UNKNOWN),
    ],
)
def test_copies_are_compared_by_value_then_by_fingerprint_then_not_at_all(
    left: Entry,
    left_write: LastWrite | None,
    right: Entry,
    right_write: LastWrite | None,
    expected: Sameness,
) -> None:
    for a, ra, b, rb in (
        (left, left_write, right, right_write),
        (right, right_write, left, left_write),
    ):
        assert compare(a, b, left_write=ra, right_write=rb, fingerprint=mark) is expected


def test_a_digest_decides_before_a_time() -> None:
    entry = Entry(EntryState.WRITE_ONLY, digest="d1", updated_at="t2")
    assert untouched(entry, LastWrite("f", "d1", "t1")) is True
    assert untouched(entry, LastWrite("f", "d2", "t2")) is False
    assert untouched(entry, LastWrite("f", "", "")) is None


def test_the_words_for_what_is_known_are_the_ones_that_are_printed() -> None:
    assert [each.value for each in Sameness] == ["same", "differs", "unknown"]


def test_a_record_without_facts_knows_nothing() -> None:
    assert LastWrite() == LastWrite("", "", "")
    assert untouched(hidden("d1", "t1"), LastWrite("f")) is None


@pytest.mark.parametrize("entry", [Entry(EntryState.READABLE), hidden("d2"), hidden("")])
def test_the_fingerprint_of_what_cannot_be_known_is_empty(entry: Entry) -> None:
    assert fingerprint_of(entry, wrote("a"), mark) == ""
    assert fingerprint_of(entry, None, mark) == ""
