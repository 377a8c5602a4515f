"""The table of `list`: every name, its source, and its state in each backend."""

from __future__ import annotations

from sophia_secrets.view import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sophia_secrets.view.styling import Styler

MARKS = {"readable": "yes", "write_only": "write-only", "absent": "-", "unknown": "?"}


class Row:
    """One name: `source` is the backend that it resolves from, or ""; `states` has one per backend."""

    __slots__ = ("name", "source", "states")

    def __init__(self, name: str, source: str, states: Sequence[str]) -> None:
        self.name = name
        self.source = source
        self.states = states


def group_of(name: str) -> str:
    """The group of a name: its first word (`OPENAI` of `OPENAI_API_KEY`), or ""."""
    head, separator, rest = name.replace(".", "_").partition("_")
    return head if separator and rest else ""


def table(rows: Sequence[Row], backends: Sequence[str], styler: Styler) -> str:
    """The table as text; the (already visible) names are grouped, with a blank line around larger groups."""
    ordered = sorted((group_of(row.name) or row.name, row.name, row) for row in rows)
    sizes: dict[str, int] = {}
    for group, _, _ in ordered:
        sizes[group] = sizes.get(group, 0) + 1
    lines: list[list[str]] = []
    before = ""
    for group, name, row in ordered:
        if lines and group != before and max(sizes[group], sizes[before]) > 1:
            lines.append([])
        before = group
        cells = [name, row.source or styler.styled("nowhere", "warn")]
        for backend, state in zip(backends, row.states, strict=True):
            style = "good" if backend == row.source else "dim" if state == "absent" else "warn"
            cells.append(styler.styled(MARKS[state], style))
        lines.append(cells)
    return columns.table(["name", "from", *backends], lines, styler)
