"""A base for values that carry what nobody may see."""

from __future__ import annotations


class Quiet:
    """
    Shows the name of its type only, in `repr` and to rich. It stands before `Struct` among the bases.

    For whatever holds values, a child's environment, what is written to it or what it printed:
    tracebacks with locals, logs and failed assertions print such objects whole.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__}>"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []
