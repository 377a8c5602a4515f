"""The policies of declared secrets and the evidence about them, which `policy` compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile

from msgspec import Struct, field

from sophia_secrets.core import value_types
from sophia_secrets.core.model import Failure, Resolution, SecretValue
from sophia_secrets.core.resolve import Answer, holds

Search = Callable[[str, SecretValue], bool | None]
"""Whether a pattern matches a value; None where matching took too long."""


class Policy(Struct, frozen=True):
    """The policy of one secret. `rotate_every` is seconds; `backends` are those that must hold it."""

    name: str
    required: bool = False
    type: str = "text"
    pattern: str | None = None
    rotate_every: float | None = None
    backends: tuple[str, ...] = ()
    owner: str | None = None


class Group(Struct, frozen=True):
    """Names of which at least one, or `exactly` one, must exist."""

    name: str
    exactly: bool
    names: tuple[str, ...]


class Evidence(Struct, frozen=True):
    """
    What is known. `answers` are the chain's, then those of other backends that must hold
    something; `resolutions` are by name. `readable` are the backends that give values back here.
    `rotated` is when (backend, name) was last changed as far as we know, in Unix seconds, `now`
    likewise. `hints` say how to configure a backend that is not. `outside` are the backends that
    are not in the chain.
    """

    answers: Sequence[Answer]
    resolutions: Mapping[str, Resolution]
    readable: frozenset[str]
    rotated: Mapping[tuple[str, str], float]
    now: float
    search: Search = value_types.matches
    hints: Mapping[str, str] = field(default_factory=dict)
    outside: frozenset[str] = frozenset()


def failure_of(answer: Answer) -> Failure | None:
    """The failure of a backend that gave no answer, not even a stale one."""
    return answer.failure if answer.snapshot is None else None


def holder_of(name: str, evidence: Evidence) -> Answer | None:
    return next((answer for answer in evidence.answers if holds(answer, name)), None)


def blocking_failure(policy: Policy, evidence: Evidence) -> Failure | None:
    """The failure of a backend that may hold the secret, so that its absence is not certain."""
    for answer in evidence.answers:
        failure = failure_of(answer)
        if failure is not None and (answer.backend in evidence.readable or answer.backend in policy.backends):
            return failure
    return None


def failure_above(resolution: Resolution, evidence: Evidence) -> Failure | None:
    """The failure of a backend whose value would have taken precedence."""
    above = takewhile(lambda answer: answer.backend != resolution.backend, evidence.answers)
    failures = (failure_of(answer) for answer in above if answer.backend in evidence.readable)
    return next(filter(None, failures), None)
