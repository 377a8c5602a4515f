"""
Where another key's chain begins in a log: after its files, which it names by their hash.

Anybody can write such a beginning, so it proves nothing: what follows it cannot be verified. What
stands before it is neither changed nor cut off in its files as far as the hash goes.
"""

from __future__ import annotations

from sophia_secrets.state import audit_disk as disk
from sophia_secrets.state import chain
from sophia_secrets.state.audit_event import string_of

_NEW_CHAIN = b'"outcome":"new_chain"'


def begins(line: bytes) -> bool:
    """Whether this first line of a file says that a chain begins after a log that was written before it."""
    return chain.has_form(line) and _NEW_CHAIN in line


def begins_ours(key: bytes, line: bytes) -> bool:
    """Whether it does, and that chain is of this key."""
    return begins(line) and chain.follows(key, chain.ORIGIN, line)


def begins_anothers(key: bytes, line: bytes, directory: int, before: str) -> bool:
    """Whether this first line of a file begins a chain of another key, and names the file `before` as it is."""
    return begins(line) and not chain.follows(key, chain.ORIGIN, line) and names(line, directory, before)


def names(line: bytes, directory: int, before: str) -> bool:
    """Whether the first line of a chain names the file `before` by the hash that it has."""
    named = string_of(line, b"digest").strip(b'"').decode("ascii", "replace")
    return bool(named) and named == disk.hash_of(directory, before)


def any_ours(key: bytes, lines: list[bytes]) -> bool:
    """Whether one of these lines was written with this key after the one before it."""
    return any(
        chain.has_form(lines[at - 1]) and chain.follows(key, chain.mac_of(lines[at - 1]), lines[at])
        for at in range(1, len(lines))
    )
