"""Every error message stands in the reference as the program prints it, or with a reason why not."""

from __future__ import annotations

import json
import os

import pytest

from docs.errors import page
from docs.errors.elsewhere import ELSEWHERE
from docs.errors.scene import Caused, cause
from docs.errors.templates import Template, templates
from docs.reference_pages import MADE
from tests.docs.pages import DOCS

PAGE = DOCS / "reference" / "errors.md"
SHARE = 1 if os.environ.get("SOPHIA_SOAK") else 4
"""In a usual run every fourth message is caused again; `make soak` and `make docs` cause all."""


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def caused() -> list[Caused]:
    return cause(page.SCENES[::SHARE])


def test_the_page_shows_what_the_program_prints(text: str, caused: list[Caused]) -> None:
    for each in caused:
        assert f"{page.FENCE}{page.block(each)}```" in text, (
            f"docs/reference/errors.md is old: run `make docs`\n{page.block(each)}"
        )


def test_every_error_ends_with_the_exit_code_of_its_kind(caused: list[Caused]) -> None:
    codes = page.exit_codes()
    for each in caused:
        assert each.code == codes[each.scene.kind], page.block(each)


def test_every_scene_is_on_the_page(text: str) -> None:
    assert text.startswith(MADE)
    assert text.count(page.FENCE) == len(page.SCENES)


@pytest.mark.parametrize("template", templates(), ids=lambda each: f"{each.file}: {each.text}"[:100])
def test_every_sentence_of_the_source_is_caused_or_has_a_reason(template: Template, text: str) -> None:
    shown = text.partition("\n## Not caused here\n")[0]
    assert (template.file, template.text) in ELSEWHERE or template.matches(shown), (
        "Cause it in docs/errors, or give the reason in docs/errors/elsewhere.py; then `make docs`."
    )


def test_every_reason_is_for_a_sentence_that_there_is() -> None:
    known = {(each.file, each.text) for each in templates()}
    assert ELSEWHERE.keys() <= known, ELSEWHERE.keys() - known


def test_every_kind_of_error_is_caused() -> None:
    caused = {scene.kind for scene in page.SCENES}
    abstract = {"unexpected", "unavailable"}
    never = {"key_missing"}
    assert page.exit_codes().keys() - caused <= abstract | never


HINTLESS = ("error: Nothing was deleted.", "error: Nothing was changed.")
"""What a person has just answered themselves."""


def test_every_error_says_what_to_do_next(text: str) -> None:
    for block in text.split(page.FENCE)[1:]:
        lines = block.partition("\n```\n")[0].splitlines()
        told = [at for at, line in enumerate(lines) if line.startswith(("error: ", "warning: "))]
        if told and lines[told[-1]] not in HINTLESS:
            assert any(line.startswith("hint: ") for line in lines), block
        for line in lines:
            if line.startswith('{"schema": 1, "error"'):
                assert json.loads(line)["error"]["hint"], block


def test_every_message_is_whole_sentences(text: str) -> None:
    for line in text.partition("\n## Not caused here\n")[0].splitlines():
        if line.startswith(("error: ", "hint: ", "warning: ")):
            assert line.endswith((".", "?")), line
