from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.view import columns
from sophia_secrets.view.columns import cells, lay_out, wrap

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
TEXT = st.text(st.sampled_from("ab cé鍵🔑\u0301"), max_size=60)


def test_wide_characters_count_two_cells_and_colour_none() -> None:
    assert cells("abc") == 3
    assert cells("鍵🔑") == 4
    assert cells("\x1b[32mabc\x1b[0m") == 3
    assert cells("e\u0301") == 1


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=6), st.integers(40, 200))
def test_no_line_is_wider_than_asked_and_no_text_is_lost(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    lines = lay_out(["one", "two", "three"], rows, width)
    assert all(cells(line) <= width for line in lines)
    shown = "".join(lines).replace(" ", "")
    for row in rows:
        for text in row:
            for sign in text.replace(" ", ""):
                assert sign in shown


@given(TEXT, st.integers(2, 30))
def test_wrapping_keeps_every_sign_in_order(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cells(line) <= width for line in lines)


def test_a_wide_sign_after_a_break_at_a_blank_fits_too() -> None:
    assert wrap("\u0301 aaaaaa\u9375", 7) == ["\u0301", "aaaaaa", "\u9375"]


def test_a_word_that_fits_a_line_is_not_broken() -> None:
    assert wrap("environment acme/app/production.", 30) == ["environment", "acme/app/production."]
    assert wrap("a " + "x" * 12, 10) == ["a", "x" * 10, "xx"]
    assert wrap("    " + "x" * 8, 10) == ["    " + "x" * 6, "xx"]


def test_a_colour_goes_on_in_the_next_line_and_ends_with_each() -> None:
    lines = wrap("\x1b[31m" + "x" * 25 + "\x1b[0m", 10)
    assert [COLOUR.sub("", line) for line in lines] == ["x" * 10, "x" * 10, "x" * 5]
    assert all(line.startswith("\x1b[31m") and line.endswith("\x1b[0m") for line in lines)


def test_without_a_width_each_row_is_one_line() -> None:
    assert lay_out(["a", "b"], [["x" * 200, "y"], []], None)[1:] == ["x" * 200 + "  y", ""]


@pytest.mark.parametrize("width", [80, 200])
def test_columns_begin_in_the_same_cell_whatever_the_names_are(width: int) -> None:
    names = ["API_KEY", "会社のアプリの鍵", "🔑_KEY", "e\u0301te\u0301", "x" * 120]
    lines = lay_out(["name", "from"], [[name, f"<{'y' * 60}>"] for name in names], width)
    starts = {cells(line.partition("<")[0]) for line in lines if "<" in line}
    assert len(starts) == 1, lines
    assert all(cells(line) <= width for line in lines)


def test_columns_that_fit_no_width_are_as_narrow_as_they_may_be() -> None:
    widths = [30, 30, 30]
    columns._fit(widths, 5)
    assert widths == [columns.LEAST] * 3
