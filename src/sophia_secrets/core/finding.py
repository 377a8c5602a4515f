"""The findings of a check, and their exit code."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.core.model import Failure


class Status(Enum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    UNKNOWN = "unknown"


class Finding(Struct, frozen=True):
    """
    The result of one rule for one secret, group or workflow. `rule` is stable (`present`, `type`,
    `pattern`, `backends`, `rotation`, `group`, `workflow`). `failure` is why a finding is unknown.
    """

    name: str
    rule: str
    status: Status
    message: str
    hint: str = ""
    failure: Failure | None = None


def exit_code(findings: Iterable[Finding]) -> int:
    """7 where something fails, else the code of the first failure that leaves a finding unknown, else 0."""
    findings = list(findings)
    if any(finding.status is Status.FAIL for finding in findings):
        return errors.CheckFailed.exit_code
    for finding in findings:
        if finding.status is Status.UNKNOWN and finding.failure is not None:
            return errors.error_for(finding.failure.kind.value).exit_code
    return 0
