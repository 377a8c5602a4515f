"""Plans: what copy, move, sync, import and rotate would change at one target. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum

from msgspec import Struct

from sophia_secrets.core.compare import Fingerprint, LastWrite, Sameness, compare
from sophia_secrets.core.model import Change, Entry, EntryState, SecretValue
from sophia_secrets.core.resolve import Answer, find, is_complete, spellings
from sophia_secrets.launch.dangerous import is_dangerous

NEW = "new"
ANOTHER = "another value"
SAME = "the same value"
CANNOT_COMPARE = "cannot be compared"
UNREADABLE = "its value cannot be read, and it cannot be compared"
UNREADABLE_OTHER = "another value, which cannot be read"

UNDECLARED = "not declared as a secret"
"""The end of the detail of a Fly Machine's variable that is not declared as a secret."""

Problem = Callable[[str, SecretValue | None], str | None]
"""Why a name, or a value under it, cannot be stored at the destination, or None."""


class Act(Enum):
    """What to do with one name; nothing for `unchanged`, `unknown` and `refused`."""

    SET = "set"
    DELETE = "delete"
    UNCHANGED = "unchanged"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class Action(Struct, frozen=True):
    """The action for one name, and why. `value` is set exactly for `SET`."""

    name: str
    act: Act
    reason: str = ""
    value: SecretValue | None = None


class Plan(Struct, frozen=True):
    """All actions on one target, each name once."""

    actions: tuple[Action, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """The values to write."""
        return tuple(Change(action.name, action.value) for action in self.actions if action.value is not None)

    @property
    def deletions(self) -> tuple[str, ...]:
        return self.having(Act.DELETE)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes and not self.deletions

    def having(self, act: Act) -> tuple[str, ...]:
        """The names of one kind of action."""
        return tuple(action.name for action in self.actions if action.act is act)


class Destination(Struct, frozen=True):
    """
    A target in its current state: its `answer`, our last write of each name (`last_writes`), and what it
    cannot store (`problem`). `fingerprint` gives "" where there is no key.
    """

    answer: Answer
    last_writes: Mapping[str, LastWrite]
    fingerprint: Fingerprint
    problem: Problem


def plan(wanted: Mapping[str, SecretValue], destination: Destination) -> tuple[Action, ...]:
    """
    The actions that make the destination hold the wanted values, one per name, in the given order.

    A name is `unchanged` only where the destination is known to hold the value: by value where it is
    readable, else by the fingerprint of our last write and the vendor's unchanged digest or time.
    Where neither is known, it is set again.
    """
    return tuple(_plan_value(name, value, destination) for name, value in wanted.items())


def plan_sync(
    source: Answer,
    names: Iterable[str],
    place: Destination,
    *,
    source_writes: Mapping[str, LastWrite],
    delete: bool = False,
    only: str = "",
    declared: Collection[str] = (),
) -> Plan:
    """
    The plan that makes the destination hold what the source holds under `names`.

    A write-only entry of the source is compared; where it is not known to be the same it is left alone,
    and the plan says so. With `delete` every name of the destination that begins with `only` and that
    the source does not hold is deleted; the caller must know that the source lists all its names.
    """
    actions = [_plan_synced(name, source, place, source_writes) for name in names]
    if delete and place.answer.snapshot is not None:
        for name, entry in sorted(place.answer.snapshot.entries.items()):
            held = find(source, name)
            if not _is_secret(name, entry, declared) or not name.startswith(only):
                continue
            if held is None or held.state is EntryState.ABSENT:
                actions.append(_plan_deletion(name, source, place))
    return Plan(tuple(actions))


def names_to_sync(source: Answer, *, only: str = "", declared: Collection[str] = ()) -> tuple[str, ...]:
    """
    The names that `sync` copies from a source, sorted.

    Of the environment, which holds more than secrets, these are the declared names, those of the dotenv
    file and those that match `only`; never a dangerous variable that was not declared.
    """
    if source.snapshot is None:
        return ()
    return tuple(
        sorted(
            name
            for name, entry in source.snapshot.entries.items()
            if name.startswith(only)
            and _is_secret(name, entry, declared)
            and (source.backend != "env" or _chosen(name, entry, only, declared))
        )
    )


def _is_secret(name: str, entry: Entry, declared: Collection[str]) -> bool:
    if entry.state is EntryState.ABSENT or "." in name:
        return False
    return name in declared or not (entry.detail.endswith(UNDECLARED) or entry.detail == "empty")


def _chosen(name: str, entry: Entry, only: str, declared: Collection[str]) -> bool:
    if name in declared:
        return True
    return not is_dangerous(name) and (bool(only) or entry.detail.startswith("from "))


def _plan_value(name: str, value: SecretValue, place: Destination) -> Action:
    reason = place.problem(name, value)
    if reason is not None:
        return Action(name, Act.REFUSED, reason)
    there = find(place.answer, name)
    if there is None or there.state is EntryState.ABSENT:
        known = there is not None or is_complete(place.answer)
        return Action(name, Act.SET, NEW if known else CANNOT_COMPARE, value)
    here = Entry(EntryState.READABLE, value)
    match _compare(name, here, None, there, place):
        case Sameness.SAME:
            return Action(name, Act.UNCHANGED, SAME)
        case Sameness.DIFFERENT:
            return Action(name, Act.SET, ANOTHER, value)
        case Sameness.UNKNOWN:
            return Action(name, Act.SET, CANNOT_COMPARE, value)


def _plan_synced(
    name: str, source: Answer, place: Destination, source_writes: Mapping[str, LastWrite]
) -> Action:
    here = find(source, name)
    if here is not None and here.value is not None:
        return _plan_value(name, here.value, place)
    there = find(place.answer, name)
    if here is None or there is None or there.state is EntryState.ABSENT:
        return Action(name, Act.REFUSED, f"{source.backend} does not give its value")
    match _compare(name, here, last_write_of(source.backend, name, source_writes), there, place):
        case Sameness.SAME:
            return Action(name, Act.UNCHANGED, SAME)
        case Sameness.DIFFERENT:
            return Action(name, Act.REFUSED, UNREADABLE_OTHER)
        case Sameness.UNKNOWN:
            return Action(name, Act.UNKNOWN, UNREADABLE)


def _plan_deletion(name: str, source: Answer, place: Destination) -> Action:
    reason = place.problem(name, None)
    if reason is not None:
        return Action(name, Act.REFUSED, reason)
    return Action(name, Act.DELETE, f"not in {source.backend}")


def _compare(
    name: str, here: Entry, here_write: LastWrite | None, there: Entry, place: Destination
) -> Sameness:
    return compare(
        here,
        there,
        left_write=here_write,
        right_write=last_write_of(place.answer.backend, name, place.last_writes),
        fingerprint=place.fingerprint,
    )


def last_write_of(backend: str, name: str, last_writes: Mapping[str, LastWrite]) -> LastWrite | None:
    """Our last write of the name, under any spelling that the backend uses."""
    return next((last_writes[each] for each in spellings(backend, name) if each in last_writes), None)
