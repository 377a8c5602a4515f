"""Validation of a settings document: its values with their sources, or an error with file and line."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from sophia_secrets import errors
from sophia_secrets.core import names
from sophia_secrets.settings import kinds
from sophia_secrets.settings.declared import DECLARED, GROUP_RULES, Group, SourcedValue
from sophia_secrets.settings.document import Document
from sophia_secrets.settings.kinds import InvalidValue, Kind, Value
from sophia_secrets.settings.table import BY_KEY, TABLES, Row

if TYPE_CHECKING:
    from sophia_secrets.settings.lines import Path

Values = dict[str, SourcedValue]

_WORD = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_TABLES_OF_NAMES = ("secrets", "groups", "profiles")
_DECLARED = {row.key: row for row in DECLARED}
_WHY_NOT = {
    "programs": "which programs run",
    "audit": "whether your accesses are recorded",
    "cache": "where your key is kept",
    "backends": "which code is loaded",
}
_NO_VALUES = "A settings file never holds a value: store it with `sophia-secrets set {}`."


class ValidationContext(Struct, frozen=True):
    """What validation depends on: the user's home and settings file ("" unknown), the known backends."""

    home: str
    user_file: str
    backends: Collection[str]


class CheckedDocument(Struct):
    """The validated document: settings by key and by profile, declared secrets, groups."""

    document: Document
    values: Values = field(default_factory=dict)
    profiles: dict[str, Values] = field(default_factory=dict)
    secrets: dict[str, Values] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)


def absolute(row: Row, text: str, base: str, home: str) -> str:
    """The absolute path: relative to `base`, with `~/` expanded. Raises `InvalidValue`."""
    if text.startswith("~"):
        if not text.startswith("~/"):
            raise InvalidValue("begins with `~`, of which only `~/` is understood")
        if not home:
            raise InvalidValue("begins with `~/`, and there is no home directory")
        return os.path.join(home, text[2:])
    if row.absolute and not os.path.isabs(text):
        raise InvalidValue("must be an absolute path")
    return os.path.join(base, text.removeprefix("./"))


def normalized(row: Row, value: Value, base: str, context: ValidationContext) -> Value:
    """The value with its path made absolute, after the rules of the row. Raises `InvalidValue`."""
    if isinstance(value, str) and row.kind is Kind.PATH:
        return absolute(row, value, base, context.home)
    if row.pattern and isinstance(value, str) and (problem := _pattern_problem(value)):
        raise InvalidValue(problem)
    if row.above_zero and not value:
        raise InvalidValue("names nothing" if row.kind is Kind.LIST else "must be more than 0")
    if row.backends and value:
        for name in (value,) if isinstance(value, str) else _texts(value):
            if name not in context.backends:
                raise InvalidValue(
                    f"names {names.shown(name)}, which is not a backend", suggestion(name, context.backends)
                )
    return value


def suggestion(name: str, known: Iterable[str], kind: str = "known names") -> str:
    """The hint for an unknown name: the nearest known ones, or all of them."""
    known = list(known)
    found = names.nearest(name, ((each, "") for each in known))
    if found:
        return f"Did you mean {names.either([f'`{each}`' for each, _ in found[:2]])}?"
    return f"The {kind} are {', '.join(f'`{each}`' for each in known)}." if known else ""


def check(document: Document, context: ValidationContext, *, is_user: bool) -> CheckedDocument:
    """
    The document's values. Raises `errors.BadSettings` with file and line.

    `is_user` marks the user's own file, the only one that may contain the `user_only` settings.
    """
    checked = CheckedDocument(document)
    reader = _Reader(document, context, is_user)
    for name, raw in document.table.items():
        if name in _TABLES_OF_NAMES:
            for each, table in reader.table((name,), raw).items():
                _named(reader, checked, name, each, table)
        else:
            reader.setting(checked.values, (), name, raw)
    return checked


def _named(reader: _Reader, checked: CheckedDocument, kind: str, name: str, raw: object) -> None:
    path = (kind, name)
    if kind == "profiles":
        reader.require(re.fullmatch(_WORD, name), path, "a profile's name is letters, digits, `-` and `_`")
        values = checked.profiles.setdefault(name, {})
        for key, value in reader.table(path, raw).items():
            reader.setting(values, path, key, value)
        return
    if kind == "groups":
        reader.require(re.fullmatch(_WORD, name), path, "a group's name is letters, digits, `-` and `_`")
        checked.groups[name] = reader.group(name, raw)
        return
    reader.require(names.is_safe(name), path, "this cannot be a secret's name")
    hint = _NO_VALUES.format(name)
    checked.places[name] = reader.document.place(path)
    found = checked.secrets.setdefault(name, {})
    for key, value in reader.table(path, raw, hint).items():
        row = _DECLARED.get(key)
        if row is None:
            raise reader.unknown(
                (*path, key), key, _DECLARED, hint if key in ("value", "default", "secret") else ""
            )
        found[key] = reader.parse(row, (*path, key), value)


