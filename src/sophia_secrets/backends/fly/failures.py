"""
Classification of failed flyctl calls by exit code and error text, in one table.

The texts are those of superfly/flyctl and superfly/fly-go, and of Fly's servers as seen in its
issues. Only a known text counts as an outage; an unknown one is `bad_output`.
"""

from __future__ import annotations

import re
from enum import Enum

from sophia_secrets.backends.base import Completed, Ended
from sophia_secrets.core.model import Failure, FailureKind, Target
from sophia_secrets.core.text import sentence

_CLI = FailureKind.CLI_MISSING
_AUTH = FailureKind.NOT_AUTHENTICATED
_DENIED = FailureKind.NOT_PERMITTED
_GONE = FailureKind.TARGET_NOT_FOUND
_DOWN = FailureKind.UNREACHABLE
_LATE = FailureKind.TIMED_OUT
_BUSY = FailureKind.RATE_LIMITED
_ODD = FailureKind.BAD_OUTPUT

_UPGRADE = "update it with `fly version upgrade`"
_AGAIN = "run the command again with `--debug` to see its words"
_STATUS = "check the network and https://status.flyio.net, then try again"

# (pattern of the error text, kind, what happened, hint): the first match counts.
_ROWS: tuple[tuple[str, FailureKind, str, str], ...] = (
    (
        r"not a valid secret name|name only allows",
        _ODD,
        "Fly does not take this name",
        "use letters, digits and underscores",
    ),
    (
        (
            r"no access token available|must be authenticated|no verified tokens|discharge token"
            r"|no tokens found|status: 401|status code: 401"
        ),
        _AUTH,
        "flyctl is not signed in, or its session or token has expired",
        "run `fly auth login`, or set `FLY_API_TOKEN` (`fly tokens create deploy --app {app}` makes one)",
    ),
    (
        r"^smoke checks for \S+ failed",
        _ODD,
        "app {app} does not stay up on its Machine",
        "see why with `fly logs --app {app}`",
    ),
    (
        r"machine not found|was not found in app|not found/started|no started vms",
        _GONE,
        "the Machine of app {app} is gone",
        "see those it has with `fly machine list --app {app}`, then try again",
    ),
    (
        r"could not (find|resolve) app|app not found|status: 404|status code: 404",
        _GONE,
        "there is no app {app}, or these credentials may not see it",
        "see yours with `fly apps list`",
    ),
    (
        r"rate limit|too many requests|status: 429|status code: 429",
        _BUSY,
        "Fly limits the rate of requests for app {app}",
        "try again in a minute",
    ),
    (
        r"^unauthorized\b|: unauthorized\b|not authorized|forbidden|status: 403|status code: 403",
        _DENIED,
        "these credentials may not do this with app {app}",
        "make a token with `fly tokens create deploy --app {app}`, or sign in as another user with `fly auth login`",
    ),
    (
        (
            r"no such host|name resolution|server misbehaving|connection refused|connection reset"
            r"|unreachable|i/o timeout|handshake timeout|x509:|proxyconnect"
            r"|(?<!decoding response): (?:unexpected )?eof$"
        ),
        _DOWN,
        "Fly could not be reached for app {app}",
        _STATUS,
    ),
    (
        r"status: 5\d\d|status code: 5\d\d|deadline_exceeded|internal server error",
        _DOWN,
        "Fly failed with an internal error for app {app}",
        _STATUS,
    ),
    (
        r"config directory|loading app config|saving config file|acquiring lock|^yaml:",
        _ODD,
        "flyctl could not use its own files",
        "see what `fly auth whoami` says; its directory is `~/.fly` or `FLY_CONFIG_DIR`",
    ),
    (
        r"unknown (flag|shorthand flag|command)",
        _CLI,
        (
            "this program does not know the commands of flyctl: it is too old, or it is another "
            "program called `fly` (Concourse CI's is)"
        ),
        f"{_UPGRADE}, or set `SOPHIA_SECRETS_FLY` to the path of flyctl",
    ),
    (
        r"decoding response|invalid character",
        _ODD,
        "flyctl could not read Fly's answer",
        f"{_UPGRADE}; a proxy may stand between",
    ),
)

