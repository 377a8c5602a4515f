"""The way from an empty machine to the first secrets is what its page says, to the letter."""

from __future__ import annotations

from docs.reference_pages import MADE
from docs.walk_page import LEGS, walk_page
from tests.docs.pages import DOCS


def test_every_step_prints_what_the_page_shows() -> None:
    shown = (DOCS / "walk.md").read_text(encoding="utf-8")
    assert shown == f"{MADE}\n{walk_page()}", "docs/walk.md is old: run `make docs`"


def test_the_way_is_short() -> None:
    assert all(len(leg.commands) <= 5 for leg in LEGS)
