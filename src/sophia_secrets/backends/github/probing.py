"""The checks of `doctor` for GitHub: two calls, `gh --version` and the list."""

from __future__ import annotations

import re

from sophia_secrets.backends.base import Completed, Steps
from sophia_secrets.backends.github import workflow
from sophia_secrets.backends.github.failures import INSTALL, MINIMUM, failure_of
from sophia_secrets.backends.github.gh import MINIMUM_VERSION, Gh
from sophia_secrets.backends.github.listing import SecretList, fetch
from sophia_secrets.backends.github.scope import JSON_VARIABLE
from sophia_secrets.core.count import counted
from sophia_secrets.core.model import Check, CheckStatus, Failure, FailureKind

CLI, AUTH, TARGET = "github.cli", "github.auth", "github.target"

_VERSION = rb"gh version (\d+)\.(\d+)\.(\d+)"


def probe(gh: Gh, *, inside: bool) -> Steps[list[Check]]:
    """
    Whether `gh` exists and is new enough, is signed in, and may list the scope's secrets. `inside` a
    workflow, a token that may not is a warning: the step's variables are read anyway.

    The list is the test: `gh auth status` reports an invalid token when the network is down.
    """
    cli = _cli((yield gh.call("--version", label="ask gh for its version")), gh)
    if cli.status is CheckStatus.FAIL:
        return [cli, Check(AUTH, CheckStatus.SKIP, "not tried"), Check(TARGET, CheckStatus.SKIP, "not tried")]
    listed = yield from fetch(gh)
    if isinstance(listed, Failure):
        return [cli, *_failed(listed, inside=inside)]
    return [cli, Check(AUTH, CheckStatus.OK, _signed_in(gh)), _target(gh, listed)]


def checks_without_gh(gh: Gh, text: str | None) -> list[Check]:
    """The checks for a job that starts nothing: one with its secrets as JSON (`text`), or without a token."""
    label, skipped = gh.scope.target.label, "not needed to read in this workflow"
    if text is None:
        message = f"{label}: only variables with a declared name are read, for no token can list the names"
        target = Check(TARGET, CheckStatus.WARN, message, workflow.JSON_HINT)
    else:
        answer = workflow.snapshot_from_json(text, gh)
        if isinstance(answer, Failure):
            target = Check(TARGET, CheckStatus.FAIL, answer.message, answer.hint)
        else:
            message = f"{label}: {counted(len(answer.entries), 'name')} in `{JSON_VARIABLE}`"
            target = Check(TARGET, CheckStatus.OK, message)
    return [Check(CLI, CheckStatus.SKIP, skipped), Check(AUTH, CheckStatus.SKIP, skipped), target]


def _cli(completed: Completed, gh: Gh) -> Check:
    if not completed.ok:
        failure = failure_of(completed, gh)
        return Check(CLI, CheckStatus.FAIL, failure.message, failure.hint, failure.words)
    match = re.match(_VERSION, completed.stdout)
    if not match:
        return Check(CLI, CheckStatus.FAIL, f"{completed.path or '`gh`'} is not the GitHub CLI.", INSTALL)
    version = tuple(int(number[:9]) for number in match.groups())
    text = ".".join(map(str, version))
    if version < MINIMUM_VERSION:
        return Check(CLI, CheckStatus.FAIL, f"`gh` {text} is too old; {MINIMUM} or newer is needed.", INSTALL)
    return Check(CLI, CheckStatus.OK, f"gh {text} ({completed.path})" if completed.path else f"gh {text}")


def _failed(failure: Failure, *, inside: bool) -> list[Check]:
    fails, hint = CheckStatus.FAIL, failure.hint
    match failure.kind:
        case FailureKind.NOT_AUTHENTICATED:
            return [
                Check(AUTH, fails, failure.message, failure.hint, failure.words),
                Check(TARGET, CheckStatus.SKIP, "not known without a sign-in"),
            ]
        case FailureKind.NOT_PERMITTED:
            auth = Check(AUTH, CheckStatus.OK, "GitHub knows the credentials")
            if inside:
                fails, hint = CheckStatus.WARN, workflow.JSON_HINT
        case _:
            auth = Check(AUTH, CheckStatus.SKIP, "GitHub's answer does not tell")
    return [auth, Check(TARGET, fails, failure.message, hint, failure.words)]


def _signed_in(gh: Gh) -> str:
    return f"with the token in `{gh.token_variable}`" if gh.token_variable else "with the session of `gh`"


def _target(gh: Gh, listed: SecretList) -> Check:
    held = counted(len(listed.entries), "secret")
    return Check(TARGET, CheckStatus.OK, f"{gh.scope.target.label}: {held}")
