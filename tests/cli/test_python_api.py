"""The Python door, used from asyncio as a service would."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sophia_secrets import errors
from sophia_secrets.config import Config, load_config, loading
from sophia_secrets.manager import SecretsManager
from tests.canary import leaks
from tests.program import Program
from tests.world import World

T = TypeVar("T")


@pytest.fixture
def manager(sophia: Program, vendors: World) -> SecretsManager:
    return SecretsManager(environ=sophia.full_environment(), cwd=str(sophia.cwd))


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(work(), debug=True)


def test_get_set_list_and_delete(manager: SecretsManager) -> None:
    async def work() -> None:
        assert await manager.set_secret("API_KEY", "v", backend="local") is True
        assert await manager.get_secret("API_KEY") == "v"
        assert await manager.get_secret("NOPE") is None
        assert await manager.list_secrets() == ["API_KEY"]
        assert await manager.delete_secret("API_KEY", backend="local") is True
        assert await manager.delete_secret("API_KEY", backend="local") is False

    run(work)


def test_fifty_names_at_once_are_one_vendor_call(manager: SecretsManager, vendors: World) -> None:
    names = [f"KEY_{i}" for i in range(50)]
    vendors.define({name: name.lower() for name in names})

    async def work() -> list[str | None]:
        return await asyncio.gather(*(manager.get_secret(name, use_cache=False) for name in names))

    assert run(work) == [name.lower() for name in names]
    assert vendors.starts()["pulumi"] == 1


def test_a_failure_that_makes_absence_uncertain_is_raised(manager: SecretsManager, vendors: World) -> None:
    vendors.pulumi_fails(403, {"code": 403, "message": "no"})

    async def work() -> None:
        with pytest.raises(errors.NotPermitted) as caught:
            await manager.get_secret("API_KEY")
        assert caught.value.backend == "pulumi"

    run(work)


def test_bad_input_is_a_typed_error(manager: SecretsManager) -> None:
    async def work() -> None:
        with pytest.raises(errors.BadName):
            await manager.get_secret("--flag")
        with pytest.raises(errors.BadValue):
            await manager.set_secret("API_KEY", "a\0b", backend="local")
        with pytest.raises(errors.UsageError):
            await manager.set_secret("API_KEY", "v", backend="nowhere")

    run(work)


@pytest.mark.parametrize("given", [None, b"canary-bytes", 7], ids=["None", "bytes", "int"])
def test_what_is_no_text_is_refused_by_what_it_is_and_nothing_is_stored(
    manager: SecretsManager, given: Any
) -> None:
    kind = type(given).__name__

    async def work() -> None:
        with pytest.raises(TypeError, match=f"^the value of a secret is a str, not {kind}$"):
            await manager.set_secret("API_KEY", given, backend="local")
        for call in (manager.get_secret, manager.delete_secret):
            with pytest.raises(TypeError, match=f"^the name of a secret is a str, not {kind}$"):
                await call(given)
        with pytest.raises(TypeError, match=f"^the name of a secret is a str, not {kind}$"):
            await manager.set_secret(given, "v", backend="local")
        assert await manager.list_secrets() == []

    run(work)


def test_of_names_asked_for_at_once_only_the_bad_one_fails(manager: SecretsManager, vendors: World) -> None:
    vendors.define({"GOOD": "v"})

    async def work() -> list[object]:
        asked = (manager.get_secret("GOOD"), manager.get_secret("--bad"), manager.get_secret("NOPE"))
        return list(await asyncio.gather(*asked, return_exceptions=True))

    good, bad, absent = run(work)
    assert (good, absent) == ("v", None)
    assert isinstance(bad, errors.BadName)


def test_what_a_configuration_may_leave_out_is_no_failed_attempt(sophia: Program, vendors: World) -> None:
    vendors.define({"OPENAI_API_KEY": "v"})
    manager = SecretsManager(environ=sophia.full_environment(), cwd=str(sophia.cwd))

    async def work() -> Config:
        return await load_config(manager=manager)

    assert run(work).llm.openai_api_key == "v"
    assert vendors.starts()["pulumi"] == 1
    outcomes = {event["outcome"] for event in sophia.events() if event["command"] == "python get"}
    assert outcomes == {"found", "unset"}


def test_strict_fails_the_degraded_name_and_no_other(sophia: Program, vendors: World) -> None:
    vendors.pulumi_fails(503, {"code": 503, "message": "down"})
    sophia.store("LOWER", "v")
    workflow = {"GITHUB_ACTIONS": "true", "SOPHIA_GITHUB_SECRETS_JSON": '{"UPPER": "u"}'}
    manager = SecretsManager(environ=sophia.full_environment(**workflow), cwd=str(sophia.cwd), strict=True)

    async def work() -> list[object]:
        asked = (manager.get_secret("UPPER"), manager.get_secret("LOWER"))
        return list(await asyncio.gather(*asked, return_exceptions=True))

    upper, lower = run(work)
    assert upper == "u"
    assert isinstance(lower, errors.Unreachable)


def slow_pulumi(sophia: Program, vendors: World, directory: Path) -> Path:
    """Pulumi that says that it has begun, then sleeps for a minute."""
    begun = directory / "begun"
    script = directory / "slow"
    script.write_text(f'#!/bin/sh\necho $$ >{begun}\nsleep 60\nexec {vendors.pulumi.path} "$@"\n')
    script.chmod(0o700)
    sophia.environment["SOPHIA_SECRETS_PULUMI"] = str(script)
    return begun


async def appears(path: Path) -> int:
    for _ in range(500):
        if path.exists() and path.read_text().strip():
            return int(path.read_text())
        await asyncio.sleep(0.02)
    raise AssertionError(f"{path} did not appear")


def test_X7_cancelling_ends_the_vendor_and_the_loop_never_waits(
    sophia: Program, vendors: World, tmp_path: Path
) -> None:
    begun = slow_pulumi(sophia, vendors, tmp_path)
    manager = SecretsManager(environ=sophia.full_environment(), cwd=str(sophia.cwd))

    async def work() -> int:
        task = asyncio.create_task(manager.get_secret("API_KEY"))
        pid = await appears(begun)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(500):
            if not os.path.exists(f"/proc/{pid}"):
                return pid
            await asyncio.sleep(0.02)
        raise AssertionError("the vendor's program lives on")

    run(work)


def test_X7_one_of_two_waiters_may_go_away(manager: SecretsManager, vendors: World) -> None:
    vendors.define({"A_KEY": "a", "B_KEY": "b"})

    async def work() -> str | None:
        stays = asyncio.create_task(manager.get_secret("A_KEY"))
        goes = asyncio.create_task(manager.get_secret("B_KEY"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        goes.cancel()
        return await stays

    assert run(work) == "a"


def test_X8_the_event_loop_is_never_blocked(manager: SecretsManager, vendors: World) -> None:
    vendors.define({"A_KEY": "a"})

    async def work() -> tuple[float, int]:
        worst, ticks, last = 0.0, 0, time.monotonic()
        task = asyncio.create_task(manager.get_secret("A_KEY", use_cache=False))
        while not task.done():
            await asyncio.sleep(0.001)
            now = time.monotonic()
            worst, ticks, last = max(worst, now - last), ticks + 1, now
        assert await task == "a"
        return worst, ticks

    worst, ticks = run(work)
    assert ticks > 5
    assert worst < 1.0


def test_L6_asyncio_in_debug_mode_logs_no_value(
    manager: SecretsManager, vendors: World, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "canary-asyncio-debug-77"
    vendors.define({"A_KEY": canary})

    async def work() -> None:
        asyncio.get_running_loop().slow_callback_duration = 0.0
        assert await manager.get_secret("A_KEY") == canary
        await manager.set_secret("B_KEY", canary, backend="local")
        await manager.initialize()

    with caplog.at_level(logging.DEBUG):
        run(work)
    records = "\n".join(
        record.getMessage() for record in caplog.records if "test_python_api" not in record.getMessage()
    )
    assert leaks(canary, [("logs", records.encode())]) == []


def test_the_library_changes_nothing_of_the_process(manager: SecretsManager, vendors: World) -> None:
    import signal

    vendors.define({"A_KEY": "a"})
    root = logging.getLogger()

    def state() -> object:
        umask = os.umask(0o22)
        os.umask(umask)
        handlers = [
            signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD)
        ]
        return dict(os.environ), umask, handlers, list(root.handlers), root.level, os.getcwd()

    before = state()
    run(lambda: manager.get_secret("A_KEY"))
    assert state() == before


def test_load_config_makes_one_vendor_call_for_all_of_its_names(tmp_path: Path) -> None:
    calls, vendor = tmp_path / "calls", tmp_path / "pulumi"
    names = list(dict.fromkeys(leaf.name for leaf in loading._leaves(Config)))
    values = {
        name: {"value": "x" * 30, "trace": {}}
        for name in names
        if name.endswith(("_API_KEY", "_TOKEN", "_SECRET", "_PRIVATE_KEY"))
    }
    opened = {"value": {"environmentVariables": {"value": values, "trace": {}}}, "trace": {}}
    vendor.write_text(f"#!/bin/sh\necho called >> '{calls}'\ncat <<'END'\n{json.dumps(opened)}\nEND\n")
    vendor.chmod(0o755)
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "SOPHIA_SECRETS_HOME": str(tmp_path / "sophia"),
        "SOPHIA_SECRETS_PULUMI": str(vendor),
        "PULUMI_ACCESS_TOKEN": "pul-test",
        "PULUMI_ENVIRONMENT": "acme/app/production",
    }
    manager = SecretsManager(environ=environ, cwd=str(tmp_path))
    for _ in range(2):
        config = asyncio.run(load_config(manager=manager))
        assert config.llm.openai_api_key == "x" * 30
        assert calls.read_text() == "called\n", "the second time it is the cache that answers"
    assert len(names) >= 28
