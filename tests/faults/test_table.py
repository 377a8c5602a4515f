"""Every fault of docs/faults.md has a test that carries its id, or a reason; no test carries another."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "faults.md").read_text()
IDS = re.findall(r"^\| ([A-Z]\d+) \| \S.* \| \S.* \|$", PAGE, re.MULTILINE)
REASONS = dict(re.findall(r"^- \*\*([A-Z]\d+)\*\*: (\S.+)$", PAGE, re.MULTILINE))


def carried() -> dict[str, list[str]]:
    """The tests that carry each id."""
    found: dict[str, list[str]] = {}
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                ids = re.match(r"test_((?:[A-Z]\d+_)*)", node.name)
                for each in ids[1].split("_")[:-1] if ids else []:
                    found.setdefault(each, []).append(f"{path.relative_to(TESTS)}::{node.name}")
    return found


CARRIED = carried()


def test_the_page_is_whole() -> None:
    assert len(IDS) == len(set(IDS)) == 90
    assert {each[0] for each in IDS} == set("LCIFKAXVREG")
    assert set(REASONS) <= set(IDS)


@pytest.mark.parametrize("fault", IDS)
def test_a_fault_has_a_test_or_a_reason(fault: str) -> None:
    assert CARRIED.get(fault) or REASONS.get(fault), (
        f"no test is named test_{fault}_…, and the page says no reason"
    )


def test_no_test_carries_an_id_that_is_not_on_the_page() -> None:
    assert {each: CARRIED[each] for each in set(CARRIED) - set(IDS)} == {}
