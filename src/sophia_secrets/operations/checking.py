"""`check`: compare the declared secrets with the chain, in one pass that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.backends.base import Unconfigured
from sophia_secrets.core.evidence import Evidence, Group, Policy, Search
from sophia_secrets.core.finding import Finding
from sophia_secrets.core.policy import judge
from sophia_secrets.core.resolve import Answer, holds
from sophia_secrets.operations import reading
from sophia_secrets.operations.declaring import policy_of
from sophia_secrets.operations.session import Session


class CheckResult(Struct, frozen=True):
    """The findings, and the answer of each backend."""

    findings: tuple[Finding, ...] = ()
    answers: tuple[Answer, ...] = ()


def check(session: Session, search: Search) -> CheckResult:
    """
    Check every declared secret and group in one pass, with one vendor call per target.

    The read is audited, but does not count as an access. `search` matches a pattern against a value.
    Raises `UsageError` where nothing is declared, and what `reading.read` raises.
    """
    settings = session.settings
    policies = [policy_of(session, name) for name in settings.declared]
    groups = [Group(each.name, each.exactly, each.names) for each in settings.groups.values()]
    if not policies and not groups:
        raise errors.UsageError(
            "No secret is declared, so there is nothing to check.",
            hint="Declare one in sophia-secrets.toml (`[secrets.API_KEY]` and `required = true`), "
            "or start the file with `sophia-secrets config init`.",
        )
    names = list(dict.fromkeys([*(p.name for p in policies), *(n for group in groups for n in group.names)]))
    holders = any(each.backends or each.rotate_every is not None for each in policies)
    read = reading.read(session, names, deliver=False, everything=holders)
    answers = [*read.answers, *_others(session, policies, {answer.backend for answer in read.answers})]
    evidence = Evidence(
        answers=answers,
        resolutions={resolution.name: resolution for resolution in read.resolutions},
        readable=frozenset(_readable(session, read.answers)),
        rotated=_rotated(session, policies, answers),
        now=session.clock(),
        search=search,
        hints=_hints(session, answers),
        outside=frozenset(answer.backend for answer in answers[len(read.answers) :]),
    )
    return CheckResult(tuple(judge(policies, groups, evidence)), tuple(answers))


def _others(session: Session, policies: Sequence[Policy], asked: set[str]) -> list[Answer]:
    """The answers of backends that are required to hold a secret and are not in the chain."""
    found = []
    for backend in dict.fromkeys(backend for each in policies for backend in each.backends):
        if backend in asked:
            continue
        member = session.backend(backend)
        if isinstance(member, Unconfigured):
            found.append(Answer(backend, "", unconfigured=member.reason))
            continue
        names = [each.name for each in policies if backend in each.backends]
        found += reading.read(session, names, only=backend, deliver=False).answers
    return found


def _readable(session: Session, answers: Sequence[Answer]) -> list[str]:
    members = [session.backend(answer.backend) for answer in answers]
    return [m.name for m in members if not isinstance(m, Unconfigured) and m.capabilities.readable]


def _hints(session: Session, answers: Sequence[Answer]) -> dict[str, str]:
    members = [session.backend(answer.backend) for answer in answers]
    return {member.backend: member.hint for member in members if isinstance(member, Unconfigured)}


def _rotated(
    session: Session, policies: Sequence[Policy], answers: Sequence[Answer]
) -> dict[tuple[str, str], float]:
    """When each name with a rotation age was last changed at each target, as far as is known."""
    names = [each.name for each in policies if each.rotate_every is not None]
    if not names or not session.settings.is_audited or not session.has_key:
        return {}
    found: dict[tuple[str, str], float] = {}
    for answer in answers:
        held = [name for name in names if holds(answer, name)]
        if not held:
            continue
        try:
            facts = session.facts.load(answer.backend, answer.target)
        except (errors.AuditFailed, errors.UnsafeState):
            continue
        for name in held:
            fact = facts.get(name) or facts.get(name.upper())
            if fact is not None and not fact.deleted and fact.last_rotated is not None:
                found[answer.backend, name] = fact.last_rotated
    return found
