"""Classification of failed `gh` calls by exit code and error text."""

from __future__ import annotations

import re

from sophia_secrets.backends.base import Completed, Ended
from sophia_secrets.backends.github.gh import MINIMUM_VERSION, Gh, login_command, token_variables
from sophia_secrets.core.model import Failure, FailureKind

MINIMUM = ".".join(map(str, MINIMUM_VERSION))
INSTALL = f"Install GitHub CLI {MINIMUM} or newer from https://cli.github.com."

# cli/cli `api/client.go` `HTTPError.Error`, `pkg/cmd/api/api.go`; the first one counts.
_HTTP = r"\bHTTP (\d{3})\b"
_SCOPE = r'This API operation needs the "([a-z_:]+)" scope'
# Go's `url.Error`, and cli/cli `cmd/gh/main.go` for a name that does not resolve.
_NETWORK = r'(?m)^error connecting to |\b(?:Get|Put|Post|Delete|Patch) "https?://'
_TOO_OLD = r"\bunknown (?:shorthand )?flag\b|\bunknown command\b"
_APP_UNKNOWN = r'invalid argument "\w+" for "-a, --app" flag'
_BAD_ANSWER = r"unexpected end of JSON|invalid character|\bEOF\b|cannot unmarshal"
_KEY_FETCH = "failed to fetch public key"
_WORDS = 2000
_AGAIN = "Run the command again with `--debug` to see its words."


def failure_of(completed: Completed, gh: Gh, *, omit_words: bool = False) -> Failure:
    """
    Why this call failed. `omit_words` omits the vendor's own text: an error of `gh` about an `--env-file` may
    contain the rest of the input (joho/godotenv `parser.go`).
    """
    kind, message, hint = _classified(completed, gh)
    words = "" if omit_words or not completed.showable else completed.stderr.strip()[:_WORDS]
    return Failure(kind, gh.scope.target, message, hint, words)


def wrote_nothing(completed: Completed) -> bool:
    """Whether a failed `gh secret set` certainly ended before it sent a value."""
    if completed.ended in (Ended.NOT_FOUND, Ended.NOT_RUNNABLE):
        return True
    if completed.ended is not Ended.EXITED:
        return False
    return (
        completed.code == 4
        or _KEY_FETCH in completed.stderr
        or re.search(_TOO_OLD, completed.stderr) is not None
        or re.search(_APP_UNKNOWN, completed.stderr) is not None
    )


def http_status(completed: Completed) -> int:
    """The first HTTP status in the error text of `gh`, or 0."""
    match = re.search(_HTTP, completed.stderr)
    return int(match[1]) if match else 0


def _classified(completed: Completed, gh: Gh) -> tuple[FailureKind, str, str]:
    label = gh.scope.target.label
    match completed.ended:
        case Ended.NOT_FOUND:
            return FailureKind.CLI_MISSING, f"The GitHub CLI (`gh`) was not found{completed.why}.", INSTALL
        case Ended.NOT_RUNNABLE:
            hint = "Mend that, or set `SOPHIA_SECRETS_GH` to the path of another `gh`."
            return FailureKind.CLI_MISSING, f"`gh` could not be started{completed.why}.", hint
        case Ended.TIMED_OUT:
            seconds = f"{gh.timeout:g} seconds"
            return (
                FailureKind.TIMED_OUT,
                f"GitHub did not answer for {label} within {seconds}.",
                "Try again, or allow more with `--timeout SECONDS`.",
            )
        case Ended.TOO_MUCH_OUTPUT:
            return FailureKind.BAD_OUTPUT, f"`gh` printed more for {label} than an answer can be.", _AGAIN
        case Ended.SIGNALLED:
            return (
                FailureKind.BAD_OUTPUT,
                f"`gh` was ended by signal {completed.code} before it answered for {label}.",
                "Try again.",
            )
        case Ended.CANCELLED:
            return FailureKind.BAD_OUTPUT, f"The call to `gh` for {label} was cancelled.", ""
        case Ended.EXITED:
            return _exited(completed, gh)


