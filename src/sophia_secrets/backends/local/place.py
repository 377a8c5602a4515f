"""The paths of the vault and of its identity, and reading and writing both."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.backends.base import MEBIBYTE, Context, Section
from sophia_secrets.backends.local import vault
from sophia_secrets.core.model import Failure, FailureKind, SecretValue, Target
from sophia_secrets.state import atomic, files, keys

NAME = "local"
IDENTITY_VARIABLE = "SOPHIA_SECRETS_IDENTITY"
FILE = "secrets.env.age"
IDENTITY = "identity.txt"

_FILE_LIMIT = 24 * MEBIBYTE
_IDENTITY_LIMIT = 64 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT)
_SHUT = (errno.EROFS, errno.EACCES, errno.EPERM)
_MANY = (errno.EMFILE, errno.ENFILE)
_PASSING = (errno.EINTR, errno.EIO, errno.EAGAIN, errno.ETIMEDOUT, errno.ESTALE)

_LOCK = b"the lock of a vault"


class OperationFailed(Exception):
    """An operation that failed with `failure`. Never contains a value."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Place(Struct, frozen=True):
    """
    One vault: absolute paths, the configured recipients (none: our own), and the identity's text if the
    environment contains it.
    """

    target: Target
    file: str
    identity_file: str
    own_identity: bool
    state_directory: str
    recipients: tuple[str, ...]
    given: SecretValue | None
    timeout: float

    def failed(self, kind: FailureKind, message: str, hint: str = "") -> OperationFailed:
        return OperationFailed(Failure(kind, self.target, message, hint))

    def read(self) -> bytes | None:
        """The encrypted file, or None if there is none yet."""
        with self._as_failures():
            return files.read_path(self.file, _FILE_LIMIT, private=self._is_ours(self.file))

    def replace(self, data: bytes) -> None:
        """Replace the encrypted file atomically; raises the errors of `state.files`."""
        atomic.replace_path(self.file, data)

    def identities(self) -> tuple[vault.Identity, ...]:
        """The identities of the environment or the identity file; empty if there is neither."""
        if self.given is not None:
            data: bytes | None = self.given.reveal().encode("utf-8", "replace")
            where = f"`{IDENTITY_VARIABLE}`"
        else:
            with self._as_failures():
                data = files.read_path(self.identity_file, _IDENTITY_LIMIT)
            where = self.identity_file
        if data is None:
            return ()
        try:
            return vault.read_identities(data)
        except vault.BadIdentity as error:
            problem = str(error)
        raise self.failed(
            FailureKind.NOT_PERMITTED,
            f"The identity in {where} cannot be used: {problem}.",
            "Give it an age identity: a line that begins with `AGE-SECRET-KEY-1`.",
        )

    def make_identity(self) -> tuple[vault.Identity, ...]:
        """The identities, after creating our own if it does not exist; empty if another one is configured and absent."""
        if self.own_identity:
            with self._as_failures(), self._directory() as dirfd:
                atomic.create(dirfd, IDENTITY, vault.new_identity())
        return self.identities()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Allow one writer at a time, across processes. The lock is in our state directory, not in a team's."""
        key = keys.mac(_LOCK, os.fsencode(os.path.realpath(self.file))).hex()[:16]
        with self._as_failures(), self._directory() as dirfd:
            lock = files.Lock(dirfd, f"local-{key}.lock")
            if not lock.acquire(time.monotonic() + self.timeout):
                raise self.failed(
                    FailureKind.TIMED_OUT,
                    f"Another process is writing {self.target.label} and did not finish in time.",
                    "Wait for it, then run the command again; `--timeout SECONDS` waits longer.",
                )
            try:
                yield
            finally:
                lock.release()

    @contextmanager
    def _directory(self) -> Iterator[int]:
        dirfd = files.open_directory(self.state_directory)
        try:
            yield dirfd
        finally:
            os.close(dirfd)

    @contextmanager
    def _as_failures(self) -> Iterator[None]:
        """Convert errors of the file system and of `state.files` to `OperationFailed`."""
        try:
            yield
            return
        except errors.SophiaError as error:
            kind = (
                FailureKind.NOT_PERMITTED if isinstance(error, errors.UnsafeState) else FailureKind.BAD_OUTPUT
            )
            failed = self.failed(kind, error.message, error.hint)
        except files.TooLarge:
            failed = self.failed(
                FailureKind.BAD_OUTPUT,
                f"{self.target.label} is too large to be a file of secrets.",
                "Put it back from a backup or from version control.",
            )
        except OSError as error:
            message = f"{error.filename or self.file}: {error.strerror}."
            hint = hint_of(error, self.state_directory)
            if isinstance(error, PermissionError):
                # A writable directory does not help for a file that may not be read.
                path = os.path.join(self.state_directory, error.filename or self.file)
                hint = f"See who may read it with `ls -ld {files.quoted(path)}`."
            failed = self.failed(kind_of(error), message, hint)
        raise failed

    def _is_ours(self, path: str) -> bool:
        return os.path.dirname(path) == self.state_directory


def kind_of(error: OSError) -> FailureKind:
    """The failure kind for an error of the operating system."""
    return FailureKind.NOT_PERMITTED if isinstance(error, PermissionError) else FailureKind.BAD_OUTPUT


def hint_of(error: OSError, directory: str) -> str:
    """The hint for a failed read or write in a directory."""
    place = files.quoted(directory)
    if error.errno in _FULL:
        return f"Free some space in {place} (`df -h {place}` shows how much there is) and try again."
    if error.errno in _SHUT:
        return f"Make {place} writable, or set `SOPHIA_SECRETS_HOME` to a directory that is."
    if error.errno in _MANY:
        return "Allow more open files (see `ulimit -n`) and try again."
    if error.errno == errno.EFBIG:
        return "Allow larger files (see `ulimit -f`) and try again."
    if error.errno in _PASSING:
        return f"Try again; where it stays so, see to the disk that holds {place}."
    return ""


def read_place(section: Section, context: Context) -> Place:
    """
    The vault of the `[local]` settings. Raises `errors.BadSettings` for an invalid recipient, which is not
    quoted because it may be a misplaced identity.
    """
    state = os.path.normpath(context.state_directory)
    file = _path(section.get("file"), context) or os.path.join(state, FILE)
    own = os.path.join(state, IDENTITY)
    identity = _path(section.get("identity"), context) or own
    named = section.get("recipients") or ()
    recipients = (
        tuple(dict.fromkeys(str(one).strip() for one in named)) if isinstance(named, list | tuple) else ()
    )
    for number, recipient in enumerate(recipients, 1):
        if not vault.is_recipient(recipient):
            raise errors.BadSettings(
                f"Recipient {number} of `[local]` is not an age public key.",
                hint="Give the line that begins with `age1`: `age-keygen -y` prints it.",
                backend=NAME,
            )
    given = context.environ.get(IDENTITY_VARIABLE, "")
    return Place(
        target=Target(NAME, _label(file, context.home), (("file", file),)),
        file=file,
        identity_file=identity,
        own_identity=identity == own and not given,
        state_directory=state,
        recipients=recipients,
        given=SecretValue(given) if given else None,
        timeout=context.timeout,
    )


def _path(setting: object, context: Context) -> str:
    if not isinstance(setting, str) or not setting:
        return ""
    if context.home and (setting == "~" or setting.startswith("~/")):
        setting = context.home + setting[1:]
    return os.path.normpath(os.path.join(context.cwd, setting))


def _label(path: str, home: str) -> str:
    home = home.rstrip("/")
    return f"~{path[len(home) :]}" if home and path.startswith(f"{home}/") else path
