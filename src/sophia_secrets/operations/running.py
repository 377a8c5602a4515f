"""What `run` hands to its command: chosen, resolved in one pass, checked, and audited before anything starts."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sophia_secrets import errors
from sophia_secrets.core import child_environment as child
from sophia_secrets.core import verdict
from sophia_secrets.core.child_environment import Chosen, Environment, Limits, Selection
from sophia_secrets.core.model import EntryState, Resolution, SecretValue
from sophia_secrets.core.resolve import Answer, find, resolve
from sophia_secrets.operations import recording
from sophia_secrets.operations.fetch import Wanted, gather
from sophia_secrets.operations.session import Session


@dataclass(frozen=True, slots=True)
class Prepared:
    """
    All that the command is to be given, and what there is to say of it.

    `variables` and `files` are the secrets by name, `absent` the optional declared ones that no
    backend holds, `dangerous` the names left out.
    """

    environment: Environment
    variables: Mapping[str, SecretValue]
    files: Mapping[str, SecretValue]
    absent: tuple[str, ...]
    dangerous: tuple[str, ...]
    answers: tuple[Answer, ...] = field(repr=False)

    def values(self) -> list[SecretValue]:
        """Every value that is handed over."""
        return [*self.variables.values(), *self.files.values()]


def prepare(
    session: Session,
    selection: Selection,
    inherited: Mapping[bytes, bytes],
    arguments: Sequence[bytes],
    limits: Limits,
    *,
    only: str | None = None,
    use_cache: bool = True,
) -> Prepared:
    """
    Choose and resolve the names, build the environment, and put one event a name on the disk.

    Without `--only` and `--scope` the names are the declared ones; where none is declared, all
    that the chain can give a value for, other than the variables that the command inherits anyway.

    Raises what `reading.read` raises; `errors.NotFound` (or the failure's own error) for a name
    that was named, or is required, and has no value; `errors.BadValue` for a value that a command
    cannot be given. Then the events say that nothing was handed out.
    """
    started = time.monotonic()
    declared = session.settings.declared
    scopes = {name: each.scopes for name, each in declared.items()}
    asked = child.to_ask(selection, scopes)
    answers = gather(session, Wanted(asked, only=only, use_cache=use_cache))
    here = frozenset(session.environ)
    resolutions: list[Resolution] = []
    prepared: Prepared | None = None
    refusal: errors.SophiaError | None = None
    try:
        chosen = child.choose(
            selection, scopes, _held(answers, here), lambda name: _has_value(name, answers), here
        )
        resolutions = [resolve(name, answers) for name in chosen.names]
        decisive = [*resolutions, *([resolve(child.ANY, answers)] if child.ANY in asked else ())]
        refusal = _strict_refusal(session, decisive, answers) or _missing(
            session, chosen, resolutions, answers
        )
        if refusal is None:
            prepared = _prepared(selection, declared, chosen, resolutions, answers, inherited)
            child.check_size(prepared.environment, prepared.variables, arguments, limits)
    except errors.SophiaError as problem:
        refusal = problem
    duration = round((time.monotonic() - started) * 1000)
    recording.accesses(session, resolutions, answers, duration_ms=duration, delivered=refusal is None)
    if refusal is not None or prepared is None:
        raise refusal or errors.SophiaError("Nothing was prepared.")
    return prepared


def _prepared(
    selection: Selection,
    declared: Collection[str],
    chosen: Chosen,
    resolutions: Sequence[Resolution],
    answers: Sequence[Answer],
    inherited: Mapping[bytes, bytes],
) -> Prepared:
    found = {each.name: each.value for each in resolutions if each.value is not None}
    files = {name: value for name, value in found.items() if name in selection.files}
    variables = {name: value for name, value in found.items() if name not in files}
    for name, value in files.items():
        child.file_bytes(name, value)
    absent = tuple(each.name for each in resolutions if each.value is None)
    environment = child.build(selection, declared, variables, inherited)
    return Prepared(environment, variables, files, absent, chosen.dangerous, tuple(answers))


def _held(answers: Sequence[Answer], here: Collection[str]) -> list[str]:
    """The names that have a value, sorted; of `env` those of its file, not of the process."""
    found = set()
    for answer in answers:
        for name, entry in answer.snapshot.entries.items() if answer.snapshot is not None else ():
            if entry.state is EntryState.READABLE and not (answer.backend == "env" and name in here):
                found.add(name)
    return sorted(found)


def _has_value(name: str, answers: Sequence[Answer]) -> bool:
    entries = (find(answer, name) for answer in answers)
    return any(entry is not None and entry.state is EntryState.READABLE for entry in entries)


def _strict_refusal(
    session: Session, resolutions: Sequence[Resolution], answers: Sequence[Answer]
) -> errors.SophiaError | None:
    if not session.strict:
        return None
    for resolution in resolutions:
        if resolution.degraded:
            return verdict.refused_by_strict(resolution, answers)
    return None


def _missing(
    session: Session, chosen: Chosen, resolutions: Sequence[Resolution], answers: Sequence[Answer]
) -> errors.SophiaError | None:
    declared = session.settings.declared
    profile = session.settings.profile
    for resolution in resolutions:
        name = resolution.name
        needed = name in chosen.named or (name in declared and declared[name].is_required(profile))
        if resolution.value is None and needed:
            return verdict.missing(resolution, answers)
    return None
