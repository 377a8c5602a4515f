"""The harness itself: a fault meets the very call it is meant for, or the test fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.injected import KILL, Traced, needs_strace
from tests.faults.rooms import Room, stored

pytestmark = needs_strace


@pytest.mark.parametrize("action", ["error=EIO", KILL])
def test_a_number_that_leads_to_another_call_is_recorded_anew(tmp_path: Path, action: str) -> None:
    room = Room(tmp_path)
    stored(room)
    room.keep()
    traced = Traced(room.program, "get", "API_KEY", "--backend", "local")
    point = next(point for point in traced.points() if point.call == "openat" and point.nth == 2)
    traced.recorded[point] = replace(point, number=point.number - 1)
    struck = traced.strike(point, action, room.restore)
    assert (struck.met, traced.shifted) == (point, 1)


def test_a_point_that_no_run_meets_is_a_failure(tmp_path: Path) -> None:
    room = Room(tmp_path)
    stored(room)
    room.keep()
    traced = Traced(room.program, "get", "API_KEY", "--backend", "local")
    point = traced.points()[0]
    with pytest.raises(AssertionError, match="never met"):
        traced.strike(replace(point, what="/nowhere"), "error=EIO", room.restore)