def _exited(completed: Completed, gh: Gh) -> tuple[FailureKind, str, str]:
    stderr, label, host = completed.stderr, gh.scope.target.label, gh.scope.host
    if completed.code == 4:
        return (
            FailureKind.NOT_AUTHENTICATED,
            f"`gh` is not signed in to {host}, so {label} cannot be reached.",
            f"Run `{login_command(host)}`.",
        )
    if status := http_status(completed):
        return _http(status, stderr, gh)
    if "invalid header field value" in stderr:
        return (
            FailureKind.NOT_AUTHENTICATED,
            f"The token for {host} holds characters that no token has.",
            _sign_in(gh),
        )
    if "x509:" in stderr:
        return (
            FailureKind.UNREACHABLE,
            f"The certificate of {host} is not trusted.",
            "Set `SSL_CERT_FILE` to the file with your organisation's certificates.",
        )
    if re.search(_NETWORK, stderr):
        return (
            FailureKind.UNREACHABLE,
            f"{host} could not be reached for {label}.",
            "Check the network, `HTTPS_PROXY` and https://www.githubstatus.com.",
        )
    if re.search(_APP_UNKNOWN, stderr):
        return (
            FailureKind.CLI_MISSING,
            f"`gh` is too old for {gh.scope.app} secrets; 2.94.0 or newer is needed.",
            "Install the newest GitHub CLI from https://cli.github.com.",
        )
    if re.search(_TOO_OLD, stderr):
        return FailureKind.CLI_MISSING, f"`gh` is too old; {MINIMUM} or newer is needed.", INSTALL
    if "invalid config file" in stderr:
        return (
            FailureKind.BAD_OUTPUT,
            "`gh` cannot read its own configuration.",
            "Run `gh config list` and correct the file it names.",
        )
    if re.search(_BAD_ANSWER, stderr):
        return (
            FailureKind.BAD_OUTPUT,
            f"GitHub's answer for {label} could not be read.",
            "Try again later; a proxy that asks to sign in answers like this too.",
        )
    return (
        FailureKind.BAD_OUTPUT,
        f"`gh` ended with exit code {completed.code} for {label} and did not say why.",
        _AGAIN,
    )


def _http(status: int, stderr: str, gh: Gh) -> tuple[FailureKind, str, str]:
    label, host = gh.scope.target.label, gh.scope.host
    if status == 429 or (status == 403 and "rate limit" in stderr.lower()):
        return (
            FailureKind.RATE_LIMITED,
            f"GitHub asks to wait: its rate limit is reached for {label} (HTTP {status}).",
            f"See until when with `gh api --hostname {host} rate_limit`.",
        )
    if status == 401:
        return (
            FailureKind.NOT_AUTHENTICATED,
            f"GitHub does not accept the credentials for {label} (HTTP 401).",
            _sign_in(gh),
        )
    scope = re.search(_SCOPE, stderr)
    if status == 403 or (status == 404 and scope):
        return (
            FailureKind.NOT_PERMITTED,
            f"GitHub does not permit this for {label} (HTTP {status}).",
            _permission(stderr, scope[1] if scope else "", gh),
        )
    if status == 404:
        return (
            FailureKind.TARGET_NOT_FOUND,
            f"GitHub has no {label}, or these credentials may not see it (HTTP 404).",
            _look_up(gh),
        )
    if status >= 500:
        return (
            FailureKind.UNREACHABLE,
            f"GitHub failed with an internal error for {label} (HTTP {status}).",
            "Try again later; https://www.githubstatus.com tells more.",
        )
    return FailureKind.BAD_OUTPUT, f"GitHub refused the request for {label} (HTTP {status}).", _AGAIN


def _sign_in(gh: Gh) -> str:
    login = login_command(gh.scope.host)
    if gh.token_variable:
        return f"Put a valid token in `{gh.token_variable}`, or unset it and run `{login}`."
    return f"Run `{login}`."


def _permission(stderr: str, scope: str, gh: Gh) -> str:
    if "SAML" in stderr:
        return f"Authorise the credentials for single sign-on: `gh auth refresh --hostname {gh.scope.host}`."
    if "by integration" in stderr:
        return (
            "A workflow's own token may never list or set secrets: give `gh` a personal or app token "
            f"in `{token_variables(gh.scope.host)[0]}`."
        )
    if "by personal access token" in stderr:
        where = f"https://{gh.scope.host}/settings/personal-access-tokens"
        return f'Give the token the permission "Secrets" (read and write) at {where}.'
    needed = scope or ("repo" if gh.scope.repository else "admin:org")
    if gh.token_variable:
        return f"Put a token with the scope `{needed}` in `{gh.token_variable}`."
    return f"Run `gh auth refresh --hostname {gh.scope.host} --scopes {needed}`."


def _look_up(gh: Gh) -> str:
    scope = gh.scope
    if scope.environment:
        command = f"gh api --hostname {scope.host} repos/{scope.full_name}/environments"
    elif scope.repository:
        command = f"gh repo view {scope.host}/{scope.full_name}"
    else:
        command = f"gh api --hostname {scope.host} orgs/{scope.full_name}"
    if gh.token_variable:
        return f"Look it up with `{command}`."
    # With a session for another host, `gh` asks this one without a token.
    return f"Look it up with `{command}`; if you are not signed in there, `{login_command(scope.host)}`."
