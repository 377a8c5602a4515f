"""Storing and removing: the calls, and the outcome of each name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from sophia_secrets.backends.base import Completed, Ended, Steps
from sophia_secrets.backends.github.failures import failure_of, http_status, wrote_nothing
from sophia_secrets.backends.github.gh import Gh
from sophia_secrets.backends.github.listing import SecretList, fetch
from sophia_secrets.backends.github.plan import Batch, plan
from sophia_secrets.core.model import Change, Failure, FailureKind, Outcome, Receipt, Result, SecretValue

Problem = Callable[[str, SecretValue | None], str | None]

# cli/cli `pkg/cmd/secret/set/set.go`; up to 2.83.0 each line stands indented under a heading.
_NAMED = r'failed to set secret "([^"]*)":(?: HTTP (\d{3}))?'
_UNKNOWN = "it is not known whether this was stored"


def write(gh: Gh, changes: Sequence[Change], problem: Problem) -> Steps[Receipt]:
    """
    Store the changes, then list once to verify them.

    After a failed call nothing more is sent: the remaining changes are `not_started`. A name that may
    have been stored is `unknown`; nothing is retried.
    """
    names = [change.name for change in changes]
    reasons = {change.name: problem(change.name, change.value) for change in changes}
    reasons |= {name: "the name is there twice" for name in names if names.count(name) > 1}
    if any(reasons.values()):
        return _refused(gh, reasons)
    visibility: Mapping[str, str] | None = None
    if changes and not gh.scope.repository:
        listed = yield from fetch(gh)
        if isinstance(listed, Failure):
            return _not_started(gh, names, listed)
        visibility = listed.visibility
        reasons = {name: _visibility_problem(visibility.get(name)) for name in names}
        if any(reasons.values()):
            return _refused(gh, reasons)
    results = {name: Result(name, Outcome.NOT_STARTED) for name in names}
    failure: Failure | None = None
    for batch in plan(changes, visibility):
        completed = yield batch.call(gh)
        if completed.ok:
            results |= {name: Result(name, Outcome.DONE) for name in batch.names}
            continue
        failure = failure_of(completed, gh, omit_words=batch.as_lines)
        results |= {name: _after_failure(completed, batch, name) for name in batch.names}
        break
    if any(result.outcome is Outcome.DONE for result in results.values()):
        listed = yield from fetch(gh)
        results = {name: _verified(result, listed) for name, result in results.items()}
        unseen = any(result.outcome is Outcome.UNKNOWN for result in results.values())
        failure = failure or (_not_seen(gh) if unseen else None)
    return Receipt(gh.scope.target, tuple(results.values()), failure)


def delete(gh: Gh, names: Sequence[str], problem: Problem) -> Steps[Receipt]:
    """
    Delete the names, one call each, after a list: the error of `gh` is the same for a missing secret and
    for a missing repository.
    """
    reasons = {name: problem(name, None) for name in names}
    if any(reasons.values()):
        return _refused(gh, reasons)
    if not names:
        return Receipt(gh.scope.target, ())
    listed = yield from fetch(gh)
    if isinstance(listed, Failure):
        return _not_started(gh, names, listed)
    results: list[Result] = []
    failure: Failure | None = None
    for name in dict.fromkeys(names):
        if name not in listed.entries:
            results.append(Result(name, Outcome.UNCHANGED, "absent", verified=True))
        elif failure is not None:
            results.append(Result(name, Outcome.NOT_STARTED))
        else:
            # 2.23.0 uses the token and the server of `GH_HOST`, or of the only session, and only the
            # owner and the name of `--repo` (cli/cli pkg/cmd/secret/delete).
            completed = yield gh.with_host(
                gh.secret_call("delete", name, label=f"delete {name}"),
            )
            result = _deleted(completed, name)
            results.append(result)
            if result.outcome in (Outcome.FAILED, Outcome.UNKNOWN):
                failure = failure_of(completed, gh)
    return Receipt(gh.scope.target, tuple(results), failure)


def _refused(gh: Gh, reasons: Mapping[str, str | None]) -> Receipt:
    return Receipt(
        gh.scope.target,
        tuple(
            Result(name, Outcome.REFUSED, reason) if reason else Result(name, Outcome.NOT_STARTED)
            for name, reason in reasons.items()
        ),
    )


def _not_started(gh: Gh, names: Sequence[str], failure: Failure) -> Receipt:
    results = tuple(Result(name, Outcome.NOT_STARTED) for name in dict.fromkeys(names))
    return Receipt(gh.scope.target, results, failure)


def _visibility_problem(visibility: str | None) -> str | None:
    if visibility == "selected":
        return "selected repositories see this secret, and `gh` cannot set it without choosing them again"
    return None


def _after_failure(completed: Completed, batch: Batch, name: str) -> Result:
    """The outcome of one name of a failed call: unknown unless certain."""
    if wrote_nothing(completed):
        return Result(name, Outcome.FAILED, "nothing was sent")
    codes = dict(re.findall(_NAMED, completed.stderr))
    if name in codes:
        if codes[name].startswith("4"):
            return Result(name, Outcome.FAILED, f"GitHub refused it (HTTP {codes[name]})")
        return Result(name, Outcome.UNKNOWN, _UNKNOWN)
    if batch.as_lines and _names_all_failures(completed, batch, codes):
        return Result(name, Outcome.DONE)
    return Result(name, Outcome.UNKNOWN, _UNKNOWN)


def _names_all_failures(completed: Completed, batch: Batch, codes: Mapping[str, str]) -> bool:
    """
    Whether every failure is readable, so that a name that is not among them was stored. A redacted value
    could have been a name.
    """
    addresses = completed.stderr.count("://")
    return (
        completed.ended is Ended.EXITED
        and completed.showable
        and 0 < len(codes) == addresses
        and set(codes) <= set(batch.names)
    )


def _verified(result: Result, listed: SecretList | Failure) -> Result:
    if result.outcome is not Outcome.DONE:
        return result
    if isinstance(listed, Failure):
        return Result(result.name, Outcome.DONE, f"not verified: {listed.message}")
    entry = listed.entries.get(result.name)
    if entry is None:
        return Result(result.name, Outcome.UNKNOWN, "`gh` reported success, and GitHub does not list it")
    return Result(result.name, Outcome.DONE, verified=True, entry=entry)


def _not_seen(gh: Gh) -> Failure:
    return Failure(
        FailureKind.BAD_OUTPUT,
        gh.scope.target,
        f"`gh` reported success for {gh.scope.target.label}, and GitHub does not list every name.",
        "Look with `sophia-secrets list --backend github --no-cache`.",
    )


def _deleted(completed: Completed, name: str) -> Result:
    if completed.ok:
        return Result(name, Outcome.DONE)
    status = http_status(completed)
    if status == 404:
        return Result(name, Outcome.UNCHANGED, "absent")
    if wrote_nothing(completed) or 400 <= status < 500:
        return Result(name, Outcome.FAILED)
    return Result(name, Outcome.UNKNOWN, "it is not known whether this was removed")
