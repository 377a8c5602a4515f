"""Holding what is typed, made or carried to what is declared of its name."""

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


def hold_to_declared(session: Session, *, hold: bool) -> None:
    """Take only values that are what is declared of their names; a pattern gets two seconds for each."""
    session.as_declared = hold
    session.search = search
