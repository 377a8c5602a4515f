"""Classification of failed `aws` calls by exit code and error text."""

from __future__ import annotations

import re

from sophia_secrets.backends.aws.program import Aws
from sophia_secrets.backends.base import Completed, Ended
from sophia_secrets.core.model import Failure, FailureKind

INSTALL = "Install the AWS CLI: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
_WORDS = 2000

# botocore/exceptions.py, `ClientError`: the first one counts, for a message may quote another.
_CODE = re.compile(r"An error occurred \(([A-Za-z.]+)\) when calling the \w+ operation")
_NO_ANSWER = re.compile(
    r"Could not connect to the endpoint URL|Connect timeout on endpoint URL"
    r"|Failed to connect to proxy URL|SSL validation failed"
)
_CUT_SHORT = re.compile(r"Read timeout on endpoint URL|Connection was closed before we received")
_SIGNED_OUT = re.compile(
    r"Unable to locate credentials|Partial credentials found|Error loading SSO Token"
    r"|The SSO session associated with this profile|Credentials were refreshed, but"
    r"|Error when retrieving (?:token|credentials) from|Token for [^\n]{0,300} does not exist|Token has expired"
    r"|[Yy]our session has expired|aws (?:sso )?login"
)
_NO_PROFILE = re.compile(r"The config profile \([^)\n]{0,300}\) could not be found")
_NO_REGION = "You must specify a region"
_TOO_OLD = re.compile(r"Invalid choice|Unknown options|unrecognized arguments|argument operation")

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_UNKNOWN_USER = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "InvalidAccessKeyId",
        "UnauthorizedException",
    }
)
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "NotAuthorized", "OptInRequired", "UnauthorizedOperation"}
)
_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
    }
)
_BROKEN = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "InternalServiceErrorException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
ABSENT = frozenset({"ResourceNotFoundException"})
REFUSED_STATE = "InvalidRequestException"
"""The code for an operation that the secret's state forbids, such as a scheduled deletion."""


def failure_of(done: Completed, aws: Aws, *, omit_words: bool = False) -> Failure:
    """
    Why this call failed. `omit_words` omits the vendor's own text: version 1 quotes a whole request that it
    cannot parse.
    """
    kind, message, hint = _classified(done, aws)
    words = "" if omit_words or not done.showable else done.stderr.strip()[:_WORDS]
    return Failure(kind, aws.place.target, message, hint, words)


def failure_of_code(code: str, aws: Aws) -> Failure:
    """The failure for an error code in an answer."""
    kind, message, hint = _from_code(code, aws)
    return Failure(kind, aws.place.target, message, hint)


def unreadable(aws: Aws) -> Failure:
    """The failure where `aws` succeeded and its output is not an answer."""
    message = f"`aws` answered for {aws.place.target} with something that cannot be understood."
    return Failure(FailureKind.BAD_OUTPUT, aws.place.target, message, f"Update it. {INSTALL}")


def code_of(done: Completed) -> str:
    """AWS's error code, or ""."""
    match = _CODE.search(done.stderr)
    return match[1] if match else ""


def is_marked_deleted(code: str, words: str) -> bool:
    """Whether the secret is scheduled for deletion, so that AWS does not return it."""
    return code == REFUSED_STATE and ("marked" in words or "scheduled for deletion" in words)


def wrote_nothing(done: Completed) -> bool:
    """Whether a failed write certainly changed nothing."""
    if done.ended is not Ended.EXITED:
        return False
    if code := code_of(done):
        return code not in _BROKEN
    return bool(
        _NO_ANSWER.search(done.stderr)
        or _SIGNED_OUT.search(done.stderr)
        or _NO_PROFILE.search(done.stderr)
        or _NO_REGION in done.stderr
        or _TOO_OLD.search(done.stderr)
    )


def was_started(done: Completed) -> bool:
    return done.ended not in (Ended.NOT_FOUND, Ended.NOT_RUNNABLE)


