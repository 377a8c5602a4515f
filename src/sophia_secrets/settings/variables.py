"""Settings from command-line flags and environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping

from sophia_secrets import errors
from sophia_secrets.core import names
from sophia_secrets.settings import kinds
from sophia_secrets.settings.checking import ValidationContext, Values, normalized, suggestion
from sophia_secrets.settings.declared import SourcedValue
from sophia_secrets.settings.kinds import InvalidValue
from sophia_secrets.settings.table import BY_KEY, PREFIX, ROWS, SPECIAL_VARIABLES, Row
from sophia_secrets.state import keys


def from_flags(flags: Mapping[str, str], cwd: str, context: ValidationContext) -> Values:
    """The values of flags, as texts by dotted key. Raises `errors.BadSettings`, never quoting a text."""
    found: Values = {}
    for key, text in flags.items():
        row = BY_KEY.get(key)
        if row is None:
            raise errors.BadSettings(
                f"{names.shown(key)} is not a setting.", hint=suggestion(key, BY_KEY, "settings")
            )
        if not text.strip():
            raise errors.BadSettings(f"The flag for `{key}` is empty.", hint=f"For example: {row.example}.")
        found[key] = _sourced(row, text, f"flag for `{key}`", cwd, context)
    return found


def from_environment(environ: Mapping[str, str], cwd: str, context: ValidationContext) -> Values:
    """
    The values of our own variables. An empty one is ignored: in a workflow an undefined secret or
    variable arrives empty. Raises `errors.BadSettings`, never quoting a text.
    """
    found = _read({row.variable: row for row in ROWS if row.variable}, environ, cwd, context)
    if environ.get(keys.VARIABLE, "").strip():
        found["cache.key"] = SourcedValue("variable", f"variable {keys.VARIABLE}")
    return found


def from_vendors(environ: Mapping[str, str], cwd: str, context: ValidationContext) -> Values:
    """The values of the vendors' own variables, such as `GITHUB_REPOSITORY`."""
    return _read({row.vendor: row for row in ROWS if row.vendor}, environ, cwd, context)


def _read(
    rows: Mapping[str, Row], environ: Mapping[str, str], cwd: str, context: ValidationContext
) -> Values:
    return {
        row.key: _sourced(row, environ[variable], f"variable {variable}", cwd, context)
        for variable, row in rows.items()
        if environ.get(variable, "").strip()
    }


def extra_backends(flags: Mapping[str, str], environ: Mapping[str, str]) -> SourcedValue | None:
    """The `backends.extra` of flags or variables, which decides which other settings are valid."""
    row = BY_KEY["backends.extra"]
    context = ValidationContext("", "", ())
    for texts, key, place in (
        (flags, row.key, f"flag for `{row.key}`"),
        (environ, row.variable, f"variable {row.variable}"),
    ):
        if texts.get(key, "").strip():
            return _sourced(row, texts[key], place, "/", context)
    return None


def _sourced(row: Row, text: str, place: str, cwd: str, context: ValidationContext) -> SourcedValue:
    try:
        return SourcedValue(
            normalized(row, kinds.from_text(row.kind, text, row.choices), os.path.abspath(cwd), context),
            place,
        )
    except InvalidValue as error:
        problem, hint = error.problem, error.hint
    raise errors.BadSettings(f"The {place} {problem}.", hint=hint or f"For example: {row.example}.")


def unknown_notes(environ: Mapping[str, str]) -> tuple[str, ...]:
    """A note for each variable with our prefix whose name is close to that of a setting."""
    known = {row.variable.removeprefix(PREFIX) for row in ROWS} | {
        each.removeprefix(PREFIX) for each in SPECIAL_VARIABLES
    }
    unknown = sorted(
        each for each in environ if each.startswith(PREFIX) and each.removeprefix(PREFIX) not in known
    )
    if not unknown:
        return ()
    from difflib import get_close_matches

    return tuple(
        f"The variable {names.shown(each)} is not a setting. Did you mean `{PREFIX}{close[0]}`?"
        for each in unknown
        if (close := get_close_matches(each.removeprefix(PREFIX)[:64], known, 1, 0.8))
    )
