"""The files of `config init`: a commented settings file, and a `.env.example`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sophia_secrets.core.text import visible
from sophia_secrets.settings.declared import DECLARED, GROUP_RULES, Declared
from sophia_secrets.settings.kinds import Value
from sophia_secrets.settings.table import ROWS, TABLES, Row

_WIDTH = 40


def settings_text(found: Mapping[str, Value]) -> str:
    """
    A project's settings file with all settings that it may contain, those of `found` (by dotted key) set.

    The others are commented out. `user_only` settings are omitted.
    """
    rows = [row for row in ROWS if not row.user_only]
    parts = [_top([row for row in rows if not row.table], found)]
    parts += [_table(table, [row for row in rows if row.table == table], found) for table in TABLES]
    parts.append(_declared_example())
    return "\n".join(part for part in parts if part)


def env_example(declared: Mapping[str, Declared]) -> str:
    """A `.env.example`: the names and descriptions of the declared secrets, without values."""
    head = "# The secrets of this project. Never commit their values.\n"
    return "\n".join([head, *(_line(declared[name]) for name in sorted(declared))])


def toml(value: Value) -> str:
    """The value as TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case float() | int():
            return str(int(value)) if value == int(value) else repr(value)
        case tuple():
            return f"[{', '.join(toml(each) for each in value)}]"
        case None:
            return '""'
        case str():
            return '"' + "".join(_spelled(sign) for sign in value) + '"'


def _spelled(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    return sign if sign.isprintable() else f"\\U{ord(sign):08X}"


def _top(rows: list[Row], found: Mapping[str, Value]) -> str:
    return "# Settings of sophia-secrets.\n\n" + "".join(_lines(row, found) for row in rows)


def _table(table: str, rows: list[Row], found: Mapping[str, Value]) -> str:
    if not rows:
        return ""
    used = any(row.key in found for row in rows)
    return f"{'' if used else '# '}[{table}]\n" + "".join(_lines(row, found) for row in rows)


def _lines(row: Row, found: Mapping[str, Value]) -> str:
    if row.key in found:
        return f"# {row.about}\n{row.name} = {toml(found[row.key])}\n"
    return f"# {row.about}\n# {row.name} = {row.example}\n"


def _declared_example() -> str:
    rule, about = next(iter(GROUP_RULES.items()))
    return "\n".join(
        [
            "# A declared secret; `sophia-secrets check` holds the project to it.",
            "# [secrets.OPENAI_API_KEY]",
            *(f"# {f'{row.name} = {row.example}':<{_WIDTH}} # {row.about}" for row in DECLARED),
            "",
            f"# {about}",
            "# [groups.llm]",
            f'# {rule} = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"]',
            "",
            "# Chosen with `--profile production`; it may set the chain, every target and `strict`.",
            "# [profiles.production]",
            '# chain = ["fly", "pulumi"]',
            "# [profiles.production.fly]",
            '# app = "my-app-production"',
            "",
        ]
    )


def _line(secret: Declared) -> str:
    return "".join(f"# {line}\n" for line in _about(secret)) + f"{secret.name}=\n"


def _about(secret: Declared) -> Iterator[str]:
    for line in secret.description.splitlines():
        yield visible(line)
    facts = []
    if secret.required is True:
        facts.append("required")
    elif secret.required:
        facts.append(f"required under {', '.join(secret.required)}")
    if secret.type != "text":
        facts.append(f"type {secret.type}")
    if secret.owner:
        facts.append(f"ask {secret.owner}")
    if facts:
        yield visible("; ".join(facts))
