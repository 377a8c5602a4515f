"""A base class that keeps secret values out of `repr`."""

from __future__ import annotations


class HiddenRepr:
    """
    A `repr` (also for rich) of the type's name only. Comes before `Struct` among the bases.

    For every object that holds values, or a child's environment, input or output: tracebacks with
    locals, logs and failed assertions print the `repr` of objects.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__}>"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []
