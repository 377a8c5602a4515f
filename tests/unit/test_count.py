"""Numbers of things in words."""

from __future__ import annotations

import pytest

from sophia_secrets.core.count import counted
from sophia_secrets.core.times import age_in_words


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 names"), (1, "1 name"), (2, "2 names"), (1200, "1,200 names")]
)
def test_one_is_one_and_all_others_are_many(number: int, said: str) -> None:
    assert counted(number, "name") == said


@pytest.mark.parametrize(("seconds", "said"), [(1.9, "1 second"), (60, "60 seconds"), (119, "119 seconds")])
def test_an_age_of_one_second_is_one(seconds: float, said: str) -> None:
    assert age_in_words(seconds) == said
