"""How often a command waits for the log to be on the disk (goal 15): however many names it has, as often."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.faults.injected import needs_strace
from tests.faults.rooms import Room
from tests.program import PROGRAM

pytestmark = needs_strace
MANY = tuple(f"KEY_{number:02}" for number in range(20))
SYNCED = re.compile(r"\b(?:fsync|fdatasync)\(\d+<[^>]*/audit\.jsonl>")

READS = {
    "get, hot": ("get", "KEY_00"),
    "get": ("get", "KEY_00", "--reason", "why"),
    "run": ("run", "--", "true"),
    "run, some": ("run", *(word for name in MANY for word in ("--only", name)), "--", "true"),
    "list": ("list",),
    "export, one": ("export", MANY[0]),
    "export": ("export", *MANY),
    "explain": ("explain", "KEY_00"),
}
WRITES = {
    "set": ("set", "KEY_00", "--backend", "local", "--raw"),
    "set, fly": ("set", "KEY_00", "--backend", "fly", "--raw"),
    "delete": ("delete", "KEY_01", "--backend", "local", "--yes"),
}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Room:
    """Twenty names in the vault and at Pulumi, which is cached."""
    made = Room(tmp_path_factory.mktemp("room"))
    made.define(**dict.fromkeys(MANY, "v"))
    file_of(made, MANY)
    assert made.program("import", "some.env", "--backend", "local", "--yes").code == 0
    for _ in range(2):
        assert made.program("get", "KEY_00").out == "v\n"
    return made


def file_of(room: Room, names: tuple[str, ...]) -> None:
    (room.program.cwd / "some.env").write_text("".join(f"{name}={len(names)}\n" for name in names))
    (room.program.cwd / "some.env").chmod(0o600)


def syncs(room: Room, *arguments: str) -> int:
    """How often the log was synced by a command that went well, its threads included."""
    record: Path = room.program.root / "syncs.txt"
    done = subprocess.run(
        ["strace", "-f", "-y", "-s0", "-o", str(record), "-e", "trace=fsync,fdatasync",
         str(PROGRAM), *arguments],
        input=b"value", capture_output=True, cwd=room.program.cwd, env=room.program.full_environment(),
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return len(SYNCED.findall(record.read_text()))


@pytest.mark.parametrize("command", READS.values(), ids=READS)
def test_A1_a_read_syncs_the_log_once(room: Room, command: tuple[str, ...]) -> None:
    assert syncs(room, *command) == 1


@pytest.mark.parametrize("command", WRITES.values(), ids=WRITES)
def test_A1_A3_a_write_syncs_the_log_twice(room: Room, command: tuple[str, ...]) -> None:
    assert syncs(room, *command) == 2


@pytest.mark.parametrize("backend", ["local", "fly"])
def test_A1_A3_an_import_reads_and_writes_so_three_times_however_many_names(room: Room, backend: str) -> None:
    for names in (MANY[:1], MANY):
        file_of(room, names)
        assert syncs(room, "import", "some.env", "--backend", backend, "--yes") == 3
