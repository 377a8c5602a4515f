"""The checks of `doctor` for AWS: the program, and whether the prefix can be listed."""

from __future__ import annotations

import re

from sophia_secrets.backends.aws import failures, reading
from sophia_secrets.backends.aws.program import Aws
from sophia_secrets.backends.base import Completed, Steps
from sophia_secrets.core.model import Check, CheckStatus, Failure, FailureKind

CLI, AUTH, TARGET = "aws.cli", "aws.auth", "aws.target"

_VERSION = re.compile(r"aws-cli/(\d+)\.(\d+)\.(\d+)")
_NEEDED = {1: (1, 30, 7), 2: (2, 13, 39)}
"""The first versions with BatchGetSecretValue (aws/aws-cli, CHANGELOG.rst and its tags)."""


def probe(aws: Aws) -> Steps[list[Check]]:
    """`aws.cli`, `aws.auth`, `aws.target`; one list call tests the last two."""
    program = _program((yield aws.version()), aws)
    if program.status is CheckStatus.FAIL:
        skipped = "not asked, because the check before it failed"
        return [program, Check(AUTH, CheckStatus.SKIP, skipped), Check(TARGET, CheckStatus.SKIP, skipped)]
    listed = yield from reading.names(aws)
    if isinstance(listed, Failure):
        return [program, *_failed(listed)]
    count = f"{len(listed)} secret{'' if len(listed) == 1 else 's'}"
    return [
        program,
        Check(AUTH, CheckStatus.OK, "AWS accepts the credentials"),
        Check(TARGET, CheckStatus.OK, f"{aws.place.target}: {count}"),
    ]


def _program(done: Completed, aws: Aws) -> Check:
    if not done.ok:
        failure = failures.failure_of(done, aws)
        return Check(CLI, CheckStatus.FAIL, failure.message, failure.hint or failures.INSTALL, failure.words)
    match = _VERSION.match(done.stdout.decode("utf-8", "replace"))
    if match is None:
        return Check(CLI, CheckStatus.FAIL, f"{done.path or '`aws`'} is not the AWS CLI.", failures.INSTALL)
    version = tuple(int(number[:9]) for number in match.groups())
    text = ".".join(map(str, version))
    needed = _NEEDED.get(version[0], (0, 0, 0))
    if version < needed:
        wanted = ".".join(map(str, needed))
        message = f"`aws` {text} is too old; {wanted} or newer is needed."
        return Check(CLI, CheckStatus.FAIL, message, failures.INSTALL)
    return Check(CLI, CheckStatus.OK, f"aws {text}" + (f" ({done.path})" if done.path else ""))


def _failed(failure: Failure) -> list[Check]:
    match failure.kind:
        case FailureKind.NOT_AUTHENTICATED:
            return [
                Check(AUTH, CheckStatus.FAIL, failure.message, failure.hint, failure.words),
                Check(TARGET, CheckStatus.SKIP, "not known without a sign-in"),
            ]
        case FailureKind.NOT_PERMITTED:
            auth = Check(AUTH, CheckStatus.OK, "AWS knows the credentials")
        case _:
            auth = Check(AUTH, CheckStatus.SKIP, "AWS's answer does not tell")
    hint = failure.hint or "Run `sophia-secrets doctor --debug`."
    return [auth, Check(TARGET, CheckStatus.FAIL, failure.message, hint, failure.words)]
