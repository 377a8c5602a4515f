"""Scanning files, or what is staged for the next commit, for known values."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field

from sophia_secrets import errors
from sophia_secrets.core import changes, read_errors
from sophia_secrets.core.child_environment import ANY
from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.core.model import SecretValue
from sophia_secrets.core.redact import MINIMUM, Redactor
from sophia_secrets.core.resolve import Answer, find, resolve
from sophia_secrets.core.search import Search
from sophia_secrets.operations import recording
from sophia_secrets.operations.fetch import ChainQuery, gather, run_all
from sophia_secrets.operations.selecting import strict_refusal
from sophia_secrets.operations.session import Session
from sophia_secrets.operations.staged import Git, StagedFile, staged
from sophia_secrets.state.opening import BASE, open_file

BINARY_LIMIT = 10 * 1024 * 1024
"""A binary file larger than this is not scanned."""

_CHUNK = 1 << 20
_SNIFF = 8192
_NOT_WALKED = frozenset({".git"})


class KnownValues(HiddenRepr, Struct, frozen=True):
    """The values to search for: every readable value of every backend, with its name."""

    search: Search
    values: tuple[SecretValue, ...]
    names: tuple[str, ...]
    answers: tuple[Answer, ...]


class Finding(Struct, frozen=True):
    """A name's value in a file; line 0 is the file's own name. `file` holds no value."""

    name: str
    file: str
    line: int


class SkippedFile(Struct, frozen=True):
    """A file that was not scanned, and why."""

    file: str
    reason: str


class ScanResult(Struct):
    """The findings, in the order of the scan; `files` is how many files were scanned."""

    findings: list[Finding] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    files: int = 0


def known(
    session: Session, *, ignored: Sequence[str] = (), only: str | None = None, use_cache: bool = True
) -> KnownValues:
    """
    Read every readable value; this is audited, but does not count as an access.

    Of the environment, only the declared names and those of the dotenv file are read. Raises
    `AuditFailed`, and a backend's failure where nothing could be read or the session is strict.
    """
    started = time.monotonic()
    answers = tuple(gather(session, ChainQuery((ANY,), only=only, use_cache=use_cache)))
    declared = session.settings.declared
    found: dict[str, list[SecretValue]] = {}
    for answer in answers:
        for name in changes.names_to_sync(answer, declared=declared):
            entry = find(answer, name)
            if entry is not None and entry.value is not None and name not in ignored:
                found.setdefault(name, []).append(entry.value)
    names = tuple(sorted(found))
    refusal = strict_refusal(session, (), answers) or (_nothing(answers) if not names else None)
    recording.accesses(
        session,
        [resolve(name, answers) for name in names],
        answers,
        duration_ms=round((time.monotonic() - started) * 1000),
        delivered=False,
    )
    if refusal is not None:
        raise refusal
    values = [(name, value) for name in names for value in found[name]]
    return KnownValues(Search(values), tuple(value for _, value in values), names, answers)


def _nothing(answers: Sequence[Answer]) -> errors.SophiaError | None:
    for answer in answers:
        if answer.failure is not None:
            return read_errors.failure_error(
                answer, f"There is no value to look for: {answer.failure.message}"
            )
    return None


def check_paths(paths: Iterable[str]) -> None:
    """Raises `errors.UsageError` for a path that does not exist."""
    for path in paths:
        if not os.path.lexists(path):
            from sophia_secrets.operations.no_file import no_file

            raise no_file(path, "file or directory")


def scan_files(session: Session, known: KnownValues, paths: Sequence[str]) -> ScanResult:
    """
    Scan the files, and all files below the directories, in order of name.

    Links below a directory are not followed; `.git` and the configured dotenv file are skipped unless
    they are named.
    """
    scan = _Scan(known)
    sources = _sources(session)
    files = [
        (file, is_named)
        for path in paths
        for file, is_named in (
            [(each, False) for each in _below(path, sources, scan.done)]
            if os.path.isdir(path)
            else [(path, True)]
        )
    ]
    with session.working("Scanning", len(files), "files") as update:
        for number, (file, is_named) in enumerate(files):
            update(number)
            scan.file(file, follow=is_named)
    return scan.done


def scan_staged(session: Session, known: KnownValues) -> ScanResult:
    """
    Scan every file that the next commit changes, as it is in the index.

    Raises `errors.UsageError` outside a repository, `CliMissing` and `BadOutput`.
    """
    scan = _Scan(known)
    # git receives no value; shorter ones would only suppress its error text.
    long = tuple(value for value in known.values if len(value.reveal()) >= MINIMUM)
    git = Git(session.environ, session.cwd, session.settings.timeout, long)
    run_all(session, {0: staged(git, scan.content)})
    return scan.done


class _Scan:
    def __init__(self, known: KnownValues) -> None:
        self._search = known.search
        self._redactor = Redactor(value.reveal() for value in known.values)
        self.done = ScanResult()

    def content(self, content: StagedFile) -> None:
        """One staged file."""
        if content.data is None:
            self.done.skipped.append(SkippedFile(self._shown(content.path), content.reason))
        elif _is_binary(content.data[:_SNIFF]) and len(content.data) > BINARY_LIMIT:
            self._skip_binary(content.path)
        else:
            self._look(content.path, [content.data])

    def file(self, path: str, *, follow: bool = False) -> None:
        """One file of the working tree."""
        try:
            fd = open_file(path, os.O_RDONLY | (BASE & ~os.O_NOFOLLOW if follow else BASE))
        except OSError as problem:
            self._unreadable(path, problem)
            return
        try:
            seen = os.fstat(fd)
            if not stat.S_ISREG(seen.st_mode):
                self.done.skipped.append(SkippedFile(self._shown(path), "it is not a regular file"))
            elif seen.st_size > BINARY_LIMIT and _is_binary(os.pread(fd, _SNIFF, 0)):
                self._skip_binary(path)
            else:
                self._look(path, _chunks(fd))
        except OSError as problem:
            self._unreadable(path, problem)
        finally:
            os.close(fd)

    def _look(self, path: str, chunks: Iterable[bytes]) -> None:
        shown = self._shown(path)
        found = [Finding(name, shown, 0) for name in self._search.names_in(os.fsencode(path))]
        found += [Finding(name, shown, line) for line, name in self._search.lines(chunks)]
        self.done.findings += found
        self.done.files += 1

    def _shown(self, path: str) -> str:
        """The path for messages, with values redacted."""
        return self._redactor.redact(os.fsencode(path).decode("utf-8", "backslashreplace"))

    def _skip_binary(self, path: str) -> None:
        reason = f"it is binary and larger than {BINARY_LIMIT} bytes"
        self.done.skipped.append(SkippedFile(self._shown(path), reason))

    def _unreadable(self, path: str, problem: OSError) -> None:
        reason = errors.reason_of(problem, "it cannot be read")
        self.done.skipped.append(SkippedFile(self._shown(path), reason))


def _is_binary(start: bytes) -> bool:
    return b"\0" in start


def _chunks(fd: int) -> Iterator[bytes]:
    while chunk := os.read(fd, _CHUNK):
        yield chunk


def _below(top: str, sources: frozenset[str], done: ScanResult) -> Iterator[str]:
    """The regular files below a directory, sorted, files of a directory before its subdirectories."""
    waiting = [top]
    while waiting:
        directory = waiting.pop()
        try:
            with os.scandir(directory) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as problem:
            reason = errors.reason_of(problem, "it cannot be read")
            done.skipped.append(SkippedFile(directory, reason))
            continue
        inner = []
        for entry in entries:
            path = entry.path.removeprefix("./")
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _NOT_WALKED:
                    inner.append(path)
            elif entry.is_file(follow_symlinks=False) and os.path.realpath(path) not in sources:
                yield path
        waiting += reversed(inner)


def _sources(session: Session) -> frozenset[str]:
    """The dotenv file of the `env` backend, which holds values on purpose."""
    file = session.settings.section("env").get("file")
    if not isinstance(file, str) or not file:
        return frozenset()
    path = session.paths.home + file[1:] if file.startswith("~/") else file
    return frozenset({os.path.realpath(os.path.join(session.cwd, path))})
