"""A session: the settings, state and backends of one operation, each created on first use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct, field

from sophia_secrets import backends, errors
from sophia_secrets.backends.base import Backend, Context, Unconfigured
from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.state import keys
from sophia_secrets.state.cache import Cache

if TYPE_CHECKING:
    from sophia_secrets.core.evidence import Search
    from sophia_secrets.process import Cancel, Event
    from sophia_secrets.settings import Paths, Settings
    from sophia_secrets.state.audit import AuditLog
    from sophia_secrets.state.facts import Facts


class SessionOptions(Struct, frozen=True):
    """Options of one operation, besides the settings. `max_stale` is seconds."""

    command: str = "python"
    strict: bool = False
    offline: bool = False
    max_stale: float | None = None
    reason: str = ""


class Session(HiddenRepr, Struct, dict=True):
    """
    The settings, environment, state and backends of one operation.

    `clock` gives Unix seconds. `on_event` is called at each start and end of a vendor's program,
    `on_words` with what one that failed said itself (who, the words; "" where none may be shown).
    `on_wait` makes the context manager that shows what is waited for, `on_work` the one that shows
    the progress of a long task (what, total, unit, at once). `as_declared` validates new values
    against what is declared of their names, with `search` to match a pattern.
    """

    settings: Settings
    environ: Mapping[str, str]
    cwd: str
    options: SessionOptions = SessionOptions()
    clock: Callable[[], float] = time.time
    cancel: Cancel | None = None
    on_event: Callable[[Event], None] | None = None
    on_words: Callable[[str, str], None] | None = None
    on_wait: Callable[[str], object] | None = None
    on_work: Callable[[str, int, str, bool], object] | None = None
    notes: list[str] = field(default_factory=list)
    as_declared: bool = True
    search: Search | None = None

    @property
    def paths(self) -> Paths:
        return self.settings.paths

    @property
    def strict(self) -> bool:
        return self.options.strict or self.settings.strict

    @property
    def in_workflow(self) -> bool:
        """Whether this is a step of a GitHub workflow."""
        return self.environ.get("GITHUB_ACTIONS") == "true"

    @cached_property
    def master(self) -> keys.MasterKey:
        """The key of the cache, the log and the fingerprints. Raises `errors.SophiaError`."""
        variable = self.environ.get(keys.VARIABLE) or None
        keyring = None
        if self.settings.cache_key == "keyring" and variable is None:
            keyring = _keyring()
        try:
            return keys.load(self.state_directory, variable, keyring=keyring)
        except OSError as problem:
            reason = errors.reason_of(problem)
        raise errors.AuditFailed(
            f"The key in {self.state_directory} cannot be made or read: {reason}.",
            hint="Set SOPHIA_SECRETS_HOME to a directory that you can write.",
        )

    def derived_key(self, purpose: bytes) -> bytes:
        return keys.derive(self.master.key, purpose)

    @property
    def state_directory(self) -> str:
        if not self.paths.state:
            raise errors.AuditFailed(
                f"There is no place to keep the state: {self.paths.reason}", hint=self.paths.hint
            )
        return self.paths.state

    @cached_property
    def has_key(self) -> bool:
        """Whether there is a key; without one nothing is cached or audited."""
        try:
            return bool(self.master.key)
        except errors.AuditFailed as problem:
            if self.settings.requires_audit:
                raise
            self.notes.append(f"{problem.message} Nothing is cached or audited.")
            return False

    @cached_property
    def credential_key(self) -> bytes:
        return self.derived_key(b"credential") if self.has_key else b""

    @cached_property
    def fingerprint_key(self) -> bytes:
        return self.derived_key(b"fingerprint")

    @cached_property
    def cache(self) -> Cache | None:
        """The cache, or None where it is switched off or there is no key for it."""
        if not self.paths.cache or not self.has_key:
            return None
        if self.settings.cache_ttl <= 0 and self.settings.stale_for <= 0:
            return None
        return Cache(
            self.paths.cache,
            self.derived_key(b"cache"),
            clock=self.clock,
            ttl=self.settings.cache_ttl,
            stale_for=self.settings.stale_for,
        )

    @cached_property
    def log(self) -> AuditLog:
        from sophia_secrets.operations.recording import audit_log

        return audit_log(self)

    @cached_property
    def facts(self) -> Facts:
        from sophia_secrets.operations.metadata import open_facts

        return open_facts(self)

    def too_old(self, fetched_at: float) -> bool:
        """Whether `--max-stale` forbids an answer fetched then."""
        limit = self.options.max_stale
        return limit is not None and self.clock() - fetched_at > limit

    def newer_than(self, now: float) -> float:
        """The time of the oldest fetch of another process whose answer may be used."""
        limit = self.options.max_stale
        return now - min(self.settings.cache_ttl, limit) if limit is not None else 0.0

    @cached_property
    def _backends(self) -> dict[str, Backend | Unconfigured]:
        return {}

    def backend(self, name: str) -> Backend | Unconfigured:
        """The backend of that name, whether or not it is in the chain."""
        found = self._backends.get(name)
        if found is None:
            cls = backends.backend_class(name, self.settings.extra)
            found = cls.configure(self.settings.section(name), self.context)
            self._backends[name] = found
        return found

    @cached_property
    def context(self) -> Context:
        return Context(
            environ=self.environ,
            home=self.paths.home,
            cwd=self.cwd,
            state_directory=self.paths.state,
            declared=frozenset(self.settings.declared),
            timeout=self.settings.timeout,
        )

    def chain(self, only: str | None = None) -> list[Backend | Unconfigured]:
        """The chain in order, or the one backend asked for. Raises `NotConfigured` for that one."""
        if only is None:
            return [self.backend(name) for name in self.settings.chain]
        return [self.configured(only)]

    def configured_chain(self) -> list[Backend]:
        """The backends of the chain that have a target, in order."""
        return [backend for backend in self.chain() if not isinstance(backend, Unconfigured)]

    def configured(self, name: str) -> Backend:
        """The backend of that name. Raises `NotConfigured` where it has no target."""
        found = self.backend(name)
        if isinstance(found, Unconfigured):
            raise errors.NotConfigured(
                f"{name} is not configured: {found.reason}", hint=found.hint, backend=name
            )
        return found

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show what is waited for; nothing where `what` is "" because it is shown already."""
        if not what:
            yield
            return
        with self._wait(what):
            yield

    @contextmanager
    def working(
        self, what: str, total: int, unit: str, *, at_once: bool = False
    ) -> Iterator[Callable[[int], None]]:
        """
        Show the progress of a long task: call the function it yields with the number done so far.

        With `at_once` it is shown from the start, else only once the task has taken a while.
        """
        if self.on_work is None:
            yield lambda _: None
            return
        with self.on_work(what, total, unit, at_once) as update:  # type: ignore[attr-defined]
            yield update

    @contextmanager
    def waiting_for(self, member: Backend) -> Iterator[None]:
        """Show that another process is calling this backend."""
        with self._wait(f"Waiting for another process that asks {member.name} ({member.target})"):
            yield

    @contextmanager
    def _wait(self, text: str) -> Iterator[None]:
        if self.on_wait is None:
            yield
            return
        with self.on_wait(text):  # type: ignore[attr-defined]
            yield


def _keyring() -> object:
    try:
        return import_module("keyring")
    except ImportError:
        pass
    raise errors.BadSettings(
        '`[cache] key = "keyring"` needs the package `keyring`, which is not installed.',
        hint='Install it beside this program: `pip install keyring`; or set `[cache] key = "file"`.',
    )
