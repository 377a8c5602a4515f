"""Every input of the corpus once more, without atheris: what fuzzing met before still holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import main
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")


@pytest.mark.parametrize("name", TARGETS)
def test_V4_K1_A4_what_fuzzing_found_still_holds(name: str) -> None:
    inputs = sorted((CORPUS / name).iterdir())
    assert len(inputs) >= 12
    for path in inputs:
        try:
            TARGETS[name](path.read_bytes())
        except BaseException as error:
            error.add_note(f"of {path}")
            raise


def test_the_corpus_has_targets_for_all_of_it() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)


def test_a_target_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gh-lisitng"]) == 2
    assert "There is no target gh-lisitng. There are: aws-listing" in capsys.readouterr().err
