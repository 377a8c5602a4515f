"""Reading: the names under the prefix in one call, then twenty values per call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from sophia_secrets.backends.aws import failures
from sophia_secrets.backends.aws.program import Aws
from sophia_secrets.backends.base import Steps
from sophia_secrets.core import strict_json
from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.core.model import Entry, EntryState, Failure, FailureKind, SecretValue, Snapshot
from sophia_secrets.core.strict_json import BadJSON

BATCH = 20
"""The most secrets per BatchGetSecretValue (API reference)."""
_PAGES = 100


class Values(HiddenRepr, Struct):
    """The secrets requested by id: entries, absent names, error codes by name."""

    entries: dict[str, Entry]
    absent: set[str]
    refused: dict[str, str]


def snapshot(aws: Aws, declared: Iterable[str]) -> Steps[Snapshot | Failure]:
    """
    Everything under the prefix.

    AWS's own list may be five minutes old (API reference, ListSecrets), so the declared names are
    requested too, in the same call. Where listing is not permitted, only they are known.
    """
    listed = yield from names(aws)
    if isinstance(listed, Failure):
        if listed.kind is not FailureKind.NOT_PERMITTED:
            return listed
        wanted = list(declared)
        if not wanted:
            return listed
        found = yield from values(aws, wanted)
        if isinstance(found, Failure):
            return found
        if found.refused and not found.entries:
            return listed
        note = "the list of names is not permitted, so only declared names are known"
        return Snapshot(aws.place.target, found.entries, complete=False, notes=(note,))
    found = yield from values(aws, [*listed, *(name for name in declared if name not in listed)])
    if isinstance(found, Failure):
        return found
    entries = found.entries | {
        name: Entry(
            EntryState.WRITE_ONLY,
            digest=listed[name],
            version=listed[name],
            detail=f"AWS does not give its value: {code}",
        )
        for name, code in found.refused.items()
        if name in listed
    }
    return Snapshot(aws.place.target, entries)


def names(aws: Aws) -> Steps[dict[str, str | None] | Failure]:
    """The names directly under the prefix with their current version; the CLI handles the pages."""
    done = yield aws.call(
        "list-secrets",
        {"Filters": [{"Key": "name", "Values": [aws.place.prefix]}]},
        label="list the secrets",
    )
    if not done.ok:
        return failures.failure_of(done, aws)
    try:
        return {
            name: _current(each.get("SecretVersionsToStages"))
            for each in _objects(strict_json.loads(done.stdout), "SecretList")
            if each.get("DeletedDate") is None and (name := aws.place.name(_text(each, "Name"))) is not None
        }
    except BadJSON:
        # The parser's error, raised or chained, could contain the vendor's output.
        return failures.unreadable(aws)


def values(aws: Aws, wanted: Sequence[str]) -> Steps[Values | Failure]:
    """The values of these names, twenty per call."""
    found = Values({}, set(), {})
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        request: dict[str, object] = {"SecretIdList": [aws.place.id(name) for name in part]}
        for _ in range(_PAGES):
            done = yield aws.call("batch-get-secret-value", request, label="read the secrets")
            if not done.ok:
                return failures.failure_of(done, aws)
            try:
                more = _take(aws, strict_json.loads(done.stdout), found)
            except BadJSON:
                return failures.unreadable(aws)
            if not more:
                break
            request = {**request, "NextToken": more}
        if any(n not in found.entries and n not in found.absent and n not in found.refused for n in part):
            return failures.unreadable(aws)
    for code in found.refused.values():
        failure = failures.failure_of_code(code, aws)
        if failure.kind.is_outage or failure.kind is FailureKind.NOT_AUTHENTICATED:
            return failure
    return found


def _take(aws: Aws, answer: object, found: Values) -> str:
    """Add one page to `found`; the token of the next one, or "". Raises `BadJSON`."""
    for each in _objects(answer, "SecretValues"):
        name = aws.place.name(_text(each, "Name"))
        if name is None:
            raise BadJSON("another secret than was asked for")
        # AWS has no digest; a version's identifier changes with every value and serves as one.
        version = _text(each, "VersionId")
        text = each.get("SecretString")
        found.entries[name] = Entry(
            EntryState.READABLE if isinstance(text, str) else EntryState.WRITE_ONLY,
            SecretValue(text) if isinstance(text, str) else None,
            digest=version,
            version=version,
            detail="" if isinstance(text, str) else "its value is binary",
        )
    for each in _objects(answer, "Errors"):
        name, code = aws.place.name(_text(each, "SecretId")), _text(each, "ErrorCode")
        if name is None:
            raise BadJSON("another secret than was asked for")
        words = each.get("Message")
        gone = code in failures.ABSENT or failures.is_marked_deleted(
            code, words if isinstance(words, str) else ""
        )
        if gone:
            found.absent.add(name)
        else:
            found.refused[name] = code
    more = answer.get("NextToken") if isinstance(answer, dict) else None
    return more if isinstance(more, str) else ""


def _objects(answer: object, key: str) -> Iterator[Mapping[str, object]]:
    """The objects of a list in the answer; a missing list is empty."""
    if not isinstance(answer, dict):
        raise BadJSON("not an object")
    listed = answer.get(key, [])
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise BadJSON("not a list of objects")
    yield from listed


def _text(each: Mapping[str, object], key: str) -> str:
    value = each.get(key)
    if not isinstance(value, str):
        raise BadJSON("not a text")
    return value


def _current(stages: object) -> str | None:
    if not isinstance(stages, dict):
        return None
    return next((v for v, s in stages.items() if isinstance(s, list) and "AWSCURRENT" in s), None)
