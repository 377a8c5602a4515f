"""Copy, move, sync and import, killed at any point: nothing is lost, and a second run finishes the job."""

from __future__ import annotations

import pytest

from tests.canary import kept_files, leaks
from tests.faults.killed_at import run_killed_at
from tests.faults.soak import SOAK
from tests.program import Program
from tests.world import World

CANARY = "canary-carried-0001"
STEP = 1 if SOAK else 7
"""Every call is killed at under soak, else every seventh."""

NAMES = ("A_KEY", "B_KEY", "C_KEY")


@pytest.mark.parametrize(
    "command",
    [
        ("copy", *NAMES, "--from", "local", "--to", "fly", "--yes"),
        ("move", *NAMES, "--from", "local", "--to", "fly", "--yes"),
        ("sync", "--from", "pulumi", "--to", "local", "--delete", "--yes"),
        ("import", "secrets.env", "--backend", "fly", "--yes"),
    ],
    ids=["copy", "move", "sync", "import"],
)
def test_X6_a_transfer_killed_at_any_call_loses_nothing_and_is_finished_by_a_second_run(
    sophia: Program, vendors: World, command: tuple[str, ...]
) -> None:
    values = {name: f"{CANARY}-{name}" for name in NAMES}
    vendors.define(values)
    file = sophia.cwd / "secrets.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    file.chmod(0o600)
    number, ended = 1, False
    while not ended:
        number += STEP
        assert number < 60
        vendors.fly.update(apps={"my-app": {"secrets": {}, "machines": [], "deployed": False}})
        if command[0] == "sync":
            sophia.store("OLD_KEY", "old")
            sophia("delete", "A_KEY", "--backend", "local", "--yes", "--if-exists")
        else:
            for name, value in values.items():
                sophia.store(name, value)
        ended = run_killed_at(sophia, number, *command, calls="rename,fsync,unlink") is not None
        if command[0] in ("copy", "move"):
            there = vendors.fly.values()
            lacking = [name for name in NAMES if there.get(name) != values[name]]
            assert set(lacking) <= set(sophia("list", "--backend", "local", "--names").out.split())
        again = sophia(*command)
        assert again.code == 0, again.said
        assert leaks(CANARY, [("again", again.said.encode()), *kept_files(sophia.home)]) == []
        if command[0] == "sync":
            assert sophia("diff", "pulumi", "local", "--exit-code").code == 0
        else:
            assert vendors.fly.values() == values
        if command[0] == "move":
            assert sophia("list", "--backend", "local", "--names").out == ""
    assert number > 8
    assert sophia("audit", "verify").code == 0
