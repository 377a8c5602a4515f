"""
Chains of another key in the same log: their first line has the hash of the previous file.

Anyone can write such a line, so it proves nothing and what follows it cannot be verified. The files
before it are unchanged and complete as far as the hash covers them.
"""

from __future__ import annotations

from sophia_secrets.state import audit_disk as disk
from sophia_secrets.state import chain
from sophia_secrets.state.audit_event import string_of

_NEW_CHAIN = b'"outcome":"new_chain"'


def begins(line: bytes) -> bool:
    """Whether this first line of a file starts a new chain."""
    return chain.has_form(line) and _NEW_CHAIN in line


def begins_ours(key: bytes, line: bytes) -> bool:
    """Whether it starts a new chain of this key."""
    return begins(line) and chain.follows(key, chain.ORIGIN, line)


def begins_foreign_chain(key: bytes, line: bytes, directory: int, before: str) -> bool:
    """Whether this first line of a file starts a chain of another key and has the hash of the file `before`."""
    return begins(line) and not chain.follows(key, chain.ORIGIN, line) and names(line, directory, before)


def names(line: bytes, directory: int, before: str) -> bool:
    """Whether the first line of a chain has the hash of the file `before`."""
    named = string_of(line, b"digest").strip(b'"').decode("ascii", "replace")
    return bool(named) and named == disk.hash_of(directory, before)


def any_follows(key: bytes, lines: list[bytes]) -> bool:
    """Whether any of these lines follows the one before it under this key."""
    return any(
        chain.has_form(lines[at - 1]) and chain.follows(key, chain.mac_of(lines[at - 1]), lines[at])
        for at in range(1, len(lines))
    )
