"""The process environment, then a configured dotenv file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.backends.base import Capabilities, Context, Credential, Section, Steps
from sophia_secrets.core import names
from sophia_secrets.core.count import counted
from sophia_secrets.core.model import (
    Change,
    Check,
    CheckStatus,
    Entry,
    EntryState,
    Failure,
    FailureKind,
    Outcome,
    Receipt,
    Result,
    SecretValue,
    Snapshot,
    Target,
)
from sophia_secrets.formats import MAX_BYTES, value_problem
from sophia_secrets.launch.dangerous import is_ours
from sophia_secrets.state import files

NAME = "env"

_READ_ONLY = "the environment is only read: `sophia-secrets set NAME --backend local` keeps a value"


class _File(Struct, frozen=True):
    """The dotenv file's entries, or why it cannot be read."""

    entries: Mapping[str, Entry]
    missing: bool = False
    failure: Failure | None = None


class EnvironmentBackend:
    """
    Always configured, read-only, and never cached.

    A variable shadows the same name of the file. In a workflow an undefined secret is an empty variable,
    so an empty one is absent there (C8) and shadows nothing; elsewhere it is an empty value. The
    variables of this program and unsafe names are not entries.
    """

    name = NAME
    capabilities = Capabilities(readable=True, writable=False, needs_call=False, note=_READ_ONLY)
    credential = Credential()

    def __init__(self, environ: Mapping[str, str], path: str, shown: str) -> None:
        self._environ = environ
        self._path = path
        self._shown = shown
        label = f"the environment and {names.shown(shown)}" if path else "the environment"
        self.target = Target(NAME, label, (("file", path),) if path else ())

    @classmethod
    def configure(cls, section: Section, context: Context) -> EnvironmentBackend:
        """The backend for the `[env]` settings: `file`, relative to the working directory."""
        file = section.get("file")
        if not isinstance(file, str) or not file:
            return cls(context.environ, "", "")
        path = file
        if context.home and file.startswith("~/"):
            path = context.home + file[1:]
        return cls(context.environ, os.path.normpath(os.path.join(context.cwd, path)), file)

    def snapshot(self) -> Steps[Snapshot | Failure]:
        """Every variable, and every name of the file; `bad_output` where the file cannot be read."""
        yield from ()
        read = self._read_file()
        if read.failure is not None:
            return read.failure
        entries = dict(read.entries)
        in_workflow = self._environ.get("GITHUB_ACTIONS") == "true"
        for name, text in self._environ.items():
            if is_ours(name) or not names.is_safe(name):
                continue
            if text or not in_workflow:
                entries[name] = _entry(SecretValue(text), "")
            elif name not in entries:
                entries[name] = Entry(EntryState.ABSENT, detail="empty")
        notes = (f"{names.shown(self._shown)} is not there.",) if read.missing else ()
        return Snapshot(self.target, entries, notes=notes)

    def _read_file(self) -> _File:
        if not self._path:
            return _File({})
        from sophia_secrets.formats import dotenv

        try:
            data = files.read_path(self._path, MAX_BYTES, private=False, follow=True)
            pairs = dotenv.read(data or b"")
        except errors.UsageError as error:
            problem, hint = error.message, error.hint
        except files.TooLarge:
            problem, hint = f"It is larger than {MAX_BYTES:,} bytes.", ""
        except OSError as error:
            problem, hint = f"{error.strerror}.", ""
        else:
            detail = f"from {self._shown}"
            found = {pair.name: _entry(pair.value, detail) for pair in pairs if not is_ours(pair.name)}
            return _File(found, missing=data is None)
        hint = hint or "Mend the file, or name another one as `file` under `[env]`."
        reason = (
            problem if problem.startswith("Line ") else f"cannot be read: {problem[:1].lower()}{problem[1:]}"
        )
        message = f"{self._path}{':' if reason is problem else ''} {reason}"
        return _File({}, failure=Failure(FailureKind.BAD_OUTPUT, self.target, message, hint))

    def write(self, changes: Sequence[Change]) -> Steps[Receipt]:
        """Refuses: a process cannot change the environment of its parent."""
        yield from ()
        return self._refused([change.name for change in changes])

    def delete(self, names: Sequence[str]) -> Steps[Receipt]:
        """Refuses, as `write` does."""
        yield from ()
        return self._refused(names)

    def _refused(self, refused: Sequence[str]) -> Receipt:
        results = tuple(Result(name, Outcome.REFUSED, _READ_ONLY) for name in refused)
        return Receipt(self.target, results)

    def probe(self) -> Steps[list[Check]]:
        """`env.file`, if one is configured."""
        yield from ()
        if not self._path:
            return [Check("env.file", CheckStatus.SKIP, "the settings name no dotenv file")]
        read = self._read_file()
        if read.failure is not None:
            return [Check("env.file", CheckStatus.FAIL, read.failure.message, read.failure.hint)]
        if read.missing:
            hint = "Make it, or take `file` out of `[env]`."
            return [Check("env.file", CheckStatus.WARN, f"{self._path} is not there", hint)]
        return [Check("env.file", CheckStatus.OK, f"{self._path}: {counted(len(read.entries), 'name')}")]

    def problem(self, name: str, value: SecretValue | None = None) -> str | None:  # noqa: ARG002
        """Always the same answer: nothing can be stored here."""
        return _READ_ONLY


def _entry(value: SecretValue, detail: str) -> Entry:
    # Python decodes bytes that are not UTF-8 as lone surrogates.
    if value_problem(value, nul=True) is not None:
        return Entry(EntryState.ABSENT, detail="not UTF-8")
    return Entry(EntryState.READABLE, value, detail=detail)