_ENDINGS: dict[Ended, tuple[FailureKind, str, str]] = {
    Ended.NOT_FOUND: (
        _CLI,
        "flyctl is not installed",
        "install it (https://fly.io/docs/flyctl/install) or set `SOPHIA_SECRETS_FLY` to its path",
    ),
    Ended.NOT_RUNNABLE: (
        _CLI,
        "flyctl cannot be started",
        "mend that, or set `SOPHIA_SECRETS_FLY` to the path of another `flyctl`",
    ),
    Ended.TIMED_OUT: (
        _LATE,
        "flyctl did not finish in time for app {app}",
        "try again, or allow more with `--timeout SECONDS`",
    ),
    Ended.TOO_MUCH_OUTPUT: (_ODD, "flyctl printed far too much", _AGAIN),
    Ended.SIGNALLED: (_ODD, "flyctl was stopped by a signal", "try again"),
    Ended.CANCELLED: (_ODD, "the call to flyctl was cancelled", "try again"),
}

# (superfly/flyctl internal/cli/cli.go); 2 is Go's own for a panic, 3 that of a release build.
_CODES: dict[int, tuple[FailureKind, str, str]] = {
    2: (_ODD, "flyctl crashed", _UPGRADE),
    3: (_ODD, "flyctl crashed", _UPGRADE),
    126: (_ODD, "another flyctl holds the lock of its configuration", "try again when it has ended"),
    127: (_ODD, "flyctl was interrupted", "try again"),
}


class Applied(Enum):
    """Whether a write took effect."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def error_text(stderr: str) -> str:
    """
    The text of flyctl's `Error:` line in lower case, without quoted names and addresses, the GraphQL
    query, and a body that is not JSON.
    """
    found = re.search(r"^error: ?(.*)", stderr, re.IGNORECASE | re.MULTILINE)
    if found is None:
        return ""
    text = re.sub(r" \((?:Request|Trace) ID: [^)]*\)", "", found[1])
    text = re.sub(r"^(.*failed to run query).*\}: ", r"\1: ", text)
    text = re.sub(r"(non-2xx status: \d+):.*", r"\1", text)
    text = re.sub(r'"[^"]*"', '""', text)
    return text.strip().lower()


def headline(words: str) -> str:
    """
    Only flyctl's `Error:` line.

    A failed deployment prints the app's log after it, and an app may log its secrets
    (internal/command/deploy/machines_deploymachinesapp.go, smokeChecksError).
    """
    found = re.search(r"^Error: .*", words, re.MULTILINE)
    return found[0] if found else ""


def failure(completed: Completed, target: Target) -> Failure:
    """Why a call that is not `ok` failed."""
    kind, message, hint = _reason(completed)
    request = re.search(r"\(Request ID: ([\w-]{1,64})\)", completed.stderr)
    suffix = f" (Fly's request {request[1]})" if request else ""
    return Failure(
        kind,
        target,
        sentence(message.format(app=target.label) + completed.why + suffix),
        sentence(hint.format(app=target.label)),
        completed.stderr[:2000] if completed.showable else "",
    )


def _reason(completed: Completed) -> tuple[FailureKind, str, str]:
    if completed.ended is not Ended.EXITED:
        return _ENDINGS[completed.ended]
    if completed.code in _CODES:
        return _CODES[completed.code]
    text = error_text(completed.stderr)
    for pattern, kind, message, hint in _ROWS:
        if re.search(pattern, text):
            return kind, message, hint
    return _ODD, f"flyctl failed (exit {completed.code}) in a way that is not known", _AGAIN


def unreadable(target: Target, reason: str) -> Failure:
    """The failure where flyctl succeeded with unusable output. `reason` never quotes it."""
    return Failure(_ODD, target, f"flyctl's answer cannot be understood: {reason}.", sentence(_UPGRADE))


# Errors before the request that stores (internal/command/secrets/set.go, import.go, unset.go).
_BEFORE = (
    r"^(failed to run query|failed to parse secrets|could not parse secrets|requires at least"
    r"|secret .* expects standard input|error reading stdin|no access token|unknown "
    r"|failed loading app config|failed ensuring config directory|yaml:|the config for your app)"
)
_REFUSALS = (_AUTH, _DENIED, _GONE, _BUSY)


def was_applied(completed: Completed) -> Applied:
    """Whether a `--stage` write that is not `ok` took effect, from its error text."""
    if completed.ended in (Ended.NOT_FOUND, Ended.NOT_RUNNABLE):
        return Applied.NO
    text = error_text(completed.stderr)
    if completed.ended is not Ended.EXITED or completed.code in (2, 3, 127):
        return Applied.UNKNOWN
    if text.startswith("update secrets:") and "failed to update app secrets" not in text:
        return Applied.YES
    asked = text.startswith("update secrets:")
    if re.search(_BEFORE, text) or (completed.code == 126 and not asked):
        return Applied.NO
    refused = _reason(completed)[0] in _REFUSALS or re.search(_ROWS[0][0], text)
    return Applied.NO if asked and refused else Applied.UNKNOWN
