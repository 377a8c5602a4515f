"""
The backend protocol: a backend describes the vendor calls it needs and interprets their output.

A backend starts no process. Each operation is a generator: it yields a `Call`, receives the
`Completed`, and returns its result. `process.runner` runs the calls.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from enum import Enum
from typing import Protocol, TypeVar, cast

from msgspec import Struct, field

from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.core.model import Change, Check, Failure, Receipt, SecretValue, Snapshot, Target

T = TypeVar("T")

MEBIBYTE = 1024 * 1024


class Scratch(Struct, frozen=True):
    """
    A private directory (0700) created for one call and removed after it.

    The variable `variable` passes its path to the child. `files` are written into it with mode 0600.
    `links` are symbolic links to absolute paths; one whose target is missing is omitted.
    """

    variable: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)


class Call(HiddenRepr, Struct, frozen=True):
    """
    One run of a vendor's program.

    `program` is the command's name (`gh`, `pulumi`, `fly`); the runner finds its absolute path.
    `arguments` never contain a value. `stdin` is the whole standard input, `environment` the whole
    environment of the child. `timeout` is seconds for the whole call, `output_limit` bytes of standard
    output. `directory` is the absolute working directory, or None for an empty private one. `secrets`
    are the values that the runner redacts from the error text. `stdin_as_file` uses an unnamed file
    instead of a pipe, for a program that opens its standard input twice.
    """

    program: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    stdin: bytes = b""
    timeout: float = 30.0
    output_limit: int = 16 * MEBIBYTE
    directory: str | None = None
    secrets: tuple[SecretValue, ...] = ()
    scratch: tuple[Scratch, ...] = ()
    label: str = ""
    stdin_as_file: bool = False


class Ended(Enum):
    """How a call ended."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    NOT_FOUND = "not_found"
    NOT_RUNNABLE = "not_runnable"
    TIMED_OUT = "timed_out"
    TOO_MUCH_OUTPUT = "too_much_output"
    CANCELLED = "cancelled"


class Completed(HiddenRepr, Struct, frozen=True):
    """
    The result of a call.

    `code` is the exit code, or the signal's number when signalled. `stdout` is raw and may contain
    values: it is parsed, never shown or logged. `stderr` is decoded, stripped of terminal codes,
    redacted, at most 64 KiB. `showable` is false where a value was too short to be redacted (L7): then
    only the classified kind may be shown.
    """

    ended: Ended
    code: int = 0
    stdout: bytes = b""
    stderr: str = ""
    path: str = ""
    showable: bool = True
    detail: str = ""

    @property
    def ok(self) -> bool:
        return self.ended is Ended.EXITED and self.code == 0

    @property
    def why(self) -> str:
        """Why a program that was found, or set by its path, was not started, as the end of a sentence; else ""."""
        is_known = self.ended is Ended.NOT_RUNNABLE or self.detail.startswith("/")
        return f": {self.detail}" if is_known and self.detail else ""


Steps = Generator[Call, Completed, T]


class Capabilities(Struct, frozen=True):
    """
    What a backend can do here, known without a call.

    `readable`: values can be read. `needs_call`: a snapshot starts a vendor's program. `batch`: one call
    writes many names. `digests`: entries have the vendor's digest. `versions`: entries have a version
    or `updated_at`. `note`: one sentence for people, such as why values cannot be read here.
    """

    readable: bool
    writable: bool
    needs_call: bool
    batch: bool = False
    digests: bool = False
    versions: bool = False
    note: str = ""


class Credential(HiddenRepr, Struct, frozen=True):
    """
    Identifies the credential in use, for the cache key: the variables (name, value) in effect and the
    absolute paths of the session's files. Without either, nothing is cached.
    """

    variables: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()


class Context(HiddenRepr, Struct, frozen=True):
    """
    The surroundings of a backend.

    `environ` is the process's environment, `home` the user's home ("" if unknown), `cwd` the working
    directory, `state_directory` ours, `declared` the declared secrets' names, `timeout` seconds for one
    call.
    """

    environ: Mapping[str, str]
    home: str
    cwd: str
    state_directory: str
    declared: frozenset[str] = frozenset()
    timeout: float = 30.0


class Backend(Protocol):
    """A store of secrets, for one target."""

    name: str
    target: Target
    capabilities: Capabilities
    credential: Credential

    def snapshot(self) -> Steps[Snapshot | Failure]:
        """Everything known about the target, in one vendor call where the vendor has one."""
        ...

    def write(self, changes: Sequence[Change]) -> Steps[Receipt]:
        """
        Store the values, in one vendor call if possible, then verify.

        Every change must pass `problem`; one that does not is `refused` in the receipt and nothing is
        started for any of them.
        """
        ...

    def delete(self, names: Sequence[str]) -> Steps[Receipt]:
        """Delete the names; an absent one is `unchanged` with detail "absent"."""
        ...

    def probe(self) -> Steps[list[Check]]:
        """For `doctor`: program found, version, authenticated, permitted, target exists."""
        ...

    def problem(self, name: str, value: SecretValue | None = None) -> str | None:
        """Why this name or value cannot be stored here exactly, or None. Never quotes the value."""
        ...


def without_calls(steps: Steps[T]) -> T:
    """The result of steps without a call, as of a backend whose `needs_call` is false."""
    try:
        call = next(steps)
    except StopIteration as end:
        return cast("T", end.value)
    steps.close()
    raise RuntimeError(f"{call.label} was to be started where no call is needed")


def one_call(call: Call) -> Steps[Completed]:
    """Steps of this one call, which return its `Completed`."""
    return (yield call)


Section = Mapping[str, object]
"""A backend's own table of the settings, already validated (`[github]`, `[fly]`, ...)."""


class Unconfigured(Struct, frozen=True):
    """The backend has no target: why, and the setting or command that would configure one."""

    backend: str
    reason: str
    hint: str = ""


class BackendClass(Protocol):
    """The class of a backend, as the registry uses it."""

    def configure(self, section: Section, context: Context) -> Backend | Unconfigured:
        """
        The backend for these settings, or why there is none.

        Raises `errors.BadName` for a target that is not safe to pass to a vendor (I1, I2).
        """
        ...
