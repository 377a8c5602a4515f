"""Enforcing the declared type and pattern of new values."""

from __future__ import annotations

import signal

from sophia_secrets.core.model import SecretValue
from sophia_secrets.operations.session import Session

_LONGEST_SEARCH = 2.0
"""Seconds that matching one pattern against one value may take (R3)."""


def search(pattern: str, value: SecretValue) -> bool | None:
    """Whether the pattern matches the value; None where matching takes too long. Main thread only."""

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
    """Refuse new values that do not match the declared type or pattern; matching one may take two seconds."""
    session.as_declared = enforce
    session.search = search
