"""
Checks the declared secrets against the chain's answers. Pure: the time is passed in.

"Unknown" is a result: what depends on a backend that failed has neither passed nor failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sophia_secrets.core import names as naming
from sophia_secrets.core import read_errors, value_types
from sophia_secrets.core.evidence import (
    Evidence,
    Group,
    Policy,
    Search,
    blocking_failure,
    failure_above,
    failure_of,
    holder_of,
)
from sophia_secrets.core.finding import Finding, Status
from sophia_secrets.core.model import Failure, SecretValue
from sophia_secrets.core.resolve import Answer, find, has_value, holds, is_complete
from sophia_secrets.core.times import age_in_words, unix_seconds

_IN_CHAIN = "Add it to `chain`, or store the secret in a backend that is there."
_SLOW = "takes too long to hold against its pattern"


def judge(policies: Iterable[Policy], groups: Iterable[Group], evidence: Evidence) -> list[Finding]:
    """Every finding, by secret and then by group, in the order given."""
    by_name = {policy.name: policy for policy in policies}
    found = [finding for policy in by_name.values() for finding in _judge_one(policy, evidence)]
    return found + [_judge_group(group, by_name, evidence) for group in groups]


def _judge_one(policy: Policy, evidence: Evidence) -> Iterator[Finding]:
    yield _presence(policy, evidence)
    value = evidence.resolutions[policy.name].value
    if value is not None:
        yield from _value(policy, value, evidence)
    if policy.required or _may_be_stored(policy, evidence):
        yield from (_must_hold(policy, backend, evidence) for backend in policy.backends)
    if policy.rotate_every is not None:
        yield from _rotation(policy, policy.rotate_every, evidence)


def _may_be_stored(policy: Policy, evidence: Evidence) -> bool:
    """Whether some backend holds it or may hold it: an optional secret that none holds is not required anywhere."""
    return any(
        holds(answer, policy.name) or (failure_of(answer) is not None and answer.backend in policy.backends)
        for answer in evidence.answers
    )


def _presence(policy: Policy, evidence: Evidence) -> Finding:
    resolution = evidence.resolutions[policy.name]

    def finding(status: Status, message: str, hint: str = "", failure: Failure | None = None) -> Finding:
        return Finding(policy.name, "present", status, message, hint, failure)

    if resolution.value is not None:
        return finding(Status.OK, f"comes from {resolution.backend} ({resolution.target})")
    failure = blocking_failure(policy, evidence)
    if failure is not None:
        return finding(Status.UNKNOWN, f"is not known to be there: {failure.message}", failure.hint, failure)
    holder = holder_of(policy.name, evidence)
    if holder is not None and has_value(holder, policy.name):
        where = f"{holder.backend} ({holder.target}) holds it and is not in the chain"
        if policy.required:
            return finding(
                Status.FAIL, f"is required, and no backend of the chain gives it: {where}", _IN_CHAIN
            )
        return finding(Status.SKIP, f"optional, and not there: {where}")
    if holder is not None and holder.backend in policy.backends:
        said = f"{holder.backend} ({holder.target}) holds it and gives no value back here"
        return finding(Status.SKIP, f"its value was not checked: {said}")
    if not policy.required:
        return finding(Status.SKIP, "optional, and not there")
    return finding(
        Status.FAIL,
        f"is required, and no backend gives it ({read_errors.outcomes(resolution.trace)})",
        _store(policy, holder),
    )


def _store(policy: Policy, holder: Answer | None) -> str:
    ask = f" Ask {policy.owner} for it." if policy.owner else ""
    if holder is not None:
        return (
            f"{holder.backend} ({holder.target}) holds it but gives no value back here; "
            f'if that is enough, declare `backends = ["{holder.backend}"]`.{ask}'
        )
    return f"{_set(policy.name, 'local')}{ask}"


def _set(name: str, backend: str, what: str = "it") -> str:
    """The hint for storing a declared secret; an invalid declared name is corrected first."""
    better = naming.corrected(name)
    if backend == "env":
        return f"Set the variable `{better or name}`."
    if better == name:
        return f"Store {what} with `sophia-secrets set {name} --backend {backend}`."
    if not better:
        return "Declare it under a name of upper case letters, digits and underscores."
    return f"Declare it as `{better}`, then store it with `sophia-secrets set {better} --backend {backend}`."


def _value(policy: Policy, value: SecretValue, evidence: Evidence) -> Iterator[Finding]:
    failure = failure_above(evidence.resolutions[policy.name], evidence)

    def finding(rule: str, problem: str | None, good: str) -> Finding:
        if failure is not None:
            doubt = f"another value may come first: {failure.message}"
            return Finding(policy.name, rule, Status.UNKNOWN, doubt, failure.hint, failure)
        if problem is None:
            return Finding(policy.name, rule, Status.OK, good)
        hint = _replace(policy.name, evidence.resolutions[policy.name].backend)
        if problem == _SLOW:
            hint = "Simplify the pattern, for example by anchoring it with `^`."
        return Finding(policy.name, rule, Status.FAIL, f"its value {problem}", hint)

    if policy.type != "text":
        yield finding("type", value_types.problem(policy.type, value), f"is of type {policy.type}")
    if policy.pattern is not None:
        problem = _pattern_problem(policy.pattern, value, evidence.search)
        yield finding("pattern", problem, "matches its pattern")


def _replace(name: str, backend: str | None) -> str:
    """The hint for replacing a wrong value in its backend."""
    if backend == "env":
        return f"Correct the variable `{name}`, or the line of the dotenv file."
    return f"Store a correct one with `sophia-secrets set {name} --backend {backend}`."


def value_problem(policy: Policy, value: SecretValue, search: Search) -> str | None:
    """Why the value is not of the declared type and pattern, as the end of a sentence, or None."""
    problem = value_types.problem(policy.type, value)
    if problem is None and policy.pattern is not None:
        return _pattern_problem(policy.pattern, value, search)
    return problem


def _pattern_problem(pattern: str, value: SecretValue, search: Search) -> str | None:
    problem = value_types.unsearchable(value)
    if problem is not None:
        return problem
    match search(pattern, value):
        case None:
            return _SLOW
        case False:
            return "does not match its pattern"
    return None


def _must_hold(policy: Policy, backend: str, evidence: Evidence) -> Finding:
    answer = next((each for each in evidence.answers if each.backend == backend), None)

    def finding(status: Status, message: str, hint: str = "", failure: Failure | None = None) -> Finding:
        return Finding(policy.name, "backends", status, message, hint, failure)

    if answer is None or answer.unconfigured:
        reason = f": {answer.unconfigured}" if answer is not None else ""
        message = f"{backend} must hold it and is not configured{reason}"
        return finding(Status.FAIL, message, evidence.hints.get(backend, ""))
    where = f"{backend} ({answer.target})"
    failure = failure_of(answer)
    if failure is not None:
        return finding(Status.UNKNOWN, f"{where} must hold it: {failure.message}", failure.hint, failure)
    if holds(answer, policy.name):
        return finding(Status.OK, f"{where} holds it")
    if not is_complete(answer):
        return finding(Status.WARN, f"{where} must hold it, and its names cannot be listed here")
    return finding(Status.FAIL, f"{where} must hold it and does not", _set(policy.name, backend))


def _rotation(policy: Policy, every: float, evidence: Evidence) -> Iterator[Finding]:
    holders = [answer for answer in evidence.answers if holds(answer, policy.name)]
    known = [
        (changed, answer)
        for answer in holders
        if (changed := _changed(answer, policy.name, evidence)) is not None
    ]
    if known or holders or blocking_failure(policy, evidence):
        oldest = min(known, key=lambda pair: pair[0], default=None)
        yield _age_finding(policy, every, evidence, oldest, _rotate(policy.name, holders, evidence))


def _rotate(name: str, holders: Iterable[Answer], evidence: Evidence) -> str:
    """How to rotate it everywhere: `rotate` asks the chain alone, so another holder has to be named."""
    named = [answer.backend for answer in holders if answer.backend != "env"]
    options = "".join(f" --backend {backend}" for backend in named if not evidence.outside.isdisjoint(named))
    return f"Run `sophia-secrets rotate {name}{options}`."


def _age_finding(
    policy: Policy, every: float, evidence: Evidence, oldest: tuple[float, Answer] | None, rotate: str
) -> Finding:
    def finding(status: Status, message: str, failure: Failure | None = None) -> Finding:
        hint = failure.hint if failure is not None else rotate
        return Finding(policy.name, "rotation", status, message, "" if status is Status.OK else hint, failure)

    due = f"due every {age_in_words(every)}"
    failure = blocking_failure(policy, evidence)
    if oldest is not None:
        changed, holder = oldest
        age = max(0.0, evidence.now - changed)
        age_text = f"last changed {age_in_words(age)} ago, and {due}"
        if age > every:
            return finding(Status.FAIL, f"{holder.backend} ({holder.target}): {age_text}")
        if failure is None:
            return finding(Status.OK, age_text)
    if failure is not None:
        return finding(Status.UNKNOWN, f"may be overdue: {failure.message}", failure)
    return finding(Status.WARN, f"is {due}, and when it was last changed is not known")


def _changed(answer: Answer, name: str, evidence: Evidence) -> float | None:
    """When this backend's copy last changed: the later of our record and the vendor's time."""
    entry = find(answer, name)
    moments = [evidence.rotated.get((answer.backend, name))]
    if entry is not None and entry.updated_at:
        moments.append(unix_seconds(entry.updated_at))
    return max((each for each in moments if each is not None), default=None)


def _judge_group(group: Group, policies: Mapping[str, Policy], evidence: Evidence) -> Finding:
    def finding(status: Status, message: str, hint: str = "", failure: Failure | None = None) -> Finding:
        return Finding(group.name, "group", status, message, hint, failure)

    members = [policies.get(name) or Policy(name) for name in group.names]
    there = [policy.name for policy in members if _is_present(policy, evidence)]
    doubts = [blocking_failure(policy, evidence) for policy in members if policy.name not in there]
    failure = next((doubt for doubt in doubts if doubt is not None), None)
    if group.exactly and len(there) > 1:
        wanted = f"exactly one of {', '.join(group.names)}"
        return finding(
            Status.FAIL, f"{', '.join(there)} are there, where {wanted} may be", "Delete all but one."
        )
    if failure is not None and (group.exactly or not there):
        return finding(Status.UNKNOWN, f"{', '.join(group.names)}: {failure.message}", failure.hint, failure)
    if there:
        return finding(Status.OK, f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there")
    hint = _set(group.names[0], "local", "one")
    return finding(Status.FAIL, f"none of {', '.join(group.names)} is there", hint)


def _is_present(policy: Policy, evidence: Evidence) -> bool:
    if evidence.resolutions[policy.name].value is not None:
        return True
    return any(
        answer.backend in policy.backends and holds(answer, policy.name) for answer in evidence.answers
    )
