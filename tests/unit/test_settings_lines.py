"""The line of each key of a TOML text."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.settings.lines import Lines

TEXT = '''\
# [not.a.table]
chain = [
    "a = 1",
    ["b"],  # ] "
]
note = """
[decoy]
decoy = 1
"""
odd = 'a # b'
[fly]  # the app
app = "x"
"read_from_machine"=true

[ secrets . "A B" ]
type = "text"
inline = { a = 1, b = 2 }
dotted.key = 1
[[many]]
x = 1
'''


def test_keys_tables_and_dotted_keys_are_found() -> None:
    tomllib.loads(TEXT)
    lines = Lines(TEXT)
    assert lines.find(("chain",)) == 2
    assert lines.find(("note",)) == 6
    assert lines.find(("odd",)) == 10
    assert lines.find(("fly",)) == 11
    assert lines.find(("fly", "app")) == 12
    assert lines.find(("fly", "read_from_machine")) == 13
    assert lines.find(("secrets",)) == 15
    assert lines.find(("secrets", "A B", "type")) == 16
    assert lines.find(("secrets", "A B", "dotted", "key")) == 18
    assert lines.find(("many", "x")) == 20


def test_a_key_of_an_inline_table_is_at_the_line_of_the_table() -> None:
    assert Lines(TEXT).find(("secrets", "A B", "inline", "b")) == 17


def test_what_is_inside_a_text_of_many_lines_is_no_key() -> None:
    assert Lines(TEXT).find(("decoy",)) == 0
    assert Lines(TEXT).find(("not",)) == 0


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,4}", fullmatch=True),
        st.dictionaries(
            st.from_regex(r"[a-z_-]{1,4}", fullmatch=True),
            st.sampled_from(
                ["1", '"# ["', "'''\n[x]\ny = 1\n'''", '["[", """\n]"""]', "[\n1,\n2 # ]\n]", "{a = 1}"]
            ),
            min_size=1,
            max_size=3,
        ),
        max_size=4,
    )
)
def test_every_key_is_found_where_it_was_written(document: dict[str, dict[str, str]]) -> None:
    text, expected = "", {}
    for table, keys in document.items():
        expected[(table,)] = text.count("\n") + 1
        text += f"[{table}]\n"
        for key, value in keys.items():
            expected[table, key] = text.count("\n") + 1
            text += f"{key} = {value}\n"
    tomllib.loads(text)
    lines = Lines(text)
    assert {path: lines.find(path) for path in expected} == expected


@given(st.text(alphabet="abc=[]{}\"'#.\n \\", max_size=80))
def test_any_text_is_scanned(text: str) -> None:
    assert Lines(text).find(("a", "b")) <= text.count("\n") + 1
