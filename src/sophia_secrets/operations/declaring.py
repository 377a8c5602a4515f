"""Checking a new value against the declared type and pattern of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sophia_secrets import errors
from sophia_secrets.core.model import SecretValue
from sophia_secrets.operations.session import Session

if TYPE_CHECKING:
    from sophia_secrets.core.evidence import Policy


def policy_of(session: Session, name: str) -> Policy:
    """The policy of a declared name."""
    from sophia_secrets.core.evidence import Policy

    declared = session.settings.declared[name]
    return Policy(
        name,
        required=declared.is_required(session.settings.profile),
        type=declared.type,
        pattern=declared.pattern,
        rotate_every=declared.rotate_every,
        backends=declared.backends,
        owner=declared.owner,
    )


def problem_of(session: Session, name: str, value: SecretValue) -> str | None:
    """
    Why the value does not match the declaration of the name, as the end of a sentence, or None. Never
    quotes the value.

    A name that is not declared may have any value, as may every name without `Session.as_declared`.
    """
    declared = session.settings.declared.get(name)
    if declared is None or not session.as_declared:
        return None
    from sophia_secrets.core import policy, value_types

    problem = policy.value_problem(policy_of(session, name), value, session.search or value_types.matches)
    return f"{problem}, and {declared.place} asks for that" if problem is not None else None


def check_new_value(session: Session, name: str, value: SecretValue) -> None:
    """Raises `BadValue` where a value to be stored does not match the declaration of its name."""
    problem = problem_of(session, name, value)
    if problem is not None:
        raise errors.BadValue(
            f"The new value of `{name}` {problem}.",
            hint="Nothing was stored. Give another value, change what is declared there (`generate`, "
            "`type`, `pattern`), or say `--not-as-declared`.",
        )
