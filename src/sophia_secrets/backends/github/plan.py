"""Batching of values into calls of `gh secret set`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from sophia_secrets.backends.base import Call
from sophia_secrets.backends.github import dotenv
from sophia_secrets.backends.github.gh import Gh
from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.core.model import Change

CHUNK = 20
"""The most names per call: `gh` sends them concurrently, and GitHub asks for low concurrency."""


class Batch(HiddenRepr, Struct, frozen=True):
    """The changes of one call. `as_lines`: `stdin` is an `--env-file`, not the one value."""

    changes: tuple[Change, ...]
    as_lines: bool
    stdin: bytes
    flags: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(change.name for change in self.changes)

    def call(self, gh: Gh) -> Call:
        """The call that stores these changes; no value is among its arguments."""
        what = ("--env-file", "-") if self.as_lines else self.names
        return gh.secret_call(
            "set",
            *what,
            *self.flags,
            label=f"set {', '.join(self.names)}",
            stdin=self.stdin,
            secrets=tuple(change.value for change in self.changes),
        )


def plan(changes: Iterable[Change], visibility: Mapping[str, str] | None = None) -> tuple[Batch, ...]:
    """
    The batches. A single value is bare on standard input, or a line where `gh` would trim it; many are
    lines, `CHUNK` per call, except for those that no line can carry.

    `visibility`, for an organisation, is the current one of each known name: by default `gh` would set
    it back to private.
    """
    groups: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        now = () if visibility is None else ("--visibility", visibility.get(change.name, "private"))
        groups.setdefault(now, []).append(change)
    return tuple(batch for flags, group in groups.items() for batch in _batches(group, flags))


def _batches(changes: Iterable[Change], flags: tuple[str, ...]) -> list[Batch]:
    lines: list[tuple[Change, bytes]] = []
    alone: list[Change] = []
    for change in changes:
        line = dotenv.line(change.name, change.value)
        if line is None:
            alone.append(change)
        else:
            lines.append((change, line))
    batches = []
    for start in range(0, len(lines), CHUNK):
        chunk = lines[start : start + CHUNK]
        first = chunk[0][0]
        if len(chunk) == 1 and not dotenv.is_trimmed(first.value):
            alone.insert(0, first)
        else:
            batches.append(
                Batch(tuple(change for change, _ in chunk), True, b"".join(line for _, line in chunk), flags)
            )
    return batches + [Batch((change,), False, dotenv.bare(change.value), flags) for change in alone]