def _classified(done: Completed, aws: Aws) -> tuple[FailureKind, str, str]:
    target = aws.place.target
    match done.ended:
        case Ended.NOT_FOUND:
            return FailureKind.CLI_MISSING, f"The AWS CLI (`aws`) was not found{done.why}.", INSTALL
        case Ended.NOT_RUNNABLE:
            hint = "Mend that, or set `SOPHIA_SECRETS_AWS` to the path of another `aws`."
            return FailureKind.CLI_MISSING, f"`aws` could not be started{done.why}.", hint
        case Ended.TIMED_OUT:
            message = f"AWS did not answer for {target} within {aws.timeout:g} seconds."
            return FailureKind.TIMED_OUT, message, "Try again, or allow more with `--timeout SECONDS`."
        case Ended.TOO_MUCH_OUTPUT:
            message = f"`aws` printed more for {target} than an answer can be."
            return FailureKind.BAD_OUTPUT, message, "Choose a longer `prefix` under `[aws]`."
        case Ended.SIGNALLED:
            message = f"`aws` was ended by signal {done.code} before it answered for {target}."
            return FailureKind.BAD_OUTPUT, message, "Try again."
        case Ended.CANCELLED:
            return FailureKind.BAD_OUTPUT, f"The call to `aws` for {target} was cancelled.", ""
        case Ended.EXITED:
            code = code_of(done)
            return _from_code(code, aws) if code else _from_message(done, aws)


def _from_code(code: str, aws: Aws) -> tuple[FailureKind, str, str]:
    target = aws.place.target
    if code in _EXPIRED:
        message = f"The AWS session for {target} has expired ({code})."
        return FailureKind.NOT_AUTHENTICATED, message, _sign_in(aws)
    if code in _UNKNOWN_USER:
        message = f"AWS does not accept the credentials for {target} ({code})."
        return FailureKind.NOT_AUTHENTICATED, message, _sign_in(aws)
    if code in _DENIED:
        message = f"AWS does not permit this for {target} ({code})."
        hint = "Grant `secretsmanager:ListSecrets`, `BatchGetSecretValue` and `GetSecretValue`; to write, "
        hint += "`CreateSecret` and `PutSecretValue` too; to delete, `DeleteSecret`."
        return FailureKind.NOT_PERMITTED, message, hint
    if code in _THROTTLED:
        message = f"AWS asks to wait: too many requests for {target} ({code})."
        return FailureKind.RATE_LIMITED, message, "Try again in a moment."
    if code in _BROKEN:
        message = f"AWS failed with an internal error for {target} ({code})."
        return FailureKind.UNREACHABLE, message, "Try again later; https://health.aws.amazon.com tells more."
    message = f"AWS refused the request for {target} ({code})."
    return FailureKind.BAD_OUTPUT, message, "Run it again with `--debug` to see its words."


def _from_message(done: Completed, aws: Aws) -> tuple[FailureKind, str, str]:
    target, stderr = aws.place.target, done.stderr
    if _NO_PROFILE.search(stderr):
        message = f"`aws` has no profile of that name, so {target} cannot be reached."
        return FailureKind.NOT_AUTHENTICATED, message, "See the profiles with `aws configure list-profiles`."
    if _NO_REGION in stderr:
        message = f"No AWS region is named for {target}."
        hint = "Set `region` under `[aws]`, or `AWS_REGION`."
        return FailureKind.NOT_CONFIGURED, message, hint
    if _SIGNED_OUT.search(stderr):
        message = f"`aws` is not signed in, so {target} cannot be reached."
        return FailureKind.NOT_AUTHENTICATED, message, _sign_in(aws)
    if _NO_ANSWER.search(stderr):
        message = f"AWS could not be reached for {target}."
        return FailureKind.UNREACHABLE, message, "Check the network, `HTTPS_PROXY` and the region."
    if _CUT_SHORT.search(stderr):
        message = f"AWS did not answer for {target} in time."
        return FailureKind.TIMED_OUT, message, "Try again, or allow more with `--timeout SECONDS`."
    if _TOO_OLD.search(stderr):
        message = "`aws` is too old: it does not know `secretsmanager batch-get-secret-value`."
        return FailureKind.CLI_MISSING, message, INSTALL
    message = f"`aws` ended with exit code {done.code} for {target} and did not say why."
    return FailureKind.BAD_OUTPUT, message, "Run it again with `--debug` to see its words."


def _sign_in(aws: Aws) -> str:
    if any(name == "AWS_SECRET_ACCESS_KEY" for name, _ in aws.credential.variables):
        return (
            "Put valid credentials in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`."
        )
    if aws.place.profile:
        return f"Run `aws sso login --profile {aws.place.profile}`, or `aws configure` it."
    return "Run `aws sso login` or `aws configure`, or set `profile` under `[aws]`."
