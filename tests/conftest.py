from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import Program
from tests.world import World, world


@pytest.fixture
def sophia(tmp_path: Path) -> Program:
    """The installed program in a home of its own."""
    return Program(tmp_path)


@pytest.fixture
def vendors(sophia: Program, tmp_path: Path) -> Iterator[World]:
    """All three vendors, with the program led to them."""
    with world(sophia, tmp_path) as made:
        yield made
