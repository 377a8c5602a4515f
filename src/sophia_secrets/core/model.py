"""The data types that the other modules share."""

from __future__ import annotations

from _operator import _compare_digest
from collections.abc import Mapping
from enum import Enum
from typing import NoReturn, final

from msgspec import Struct, field

HIDDEN = "<secret>"


@final
class SecretValue:
    """
    A secret's text, which cannot be printed, logged, pickled or compared by accident.

    `reveal()` is the only way out. Equality is constant-time; there is no length, no order,
    no iteration and no truth value other than `True`.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretValue):
            return NotImplemented
        # `hmac.compare_digest` is this function; importing `hmac` loads OpenSSL at every start.
        return bool(_compare_digest(_encode(self._text), _encode(other._text)))

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret value is never pickled or copied")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class Target(Struct, frozen=True):
    """
    What a backend is pointed at.

    `parts` are the ordered (field, value) pairs that make it unique and are part of every cache
    key: for `github` host, repository, environment, app. `label` is how people see it:
    `octo/app`, `acme/app/production`, `my-app`.
    """

    backend: str
    label: str
    parts: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.label


class EntryState(Enum):
    READABLE = "readable"
    WRITE_ONLY = "write_only"
    ABSENT = "absent"


class Entry(Struct, frozen=True):
    """
    One name in one snapshot.

    `value` is there exactly when the state is readable. `updated_at` is the vendor's own
    RFC 3339 text, `digest` and `version` the vendor's own opaque tokens. `detail` is a word for
    the trace: "empty", "staged", "from .env", "stack configuration".
    """

    state: EntryState
    value: SecretValue | None = None
    updated_at: str | None = None
    digest: str | None = None
    version: str | None = None
    detail: str = ""


class Snapshot(Struct, frozen=True):
    """
    Everything one backend can say about one target at one moment.

    `fetched_at` is Unix seconds (0.0 until the runner or the cache stamps it). A snapshot that
    is not `complete` knows only some names: any other name is unknown rather than absent.
    `notes` are sentences for a person (escaped where they are shown).
    """

    target: Target
    entries: Mapping[str, Entry] = field(default_factory=dict)
    fetched_at: float = 0.0
    complete: bool = True
    cached: bool = False
    stale: bool = False
    notes: tuple[str, ...] = ()


class FailureKind(Enum):
    CLI_MISSING = "cli_missing"
    NOT_AUTHENTICATED = "not_authenticated"
    NOT_PERMITTED = "not_permitted"
    TARGET_NOT_FOUND = "target_not_found"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    RATE_LIMITED = "rate_limited"
    BAD_OUTPUT = "bad_output"
    NOT_CONFIGURED = "not_configured"

    @property
    def is_outage(self) -> bool:
        """Whether this is certainly an outage: only then may a stale value be used instead (C5)."""
        return self in (FailureKind.UNREACHABLE, FailureKind.TIMED_OUT, FailureKind.RATE_LIMITED)

    @property
    def is_about_rights(self) -> bool:
        """Whether access was refused: then the cached record of the target is deleted too (C5)."""
        return self in (
            FailureKind.NOT_AUTHENTICATED,
            FailureKind.NOT_PERMITTED,
            FailureKind.TARGET_NOT_FOUND,
        )


class Failure(Struct, frozen=True):
    """
    A backend that did not answer: what happened, and the exact command that helps.

    `words` is the vendor's own text, redacted and at most 2,000 characters, for the log and
    `--debug`; it is empty where it might hold a value.
    """

    kind: FailureKind
    target: Target
    message: str
    hint: str = ""
    words: str = ""


class TraceOutcome(Enum):
    FOUND = "found"
    WRITE_ONLY = "write_only"
    ABSENT = "absent"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_CONFIGURED = "not_configured"


class TraceStep(Struct, frozen=True):
    """What one backend of the chain said about one name, and why."""

    backend: str
    target: str
    outcome: TraceOutcome
    detail: str = ""


class Resolution(Struct, frozen=True):
    """
    The answer for one name, with its trace in chain order.

    `degraded` means that a backend above the winner failed, so the answer may not be the one
    that a healthy chain would give.
    """

    name: str
    value: SecretValue | None
    backend: str | None
    target: str | None
    cached: bool
    stale: bool
    degraded: bool
    fetched_at: float
    trace: tuple[TraceStep, ...]


class Change(Struct, frozen=True):
    """A value to store under a name."""

    name: str
    value: SecretValue


class Outcome(Enum):
    """What became of one name in a write."""

    DONE = "done"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_STARTED = "not_started"


class Result(Struct, frozen=True):
    """
    One name of a write or delete.

    `verified` is true when the vendor was seen to hold the new state (read back, digest or
    `updated_at`). `entry` is what the vendor says of the name afterwards, without a value.
    """

    name: str
    outcome: Outcome
    detail: str = ""
    verified: bool = False
    entry: Entry | None = None


class Receipt(Struct, frozen=True):
    """What a write or delete did to each name of one target; `failure` where it did not end well."""

    target: Target
    results: tuple[Result, ...]
    failure: Failure | None = None


class CheckStatus(Enum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


class Check(Struct, frozen=True):
    """
    One line of `doctor`: `id` is stable (`github.cli`, `fly.target`), `hint` the fix. `words` is
    the vendor's own text, as `Failure.words`.
    """

    id: str
    status: CheckStatus
    message: str
    hint: str = ""
    words: str = ""
