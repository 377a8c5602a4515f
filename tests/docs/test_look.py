"""The page of the visual language says what its one module does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import sophia_secrets
from sophia_secrets.view import listing, styling
from tests.docs.pages import DOCS

PAGE = (DOCS / "look.md").read_text(encoding="utf-8")
ROOM = Path(sophia_secrets.__file__).parent
COLOURS = {"good": "green", "warn": "yellow", "bad": "red"}
BOXES = re.compile("[\u2500-\u257f]")


def test_every_state_stands_under_its_colour() -> None:
    rows = dict(re.findall(r"^\| (green|yellow|red) \| (.*) \|$", PAGE, re.MULTILINE))
    shown = {word: colour for colour, words in rows.items() for word in re.findall(r"`([\w-]+)`", words)}
    assert shown == {word.replace("_", "-"): COLOURS[style] for word, style in styling.STATES.items()}


def test_every_mark_of_a_list_is_explained() -> None:
    for mark in listing.MARKS.values():
        assert f"| `{mark}` |" in PAGE


def test_no_picture_is_left_out_of_the_pages() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    for picture in (DOCS / "pictures").glob("*.svg"):
        assert f"pictures/{picture.name}" in pages, picture.name


def test_no_command_draws_boxes_or_writes_colours_of_its_own() -> None:
    for path in [*ROOM.glob("cli/**/*.py"), *ROOM.glob("hot/*.py"), *ROOM.glob("view/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not BOXES.search(node.value), path.name
                colour = "\x1b[" in node.value and "m" in node.value.partition("\x1b[")[2][:4]
                assert not colour or path.name in ("styling.py", "columns.py"), path.name
