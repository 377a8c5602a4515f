"""
The Python API: `await get_secret("OPENAI_API_KEY")` and so on, on the operations of the command line.

Every call runs in a worker thread and stops when its task is cancelled. Concurrent reads share one pass
over the chain.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TypeVar

from sophia_secrets.core import names as naming
from sophia_secrets.core.model import Change, Check, Outcome, Receipt, Resolution, SecretValue
from sophia_secrets.manager.coalescing import Coalescer
from sophia_secrets.manager.wording import with_python_wording
from sophia_secrets.manager.worker import run_in_thread
from sophia_secrets.operations import declaring, doctor, opening, reading, searching, writing
from sophia_secrets.operations.session import Session
from sophia_secrets.process import Cancel

__all__ = ["SecretsManager", "delete_secret", "get_secret", "list_secrets", "secrets_manager", "set_secret"]

T = TypeVar("T")
logger = logging.getLogger("sophia_secrets")


class SecretsManager:
    """
    Reads and writes secrets with one configuration.

    Every call reads the settings and the environment again, as a command does. `profile` and
    `config_file` choose the settings, `strict` and `offline` can only switch those modes on, and
    `timeout` (seconds for one vendor call) overrides the setting. `environ` and `cwd` replace those of
    the process. `reason` is written to each audit event. An instance may be used from several event
    loops and threads.
    """

    def __init__(
        self,
        *,
        profile: str | None = None,
        strict: bool | None = None,
        offline: bool = False,
        timeout: float | None = None,
        config_file: str | None = None,
        environ: Mapping[str, str] | None = None,
        cwd: str | None = None,
        reason: str = "",
    ) -> None:
        self._profile = profile
        self._strict = bool(strict)
        self._offline = offline
        self._timeout = timeout
        self._config_file = config_file
        self._environ = environ
        self._cwd = cwd
        self._reason = reason
        self._coalescer = Coalescer(self._read_together)

    def session(self, command: str, cancel: Cancel | None = None) -> Session:
        """A session for one operation, with the current settings and environment."""
        flags = {} if self._timeout is None else {"timeout": f"{self._timeout}s"}
        detailed = logger.isEnabledFor(logging.DEBUG)
        return opening.open_session(
            command,
            environ=dict(os.environ) if self._environ is None else self._environ,
            cwd=opening.working_directory() if self._cwd is None else self._cwd,
            flags=flags,
            profile=self._profile,
            config_file=self._config_file,
            strict=self._strict,
            offline=self._offline,
            reason=self._reason,
            cancel=cancel,
            on_event=partial(logger.debug, "%s") if detailed else None,
            on_words=partial(logger.debug, "%s said: %s") if detailed else None,
        )

    @with_python_wording
    async def initialize(self) -> list[Check]:
        """Check every backend once, as `doctor` does, and log the results at DEBUG."""
        checks = await self._run("initialize", doctor.checks)
        for check in checks:
            logger.debug("%s: %s: %s", check.id, check.status.value, check.message)
        return checks

    @with_python_wording
    async def resolve(
        self, names: Sequence[str], *, use_cache: bool = True, optional: Collection[str] = ()
    ) -> list[Resolution]:
        """
        The value of each name and the trace of how it was found, in the order of `names`.

        A name that no backend holds has the value None. That is logged as a warning and audited as
        a failed access, except for the names in `optional`.

        Raises `BadName`, `BadSettings`, `AuditFailed` and, in strict mode, the error of a backend
        that failed above the one that answered.
        """
        read = await self._read(names, use_cache, optional)
        found = {resolution.name: resolution for resolution in read.resolutions}
        return [found[name] for name in names]

    async def _read(
        self, names: Sequence[str], use_cache: bool, optional: Collection[str] = ()
    ) -> reading.ReadResult:
        """Read the names, together with those of concurrent tasks."""
        for name in names:
            _require_text("the name of a secret", name)
            naming.check_safe(name)
        return await self._coalescer.read(names, use_cache, optional)

    async def _read_together(
        self, names: list[str], use_cache: bool, optional: list[str]
    ) -> reading.ReadResult:
        return await self._run(
            "python get",
            lambda s: reading.read(s, names, use_cache=use_cache, refuse=False, optional=optional),
        )

    @with_python_wording
    async def get_secret(self, name: str, use_cache: bool = True) -> str | None:
        """
        The value of the secret, or None where no backend holds it.

        Raises `BadName`, `AuditFailed`, and the error of a backend that failed (`Unavailable`,
        `NotAuthenticated`, ...) where the secret might be there.
        """
        read = await self._read([name], use_cache)
        resolution = next(found for found in read.resolutions if found.name == name)
        if resolution.value is not None:
            return resolution.value.reveal()
        if resolution.degraded:
            raise read.problem(resolution)
        return None

    @with_python_wording
    async def set_secret(
        self, name: str, value: str | SecretValue, backend: str = "github", *, as_declared: bool = True
    ) -> bool:
        """
        Store the secret in this backend and in no other; True once the vendor holds it.

        With `as_declared` the value must have the type and match the pattern that the settings
        declare for the name; matching may take up to two seconds and does not block the loop.

        Raises `BadName`, `BadValue` (also for an empty value where the vendor cannot keep one),
        `NotConfigured` and `NotTrusted` before the vendor is called, and the vendor's failure
        where it did not take the value.
        """
        _require_text("the name of a secret", name)
        if not isinstance(value, SecretValue):
            _require_text("the value of a secret", value)
        change = Change(name, value if isinstance(value, SecretValue) else SecretValue(value))

        def store(session: Session) -> Receipt:
            session.as_declared = as_declared
            session.search = partial(searching.search_in_process, session)
            destination = writing.destination(session, backend)
            declaring.check_new_value(session, name, change.value)
            return writing.write(session, destination, [change]).receipt

        _require_success(await self._run("python set", store))
        return True

    @with_python_wording
    async def delete_secret(self, name: str, backend: str | None = None) -> bool:
        """
        Delete the secret from this backend, or from the default one of the settings.

        False where it did not exist. Raises as `set_secret` does.
        """
        _require_text("the name of a secret", name)

        def remove(session: Session) -> Receipt:
            return writing.delete(session, writing.destination(session, backend), [name]).receipt

        receipt = await self._run("python delete", remove)
        _require_success(receipt)
        return receipt.results[0].outcome is Outcome.DONE

    @with_python_wording
    async def list_secrets(self) -> list[str]:
        """The names in the configured backends, sorted, without the process's own variables."""
        read = await self._run("python list", reading.list_all)
        return [resolution.name for resolution in read.resolutions]

    async def _run(self, command: str, work: Callable[[Session], T]) -> T:
        return await run_in_thread(lambda cancel: work(self.session(command, cancel)))


def _require_text(what: str, argument: object) -> None:
    """Raises `TypeError`, without showing the argument, which may be a secret."""
    if not isinstance(argument, str):
        raise TypeError(f"{what} is a str, not {type(argument).__name__}")


def _require_success(receipt: Receipt) -> None:
    problem = writing.problem_of(receipt)
    if problem is not None:
        raise problem


secrets_manager = SecretsManager()
"""The manager of the module's functions, with the default configuration."""


async def get_secret(name: str, use_cache: bool = True) -> str | None:
    """The secret's value, or None: `SecretsManager.get_secret` on the default manager."""
    return await secrets_manager.get_secret(name, use_cache)


async def set_secret(name: str, value: str, backend: str = "github") -> bool:
    """Store a secret in one backend: `SecretsManager.set_secret` on the default manager."""
    return await secrets_manager.set_secret(name, value, backend)


async def list_secrets() -> list[str]:
    """The names of the secrets: `SecretsManager.list_secrets` on the default manager."""
    return await secrets_manager.list_secrets()


async def delete_secret(name: str, backend: str | None = None) -> bool:
    """Delete a secret: `SecretsManager.delete_secret` on the default manager."""
    return await secrets_manager.delete_secret(name, backend)
