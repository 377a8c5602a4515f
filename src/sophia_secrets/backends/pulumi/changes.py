"""Writing and deleting in a place, each verified by a read."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_secrets.backends.base import Completed, Steps
from sophia_secrets.backends.pulumi import failures
from sophia_secrets.backends.pulumi.place import Place
from sophia_secrets.backends.pulumi.values import Leaf
from sophia_secrets.core.model import Change, Failure, Outcome, Receipt, Result, Target

_NOT_SEEN = "the call did not end well; what is stored is not known"


def write(place: Place, target: Target, changes: Sequence[Change]) -> Steps[Receipt]:
    """
    One call per name, in order, until one fails; then one read. A name is `done` only if that read shows it
    or, where the read failed, if the program accepted it without a message.
    """
    results: list[Result] = []
    failure: Failure | None = None
    for change in changes:
        if failure is not None:
            results.append(Result(change.name, Outcome.NOT_STARTED))
            continue
        completed = yield place.set_call(change.name, change.value)
        failure = failures.failure_of(completed, target, place.words)
        results.append(_accepted(change.name, completed, failure))
    if any(result.outcome in (Outcome.DONE, Outcome.UNKNOWN) for result in results):
        completed = yield place.read_call([change.value for change in changes])
        seen = place.read(completed, target)
        results = [_verified_set(place, *pair, seen) for pair in zip(changes, results, strict=True)]
        if isinstance(seen, Failure):
            failure = failure or seen
    if all(result.outcome is Outcome.DONE for result in results) and all(r.verified for r in results):
        failure = None
    return Receipt(target, tuple(results), failure)


def delete(place: Place, target: Target, names: Sequence[str]) -> Steps[Receipt]:
    """Read, remove the existing names, and read again, because an import may define the same name."""
    completed = yield place.read_call()
    before = place.read(completed, target)
    if isinstance(before, Failure):
        return Receipt(target, tuple(Result(name, Outcome.NOT_STARTED) for name in names), before)
    results: list[Result] = []
    failure: Failure | None = None
    for name in names:
        leaf = before.get(name)
        call = place.remove_call(leaf.path) if leaf is not None else None
        if leaf is None:
            results.append(Result(name, Outcome.UNCHANGED, "absent", verified=True))
        elif call is None:
            results.append(
                Result(name, Outcome.REFUSED, f"it cannot be removed by its name from {place.words}")
            )
        elif failure is not None:
            results.append(Result(name, Outcome.NOT_STARTED))
        else:
            completed = yield call
            failure = failures.failure_of(completed, target, place.words)
            if failure is not None and failures.is_crash(completed):
                # pkg/cmd/esc/cli/env_rm.go crashes where the parent key of the name is missing.
                results.append(
                    Result(name, Outcome.FAILED, f"it is not to be found there: {place.elsewhere}")
                )
            else:
                results.append(_accepted(name, completed, failure))
    if any(result.outcome in (Outcome.DONE, Outcome.UNKNOWN) for result in results):
        completed = yield place.read_call()
        left = place.read(completed, target)
        results = [_verified_removal(place, result, left) for result in results]
        if isinstance(left, Failure):
            failure = failure or left
    if all(result.verified for result in results):
        failure = None
    return Receipt(target, tuple(results), failure)


def _accepted(name: str, completed: Completed, failure: Failure | None) -> Result:
    if failure is None:
        return Result(name, Outcome.DONE, failures.diagnostics(completed))
    if failures.wrote_nothing(completed, failure):
        return Result(name, Outcome.FAILED, failure.message)
    return Result(name, Outcome.UNKNOWN, _NOT_SEEN)


def _verified_set(place: Place, change: Change, result: Result, seen: dict[str, Leaf] | Failure) -> Result:
    if result.outcome not in (Outcome.DONE, Outcome.UNKNOWN):
        return result
    if isinstance(seen, Failure):
        if result.outcome is Outcome.DONE:
            # With exit code 0 a refusal is only on standard error.
            outcome = Outcome.UNKNOWN if result.detail else Outcome.DONE
            return Result(change.name, outcome, f"it could not be read back: {seen.message}")
        return result
    leaf = seen.get(change.name)
    if leaf is not None and leaf.value == change.value:
        return Result(change.name, Outcome.DONE, place.note(change.value), verified=True)
    if result.outcome is Outcome.UNKNOWN:
        return result
    reason = result.detail or "it does not read back as it was written"
    return Result(change.name, Outcome.FAILED, reason)


def _verified_removal(place: Place, result: Result, left: dict[str, Leaf] | Failure) -> Result:
    if result.outcome not in (Outcome.DONE, Outcome.UNKNOWN):
        return result
    if isinstance(left, Failure):
        if result.outcome is Outcome.DONE:
            outcome = Outcome.UNKNOWN if result.detail else Outcome.DONE
            return Result(result.name, outcome, f"it could not be read again: {left.message}")
        return result
    if result.name not in left:
        return Result(result.name, Outcome.DONE, verified=True)
    if result.outcome is Outcome.UNKNOWN:
        return result
    return Result(result.name, Outcome.FAILED, result.detail or f"it is still there: {place.elsewhere}")
