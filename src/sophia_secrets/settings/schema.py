"""The JSON Schema of a settings file, made from the table, for editors."""

from __future__ import annotations

import json
from typing import assert_never

from sophia_secrets.settings.declared import DECLARED, GROUP_RULES
from sophia_secrets.settings.kinds import Kind
from sophia_secrets.settings.table import BACKENDS, ROWS, TABLES, Row

Schema = dict[str, object]

_SECONDS = r"^\s*[0-9]{1,12}(\.[0-9]{1,6})?\s?[smhd]?\s*$"
_WORD = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
_USER_ONLY = " Only in the user's own file."


def schema() -> Schema:
    """
    The schema of `sophia-secrets.toml`, and of `[tool.sophia-secrets]`.

    It is for the user's file, which may contain every setting; those that only it may contain are
    marked. Tables of plug-in backends are unknown here.
    """
    settings = _rows(ROWS)
    profile = _rows(tuple(row for row in ROWS if row.profile))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of sophia-secrets",
        **_object(
            {
                **settings,
                "secrets": _named(
                    "The declared secrets, by name.",
                    _object({row.key: _property(row) for row in DECLARED}),
                    r"^[^-=\s][^=\s]{0,254}$",
                ),
                "groups": _named("Names of which some must be there.", _group(), _WORD),
                "profiles": _named("Chains and targets that are chosen by name.", _object(profile), _WORD),
            }
        ),
    }


def text() -> str:
    """The content of `docs/settings.schema.json`."""
    return json.dumps(schema(), indent=2) + "\n"


def _rows(rows: tuple[Row, ...]) -> Schema:
    properties: Schema = {row.key: _property(row) for row in rows if not row.table}
    for table in TABLES:
        inside: Schema = {row.name: _property(row) for row in rows if row.table == table}
        if inside:
            properties[table] = _object(inside)
    return properties


def _object(properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _named(description: str, value: Schema, names: str) -> Schema:
    return {
        "description": description,
        "type": "object",
        "propertyNames": {"pattern": names},
        "additionalProperties": value,
    }


def _group() -> Schema:
    properties: Schema = {
        rule: {"description": about, "type": "array", "items": {"type": "string"}, "minItems": 1}
        for rule, about in GROUP_RULES.items()
    }
    return {**_object(properties), "minProperties": 1, "maxProperties": 1}


def _property(row: Row) -> Schema:
    found: Schema = {"description": row.about + (_USER_ONLY if row.user_only else ""), **_type(row)}
    if row.default is not None and row.default != ():
        default = list(row.default) if isinstance(row.default, tuple) else row.default
        found["default"] = int(default) if isinstance(default, float) and default.is_integer() else default
    return found


def _type(row: Row) -> Schema:
    text: Schema = {"type": "string"}
    match row.kind:
        case Kind.TEXT if row.backends:
            return {"type": "string", "examples": list(BACKENDS)}
        case Kind.TEXT | Kind.PROSE | Kind.PATH:
            return text
        case Kind.BOOLEAN:
            return {"type": "boolean"}
        case Kind.DURATION:
            number = "exclusiveMinimum" if row.above_zero else "minimum"
            return {"anyOf": [{"type": "string", "pattern": _SECONDS}, {"type": "number", number: 0}]}
        case Kind.CHOICE:
            return {"enum": list(row.choices)}
        case Kind.LIST:
            items: Schema = {"type": "string", "examples": list(BACKENDS)} if row.backends else text
            least: Schema = {"minItems": 1} if row.above_zero else {}
            return {"type": "array", "items": items, "uniqueItems": True, **least}
        case Kind.BOOLEAN_OR_LIST:
            return {"anyOf": [{"type": "boolean"}, {"type": "array", "items": text, "uniqueItems": True}]}
        case _:
            assert_never(row.kind)
