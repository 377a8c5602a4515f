"""The table, and what is made from it: the schema and the templates."""

import re
import tomllib
from pathlib import Path

import pytest

from sophia_secrets.backends.local.vault import is_recipient
from sophia_secrets.settings import ROWS, Declared, load, schema, template
from sophia_secrets.settings.declared import DECLARED
from sophia_secrets.settings.kinds import Value, from_toml
from sophia_secrets.settings.table import SPECIAL_VARIABLES

COMMITTED = Path(__file__).parents[2] / "docs" / "settings.schema.json"


def test_the_committed_schema_is_current() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == schema.text(), (
        "run: python -c \"from sophia_secrets.settings import schema; print(schema.text(), end='')\""
        " > docs/settings.schema.json"
    )


def test_every_setting_is_in_the_schema_once_and_nothing_else_is() -> None:
    def keys(properties: dict[str, dict[str, object]], above: str = "") -> set[str]:
        found = set()
        for name, each in properties.items():
            inner = each.get("properties")
            found |= keys(inner, f"{above}{name}.") if isinstance(inner, dict) else {f"{above}{name}"}
        return found

    properties = schema.schema()["properties"]
    assert isinstance(properties, dict)
    assert keys(properties) == {row.key for row in ROWS} | {"secrets", "groups", "profiles"}
    profile = properties["profiles"]["additionalProperties"]["properties"]
    assert keys(profile) == {row.key for row in ROWS if row.profile}


@pytest.mark.parametrize("row", [*ROWS, *DECLARED], ids=lambda row: row.key)
def test_every_row_has_a_sentence_and_an_example_of_its_kind(row: template.Row) -> None:
    assert row.about.endswith(".")
    value = tomllib.loads(f"x = {row.example}")["x"]
    assert from_toml(row.kind, value, row.choices) is not None


def test_the_recipient_of_the_example_is_one() -> None:
    (row,) = (row for row in ROWS if row.key == "local.recipients")
    assert all(map(is_recipient, tomllib.loads(f"x = {row.example}")["x"]))


def test_no_variable_sets_two_settings() -> None:
    variables = [each for row in ROWS for each in row.variables] + list(SPECIAL_VARIABLES)
    assert len(variables) == len(set(variables))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_every_setting_but_the_key_has_a_variable_of_ours(row: template.Row) -> None:
    assert row.variable.startswith("SOPHIA_SECRETS_") or row.key == "cache.key"


def test_a_template_with_every_comment_taken_away_can_be_loaded(tmp_path: Path) -> None:
    text = template.settings_text({})
    lines = [line.removeprefix("# ") for line in text.splitlines()]
    assigned = [each for each in lines if re.match(r"\[[a-zA-Z_.]+\]$|[a-z_]+ = ", each)]
    (tmp_path / "project").mkdir()
    path = tmp_path / "project" / "sophia-secrets.toml"
    # The example of a plug-in stays one: no package provides it, and it is nothing that is loaded here.
    path.write_text("\n".join(assigned), encoding="utf-8")
    settings = load(
        environ={
            "SOPHIA_SECRETS_HOME": str(tmp_path),
            "HOME": "/nowhere",
            "CI": "true",
            "SOPHIA_SECRETS_TRUST": "1",
        },
        cwd=str(tmp_path / "project"),
    )
    expected = {row.key for row in ROWS if not row.user_only}
    assert {key for key, source in settings.sources.items() if str(path) in source.place} == expected
    assert settings.declared["OPENAI_API_KEY"].required is True
    assert settings.profiles == ("production",)


def test_a_template_as_it_is_sets_nothing() -> None:
    assert tomllib.loads(template.settings_text({})) == {}


def test_what_was_found_is_filled_in() -> None:
    found: dict[str, Value] = {
        "github.repository": "octo/app",
        "fly.app": 'a"b\\c\u2028',
        "timeout": 12.5,
        "cache.ttl": 1234567.0,
        "chain": ("fly", "env"),
        "fly.deploy": True,
    }
    assert tomllib.loads(template.settings_text(found)) == {
        "chain": ["fly", "env"],
        "timeout": 12.5,
        "github": {"repository": "octo/app"},
        "fly": {"app": 'a"b\\c\u2028', "deploy": True},
        "cache": {"ttl": 1234567},
    }


def test_the_users_own_settings_are_not_offered_to_a_project() -> None:
    assert "[programs]" not in template.settings_text({})


def test_an_example_of_variables_names_every_secret_and_no_value() -> None:
    text = template.env_example(
        {
            "B_KEY": Declared("B_KEY", required=("production",), type="url"),
            "A_KEY": Declared("A_KEY", "Two\nlines", required=True, owner="ops\nEVIL=1", generate="hex:32"),
        }
    )
    assert text == (
        "# The secrets of this project. Never commit their values.\n"
        "\n"
        "# Two\n# lines\n# required; ask ops\\nEVIL=1\nA_KEY=\n"
        "\n"
        "# required under production; type url\nB_KEY=\n"
    )
