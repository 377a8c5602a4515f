"""On the pages, sentences and commands of a terminal go on below; its tables and the code of files do not."""

from __future__ import annotations

import pytest

from docs.site_hook import on_page_content


def line(inner: str) -> str:
    return f'<span id="__span-3-1">{inner}\n</span>'


@pytest.mark.parametrize(
    "inner",
    [
        '<span class="gp">$ </span>sophia-secrets list',
        '<span class="go">error: `A` was not found.</span>',
        '<span class="go">hint: Try again.</span>',
        "$ sophia-secrets list",
        "warning: The Pulumi CLI is not installed.",
        "# gh says: Not Found",
        "# fly runs: sleep 5",
    ],
)
def test_a_sentence_or_a_command_is_marked(inner: str) -> None:
    assert on_page_content(line(inner)) == f'<span id="__span-3-1" class="sentence">{inner}\n</span>'


@pytest.mark.parametrize(
    "inner",
    [
        '<span class="go">NAME  FROM  LOCAL</span>',
        '<span class="c1"># a comment of a file</span>',
        '<span class="n">error</span>: int',
    ],
)
def test_a_table_and_the_code_of_a_file_are_as_they_were(inner: str) -> None:
    assert on_page_content(line(inner)) == line(inner)


def test_a_short_word_of_code_stays_whole_and_a_long_one_may_break() -> None:
    assert on_page_content("<code>--yes</code>") == '<code class="whole">--yes</code>'
    for text in ("sophia-secrets list", "a" * 29):
        assert on_page_content(f"<code>{text}</code>") == f"<code>{text}</code>"
