"""Fly as a test can set it and see it: behind the stand-in, or behind the real flyctl."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.vendors.fly_api import App, FlyApi, Machine, Request
from tests.vendors.fly_cli import TOKEN, FlyCli

NO_ENV: dict[str, object] = {"exit_code": 127, "stderr": "env: not found"}
"""What `machine exec` of `env -0` is answered with where the image has no such program."""


def real_flyctl() -> str | None:
    return os.environ.get("SOPHIA_TEST_FLY") or shutil.which("flyctl")


class Vendor(Protocol):
    """What a test needs to set and see on the other side."""

    program: str

    def values(self) -> dict[str, str]: ...
    def put(self, **values: str) -> None: ...
    def start_machine(self, machine: str, **environment: str) -> None: ...
    def deploy_without_machines(self) -> None: ...
    def lose_the_answer_to_a_write(self) -> None: ...
    def stop_machine(self, machine: str) -> None: ...
    def take_env_away(self, machine: str) -> None: ...
    def refuse_the_roll_out(self) -> None: ...
    def crash(self, *log: str) -> None: ...
    def environment(self, machine: str) -> dict[str, str]: ...
    def drop(self, name: str) -> None: ...
    def forbid(self) -> None: ...


class StandIn:
    def __init__(self, directory: Path) -> None:
        self.cli = FlyCli.install(directory)
        self.program = str(self.cli.program)

    def values(self) -> dict[str, str]:
        return self.cli.values()

    def put(self, **values: str) -> None:
        state = self.cli.state
        for name, value in values.items():
            state["apps"]["my-app"]["secrets"][name] = {"value": value, "digest": "d", "status": "Deployed"}
        self.cli.update(**state)

    def start_machine(self, machine: str, **environment: str) -> None:
        state = self.cli.state
        made = {"id": machine, "state": "started", "environment": environment}
        state["apps"]["my-app"]["machines"].append(made)
        state["apps"]["my-app"]["deployed"] = True
        self.cli.update(**state)

    def deploy_without_machines(self) -> None:
        state = self.cli.state
        state["apps"]["my-app"]["deployed"] = True
        self.cli.update(**state)

    def lose_the_answer_to_a_write(self) -> None:
        words = 'Error: update secrets: failed to update app secrets: Post "http://x": EOF\n'
        self.cli.update(faults=[{"on": "secrets set", "store": True, "stderr": words}])

    def stop_machine(self, machine: str) -> None:
        self._change(machine, state="stopped")

    def take_env_away(self, machine: str) -> None:
        self._change(machine, answer=NO_ENV)

    def _change(self, machine: str, **changes: object) -> None:
        state = self.cli.state
        for found in state["apps"]["my-app"]["machines"]:
            found.update(changes if found["id"] == machine else {})
        self.cli.update(**state)

    def refuse_the_roll_out(self) -> None:
        words = "Error: failed to update VM m1: internal server error (Request ID: 01TEST-ams)\n\n"
        self.cli.update(faults=[{"on": "secrets deploy", "stderr": words}])

    def crash(self, *log: str) -> None:
        failed = "smoke checks for m1 failed: the app appears to be crashing"
        look = "Check its logs: here's the last lines below, or run 'fly logs -i m1':"
        words = "\n".join((f"Error: {failed}", failed.capitalize(), look, *log, "\n"))
        self.cli.update(faults=[{"on": "secrets deploy", "stderr": words}])

    def environment(self, machine: str) -> dict[str, str]:
        machines = self.cli.state["apps"]["my-app"]["machines"]
        return next(dict(found["environment"]) for found in machines if found["id"] == machine)

    def drop(self, name: str) -> None:
        self.cli.update(dropped=[name])

    def forbid(self) -> None:
        words = "Error: failed to list app secrets: unauthorized (Request ID: 01TEST-ams)\n"
        self.cli.update(faults=[{"on": "secrets list", "stderr": words, "always": True}])


class Real:
    def __init__(self, directory: Path, api: FlyApi, program: str) -> None:
        self.api = api
        self.app = api.apps["my-app"] = App()
        directory.mkdir(mode=0o700)
        self.program = str(api.wrapper(directory, program))

    def values(self) -> dict[str, str]:
        return dict(self.app.values)

    def put(self, **values: str) -> None:
        self.app.values.update(values)

    def start_machine(self, machine: str, **environment: str) -> None:
        self.app.machines.append(Machine(machine, environment=environment))
        self.app.deployed = True

    def deploy_without_machines(self) -> None:
        self.app.deployed = True

    def lose_the_answer_to_a_write(self) -> None:
        def fault(request: Request) -> tuple[int, bytes] | None:
            return (0, b"") if request.method == "POST" and request.path.endswith("/secrets") else None

        self.api.store_first = True
        self.api.fault = fault

    def stop_machine(self, machine: str) -> None:
        self._machine(machine).state = "stopped"

    def take_env_away(self, machine: str) -> None:
        self._machine(machine).exec_answer = NO_ENV

    def _machine(self, machine: str) -> Machine:
        return next(found for found in self.app.machines if found.id == machine)

    def refuse_the_roll_out(self) -> None:
        def fault(request: Request) -> tuple[int, bytes] | None:
            updates = request.method == "POST" and request.path.endswith("/machines/m1")
            return (500, b'{"error":"internal server error"}') if updates else None

        self.api.fault = fault

    def crash(self, *log: str) -> None:
        for machine in self.app.machines:
            machine.crashing, machine.log = True, log

    def environment(self, machine: str) -> dict[str, str]:
        return dict(self._machine(machine).environment)

    def drop(self, name: str) -> None:
        self.app.dropped = frozenset({name})

    def forbid(self) -> None:
        self.api.fault = lambda request: (
            (403, b'{"error":"unauthorized"}') if request.path.endswith("/secrets") else None
        )


@contextmanager
def real_vendor(tmp_path: Path) -> Iterator[Real]:
    """The real flyctl before local APIs; skips the test where there is none."""
    program = real_flyctl()
    if program is None:
        pytest.skip("the real flyctl is not here: set SOPHIA_TEST_FLY to its path")
    with FlyApi() as api:
        yield Real(tmp_path / "bin", api, program)


def environment(config: Path, token: str = TOKEN) -> dict[str, str]:
    """For a start of the real one without the backend: no metrics, no update, nothing beyond loopback."""
    silent = {"FLY_NO_UPDATE_CHECK": "1", "FLY_NO_INCIDENTS_CHECK": "1", "FLY_SEND_METRICS": "0"}
    place = {"PATH": "/usr/bin:/bin", "FLY_CONFIG_DIR": str(config)}
    return {"NO_COLOR": "1", **silent, **place, **({"FLY_API_TOKEN": token} if token else {})}
