from __future__ import annotations

import pytest

from sophia_secrets.view.listing import Row, group_of, table
from sophia_secrets.view.styling import Styler


@pytest.mark.parametrize(
    ("name", "group"),
    [("OPENAI_API_KEY", "OPENAI"), ("TOKEN", ""), ("_X", ""), ("A_", ""), ("aws.login.key", "aws")],
)
def test_names_are_grouped_by_their_first_word(name: str, group: str) -> None:
    assert group_of(name) == group


def test_a_group_of_several_stands_apart_and_every_state_is_a_word() -> None:
    rows = [
        Row("TOKEN", "", ["absent", "write_only"]),
        Row("DB_URL", "fly", ["readable", "unknown"]),
        Row("DB_USER", "fly", ["readable", "absent"]),
    ]
    assert table(rows, ["fly", "github"], Styler({}, no_color=True)).splitlines() == [
        "NAME     FROM     FLY  GITHUB",
        "DB_URL   fly      yes  ?",
        "DB_USER  fly      yes  -",
        "",
        "TOKEN    nowhere  -    write-only",
    ]
