"""How much of a long test is done: a sample in `make test`, all of it in `make soak`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
SOAK = os.environ.get("SOPHIA_SOAK", "") not in ("", "0")


def examples(usual: int, soak: int) -> int:
    return soak if SOAK else usual


def sample(points: Sequence[T], usual: int) -> list[T]:
    """All of them under soak, else `usual` evenly spread ones, the first and the last included."""
    if SOAK or len(points) <= usual:
        return list(points)
    step = (len(points) - 1) / (usual - 1)
    return [points[round(i * step)] for i in range(usual)]
