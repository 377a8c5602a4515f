"""Changing the vault: read, change and replace under a lock, then read back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from sophia_secrets.backends.local import vault
from sophia_secrets.backends.local.opening import contents, opened
from sophia_secrets.backends.local.place import OperationFailed, Place, hint_of, kind_of
from sophia_secrets.core.model import (
    Change,
    Entry,
    EntryState,
    Failure,
    FailureKind,
    Outcome,
    Receipt,
    Result,
    SecretValue,
)
from sophia_secrets.formats import MAX_BYTES, Pair, dotenv


def store(place: Place, changes: Sequence[Change]) -> Receipt:
    """All of the changes or none."""
    problems = [dotenv.problem(change.name, change.value) for change in changes]
    if any(problems):
        refused = (
            Result(change.name, Outcome.REFUSED, problem)
            if problem
            else Result(change.name, Outcome.NOT_STARTED)
            for change, problem in zip(changes, problems, strict=True)
        )
        return Receipt(place.target, tuple(refused))
    return _change(place, {change.name: change.value for change in changes})


def remove(place: Place, names: Sequence[str]) -> Receipt:
    """Remove the names; an absent one is `unchanged`."""
    return _change(place, dict.fromkeys(names))


def _change(place: Place, wanted: Mapping[str, SecretValue | None]) -> Receipt:
    try:
        with place.locked():
            return _changed(place, wanted)
    except OperationFailed as failed:
        failure = failed.failure
    return _all(place, wanted, Outcome.NOT_STARTED, failure)


def _changed(place: Place, wanted: Mapping[str, SecretValue | None]) -> Receipt:
    data = place.read()
    identities = place.identities() or (place.make_identity() if data is None else ())
    before = {} if data is None else {pair.name: pair.value for pair in opened(place, data, identities)}
    after = dict(before)
    for name, value in wanted.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = value
    if after == before:
        return Receipt(place.target, tuple(_unchanged(name, value) for name, value in wanted.items()))
    recipients = _recipients(place, identities, data)
    plain = dotenv.write_for_us([Pair(name, value) for name, value in after.items()])
    if len(plain) > MAX_BYTES:
        return _all(
            place, wanted, Outcome.REFUSED, detail=f"the file would be larger than {MAX_BYTES:,} bytes"
        )
    sealed = vault.seal(plain, recipients)
    try:
        place.replace(sealed)
    except OSError as error:
        problem = f"{place.target.label} could not be written: {error.strerror}."
        hint = hint_of(error, os.path.dirname(place.file))
        failure = Failure(kind_of(error), place.target, problem, hint)
    else:
        return _read_back(place, wanted, before)
    return _all(place, wanted, Outcome.FAILED if _holds(place, data) else Outcome.UNKNOWN, failure)


def _holds(place: Place, data: bytes | None) -> bool:
    """Whether the file is unchanged; a failed write may have replaced it."""
    try:
        return place.read() == data
    except OperationFailed:
        return False


def _read_back(
    place: Place, wanted: Mapping[str, SecretValue | None], before: Mapping[str, SecretValue]
) -> Receipt:
    try:
        now = {pair.name: pair.value for pair in contents(place)}
    except OperationFailed as failed:
        failure = failed.failure
    else:
        results = []
        for name, value in wanted.items():
            if before.get(name) == value:
                results.append(_unchanged(name, value))
            elif now.get(name) == value:
                results.append(Result(name, Outcome.DONE, verified=True, entry=_entry(value)))
            else:
                results.append(Result(name, Outcome.UNKNOWN, "it did not read back as it was written"))
        return Receipt(place.target, tuple(results))
    return _all(place, wanted, Outcome.UNKNOWN, failure)


def _recipients(place: Place, identities: Sequence[vault.Identity], data: bytes | None) -> tuple[str, ...]:
    if not identities:
        raise place.failed(
            FailureKind.NOT_PERMITTED,
            f"There is no identity at {place.identity_file}, so what is written could not be read.",
            f"Make one: `age-keygen -o {place.identity_file}`.",
        )
    own = tuple(identity.public for identity in identities)
    if place.recipients:
        if not set(own) & set(place.recipients):
            raise place.failed(
                FailureKind.NOT_PERMITTED,
                f"The identity in use is not among the configured recipients of {place.target.label}.",
                f"Add `{own[0]}` to `recipients` under `[local]`.",
            )
        return place.recipients
    count = 0 if data is None else vault.recipient_count(data)
    if count > len(own):
        raise place.failed(
            FailureKind.NOT_PERMITTED,
            f"{place.target.label} has {count} recipients and the settings do not name them: writing would "
            "shut the others out.",
            "Name every one of them as `recipients` under `[local]`.",
        )
    return own


def _unchanged(name: str, value: SecretValue | None) -> Result:
    detail = "absent" if value is None else ""
    return Result(name, Outcome.UNCHANGED, detail, verified=True, entry=_entry(value))


def _entry(value: SecretValue | None) -> Entry:
    """The entry of a name that now has this value, without the value."""
    return Entry(EntryState.ABSENT if value is None else EntryState.READABLE)


def _all(
    place: Place,
    wanted: Mapping[str, SecretValue | None],
    outcome: Outcome,
    failure: Failure | None = None,
    detail: str = "",
) -> Receipt:
    return Receipt(place.target, tuple(Result(name, outcome, detail) for name in wanted), failure)
