"""
Classification of failed `pulumi` calls.

Only a known text counts as an outage; an unknown one is `bad_output` (C5). Sources:
pkg/cmd/pulumi/cmd/exit_codes.go, pkg/cmd/esc/cli/client/client.go (decodeError),
pkg/backend/httpstate, and the recorded answers of the tests.
"""

from __future__ import annotations

import re

from sophia_secrets.backends.base import Completed, Ended
from sophia_secrets.backends.pulumi.vocabulary import INSTALL, OLDEST, ROWS, STATUSES, TOO_OLD
from sophia_secrets.core.model import Failure, FailureKind, Target
from sophia_secrets.core.text import sentence

MOST_WORDS = 2000

_AGAIN = "run the command again with `--debug` to see its words"

_UPDATING = "updating environment definition: "
_STATUS = r"(?:[a-z][a-z ]{2,60}: ){0,4}\[(\d{1,3})\] ?"
_PREFIX = r"^(?:error: )?(?:[a-z][a-z ]{2,60}: )*\[\d{1,3}\] ?|^error: |^Diags: "
_NETWORK = (
    r"\b(?:Get|Head|Post|Patch|Put|Delete) \"https?://[^\"]*\": .*"
    r"(?:connection refused|no such host|i/o timeout|network is unreachable|no route to host"
    r"|[Tt]emporary failure in name resolution|server misbehaving|timed out|TLS handshake timeout"
    r"|tls: |x509: |EOF$|connection reset by peer|Client\.Timeout exceeded|context deadline exceeded)"
)


def failure_of(completed: Completed, target: Target, what: str) -> Failure | None:
    """
    The failure of a call, or None for exit code 0.

    `what` describes the place to people (`environment acme/app/production`).
    """

    def failure(kind: FailureKind, message: str, hint: str) -> Failure:
        said = sentence(message.format(target=what) + completed.why)
        return Failure(kind, target, said, sentence(hint), words(completed))

    match completed.ended:
        case Ended.NOT_FOUND:
            return failure(
                FailureKind.CLI_MISSING,
                "the Pulumi CLI is not installed",
                "install it: " + INSTALL,
            )
        case Ended.NOT_RUNNABLE:
            hint = "mend that, or set `SOPHIA_SECRETS_PULUMI` to the path of another `pulumi`"
            return failure(FailureKind.CLI_MISSING, "the Pulumi CLI cannot be started", hint)
        case Ended.TIMED_OUT:
            hint = "try again, or give it longer with `--timeout`"
            return failure(FailureKind.TIMED_OUT, "Pulumi did not answer in time about {target}", hint)
        case Ended.TOO_MUCH_OUTPUT:
            return failure(FailureKind.BAD_OUTPUT, "Pulumi printed more than can be read of {target}", _AGAIN)
        case Ended.SIGNALLED | Ended.CANCELLED:
            return failure(
                FailureKind.BAD_OUTPUT, "the Pulumi CLI was stopped while busy with {target}", "try again"
            )
        case Ended.EXITED:
            return None if completed.code == 0 else failure(*_classified(completed))


def unreadable(completed: Completed, target: Target, what: str) -> Failure:
    """
    The failure of a call with exit code 0 and unusable output.

    `env open` exits so where the environment cannot be evaluated: the reasons are on standard error, such
    as `dev:3:16: unknown property "foo"`.
    """
    said = diagnostics(completed)
    message = f"{what} cannot be opened: {said}" if said else f"Pulumi's answer about {what} cannot be read"
    hint = f"look at it with `pulumi env get`, or install Pulumi {OLDEST} or newer" if said else TOO_OLD
    return Failure(FailureKind.BAD_OUTPUT, target, sentence(message), sentence(hint), words(completed))


def diagnostics(completed: Completed) -> str:
    """
    The text of standard error without the known notices, on one short line.

    "" if it may contain a value.
    """
    if not completed.showable:
        return ""
    said = [
        re.sub(_PREFIX, "", line).strip() for line in completed.stderr.splitlines() if not _is_notice(line)
    ]
    return "; ".join(line for line in said if line)[:300]


def words(completed: Completed) -> str:
    """The vendor's own text for `Failure.words`."""
    return completed.stderr[:MOST_WORDS] if completed.showable else ""


def wrote_nothing(completed: Completed, failure: Failure) -> bool:
    """
    Whether a failed write certainly changed nothing.

    A request without an answer may have taken effect (V11).
    """
    if completed.ended in (Ended.NOT_FOUND, Ended.NOT_RUNNABLE):
        return True
    if completed.ended is not Ended.EXITED:
        return False
    if failure.kind is FailureKind.UNREACHABLE:
        return _UPDATING not in completed.stderr
    return failure.kind is not FailureKind.BAD_OUTPUT or _status(completed.stderr) in range(400, 500)


def is_crash(completed: Completed) -> bool:
    """Whether the program crashed, with its banner and a stack trace."""
    return "The Pulumi CLI encountered a fatal error" in completed.stderr


def _classified(completed: Completed) -> tuple[FailureKind, str, str]:
    if is_crash(completed):
        hint = "update it, or report what `--debug` shows: " + INSTALL
        return FailureKind.BAD_OUTPUT, "the Pulumi CLI crashed while busy with {target}", hint
    status = _status(completed.stderr)
    if status in STATUSES:
        return STATUSES[status]
    if status in range(500, 600):
        return (
            FailureKind.UNREACHABLE,
            "Pulumi failed with an internal error for {target}",
            "try again",
        )
    if any(re.search(_NETWORK, said) for said in _errors(completed.stderr)):
        return (
            FailureKind.UNREACHABLE,
            "Pulumi cannot be reached about {target}",
            "check the network, the proxy variables and PULUMI_BACKEND_URL",
        )
    for said in _errors(completed.stderr):
        for row in ROWS:
            if row.pattern.search(said):
                return row.kind, row.message, row.hint
    if status is not None:
        reason = diagnostics(completed)
        message = "Pulumi refuses {target}" + (
            ": " + reason.replace("{", "{{").replace("}", "}}") if reason else ""
        )
        return FailureKind.BAD_OUTPUT, message, "look at it with `pulumi env get`"
    if completed.code == 3:
        return (
            FailureKind.NOT_AUTHENTICATED,
            "Pulumi refuses this session the use of {target}",
            "run `pulumi login`",
        )
    if completed.code == 6:
        return (
            FailureKind.TARGET_NOT_FOUND,
            "{target} does not exist",
            "look at `pulumi env ls` or `pulumi stack ls --all`",
        )
    message = f"the Pulumi CLI failed (exit {completed.code}) for {{target}}"
    return FailureKind.BAD_OUTPUT, message, _AGAIN


def _errors(stderr: str) -> list[str]:
    return [line.removeprefix("error: ") for line in stderr.splitlines() if line.startswith("error: ")]


def _status(stderr: str) -> int | None:
    for said in _errors(stderr):
        if match := re.match(_STATUS, said):
            return int(match.group(1))
    return None


def _is_notice(line: str) -> bool:
    return line.startswith(("Logging in using access token from ", "Found legacy stack files", "warning: "))
