"""The local backend: reading, changing and checking the vault, without a program."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_secrets.backends.base import Capabilities, Context, Credential, Section, Steps, Unconfigured
from sophia_secrets.backends.local.place import NAME, OperationFailed, Place, read_place
from sophia_secrets.core.model import (
    Change,
    Check,
    Entry,
    EntryState,
    Failure,
    Receipt,
    SecretValue,
    Snapshot,
)


class LocalBackend:
    """
    An age-encrypted dotenv file: configured on every machine with a state directory.

    The file and its identity are created at the first write. A write takes a lock, replaces the whole file
    atomically and keeps every other name, though not the comments of a file that was edited by hand.
    `write` and `delete` wait for the lock at most `context.timeout`.
    """

    name = NAME
    capabilities = Capabilities(readable=True, writable=True, needs_call=False, batch=True)
    credential = Credential()

    def __init__(self, place: Place) -> None:
        self._place = place
        self.target = place.target

    @classmethod
    def configure(cls, section: Section, context: Context) -> LocalBackend | Unconfigured:
        """
        The backend for the `[local]` settings: `file`, `identity`, `recipients`.

        Relative paths are resolved against the working directory. Raises `errors.BadSettings` for a
        recipient that is not an age public key.
        """
        if not context.state_directory:
            return Unconfigured(NAME, "there is no state directory", "Set `SOPHIA_SECRETS_HOME`.")
        return cls(read_place(section, context))

    def snapshot(self) -> Steps[Snapshot | Failure]:
        """Every name with its value; empty if there is no file yet."""
        from sophia_secrets.backends.local.opening import contents

        yield from ()
        try:
            pairs = contents(self._place)
        except OperationFailed as failed:
            return failed.failure
        return Snapshot(self.target, {pair.name: Entry(EntryState.READABLE, pair.value) for pair in pairs})

    def write(self, changes: Sequence[Change]) -> Steps[Receipt]:
        """Store all of the values or none, and read them back."""
        from sophia_secrets.backends.local import writing

        yield from ()
        return writing.store(self._place, changes)

    def delete(self, names: Sequence[str]) -> Steps[Receipt]:
        """Delete the names; an absent one is `unchanged` with detail "absent"."""
        from sophia_secrets.backends.local import writing

        yield from ()
        return writing.remove(self._place, names)

    def probe(self) -> Steps[list[Check]]:
        """`local.identity`, `local.recipients` if configured, `local.file`."""
        from sophia_secrets.backends.local import probing

        yield from ()
        return probing.probe(self._place)

    def problem(self, name: str, value: SecretValue | None = None) -> str | None:
        """Why this name or value cannot be stored here exactly, or None. Never quotes the value."""
        from sophia_secrets.formats import dotenv

        return dotenv.problem(name, value)
