"""Writing and deleting, with a read before and a read after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from sophia_secrets.backends.aws import failures, reading, rules
from sophia_secrets.backends.aws.program import Aws
from sophia_secrets.backends.base import Completed, Steps
from sophia_secrets.core.model import (
    Change,
    Entry,
    EntryState,
    Failure,
    Outcome,
    Receipt,
    Result,
    SecretValue,
)


def write(aws: Aws, changes: Sequence[Change]) -> Steps[Receipt]:
    """
    Store the values, one per call as AWS requires, and read them back.

    Stops at the first failure.
    """
    problems = {change.name: rules.problem(aws.place, change.name, change.value) for change in changes}
    if any(problems.values()):
        refusals = [
            Result(name, Outcome.REFUSED, reason) if reason else Result(name, Outcome.NOT_STARTED)
            for name, reason in problems.items()
        ]
        return Receipt(aws.place.target, tuple(refusals))
    before = yield from reading.values(aws, list(problems))
    if isinstance(before, Failure):
        return _none_started(aws, list(problems), before)
    results: list[Result] = []
    failure: Failure | None = None
    for change in changes:
        if failure is not None:
            results.append(Result(change.name, Outcome.NOT_STARTED))
            continue
        done = yield from _store(aws, change, absent=change.name in before.absent)
        if not done.ok:
            failure = _write_failure(aws, change.name, done)
        results.append(Result(change.name, _outcome(done)))
    wanted = {change.name: change.value for change in changes}
    return (yield from _verify(aws, results, wanted, failure))


def delete(aws: Aws, names: Sequence[str]) -> Steps[Receipt]:
    """
    Schedule each deletion, or delete at once where so configured, and verify it.
    """
    before = yield from reading.values(aws, list(names))
    if isinstance(before, Failure):
        return _none_started(aws, names, before)
    results: list[Result] = []
    failure: Failure | None = None
    for name in names:
        if name in before.absent:
            results.append(Result(name, Outcome.UNCHANGED, "absent", verified=True))
            continue
        if failure is not None:
            results.append(Result(name, Outcome.NOT_STARTED))
            continue
        done = yield aws.call(
            "delete-secret",
            {"SecretId": aws.place.id(name), **_deletion_options(aws)},
            label="delete a secret",
            write=True,
        )
        code = "" if done.ok else failures.code_of(done)
        if code in failures.ABSENT or failures.is_marked_deleted(code, done.stderr):
            results.append(Result(name, Outcome.UNCHANGED, "absent"))
            continue
        if not done.ok:
            failure = failures.failure_of(done, aws)
        results.append(Result(name, _outcome(done), _restore_note(aws, name) if done.ok else ""))
    gone = dict.fromkeys(r.name for r in results if r.detail != "absent")
    return (yield from _verify(aws, results, gone, failure))


def _deletion_options(aws: Aws) -> dict[str, object]:
    days = aws.place.recovery_days
    return {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}


def _restore_note(aws: Aws, name: str) -> str:
    days = aws.place.recovery_days
    if not days:
        return "deleted at once, as the settings say"
    return f"for {days} days it can be restored: {_restore_command(aws, name)}"


def _restore_command(aws: Aws, name: str) -> str:
    return " ".join(("aws secretsmanager restore-secret --secret-id", aws.place.id(name), *aws.place.flags))


def _store(aws: Aws, change: Change, *, absent: bool) -> Steps[Completed]:
    """Store a new version of a secret, or a new secret."""
    value = {"SecretString": change.value.reveal()}
    secret_id = aws.place.id(change.name)
    if not absent:
        done = yield aws.call(
            "put-secret-value",
            {"SecretId": secret_id, **value},
            label="store a secret",
            write=True,
            secrets=(change.value,),
        )
        # Without read permission this is not known before.
        if done.ok or failures.code_of(done) not in failures.ABSENT:
            return done
    return (
        yield aws.call(
            "create-secret",
            {"Name": secret_id, **value},
            label="store a new secret",
            write=True,
            secrets=(change.value,),
        )
    )


def _outcome(done: Completed) -> Outcome:
    if done.ok:
        return Outcome.DONE
    if not failures.was_started(done):
        return Outcome.NOT_STARTED
    return Outcome.FAILED if failures.wrote_nothing(done) else Outcome.UNKNOWN


def _write_failure(aws: Aws, name: str, done: Completed) -> Failure:
    failure = failures.failure_of(done, aws, omit_words=True)
    code = failures.code_of(done)
    if failures.is_marked_deleted(code, done.stderr) or (
        code == failures.REFUSED_STATE and "deletion" in done.stderr
    ):
        message = f"{name} of {aws.place.target} is scheduled for deletion, so AWS takes no value for it."
        return replace(failure, message=message, hint=f"Restore it with `{_restore_command(aws, name)}`.")
    return failure


def _none_started(aws: Aws, names: Sequence[str], failure: Failure) -> Receipt:
    return Receipt(aws.place.target, tuple(Result(name, Outcome.NOT_STARTED) for name in names), failure)


def _verify(
    aws: Aws, results: list[Result], wanted: Mapping[str, SecretValue | None], failure: Failure | None
) -> Steps[Receipt]:
    """The receipt, after reading back the names whose outcome is done or unknown."""
    asked = [
        result.name
        for result in results
        if result.name in wanted and result.outcome in (Outcome.DONE, Outcome.UNKNOWN)
    ]
    if asked:
        found = yield from reading.values(aws, asked)
        if isinstance(found, Failure):
            results = [
                replace(each, detail=each.detail or "not verified") if each.name in asked else each
                for each in results
            ]
        else:
            results = [_verified(each, wanted, found) if each.name in asked else each for each in results]
        if not any(
            each.outcome in (Outcome.UNKNOWN, Outcome.FAILED, Outcome.NOT_STARTED) for each in results
        ):
            failure = None
    return Receipt(aws.place.target, tuple(results), failure)


def _verified(result: Result, wanted: Mapping[str, SecretValue | None], found: reading.Values) -> Result:
    name, value = result.name, wanted[result.name]
    if name in found.refused:
        return replace(result, detail=result.detail or "not verified: it must not be read")
    entry = found.entries.get(name)
    if (entry.value if entry else None) == value and (value is not None or entry is None):
        seen = replace(entry, value=None) if entry is not None else Entry(EntryState.ABSENT)
        return replace(result, outcome=Outcome.DONE, verified=True, entry=seen)
    detail = "it did not read back as it was written" if value else "it is still there"
    return replace(result, outcome=Outcome.UNKNOWN, detail=detail)
