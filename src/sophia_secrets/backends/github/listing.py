"""The list of one scope's secrets: the call, and parsing its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from sophia_secrets.backends.base import Call, Completed, Steps
from sophia_secrets.backends.github.failures import failure_of
from sophia_secrets.backends.github.gh import Gh
from sophia_secrets.core import strict_json
from sophia_secrets.core.model import Entry, EntryState, Failure, FailureKind

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_MOMENT = r"(?a)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
_VISIBILITIES = ("all", "private", "selected")


class BadList(ValueError):
    """An answer that is not a complete list of secrets. Its text is one of a few fixed reasons."""


class SecretList(Struct, frozen=True):
    """
    Every name of the scope, write-only, with the vendor's `updated_at`. `visibility` is that of an
    organisation's secrets: all, private or selected.
    """

    entries: Mapping[str, Entry]
    visibility: Mapping[str, str]


def list_call(gh: Gh) -> Call:
    """`gh api` instead of `gh secret list`: only it prints the exact time in every version."""
    path, label = f"{gh.scope.list_path}?per_page=100", "list the secrets"
    if ":" not in gh.scope.host:
        return gh.call("api", "--hostname", gh.scope.host, "--paginate", path, label=label)
    # `--hostname` refuses a port (cli/cli internal/ghinstance HostnameValidator), `GH_HOST` does not.
    return gh.with_host(gh.call("api", "--paginate", path, label=label))


def fetch(gh: Gh) -> Steps[SecretList | Failure]:
    """The list, in one call whatever its length."""
    return read_list((yield list_call(gh)), gh)


def read_list(completed: Completed, gh: Gh) -> SecretList | Failure:
    """
    The result of the list call. Exit code 0 proves nothing: `gh api` prints whatever came with status 200
    (V6).
    """
    if not completed.ok:
        return failure_of(completed, gh)
    try:
        return parse(completed.stdout)
    except BadList as error:
        reason = str(error)
    return Failure(
        FailureKind.BAD_OUTPUT,
        gh.scope.target,
        f"GitHub's list of secrets for {gh.scope.target.label} could not be read: {reason}.",
        "Try again; a proxy that asks to sign in answers like this too.",
    )


def parse(stdout: bytes) -> SecretList:
    """The list in the concatenated pages of `gh api --paginate`. Raises `BadList`."""
    reason = ""
    pages: list[object] = []
    try:
        pages = strict_json.stream(stdout)
    except strict_json.BadJSON as error:
        reason = str(error)
    if reason:
        raise BadList(reason)
    if not pages:
        raise BadList("it is empty")
    rows = [row for page in pages for row in _rows(page)]
    entries: dict[str, Entry] = {}
    visibility: dict[str, str] = {}
    for row in rows:
        name, moment = row.get("name"), row.get("updated_at")
        if not isinstance(name, str) or not re.fullmatch(_NAME, name):
            raise BadList("a name is not a secret's name")
        if not isinstance(moment, str) or not re.fullmatch(_MOMENT, moment):
            raise BadList("a time is not a time")
        name = name.upper()
        if name in entries:
            raise BadList("a name is there twice")
        entries[name] = Entry(EntryState.WRITE_ONLY, updated_at=moment)
        if row.get("visibility") in _VISIBILITIES:
            visibility[name] = str(row["visibility"])
    if any(_total(page) != str(len(entries)) for page in pages):
        raise BadList("it does not have as many names as it says")
    return SecretList(entries, visibility)


def _rows(page: object) -> list[dict[str, object]]:
    rows = page.get("secrets") if isinstance(page, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadList("it is not a list of secrets")
    return rows


def _total(page: object) -> str:
    total = page.get("total_count") if isinstance(page, dict) else None
    return total.text if isinstance(total, strict_json.Number) else ""
