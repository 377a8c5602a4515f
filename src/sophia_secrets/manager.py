"""
The Python door: `await get_secret("OPENAI_API_KEY")` and its kin, on the engine the command line uses.

Every call runs beside the event loop, in a worker thread that is told to stop when the task is
cancelled; calls that wait at the same moment share one pass over the chain.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar

from sophia_secrets.core import names as naming
from sophia_secrets.core.model import Change, Check, Outcome, Receipt, Resolution, SecretValue
from sophia_secrets.operations import declaring, doctor, opening, reading, searching, writing
from sophia_secrets.operations.session import Session
from sophia_secrets.process import Cancel

__all__ = ["SecretsManager", "delete_secret", "get_secret", "list_secrets", "secrets_manager", "set_secret"]

T = TypeVar("T")
logger = logging.getLogger("sophia_secrets")


class SecretsManager:
    """
    One configuration of the product for a Python program.

    Without arguments it reads the settings as the command line does, at its first use.
    `strict`, `profile` and `offline` override the settings; `timeout` is seconds for one vendor
    call. An instance may be used from several event loops and threads.
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
        self._batches: dict[tuple[int, bool], _Batch] = {}
        self._lock = threading.Lock()

    def session(self, command: str, cancel: Cancel | None = None) -> Session:
        """The engine's session for one operation, with the settings and environment of now."""
        flags = {} if self._timeout is None else {"timeout": f"{self._timeout}s"}
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
        )

    async def initialize(self) -> list[Check]:
        """Look at every backend once, as `doctor` does, and log what was found at DEBUG."""
        checks = await self._run("initialize", doctor.checks)
        for check in checks:
            logger.debug("%s: %s: %s", check.id, check.status.value, check.message)
        return checks

    async def resolve(
        self, names: Sequence[str], *, use_cache: bool = True, optional: Collection[str] = ()
    ) -> list[Resolution]:
        """
        The answers with their traces, in the order asked; a name that is nowhere has no value.

        For the names that are `optional` that is no failed attempt: it is neither warned of nor
        counted as one.

        Raises the typed errors of `sophia_secrets.errors` for what makes any answer impossible.
        """
        read = await self._read(names, use_cache, optional)
        found = {resolution.name: resolution for resolution in read.resolutions}
        return [found[name] for name in names]

    async def _read(
        self, names: Sequence[str], use_cache: bool, optional: Collection[str] = ()
    ) -> reading.Reading:
        """
        One pass over the chain for these names and all that were asked for at the same moment.

        Whoever asks gets the errors of its own names alone.
        """
        for name in names:
            _require_text("the name of a secret", name)
            naming.check_askable(name)
        loop = asyncio.get_running_loop()
        key = (id(loop), use_cache)
        with self._lock:
            batch = self._batches.get(key)
            if batch is None or batch.started:
                batch = self._batches[key] = _Batch()
                batch.task = loop.create_task(self._run_batch(key, batch, use_cache))
            for name in names:
                batch.names[name] = batch.names.get(name, True) and name in optional
            batch.waiting += 1
        try:
            read = await asyncio.shield(batch.task)
        except asyncio.CancelledError:
            batch.waiting -= 1
            if batch.waiting == 0:
                batch.task.cancel()
            raise
        for name in names:
            if name in read.refusals:
                raise read.refusals[name]
        return read

    async def _run_batch(self, key: tuple[int, bool], batch: _Batch, use_cache: bool) -> reading.Reading:
        await asyncio.sleep(0)
        with self._lock:
            batch.started = True
            if self._batches.get(key) is batch:
                del self._batches[key]
        names = list(batch.names)
        optional = [name for name, may_be_missing in batch.names.items() if may_be_missing]
        return await self._run(
            "python get",
            lambda s: reading.read(s, names, use_cache=use_cache, refuse=False, optional=optional),
        )

    async def get_secret(self, name: str, use_cache: bool = True) -> str | None:
        """
        The value of the secret, or None where no backend holds it.

        Raises the typed error of a backend that failed where the absence is therefore not
        certain (`Unavailable`, `NotAuthenticated`, ...), `BadName`, `AuditFailed`.
        """
        read = await self._read([name], use_cache)
        resolution = next(found for found in read.resolutions if found.name == name)
        if resolution.value is not None:
            return resolution.value.reveal()
        if resolution.degraded:
            raise read.problem(resolution)
        return None

    async def set_secret(
        self, name: str, value: str | SecretValue, backend: str = "github", *, as_declared: bool = True
    ) -> bool:
        """
        Store the secret in that backend and in no other; True when the vendor holds it.

        An empty value is stored too, or is `BadValue` where the vendor cannot keep one. So is a
        value that is not of the type or pattern declared of its name, unless `as_declared` is false;
        a pattern gets two seconds, and the loop goes on meanwhile.
        Raises `BadName`, `BadValue`, `NotConfigured`, `NotTrusted` before anything is started,
        and the failure's typed error where the vendor did not take it.
        """
        _require_text("the name of a secret", name)
        if not isinstance(value, SecretValue):
            _require_text("the value of a secret", value)
        change = Change(name, value if isinstance(value, SecretValue) else SecretValue(value))

        def store(session: Session) -> Receipt:
            session.as_declared = as_declared
            session.search = partial(searching.apart, session)
            destination = writing.destination(session, backend)
            declaring.check_new_value(session, name, change.value)
            return writing.write(session, destination, [change]).receipt

        return _done(await self._run("python set", store))

    async def delete_secret(self, name: str, backend: str | None = None) -> bool:
        """
        Remove the secret from that backend (or the settings' default); False where it was not there.

        Raises as `set_secret` does.
        """

        _require_text("the name of a secret", name)

        def remove(session: Session) -> Receipt:
            return writing.delete(session, writing.destination(session, backend), [name]).receipt

        receipt = await self._run("python delete", remove)
        return _done(receipt) and receipt.results[0].outcome is Outcome.DONE

    async def list_secrets(self) -> list[str]:
        """The names that the configured backends hold, sorted; variables of the process are not secrets."""
        read = await self._run("python list", reading.survey)
        return [resolution.name for resolution in read.resolutions]

    async def _run(self, command: str, work: Callable[[Session], T]) -> T:
        cancel = Cancel()
        loop = asyncio.get_running_loop()
        box = _Box(lambda: work(self.session(command, cancel)))
        done = loop.create_future()

        def finished() -> None:
            if not done.done():
                done.set_result(None)

        def thread() -> None:
            box.run()
            try:
                loop.call_soon_threadsafe(finished)
            except RuntimeError:
                return

        threading.Thread(target=thread, name="sophia-secrets", daemon=True).start()
        try:
            await done
        except asyncio.CancelledError:
            cancel.cancel()
            raise
        return box.take()


