"""
Every error that a user can see: its kind, its exit code, what happened and what to type next.

Lean on purpose (see `sophia_secrets.state`): importing this module costs nothing.
"""

import os


def reason_of(problem: OSError, otherwise: str = "unknown reason") -> str:
    """The operating system's text for an error, without a path, or `otherwise`."""
    return os.strerror(problem.errno) if problem.errno else otherwise


class SophiaError(Exception):
    """
    The base of every error of this package.

    `kind` is a stable token for JSON and the audit log, `exit_code` what the command line
    returns. `message` says what happened and where; `hint` is the exact next step. Neither
    ever holds a secret's value. The hint is also a note of the exception (PEP 678), so that a
    Python program's traceback shows it.
    """

    kind = "unexpected"
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", backend: str = "", target: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.backend = backend
        self.target = target
        if hint:
            self.add_note(f"hint: {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        return (
            _rebuild,
            (type(self), self.message, self.hint, self.backend, self.target),
        )


def _rebuild(cls: type[SophiaError], message: str, hint: str, backend: str, target: str) -> SophiaError:
    return cls(message, hint=hint, backend=backend, target=target)


class OutputFailed(SophiaError):
    """The answer could not be written to standard output."""

    kind = "output_failed"


class UsageError(SophiaError):
    """The command line, or an argument of a call, is not valid."""

    kind = "usage"
    exit_code = 2


class BadName(UsageError):
    """A secret's name, or a target, that is not safe to pass to a vendor."""

    kind = "bad_name"


class BadValue(UsageError):
    """A value that the backend or the format cannot hold exactly."""

    kind = "bad_value"


class BadSettings(UsageError):
    """A settings file or variable that cannot be read as settings."""

    kind = "bad_settings"


class NotTrusted(UsageError):
    """A project's settings file names targets and nobody has trusted it yet."""

    kind = "not_trusted"


class NotConfigured(UsageError):
    """The backend has no target: nothing says which one is meant."""

    kind = "not_configured"


class NotSupported(UsageError):
    """The backend cannot do this at all, or not here."""

    kind = "not_supported"


class NotFound(SophiaError):
    """No backend holds the secret."""

    kind = "not_found"
    exit_code = 3


class NotAuthenticated(SophiaError):
    """There are no valid credentials for the vendor."""

    kind = "not_authenticated"
    exit_code = 4


class NotPermitted(SophiaError):
    """The credentials do not have the permission."""

    kind = "not_permitted"
    exit_code = 4


class TargetNotFound(SophiaError):
    """The target does not exist, or is not visible to these credentials."""

    kind = "target_not_found"
    exit_code = 4


class Unavailable(SophiaError):
    """A backend cannot answer now."""

    kind = "unavailable"
    exit_code = 5


class CliMissing(Unavailable):
    """The vendor's program is missing, is not runnable, or is too old."""

    kind = "cli_missing"


class Unreachable(Unavailable):
    """The vendor's service could not be reached, or answered with a server error."""

    kind = "unreachable"


class TimedOut(Unavailable):
    """The vendor did not answer in time."""

    kind = "timed_out"


class RateLimited(Unavailable):
    """The vendor refuses more requests for now (rate limit)."""

    kind = "rate_limited"


class BadOutput(Unavailable):
    """The vendor's answer could not be understood."""

    kind = "bad_output"


class AuditFailed(SophiaError):
    """The event could not be appended to the audit log, so no value was returned or written."""

    kind = "audit_failed"
    exit_code = 6


class IntegrityFailed(SophiaError):
    """The audit log, or another file of this program, was changed or damaged."""

    kind = "integrity_failed"
    exit_code = 6


class KeyMissing(IntegrityFailed):
    """The key is missing, so what was written with it cannot be verified."""

    kind = "key_missing"


class UnsafeState(SophiaError):
    """A directory or file of this program is accessible to other users, or belongs to one."""

    kind = "unsafe_state"
    exit_code = 6


class CheckFailed(SophiaError):
    """A check or a policy did not pass."""

    kind = "check_failed"
    exit_code = 7


class CommandNotRunnable(SophiaError):
    """The command exists and cannot be started."""

    kind = "command_not_runnable"
    exit_code = 126


class CommandNotFound(SophiaError):
    """The command does not exist."""

    kind = "command_not_found"
    exit_code = 127


class Interrupted(SophiaError):
    """The user, or the caller, stopped the work."""

    kind = "interrupted"
    exit_code = 130


def error_for(kind: str) -> type[SophiaError]:
    """The error class of a backend failure's kind (see `core.model.FailureKind`)."""
    for cls in (
        CliMissing,
        NotAuthenticated,
        NotPermitted,
        TargetNotFound,
        Unreachable,
        TimedOut,
        RateLimited,
        BadOutput,
        NotConfigured,
    ):
        if cls.kind == kind:
            return cls
    return SophiaError
