"""Counts in messages."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    """`1 name`, `12 names`, `1,200 names`: for nouns that take an s."""
    return f"{number:,} {thing if number == 1 else thing + 's'}"
