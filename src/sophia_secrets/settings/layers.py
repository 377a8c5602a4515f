"""
Merging the layers of settings, each value with its source.

From strongest to weakest: flags; our variables; the chosen profile; the vendors' variables; the
project's `sophia-secrets.local.toml`; its `sophia-secrets.toml` or `pyproject.toml`; the user's
file; defaults. A profile is stronger than the vendors' variables because CI and shells set those on
their own: with `--profile production` the app of development must not be used.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from sophia_secrets import errors
from sophia_secrets.core import names
from sophia_secrets.settings import kinds, paths, reading, variables
from sophia_secrets.settings.checking import CheckedDocument, ValidationContext, Values, check, suggestion
from sophia_secrets.settings.declared import Declared, Group, SourcedValue, declare
from sophia_secrets.settings.document import Document
from sophia_secrets.settings.file import SettingsFile, assess_trust, trust_notes
from sophia_secrets.settings.kinds import InvalidValue, Value
from sophia_secrets.settings.reading import FileStamp, Project
from sophia_secrets.settings.result import DEFAULT, Layer, Settings, Source
from sophia_secrets.settings.table import BACKENDS, BY_KEY, TABLES
from sophia_secrets.settings.trust import TrustStore, danger, remedy

PROFILE = "SOPHIA_SECRETS_PROFILE"
_RESERVED = frozenset({*BACKENDS, *TABLES, *BY_KEY, "secrets", "groups", "profiles"})


def load(
    *,
    environ: Mapping[str, str],
    cwd: str,
    flags: Mapping[str, str] | None = None,
    profile: str | None = None,
    config_file: str | None = None,
    trust: TrustStore | None = None,
) -> Settings:
    """
    The settings of this environment, working directory and command line.

    `flags` are texts by dotted key. `config_file` replaces the project's files, and its targets are
    trusted because it was named; it may not contain `user_only` settings. Raises
    `errors.BadSettings` for invalid settings, `errors.NotTrusted` for a profile that only an
    untrusted file has, `errors.UnsafeState`.
    """
    flags = flags or {}
    where = paths.locate(environ)
    user, seen = _user(where)
    project = _project(cwd, where, config_file)
    extra = _extra(variables.extra_backends(flags, environ), user)
    context = ValidationContext(where.home, where.user_file, (*BACKENDS, *extra))

    files = [
        assess_trust(check(each, context, is_user=False), environ, trust, named=config_file is not None)
        for each in project.documents
    ]
    if user is not None:
        files.append(SettingsFile(check(user, context, is_user=True), Layer.USER, trusted=True))
    profile, chosen_by = _chosen(profile, environ, files)
    profiled = [(each.values(profile), each.layer) for each in files] if profile else []
    vendors = variables.from_vendors(environ, cwd, context)
    values, sources = _merge(
        [
            (variables.from_flags(flags, cwd, context), Layer.FLAG),
            (variables.from_environment(environ, cwd, context), Layer.VARIABLE),
            *profiled,
            (vendors, Layer.VARIABLE),
            *((each.values(), each.layer) for each in files),
        ]
    )
    if chosen_by is not None:
        sources["profile"] = chosen_by
    declared, groups = _declarations(files)
    return Settings(
        values=values,
        sources=sources,
        declared=declared,
        groups=groups,
        profile=profile,
        profiles=_profiles(files),
        paths=where,
        notes=(
            *project.notes,
            *trust_notes(files, environ),
            *_profile_notes(profile, vendors, sources),
            *variables.unknown_notes(environ),
        ),
        files=(*project.seen, *((seen,) if seen else ())),
        markers=project.markers,
        untrusted=next((each.path for each in files if each.ignored_keys), None),
        extra=extra,
    )


def _user(where: paths.Paths) -> tuple[Document | None, FileStamp | None]:
    """The user's file, which decides what runs, so nobody else may be able to write it."""
    if not where.user_file:
        return None, None
    document, seen = reading.read(where.user_file)
    unsafe = danger(os.path.realpath(where.user_file)) if document else ""
    if unsafe:
        raise errors.UnsafeState(
            f"{where.user_file} decides which programs run, and {unsafe}.",
            hint=remedy(os.path.realpath(where.user_file), unsafe)
            or "Make the file and its directory yours alone to write.",
        )
    return document, seen


def _project(cwd: str, where: paths.Paths, config_file: str | None) -> Project:
    if config_file is None:
        return reading.find_project(cwd, where.home)
    document, seen = reading.read_named(os.path.join(os.path.abspath(cwd), config_file))
    is_users = where.user_file and os.path.realpath(document.path) == os.path.realpath(where.user_file)
    return Project(() if is_users else (document,), (seen,), ())


