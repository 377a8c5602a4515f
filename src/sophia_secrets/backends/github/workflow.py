"""
Reading values in a GitHub Actions workflow.

A step has them in one of two forms: `SOPHIA_GITHUB_SECRETS_JSON`, set to `${{ toJSON(secrets) }}`,
contains every secret of the job; a variable set under `env:` contains one, and is recognised as a
secret only because the settings declare it or GitHub lists it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sophia_secrets.backends.base import Steps
from sophia_secrets.backends.github.gh import Gh
from sophia_secrets.backends.github.listing import SecretList, fetch
from sophia_secrets.backends.github.rules import is_name
from sophia_secrets.backends.github.scope import JSON_VARIABLE
from sophia_secrets.core import strict_json
from sophia_secrets.core.model import Entry, EntryState, Failure, FailureKind, SecretValue, Snapshot

JSON_HINT = f"Set `{JSON_VARIABLE}: ${{{{ toJSON(secrets) }}}}` under the step's `env:`."

# A secret's name, or its id in a reusable workflow.
_ID = r"[A-Za-z_][A-Za-z0-9_-]*"
_SURROGATE = "[\ud800-\udfff]"
_NOT_GIVEN = "not given to this step"


def snapshot_from_json(text: str, gh: Gh) -> Snapshot | Failure:
    """Every secret of the job; a failure for anything but one flat object of strings (G3)."""
    target = gh.scope.target
    reason = ""
    document: object = None
    try:
        document = strict_json.loads(text.encode("utf-8", "surrogatepass"))
    except strict_json.BadJSON as error:
        reason = str(error)
    if not reason and not isinstance(document, dict):
        reason = "it is not an object"
    entries: dict[str, Entry] = {}
    for key, value in document.items() if isinstance(document, dict) else ():
        name = key.upper() if is_name(key) else key
        if not re.fullmatch(_ID, key) or not isinstance(value, str):
            reason = "it is not a flat object of names and strings"
        elif key.upper() != "GITHUB_TOKEN":
            if name.upper() in {known.upper() for known in entries}:
                reason = "a name is there twice"
            entries[name] = _entry(value)
    if reason:
        return Failure(
            FailureKind.BAD_OUTPUT,
            target,
            f"`{JSON_VARIABLE}` could not be read: {reason}.",
            JSON_HINT,
        )
    return Snapshot(target, entries)


def snapshot_from_variables(
    gh: Gh, environ: Mapping[str, str], declared: Iterable[str]
) -> Steps[Snapshot | Failure]:
    """
    The variables whose names are declared or listed by GitHub.

    GitHub is asked only if there is a token. A token that may not list, such as a workflow's own, is not
    a failure. Any other failure is returned only if no value is known: otherwise the snapshot is
    incomplete and says why, so that the step's values stay available.
    """
    names = {name for name in declared if is_name(name)}
    listed: SecretList | Failure = SecretList({}, {})
    if gh.token_variable:
        listed = yield from fetch(gh)
    complete = bool(gh.token_variable) and isinstance(listed, SecretList)
    known = listed.entries if isinstance(listed, SecretList) else {}
    entries: dict[str, Entry] = {}
    for name in sorted(names | set(known)):
        entry = _from_variable(environ.get(name), known.get(name.upper()))
        if entry:
            entries[name] = entry
    if isinstance(listed, SecretList) or listed.kind is FailureKind.NOT_PERMITTED:
        return Snapshot(gh.scope.target, entries, complete=complete)
    if any(entry.state is EntryState.READABLE for entry in entries.values()):
        return Snapshot(gh.scope.target, entries, complete=False, notes=(listed.message,))
    return listed


def _entry(value: str, updated_at: str | None = None) -> Entry:
    if not value:
        return Entry(EntryState.ABSENT, detail="empty")
    return Entry(EntryState.READABLE, SecretValue(value), updated_at=updated_at)


def _from_variable(value: str | None, listed: Entry | None) -> Entry | None:
    """The entry, or None where a declared name is neither set nor listed."""
    moment = listed.updated_at if listed else None
    if value and not re.search(_SURROGATE, value):
        return _entry(value, moment)
    if value:
        return Entry(EntryState.WRITE_ONLY, updated_at=moment, detail="not UTF-8 in this step")
    if listed:
        detail = _NOT_GIVEN if value is None else "empty in this step"
        return Entry(EntryState.WRITE_ONLY, updated_at=moment, detail=detail)
    return None if value is None else _entry("")