class _Batch:
    """Names asked for in the same turn of one event loop; true for those that are optional to all."""

    def __init__(self) -> None:
        self.names: dict[str, bool] = {}
        self.started = False
        self.waiting = 0
        self.task: asyncio.Task[reading.Reading]


class _Box(Generic[T]):
    """The result of work done in another thread, or what it raised; shows nothing of either."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._results: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001  handed to the caller, whatever it is
            self._error = error

    def take(self) -> T:
        if self._error is not None:
            raise self._error
        return self._results.pop()


def _require_text(what: str, given: object) -> None:
    """Raises `TypeError`, which shows nothing of what was given."""
    if not isinstance(given, str):
        raise TypeError(f"{what} is a str, not {type(given).__name__}")


def _done(receipt: Receipt) -> bool:
    problem = writing.problem_of(receipt)
    if problem is not None:
        raise problem
    return True


secrets_manager = SecretsManager()
"""The manager that the module's functions use: the settings and the environment as they are."""


async def get_secret(name: str, use_cache: bool = True) -> str | None:
    """The secret's value, or None: `SecretsManager.get_secret` of the default manager."""
    return await secrets_manager.get_secret(name, use_cache)


async def set_secret(name: str, value: str, backend: str = "github") -> bool:
    """Store a secret in one backend: `SecretsManager.set_secret` of the default manager."""
    return await secrets_manager.set_secret(name, value, backend)


async def list_secrets() -> list[str]:
    """The names that exist: `SecretsManager.list_secrets` of the default manager."""
    return await secrets_manager.list_secrets()


async def delete_secret(name: str, backend: str | None = None) -> bool:
    """Remove a secret: `SecretsManager.delete_secret` of the default manager."""
    return await secrets_manager.delete_secret(name, backend)