def _extra(extra: SourcedValue | None, user: Document | None) -> tuple[str, ...]:
    """The names under `backends.extra`, needed before the files can be validated."""
    table = user.table.get("backends") if user else None
    if extra is None and user is not None and isinstance(table, dict) and "extra" in table:
        try:
            value = kinds.from_toml(BY_KEY["backends.extra"].kind, table["extra"])
        except InvalidValue:
            # The validation of the file reports it.
            return ()
        extra = SourcedValue(value, user.place(("backends", "extra")))
    if extra is None or not isinstance(extra.value, tuple):
        return ()
    for name in extra.value:
        if name in _RESERVED or not (name.isascii() and name.isidentifier() and name == name.lower()):
            raise errors.BadSettings(
                f"{extra.place}: `backends.extra` names {names.shown(name)}, which no plug-in can have.",
                hint="A backend's name is lower case letters, digits and underscores, and not one of ours.",
            )
    return extra.value


def _chosen(
    profile: str | None, environ: Mapping[str, str], files: Sequence[SettingsFile]
) -> tuple[str | None, Source | None]:
    """The chosen profile and its source. Raises for an unknown one: a typo must not mean no profile."""
    if profile is not None:
        source = Source(Layer.FLAG, "flag --profile")
    elif profile := environ.get(PROFILE, "").strip():
        source = Source(Layer.VARIABLE, f"variable {PROFILE}")
    else:
        return None, None
    holders = [each for each in files if profile in each.checked.profiles]
    if not holders:
        raise errors.BadSettings(
            f"There is no profile {names.shown(profile)} ({source.place}).",
            hint=suggestion(profile, _profiles(files), "profiles")
            or "No settings file has a `[profiles.NAME]`: add one, or leave the profile out.",
        )
    if not any(each.trusted for each in holders):
        why = f": {holders[0].danger}" if holders[0].danger else ""
        raise errors.NotTrusted(
            f"The profile {names.shown(profile)} stands in {holders[0].path}, which is not trusted{why}.",
            hint="Read the file, then run `sophia-secrets trust`.",
        )
    return profile, source


def _merge(layers: Sequence[tuple[Values, Layer]]) -> tuple[dict[str, Value], dict[str, Source]]:
    values: dict[str, Value] = {}
    sources: dict[str, Source] = {}
    for layer_values, layer in layers:
        for key, sourced in layer_values.items():
            if key not in values:
                values[key] = sourced.value
                sources[key] = Source(layer, sourced.place)
    keys = dict.fromkeys([*BY_KEY, *values])
    return (
        {key: values[key] if key in values else BY_KEY[key].default for key in keys},
        {key: sources.get(key, DEFAULT) for key in keys},
    )


def _declarations(files: Sequence[SettingsFile]) -> tuple[dict[str, Declared], dict[str, Group]]:
    """
    The declared secrets, merged key by key, and the groups.

    An untrusted file may add to the user's declarations and never change them.
    """
    order: list[CheckedDocument] = [
        each.checked for trusted in (True, False) for each in files if each.trusted is trusted
    ]
    declared: dict[str, Declared] = {}
    known = _profiles(files)
    for name in dict.fromkeys(name for each in order for name in each.secrets):
        holders = [each for each in order if name in each.secrets]
        declared[name] = declare(name, [each.secrets[name] for each in holders], holders[0].places[name])
        required = declared[name].required
        for profile in required if isinstance(required, tuple) else ():
            if profile not in known:
                raise errors.BadSettings(
                    f"{declared[name].place}: {names.shown(name)} is required under {names.shown(profile)}, "
                    "which is not a profile.",
                    hint=suggestion(profile, known, "profiles") or f"Add a table `[profiles.{profile}]`.",
                )
    groups = {name: group for each in reversed(order) for name, group in each.groups.items()}
    return declared, groups


def _profiles(files: Iterable[SettingsFile]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in files for name in each.checked.profiles))


def _profile_notes(profile: str | None, vendors: Values, sources: Mapping[str, Source]) -> tuple[str, ...]:
    """A note for each vendor's variable that the profile overrides."""
    return tuple(
        f"The {sourced.place} is not used: the profile {names.shown(profile)} sets `{key}`."
        for key, sourced in vendors.items()
        if profile is not None and sources[key].layer in (Layer.LOCAL, Layer.PROJECT, Layer.USER)
    )
