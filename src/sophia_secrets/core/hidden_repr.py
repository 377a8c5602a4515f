"""A base class that keeps secret values out of `repr`."""

from __future__ import annotations


class HiddenRepr:
    """
    Shows only the name of its type, in `repr` and to rich. Comes before `Struct` among the bases.

    For every object that holds values, a child's environment, its input or its output: tracebacks
    with locals, logs and failed assertions print the `repr` of such objects.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__}>"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []
