"""`diff`: which names differ between two backends."""

from __future__ import annotations

from sophia_secrets import errors
from sophia_secrets.core import changes
from sophia_secrets.core.compare import Sameness, compare
from sophia_secrets.core.model import EntryState
from sophia_secrets.core.resolve import find, is_complete
from sophia_secrets.operations import metadata
from sophia_secrets.operations.applying import destination_of
from sophia_secrets.operations.reading import fresh_answer
from sophia_secrets.operations.session import Session


def differences(session: Session, left_name: str, right_name: str) -> tuple[tuple[str, str], ...]:
    """
    Each name that either backend holds, sorted, with `same`, `differs`, `unknown` or
    `only in BACKEND`. Of the environment, only names that `sync` would copy or that the other backend
    holds count.
    """
    left, right = session.configured(left_name), session.configured(right_name)
    if left is right:
        raise errors.UsageError(
            f"{left.name} is compared with itself.",
            hint="Name two backends; `sophia-secrets backends` lists them.",
        )
    first, second = fresh_answer(session, left), fresh_answer(session, right)
    declared = session.settings.declared
    names = {
        *changes.names_to_sync(first, declared=declared),
        *changes.names_to_sync(second, declared=declared),
    }
    left_writes = metadata.last_writes(session, left.name, str(left.target))
    place = destination_of(session, right, second)
    found = []
    for name in sorted(names):
        here, there = find(first, name), find(second, name)
        if here is None or here.state is EntryState.ABSENT:
            state = f"only in {right.name}" if is_complete(first) else Sameness.UNKNOWN.value
        elif there is None or there.state is EntryState.ABSENT:
            state = f"only in {left.name}" if is_complete(second) else Sameness.UNKNOWN.value
        else:
            state = compare(
                here,
                there,
                left_write=changes.last_write_of(left.name, name, left_writes),
                right_write=changes.last_write_of(right.name, name, place.last_writes),
                fingerprint=place.fingerprint,
            ).value
        found.append((name, state))
    return tuple(found)
