"""What Pulumi prints, read into values: exactly, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.backends.pulumi.values import Leaf, Unreadable, configuration, environment, property_path

RECORDED = b"""\
{
  "value": {
    "db": {
      "value": {
        "password": {
          "value": "pw",
          "secret": true,
          "trace": {
            "def": {
              "environment": "dev",
              "begin": {"line": 13, "column": 31, "byte": 198},
              "end": {"line": 13, "column": 33, "byte": 200}
            },
            "base": {"value": "from an import", "secret": true, "trace": {"def": {}}}
          }
        },
        "ports": {"value": [{"value": 1, "trace": {}}, {"value": 2.50, "trace": {}}], "trace": {}}
      },
      "trace": {}
    },
    "environmentVariables": {
      "value": {
        "A": {"value": "b\\u003c\\n", "trace": {}},
        "NUL": {"trace": {}},
        "ON": {"value": true, "trace": {}},
        "BIG": {"value": 12345678901234567890.10, "trace": {}},
        "LATER": {"value": null, "unknown": true, "trace": {}}
      },
      "trace": {}
    },
    "files": {"value": {"F": {"value": "content", "trace": {}}}, "trace": {}},
    "pulumiConfig": {
      "value": {"app:x": {"value": 1, "trace": {}}, "x": {"value": 2, "trace": {}}},
      "trace": {}
    }
  },
  "trace": {}
}
"""
STACK = b"""\
{
  "proj:API_KEY": {"value": "s3cr3t<>", "secret": true},
  "proj:obj": {"value": "{\\"a\\":1}", "objectValue": {"a": 1, "b": [true, null]}, "secret": false},
  "aws:region": {"value": "eu-west-1", "secret": false},
  "proj:later": {"value": "[unknown]", "secret": true},
  "proj:closed": {"secret": true}
}
"""


def texts(found: dict[str, Leaf]) -> dict[str, str | None]:
    return {name: leaf.value.reveal() if leaf.value is not None else None for name, leaf in found.items()}


def node(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"value": {key: node(child) for key, child in value.items()}, "trace": {}}
    if isinstance(value, list):
        return {"value": [node(child) for child in value], "trace": {}}
    return {"value": value, "trace": {}}


def test_a_recorded_environment_is_read() -> None:
    found = environment(RECORDED, "app")
    assert texts(found) == {
        "A": "b<\n",
        "NUL": "",
        "ON": "true",
        "BIG": "12345678901234567890.10",
        "LATER": None,
        "db.password": "pw",
        "db.ports[0]": "1",
        "db.ports[1]": "2.50",
        "F": "content",
        "x": "2",
    }
    assert found["db.ports[1]"].path == ("db", "ports", 1)
    assert found["x"].path == ("pulumiConfig", "x")


def test_the_headings_are_searched_in_order() -> None:
    document: dict[str, Any] = {
        "files": {"A": "4", "B": "4", "C": "4", "D": "4"},
        "pulumiConfig": {"app:A": "3", "B": "3", "app:C": "3", "other:C": "5"},
        "B": "2",
        "A": "2",
        "a": {"b": "nested"},
        "a.b": "direct",
        "environmentVariables": {"A": "1"},
    }
    found = texts(environment(json.dumps(node(document)).encode(), "app"))
    assert found == {
        "A": "1",
        "B": "2",
        "C": "3",
        "D": "4",
        "other:C": "5",
        "a.b": "direct",
    }


def test_without_a_namespace_a_configuration_key_keeps_its_own() -> None:
    found = texts(environment(json.dumps(node({"pulumiConfig": {"app:A": "1"}})).encode(), ""))
    assert found == {"app:A": "1"}


def test_an_environment_that_opened_to_nothing_has_no_names() -> None:
    assert environment(b'{"value": null, "trace": {"def": {}}}', "") == {}
    assert environment(b'{"value": {"environmentVariables": {"trace": {}}}, "trace": {}}', "") == {}


def test_a_recorded_stack_is_read() -> None:
    found = configuration(STACK, "proj")
    assert texts(found) == {
        "API_KEY": "s3cr3t<>",
        "obj": '{"a":1}',
        "obj.a": "1",
        "obj.b[0]": "true",
        "obj.b[1]": "",
        "aws:region": "eu-west-1",
        "later": None,
        "closed": None,
    }
    assert found["API_KEY"].path == ("proj:API_KEY",)
    assert configuration(b"{}\n", "proj") == {}


@pytest.mark.parametrize("read", [environment, configuration])
@pytest.mark.parametrize("recorded", [RECORDED, STACK], ids=["environment", "stack"])
def test_V4_no_prefix_of_an_answer_is_an_answer(read: Any, recorded: bytes) -> None:
    for end in range(len(recorded.rstrip())):
        with pytest.raises(Unreadable):
            read(recorded[:end], "proj")


HOSTILE = [
    b"",
    b"\n",
    b"null",
    b"[]",
    b'"text"',
    b"\xef\xbb\xbf{}",
    b"{}{}",
    b'{"value": {}} update available',
    b"<html>Sign in</html>",
    b'{"value": "text", "trace": {}}',
    b'{"value": [], "trace": {}}',
    b'{"value": {"A": 1}, "trace": {}}',
    b'{"value": {"A": {}}, "trace": {}}',
    b'{"value": {"A": {"value": 1, "secret": "yes"}}, "trace": {}}',
    b'{"value": {"A": {"value": 1, "unknown": 1}}, "trace": {}}',
    b'{"value": {"A": {"value": NaN}}, "trace": {}}',
    b'{"value": {"A": {"value": "x"}, "A": {"value": "y"}}, "trace": {}}',
    b'{"value": {"A": {"value": "\\ud800"}}, "trace": {}}',
    b'{"A": {"value": 1}}',
    b'{"A": "text"}',
    b'{"A": {"value": "x", "secret": 1}}',
    b'{"A": {"value": "x"}}',
    b'{"A": {"secret": false}}',
    b'{"value":' * 5000,
]


@pytest.mark.parametrize("output", HOSTILE, ids=range(len(HOSTILE)))
def test_V5_what_is_of_no_documented_shape_is_unreadable_and_not_quoted(output: bytes) -> None:
    for read in (environment, configuration):
        with pytest.raises(Unreadable) as caught:
            read(output, "app")
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(st.characters(codec="utf-8")))
KEYS = st.text(st.characters(codec="utf-8"), max_size=6)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


def scalars(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        return [text for child in tree.values() for text in scalars(child)]
    if isinstance(tree, list):
        return [text for child in tree for text in scalars(child)]
    if tree is None:
        return [""]
    return [str(tree).lower()] if isinstance(tree, bool) else [str(tree)]


@given(st.dictionaries(KEYS | st.sampled_from(["environmentVariables", "files"]), TREES, max_size=4))
def test_no_value_is_invented(tree: dict[str, Any]) -> None:
    found = texts(environment(json.dumps(node(tree)).encode(), "app"))
    assert set(found.values()) <= set(scalars(tree))
    variables = tree.get("environmentVariables")
    if isinstance(variables, dict):
        for name, value in variables.items():
            if not isinstance(value, dict | list):
                assert [found[name]] == scalars(value)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_random_output_is_read_or_refused(output: bytes) -> None:
    for read in (environment, configuration):
        try:
            assert isinstance(read(output, "app"), dict)
        except Unreadable:
            pass


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (("environmentVariables", "A_1"), "environmentVariables.A_1"),
        (("db", "hosts", 0, "name"), "db.hosts[0].name"),
        (("pulumiConfig", "app:x"), 'pulumiConfig["app:x"]'),
        (("a.b", 'q"q'), '["a.b"]["q\\"q"]'),
        (("a", ""), None),
        (("a", "ends with \\"), None),
    ],
)
def test_a_path_is_written_as_pulumi_reads_it(path: tuple[str | int, ...], written: str | None) -> None:
    assert property_path(path) == written


def test_a_leaf_shows_nothing_of_its_value() -> None:
    assert "pw" not in repr(environment(RECORDED, "app"))
