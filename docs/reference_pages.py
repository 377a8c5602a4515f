"""The reference, made from the program: commands, settings, exit codes, JSON, audit events."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Sequence
from typing import Any

import typer.main

import sophia_secrets
from docs.reference_json import json_page
from sophia_secrets import errors
from sophia_secrets.cli.app import app
from sophia_secrets.cli.commands import ALIASES, COMMANDS
from sophia_secrets.cli.help import EXIT_CODES
from sophia_secrets.core import audit_words
from sophia_secrets.settings.declared import DECLARED, GROUP_RULES
from sophia_secrets.settings.kinds import Kind
from sophia_secrets.settings.table import ROWS, SPECIAL_VARIABLES, TABLES, Row
from sophia_secrets.state import audit_event

MADE = "<!-- Made by docs/build.py from the program: edit the program, then run `make docs`. -->\n"
PROGRAM = "sophia-secrets"


def pages() -> dict[str, str]:
    """Every page of the reference by its file name."""
    made = {
        "commands.md": commands_page(),
        "settings.md": settings_page(),
        "exit-codes.md": exit_codes_page(),
        "json.md": json_page(),
        "audit-events.md": audit_page(),
    }
    return {name: f"{MADE}\n{text.rstrip()}\n" for name, text in made.items()}


def commands_page() -> str:
    """Every command with its arguments and options, in the order of `--help`."""
    root: Any = typer.main.get_command(app)
    context = root.make_context(PROGRAM, ["help"], resilient_parsing=True)
    parts = [
        "# Commands\n",
        f"Every command takes `--json` and `--help`; `{PROGRAM} help COMMAND` says what is here.\n",
        "## Global options\n",
        "They may stand anywhere before `--`.\n",
        _options(root),
    ]
    for name, command in COMMANDS.items():
        found = root.get_command(context, name)
        aliases = [f"`{alias}`" for alias, real in ALIASES.items() if real == name]
        also = f" Also called {' and '.join(aliases)}." if aliases else ""
        parts.append(f"## {name}\n")
        parts.append(f"{command.summary}{also}\n")
        if hasattr(found, "commands"):
            for child, below in found.commands.items():
                parts.append(f"### {name} {child}\n")
                parts += _command(f"{name} {child}", below)
        else:
            parts += _command(name, found)
    return "\n".join(parts)


def _command(path: str, command: Any) -> Iterator[str]:
    yield f"```text\n{' '.join([PROGRAM, path, *_usage(command)])}\n```\n"
    yield f"{_unwrapped(command.help or '')}\n"
    table = _options(command)
    if table:
        yield table


def _usage(command: Any) -> Iterator[str]:
    if any(_is_option(each) for each in _shown(command)):
        yield "[OPTIONS]"
    for each in _shown(command):
        if not _is_option(each):
            word = each.metavar or each.name.upper()
            yield word if each.required or word.startswith(("[", "--")) else f"[{word}]"


def _options(command: Any) -> str:
    rows = []
    for each in _shown(command):
        if _is_option(each):
            names = ", ".join(f"`{name}`" for name in [*each.opts, *each.secondary_opts])
            value = "" if each.is_flag else f" {each.metavar or each.type.name.upper()}"
            more = " May be given again." if each.multiple and "again" not in (each.help or "") else ""
            needed = " Required." if each.required else ""
            rows.append((f"{names}{value}", f"{each.help or ''}{needed}{more}"))
        elif getattr(each, "help", ""):
            rows.append((f"`{each.metavar or each.name}`", each.help))
    return _table(("option", "does"), rows) if rows else ""


def _shown(command: Any) -> list[Any]:
    return [each for each in command.params if not getattr(each, "hidden", False) and each.name != "help"]


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option")


def settings_page() -> str:
    """Every setting with its default, its variables and who may set it."""
    parts = [
        "# Settings\n",
        (
            "From the strongest to the weakest: flags; `SOPHIA_SECRETS_*` variables; the chosen profile; the "
            "vendors' own variables; the project's `sophia-secrets.local.toml` (not committed); its "
            "`sophia-secrets.toml`, or `[tool.sophia-secrets]` in `pyproject.toml`; the user's "
            "`config.toml`; the defaults. "
            "`sophia-secrets config show` prints each value with where it came from, and "
            "`sophia-secrets config path` where the files are.\n"
        ),
        (
            "The project's files are looked for upwards from the working directory, as far as the "
            "repository's root. Targets in them count after `sophia-secrets trust`. The schema for editors is "
            "[settings.schema.json](../settings.schema.json). A duration is a number with `s`, `m`, `h` or `d`.\n"
        ),
        (
            "*User only*: read from the user's own file and from variables, never from a project. "
            "*Profile*: may also stand under `[profiles.NAME]`.\n"
        ),
    ]
    for table in ("", *TABLES):
        parts.append(f"## `[{table}]`\n" if table else "## At the top\n")
        parts.append(_settings([row for row in ROWS if row.table == table]))
    parts.append("## `[secrets.NAME]`: a declared secret\n")
    rows = [(f"`{row.name}`", row.about, f"`{row.example}`", _default(row)) for row in DECLARED]
    parts.append(_table(("key", "what it says", "example", "default"), rows))
    parts.append("## `[groups.NAME]`\n")
    parts.append(_table(("key", "what it says"), [(f"`{key}`", about) for key, about in GROUP_RULES.items()]))
    parts.append("## Variables that are no settings\n")
    special = [(f"`{name}`", about) for name, about in SPECIAL_VARIABLES.items()]
    parts.append(_table(("variable", "what it says"), special))
    return "\n".join(parts)


def _settings(rows: list[Row]) -> str:
    lines = []
    for row in rows:
        marks = [word for word, on in (("user only", row.user_only), ("profile", row.profile)) if on]
        about = row.about + (
            f" One of {', '.join(f'`{each}`' for each in row.choices)}." if row.choices else ""
        )
        variables = "<br>".join(f"`{each}`" for each in row.variables) or "-"
        lines.append(
            (f"`{row.name}`", about, f"`{row.example}`", _default(row), variables, ", ".join(marks) or "-")
        )
    return _table(("key", "what it says", "example", "default", "variables", "marks"), lines)


def _default(row: Row) -> str:
    match row.default:
        case None | ():
            return "-"
        case bool() as truth:
            return f"`{str(truth).lower()}`"
        case tuple() as several:
            return f"`{', '.join(map(str, several))}`"
        case float() as number if row.kind is Kind.DURATION:
            return f"`{number:g}s`"
        case other:
            return f"`{other}`"


_FAULT = "A fault of the program, or what no other kind says."


def exit_codes_page() -> str:
    """The codes, and every error's kind under its code."""
    parts = [
        "# Exit codes\n",
        f"```{{.text .wrapped}}\n{EXIT_CODES}\n```\n",
        "## Kinds of error\n",
        "`kind` is what `--json` and the audit log say. The hint of an error is the next command to type.\n",
    ]
    abouts = {(errors.SophiaError.exit_code, errors.SophiaError.kind): _FAULT}
    for cls in error_classes():
        abouts.setdefault((cls.exit_code, cls.kind), _unwrapped(inspect.getdoc(cls) or "").partition("\n")[0])
    rows = [(f"`{kind}`", str(code), about) for (code, kind), about in sorted(abouts.items())]
    parts.append(_table(("kind", "code", "what happened"), rows))
    return "\n".join(parts)


