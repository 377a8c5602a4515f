from __future__ import annotations

from pathlib import Path

import pytest

from tests.program import Program


@pytest.fixture
def sophia(tmp_path: Path) -> Program:
    """The installed program in a home of its own."""
    return Program(tmp_path)