class _Reader(Struct, frozen=True):
    document: Document
    context: ValidationContext
    is_user: bool

    def error(self, path: Path, problem: str, hint: str = "") -> errors.BadSettings:
        return self.document.error(path, f"{names.shown('.'.join(path))} {problem}.", hint)

    def require(self, holds: object, path: Path, rule: str) -> None:
        if not holds:
            raise self.document.error(path, f"{names.shown('.'.join(path))}: {rule}.", "Rename it.")

    def unknown(self, path: Path, key: str, known: Iterable[str], hint: str = "") -> errors.BadSettings:
        return self.error(path, "is not a known setting", hint or suggestion(key, known, "known ones here"))

    def table(self, path: Path, raw: object, hint: str = "") -> Mapping[str, object]:
        if not isinstance(raw, dict):
            raise self.error(
                path, "must be a table", hint or f"Write `[{'.'.join(path)}]` and its keys below it."
            )
        return raw

    def setting(self, values: Values, at: Path, name: str, raw: object) -> None:
        """Read one top-level name of the file, or of the profile whose path is `at`."""
        path = (*at, name)
        if name in TABLES:
            for key, value in self.table(path, raw).items():
                row = BY_KEY.get(f"{name}.{key}")
                if row is None:
                    raise self.unknown(
                        (*path, key), key, (r.name for r in BY_KEY.values() if r.table == name)
                    )
                self.require_allowed(row, (*path, key), in_profile=bool(at))
                values[row.key] = self.parse(row, (*path, key), value)
        elif name in BY_KEY:
            self.require_allowed(BY_KEY[name], path, in_profile=bool(at))
            values[name] = self.parse(BY_KEY[name], path, raw)
        elif name in self.context.backends:
            for key, value in self.table(path, raw).items():
                values[f"{name}.{key}"] = SourcedValue(
                    self.plug_in_value((*path, key), value), self.document.place((*path, key))
                )
        else:
            known = [*BY_KEY, *TABLES] if at else [*BY_KEY, *TABLES, *_TABLES_OF_NAMES]
            hint = names.nearest(name, ((each, "") for each in known))
            top = [each for each in known if "." not in each]
            raise self.unknown(path, name, known if hint else top)

    def require_allowed(self, row: Row, path: Path, *, in_profile: bool) -> None:
        if row.user_only and not self.is_user:
            why = _WHY_NOT[row.table]
            where = self.context.user_file or "your own settings file"
            raise self.error(
                path,
                f"may only stand in {where}: a project, which may be a clone, must not decide {why}",
                f"Move it to {where}.",
            )
        if in_profile and not row.profile:
            raise self.error(
                path, "may not stand in a profile", "A profile sets the chain, targets and `strict`."
            )

    def parse(self, row: Row, path: Path, raw: object) -> SourcedValue:
        base = os.path.dirname(self.document.path)
        try:
            value = normalized(row, kinds.from_toml(row.kind, raw, row.choices), base, self.context)
            return SourcedValue(value, self.document.place(path))
        except InvalidValue as error:
            problem, hint = error.problem, error.hint
        raise self.error(path, problem, hint or f"For example: `{row.name} = {row.example}`.")

    def plug_in_value(self, path: Path, raw: object) -> Value:
        """A value for a plug-in backend: any plain one."""
        try:
            if isinstance(raw, str):
                return kinds.from_toml(Kind.TEXT, raw)
            if isinstance(raw, list):
                return kinds.from_toml(Kind.LIST, raw)
            if isinstance(raw, bool | float) or (isinstance(raw, int) and abs(raw) < 1 << 53):
                return raw
            problem = "must be text, a number, true, false or a list of text"
        except InvalidValue as error:
            problem = error.problem
        raise self.error(path, problem, f"The documentation of `{path[-2]}` says what it takes.")

    def group(self, name: str, raw: object) -> Group:
        path = ("groups", name)
        table = self.table(path, raw, f'For example: `groups.{name}.at_least_one = ["A_KEY", "B_KEY"]`.')
        for key in table:
            if key not in GROUP_RULES:
                raise self.unknown((*path, key), key, GROUP_RULES)
        if len(table) != 1:
            raise self.error(
                path, "needs one of `at_least_one` and `exactly_one`", "Keep the one that is meant."
            )
        ((rule, value),) = table.items()
        row = Row(rule, Kind.LIST, GROUP_RULES[rule], '["A_KEY", "B_KEY"]', above_zero=True)
        members = _texts(self.parse(row, (*path, rule), value).value)
        for member in members:
            if not names.is_safe(member):
                problem = f"names {names.shown(member)}, which cannot be a secret's name"
                raise self.error((*path, rule), problem, f"For example: `{rule} = {row.example}`.")
        return Group(name, rule == "exactly_one", members, self.document.place(path))


def _texts(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _pattern_problem(value: str) -> str | None:
    from sophia_secrets.settings import pattern

    return pattern.problem(value)
