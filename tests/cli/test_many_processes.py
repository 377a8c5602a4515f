"""Many starts of the program that miss at once, with a compiled route: the others wait where waiting costs little."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Timer

import pytest

from sophia_secrets import hot
from sophia_secrets.core.model import Entry, EntryState, SecretValue, Snapshot
from sophia_secrets.operations.opening import open_session
from sophia_secrets.operations.snapshots import identity_of, to_record
from sophia_secrets.state import audit, files
from sophia_secrets.state.flight import Lead
from tests.cli.test_imports import CIPHER, GET, compile_route, imported, settled
from tests.program import PROGRAM, Program
from tests.terminal import Terminal
from tests.world import World

__all__ = ["settled"]


def expire(sophia: Program) -> None:
    """There is a route, and no record."""
    for record in sophia.sophia.glob("cache/*.record"):
        record.unlink()
    assert list(sophia.sophia.glob("cache/routes/*.route"))


@pytest.fixture
def routed(settled: Program, vendors: World, tmp_path: Path) -> Program:
    """The program, with a route over Pulumi and the record gone."""
    vendors.define({"API_KEY": "v"})
    assert settled("get", "API_KEY").out == "v\n"
    compile_route(settled, "API_KEY", tmp_path)
    expire(settled)
    return settled


@contextmanager
def leading(sophia: Program) -> Iterator[tuple[Lead, Snapshot]]:
    """Another process that is asking Pulumi; and what it will say."""
    session = open_session("get", environ=sophia.full_environment(), cwd=str(sophia.cwd))
    member = session.configured("pulumi")
    assert session.cache is not None
    lead = session.cache.lead(identity_of(member, session.credential_key))
    assert isinstance(lead, Lead)
    assert not lead.problem
    entries = {"API_KEY": Entry(EntryState.READABLE, SecretValue("theirs"))}
    try:
        yield lead, Snapshot(member.target, entries, time.time())
    finally:
        lead.release()


def start(sophia: Program, *before: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, str(PROGRAM), "get", "API_KEY"],
        env=sophia.full_environment(),
        cwd=sophia.cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_it_waits(child: subprocess.Popen[str]) -> None:
    """Until it has the cache's directory open, which it keeps while it waits."""
    if not os.path.isdir("/proc/self"):
        time.sleep(1)
        return
    end = time.monotonic() + 30
    while time.monotonic() < end and child.poll() is None:
        try:
            if any(
                "cache" in os.readlink(f"/proc/{child.pid}/fd/{fd}")
                for fd in os.listdir(f"/proc/{child.pid}/fd")
            ):
                return
        except OSError:
            pass
        time.sleep(0.01)


def test_X1_fifty_processes_with_a_route_make_one_vendor_call(routed: Program, vendors: World) -> None:
    before = vendors.starts()["pulumi"]
    children = [start(routed) for _ in range(50)]
    outputs = [child.communicate(timeout=120) for child in children]
    assert [(child.returncode, *said) for child, said in zip(children, outputs, strict=True)] == [
        (0, "v\n", "")
    ] * 50
    assert vendors.starts()["pulumi"] == before + 1
    assert routed("audit", "verify").code == 0
    assert len([e for e in routed.events() if e["outcome"] == "found"]) == 52


def test_X1_who_waits_takes_what_another_process_stored_and_imports_no_more_than_a_get(
    routed: Program, vendors: World
) -> None:
    before = vendors.starts()["pulumi"]
    with leading(routed) as (lead, snapshot):
        child = start(routed)
        wait_until_it_waits(child)
        assert lead.store(to_record(snapshot)) is None
        assert child.communicate(timeout=60) == ("theirs\n", "")
    assert vendors.starts()["pulumi"] == before
    expire(routed)
    with leading(routed) as (lead, snapshot):
        Timer(0.5, lambda: lead.store(to_record(snapshot))).start()
        modules = imported(routed, "get", "API_KEY")
    assert modules - CIPHER - GET == {
        "sophia_secrets.errors",
        "sophia_secrets.hot.missing",
        "sophia_secrets.state.flight",
    }


def test_A2_an_event_that_a_busy_disk_holds_up_is_written_once(
    settled: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled.store("API_KEY", "from the vault")
    compile_route(settled, "API_KEY", tmp_path)
    before = len(settled.events())
    durable = files.durable

    def slow(fd: int) -> None:
        time.sleep(1.0)
        durable(fd)

    monkeypatch.setattr(files, "durable", slow)
    monkeypatch.chdir(settled.cwd)
    environ = {os.fsencode(n): os.fsencode(v) for n, v in settled.full_environment().items()}
    assert hot.answer(["get", "API_KEY"], environ) == b"from the vault\n"
    assert len(settled.events()) == before + 1


def test_A2_a_disk_that_hangs_is_waited_for_once_by_the_hot_path_and_the_whole_program_together(
    settled: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled.store("API_KEY", "from the vault")
    compile_route(settled, "API_KEY", tmp_path)
    free = Event()
    monkeypatch.setattr(files, "durable", lambda fd: free.wait())
    monkeypatch.setattr(hot, "DISK_SECONDS", 0.1)
    monkeypatch.setattr(audit, "_waited", [])
    monkeypatch.chdir(settled.cwd)
    environ = {os.fsencode(n): os.fsencode(v) for n, v in settled.full_environment().items()}
    assert hot.answer(["get", "API_KEY"], environ) is None
    (spent,) = audit._waited
    free.set()
    assert spent >= hot.LOCK_SECONDS + hot.DISK_SECONDS


def test_X1_who_waits_shares_the_failure_and_asks_nobody(routed: Program, vendors: World) -> None:
    before = vendors.starts()["pulumi"]
    with leading(routed) as (lead, _):
        child = start(routed)
        wait_until_it_waits(child)
        time.sleep(0.2)
        lead.fail("not_permitted", "Pulumi does not let us in.", "Run `pulumi login`.")
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (4, "")
    assert "Pulumi does not let us in." in err
    assert vendors.starts()["pulumi"] == before


def test_X2_when_the_one_who_asks_is_gone_who_waits_asks(routed: Program, vendors: World) -> None:
    before = vendors.starts()["pulumi"]
    with leading(routed) as (lead, _):
        child = start(routed)
        wait_until_it_waits(child)
        lead.release()
        assert child.communicate(timeout=60) == ("v\n", "")
    assert vendors.starts()["pulumi"] == before + 1
    assert routed("get", "API_KEY").out == "v\n"


def test_a_person_at_a_terminal_is_told_what_is_waited_for(routed: Program) -> None:
    with leading(routed) as (lead, snapshot), Terminal(routed, "get", "API_KEY") as terminal:
        terminal.wait_for("Waiting for another process")
        lead.store(to_record(snapshot))
        assert terminal.end() == 0
        assert "theirs" in terminal.screen


@pytest.mark.parametrize("more", [["--no-cache"], ["--backend", "pulumi"], ["--json"], ["--explain"]])
def test_what_is_not_plain_does_not_wait_here(routed: Program, more: list[str]) -> None:
    from sophia_secrets.hot import missing

    environ = {os.fsencode(n): os.fsencode(v) for n, v in routed.full_environment().items()}
    here = os.getcwd()
    os.chdir(routed.cwd)
    try:
        with leading(routed):
            assert missing.answer(["get", "API_KEY", *more], environ) is None
    finally:
        os.chdir(here)
