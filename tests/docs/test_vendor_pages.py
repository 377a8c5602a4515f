"""The page of each backend has the same sections in the same order, and quotes what the program says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS

PAGES = sorted((DOCS / "vendors").glob("*.md"))
SECTIONS = ["At a glance", "Setup", "What is read where", "Writing", "Limits", "Errors and what to do"]
ERRORS = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_sections_come_in_one_order(page: Path) -> None:
    found = re.findall("^## (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert [each for each in found if each != "Seen with the real program"] == SECTIONS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_error_that_a_page_quotes_is_one_that_was_caused(page: Path) -> None:
    table = page.read_text(encoding="utf-8").partition("## Errors and what to do")[2]
    rows = re.findall(r"^\| (.*?) \| .* \|$", table, re.MULTILINE)[1:]
    assert rows
    for told in rows:
        if told.endswith("(`doctor`)"):
            continue
        pattern = ".*?".join(re.escape(part.strip()) for part in told.split("…"))
        assert re.search(pattern, ERRORS, re.IGNORECASE), told
