"""The pictures are what the program shows now, drawn again from real runs."""

from __future__ import annotations

import pytest

from docs.pictures import LOOKS, PICTURES, SCENES, drawn


@pytest.fixture(scope="module")
def pictures() -> dict[str, str]:
    return drawn()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("scene", [name for name, _, _ in SCENES])
def test_a_picture_is_what_the_program_shows(pictures: dict[str, str], scene: str, look: str) -> None:
    kept = (PICTURES / f"{scene}-{look}.svg").read_text(encoding="utf-8")
    assert kept == pictures[f"{scene}-{look}.svg"], "it is old: run `make docs`"


def test_no_picture_is_of_a_scene_that_is_gone(pictures: dict[str, str]) -> None:
    assert {path.name for path in PICTURES.iterdir()} == pictures.keys()
