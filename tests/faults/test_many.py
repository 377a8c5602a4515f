"""Fifty at once: processes that get a secret, and callers of a vendor that hangs (X1, V1; goals 5 and 6)."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
from collections import Counter
from pathlib import Path

import pytest

from sophia_secrets import errors
from sophia_secrets.manager import SecretsManager
from sophia_secrets.operations.opening import open_session
from tests.faults.audit_harness import in_children
from tests.faults.soak import examples
from tests.faults.test_process_faults import gone_soon

CALLERS = 50
VALUE = "canary-many-4d1e07"
OPENED = {
    "value": {"environmentVariables": {"value": {"API_KEY": {"value": VALUE, "trace": {}}}, "trace": {}}}
}


class Vendor:
    """A `pulumi` that writes its process's number down at each start, then does `script`."""

    def __init__(self, directory: Path, script: str) -> None:
        self.environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(directory),
            "SOPHIA_SECRETS_HOME": str(directory / "sophia"),
            "SOPHIA_SECRETS_PULUMI": str(directory / "pulumi"),
            "PULUMI_ACCESS_TOKEN": "pul-test",
            "PULUMI_ENVIRONMENT": "acme/app/production",
        }
        self.cwd = str(directory)
        self._starts = directory / "starts"
        program = directory / "pulumi"
        program.write_text(f"#!/bin/sh\necho $$ >>{self._starts}\n{script}\n")
        program.chmod(0o755)

    def manager(self, timeout: float | None = None) -> SecretsManager:
        return SecretsManager(environ=self.environ, cwd=self.cwd, timeout=timeout)

    @property
    def pids(self) -> list[int]:
        """Its starts, and what else `script` wrote down."""
        return [int(line) for line in self._starts.read_text().split()]


def test_X1_X3_fifty_processes_that_get_a_secret_again_and_again(tmp_path: Path) -> None:
    """Goal 5: one vendor call, every access in the log once and in order, and counted."""
    vendor = Vendor(tmp_path, f"sleep 0.3\ncat <<'END'\n{json.dumps(OPENED)}\nEND")
    gets = examples(20, 100)

    def work(number: int) -> None:
        manager = vendor.manager()

        async def get_all() -> None:
            for _ in range(gets):
                assert await manager.get_secret("API_KEY") == VALUE

        asyncio.run(get_all())

    in_children(CALLERS, work)
    assert len(vendor.pids) == 1
    session = open_session("test", environ=vendor.environ, cwd=vendor.cwd)
    verdict = session.log.verify()
    assert (verdict.ok, verdict.pending) == (True, False), verdict.first_bad
    events = list(session.log.read())
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert {event["outcome"] for event in events} == {"found"}
    by_process = Counter(event["pid"] for event in events)
    assert (len(by_process), set(by_process.values())) == (CALLERS, {gets})
    assert session.log.counts(["API_KEY"])["API_KEY"].times == CALLERS * gets
    session.log.close()


async def times_out(manager: SecretsManager) -> None:
    with pytest.raises(errors.TimedOut):
        await manager.get_secret("API_KEY")


def open_descriptors() -> list[tuple[str, str]]:
    """The descriptors of this process and what they are, without those that only wait for Python to collect them."""
    gc.collect()
    found = []
    for fd in sorted(os.listdir("/proc/self/fd")):
        try:
            found.append((fd, os.readlink(f"/proc/self/fd/{fd}")))
        except FileNotFoundError:
            pass  # the listing's own
    return found


@pytest.mark.parametrize("callers", ["of one process", "processes"])
def test_X1_V1_fifty_callers_of_a_vendor_that_hangs_wait_for_one_timeout_and_nothing_is_left(
    tmp_path: Path, callers: str
) -> None:
    """Goal 6. Who did not share the failure would start the vendor again, and wait again."""
    vendor = Vendor(tmp_path, f"sleep 600 & echo $! >>{tmp_path}/starts\nwait")
    descriptors = open_descriptors()
    threads = threading.active_count()

    async def all_of_them() -> None:
        await asyncio.gather(*(times_out(vendor.manager(timeout=4.0)) for _ in range(CALLERS)))

    if callers == "processes":
        in_children(CALLERS, lambda number: asyncio.run(times_out(vendor.manager(timeout=4.0))))
    else:
        asyncio.run(all_of_them())
    assert len(vendor.pids) == 2, "one start, and what it started"
    assert all(gone_soon(pid) for pid in vendor.pids)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert open_descriptors() == descriptors
    assert threading.active_count() == threads
    session = open_session("test", environ=vendor.environ, cwd=vendor.cwd)
    outcomes = Counter(event["outcome"] for event in session.log.read())
    assert (session.log.verify().ok, outcomes) == (True, {"backend_failed": CALLERS, "failed": CALLERS})
    session.log.close()