def error_classes() -> list[type[errors.SophiaError]]:
    """Every error class of the program, wherever it is defined: what a user can meet."""
    for module in pkgutil.walk_packages(sophia_secrets.__path__, "sophia_secrets."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return _below(errors.SophiaError)


def _below(cls: type[errors.SophiaError]) -> list[type[errors.SophiaError]]:
    return [cls, *(found for child in cls.__subclasses__() for found in _below(child))]


_ABOUT_FIELD = {
    "seq": "The number of the line in its chain; gapless.",
    "time": "When, RFC 3339 in UTC with milliseconds.",
    "command": f"What was asked: {', '.join(f'`{word}`' for word in audit_words.COMMANDS)}.",
    "name": "The secret's name.",
    "backend": "The backend that answered or was written to; without a value, the one that failed or that alone was asked.",
    "target": "What it was pointed at.",
    "outcome": "What became of it (below).",
    "kind": "The kind of a failure ([exit codes](exit-codes.md)).",
    "fingerprint": "A keyed MAC of a written value: equality can be checked later without the value.",
    "digest": "The vendor's own digest after a write, or as seen.",
    "updated_at": "The vendor's own time of change.",
    "id": "Ties the intent of a write to its outcome.",
    "words": "The vendor's own error text, values taken out.",
    "cached": "True where the answer came from the cache.",
    "stale": "True where an expired answer stood in during an outage.",
    "degraded": "True where a backend above the one that answered had failed.",
    "duration_ms": "How long it took.",
    "version": "The version that a write made, or that was seen.",
    "count": "How many names a `list` showed.",
    "pid": "The process.",
    "user": "The user's name, or number where there is none.",
    "host": "The host's name.",
    "ci": "The CI run: its address, or `CI`.",
    "reason": "The text of `--reason`.",
    "profile": "The profile in force.",
    "mac": "The keyed MAC over this line and the one before.",
}


def audit_page() -> str:
    """The fields of an event, with the bounds that the writer keeps to."""
    texts = dict(audit_event._EVENT_TEXTS + audit_event._ACTOR_TEXTS)
    names = ["seq", "time", *(name for name, _ in audit_event._EVENT_TEXTS), *audit_event._FLAGS]
    names += [*audit_event._NUMBERS, "pid", *(name for name, _ in audit_event._ACTOR_TEXTS), "mac"]
    rows = [(f"`{name}`", _ABOUT_FIELD[name], str(texts.get(name, "-"))) for name in names]
    return "\n".join(
        [
            "# Audit events\n",
            (
                "One JSON object a line, in the order of these fields; an empty field is left out. There is no "
                "field for a value and no free field. The bound is bytes of JSON: longer text is cut and ends "
                "in `…`.\n"
            ),
            _table(("field", "what it holds", "bound"), rows),
            "## Outcomes\n",
            _table(
                ("outcome", "means"),
                [(f"`{word}`", about) for word, about in audit_words.OUTCOMES.items()],
            ),
            "See [Audit](../audit.md) for queries and verification.",
        ]
    )


def _unwrapped(text: str) -> str:
    """A docstring's paragraphs, each on one line."""
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n"))


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
