"""Selecting secrets for `run` and `export`: resolved in one pass, and audited before they are delivered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.core import child_environment as child
from sophia_secrets.core import read_errors
from sophia_secrets.core.child_environment import ChosenNames, Selection
from sophia_secrets.core.model import EntryState, Resolution, SecretValue
from sophia_secrets.core.resolve import Answer, find, known_names, resolve
from sophia_secrets.operations import recording
from sophia_secrets.operations.fetch import ChainQuery, gather
from sophia_secrets.operations.session import Session

T = TypeVar("T")


class Selected(Struct, frozen=True):
    """The chosen names, with a resolution for each and the answer of each backend."""

    chosen: ChosenNames
    resolutions: tuple[Resolution, ...]
    answers: tuple[Answer, ...]

    @property
    def values(self) -> dict[str, SecretValue]:
        """The names that have a value, in order."""
        return {each.name: each.value for each in self.resolutions if each.value is not None}

    @property
    def absent(self) -> tuple[str, ...]:
        """The names without a value."""
        return tuple(each.name for each in self.resolutions if each.value is None)


def hand_over(
    session: Session,
    asked: Sequence[str],
    choose: Callable[[Sequence[Answer]], ChosenNames],
    make: Callable[[Selected], T],
    *,
    only: str | None = None,
    use_cache: bool = True,
) -> T:
    """
    Query the chain for `asked`, let `choose` select the names and `make` build the result, and audit one
    event per name before the result is returned.

    Raises what `choose` and `make` raise, `errors.NotFound` (or the failure's own error) for a named or
    required name without a value, and, when the session is strict, the error of the first failure
    at or above a winner. Then the events say that nothing was delivered.
    """
    started = time.monotonic()
    answers = tuple(gather(session, ChainQuery(tuple(asked), only=only, use_cache=use_cache)))
    resolutions: tuple[Resolution, ...] = ()
    made: list[T] = []
    refusal: errors.SophiaError | None = None
    try:
        chosen = choose(answers)
        resolutions = tuple(resolve(name, answers) for name in chosen.names)
        # Where all names were asked for, a backend that failed may hold more.
        decisive = (*resolutions, resolve(child.ANY, answers)) if child.ANY in asked else resolutions
        refusal = strict_refusal(session, decisive, answers) or _missing(
            session, chosen, resolutions, answers
        )
        if refusal is None:
            made.append(make(Selected(chosen, resolutions, answers)))
    except errors.NotFound as problem:
        refusal = read_errors.uncertain(problem, answers)
    except errors.SophiaError as problem:
        refusal = problem
    duration = round((time.monotonic() - started) * 1000)
    recording.accesses(session, resolutions, answers, duration_ms=duration, delivered=refusal is None)
    if refusal is not None:
        raise refusal
    return made[0]


def by_selection(session: Session, selection: Selection) -> Callable[[Sequence[Answer]], ChosenNames]:
    """
    The selection of `run` and `export`: the selected names; without a selection the declared ones; where
    none is declared, all names with a value, except the variables of this process.
    """
    scopes = {name: each.scopes for name, each in session.settings.declared.items()}
    here = frozenset(session.environ)

    def choose(answers: Sequence[Answer]) -> ChosenNames:
        return child.choose(
            selection,
            scopes,
            _names_with_values(session, answers),
            lambda name: _has_value(name, answers),
            here,
        )

    return choose


def names_to_query(session: Session, selection: Selection) -> tuple[str, ...]:
    """The names to query before `by_selection` can choose."""
    return child.names_to_query(
        selection, {name: each.scopes for name, each in session.settings.declared.items()}
    )


def strict_refusal(
    session: Session, resolutions: Sequence[Resolution], answers: Sequence[Answer]
) -> errors.SophiaError | None:
    """Under `--strict`, the error of a backend that failed and could have changed an answer."""
    if not session.strict:
        return None
    for resolution in resolutions:
        if resolution.degraded:
            return read_errors.refused_by_strict(resolution, answers)
    # Nothing was found and a backend failed: what it holds is unknown.
    if not resolutions and any(answer.failure is not None for answer in answers):
        return read_errors.refused_by_strict(resolve(child.ANY, answers), answers)
    return None


def _names_with_values(session: Session, answers: Sequence[Answer]) -> list[str]:
    """The names that have a value, sorted; of `env` only those of its file."""
    found = set()
    for answer in answers:
        for name, entry in answer.snapshot.entries.items() if answer.snapshot is not None else ():
            of_process = answer.backend == "env" and name in session.environ
            if entry.state is EntryState.READABLE and not of_process:
                found.add(name)
    return sorted(found)


def _has_value(name: str, answers: Sequence[Answer]) -> bool:
    entries = (find(answer, name) for answer in answers)
    return any(entry is not None and entry.state is EntryState.READABLE for entry in entries)


def _missing(
    session: Session, chosen: ChosenNames, resolutions: Sequence[Resolution], answers: Sequence[Answer]
) -> errors.SophiaError | None:
    declared = session.settings.declared
    profile = session.settings.profile
    for resolution in resolutions:
        name = resolution.name
        needed = name in chosen.named or (name in declared and declared[name].is_required(profile))
        if resolution.value is None and needed:
            there = _valueless(name, answers) if name in chosen.loose else []
            return read_errors.missing(
                resolve(there[0], answers) if there else resolution,
                answers,
                in_workflow=session.in_workflow,
                or_prefix=name in chosen.loose and not there,
            )
    return None


def _valueless(prefix: str, answers: Sequence[Answer]) -> list[str]:
    """The names with this prefix that are stored but not readable: an error about one says why."""
    start = f"{prefix.removesuffix('_')}_"
    return [n for n in known_names(answers) if n.startswith(start) and not _has_value(n, answers)]
