"""The stand-in for `pulumi`, installed in a directory of its own with its state beside it."""

from __future__ import annotations

import fcntl
import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.vendors.pulumi_cloud import PulumiService, Request
from tests.vendors.pulumi_program import as_json

PROGRAM = Path(__file__).with_name("pulumi_program.py")


class PulumiCli:
    """
    `path` is the program. `service()` gives the state of its service to look at or to change,
    `calls` everything it was started with, standard input left out.
    """

    def __init__(self, directory: Path, version: str = "v3.260.0") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._state = directory / "state.json"
        empty = {
            "service": as_json(PulumiService()),
            "version": version,
            "unknown_flags": [],
            "stacks": {},
            "calls": [],
        }
        self._state.write_text(json.dumps(empty))
        self.path = directory / "pulumi"
        self.path.write_text(
            f"#!/bin/sh\nFAKE_PULUMI_STATE={shlex.quote(str(self._state))} "
            f'exec {shlex.quote(sys.executable)} {shlex.quote(str(PROGRAM))} "$@"\n'
        )
        self.path.chmod(0o755)

    @property
    def calls(self) -> list[dict[str, Any]]:
        """`argv`, `environ` and `cwd` of each start."""
        calls: list[dict[str, Any]] = json.loads(self._state.read_text())["calls"]
        return calls

    @contextmanager
    def state(self) -> Iterator[dict[str, Any]]:
        """The whole state, kept when the block ends: `version`, `unknown_flags`, `stacks` (passphrases)."""
        with self._state.open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            state = json.load(file)
            yield state
            file.seek(0)
            file.truncate()
            json.dump(state, file)

    @contextmanager
    def service(self) -> Iterator[PulumiService]:
        """The service, kept when the block ends."""
        with self.state() as state:
            service = PulumiService(**state["service"])
            service.requests = [Request(**request) for request in state["service"]["requests"]]
            yield service
            state["service"] = as_json(service)
