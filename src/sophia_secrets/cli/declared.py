"""Enforcing the declared type and pattern of new values, typed, generated or copied."""

from __future__ import annotations

import signal

from sophia_secrets.core.model import SecretValue
from sophia_secrets.operations.session import Session

_LONGEST_SEARCH = 2.0
"""Seconds that one pattern may take on one value (R3)."""


def search(pattern: str, value: SecretValue) -> bool | None:
    """Whether the pattern is found in the value; None where looking takes too long. Main thread only."""

    from sophia_secrets.core import value_types

    def give_up(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, _LONGEST_SEARCH)
    try:
        return value_types.matches(pattern, value)
    except TimeoutError:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def enforce_declared(session: Session, *, enforce: bool) -> None:
    """Refuse new values that are not of the declared type or pattern; matching one may take two seconds."""
    session.as_declared = enforce
    session.search = search
