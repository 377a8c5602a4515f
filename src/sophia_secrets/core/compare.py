"""Whether two backends hold the same value: by value, by our fingerprint or by the vendor's digest, or unknown."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from msgspec import Struct

from sophia_secrets.core.model import Entry, EntryState, SecretValue


class Sameness(Enum):
    """What is known of two copies of a secret."""

    SAME = "same"
    DIFFERENT = "differs"
    UNKNOWN = "unknown"


class LastWrite(Struct, frozen=True):
    """
    Our last write of a name to one target: the keyed `fingerprint` of the value, and the vendor's `digest`
    and `updated_at` right after it. Empty where unknown.
    """

    fingerprint: str = ""
    digest: str = ""
    updated_at: str = ""


Fingerprint = Callable[[SecretValue], str]


def untouched(entry: Entry, last_write: LastWrite) -> bool | None:
    """Whether the vendor still holds what we wrote; None where that is unknown."""
    if entry.digest and last_write.digest:
        return entry.digest == last_write.digest
    if entry.updated_at and last_write.updated_at:
        return entry.updated_at == last_write.updated_at
    return None


def fingerprint_of(entry: Entry, last_write: LastWrite | None, fingerprint: Fingerprint) -> str:
    """The fingerprint of the entry's current value, or "" where it is unknown."""
    if entry.state is EntryState.READABLE and entry.value is not None:
        return fingerprint(entry.value)
    if last_write is None or not last_write.fingerprint or untouched(entry, last_write) is not True:
        return ""
    return last_write.fingerprint


def compare(
    left: Entry,
    right: Entry,
    *,
    left_write: LastWrite | None = None,
    right_write: LastWrite | None = None,
    fingerprint: Fingerprint,
) -> Sameness:
    """
    Whether two entries hold the same value: by value where both are readable, else by fingerprint.

    A copy that changed at the vendor since our write is unknown, not different: the same value may have
    been stored again.
    """
    if left.value is not None and right.value is not None:
        return Sameness.SAME if left.value == right.value else Sameness.DIFFERENT
    ours = fingerprint_of(left, left_write, fingerprint)
    theirs = fingerprint_of(right, right_write, fingerprint)
    if not ours or not theirs:
        return Sameness.UNKNOWN
    return Sameness.SAME if ours == theirs else Sameness.DIFFERENT
