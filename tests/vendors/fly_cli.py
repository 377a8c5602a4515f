"""The stand-in for flyctl (`tests.vendors.fly_program`), installed for a test."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOKEN = "fly-test-token"
PROGRAM = Path(__file__).with_name("fly_program.py")


@dataclass(frozen=True)
class FlyCli:
    """
    An installed stand-in, for tests: `program` in a directory of its own, its state beside it.

    `state` is changed by `update`: `apps` by name (`secrets`, `machines`, `deployed`), `version`,
    `shape` of the list (`new`, `plain`, `graphql`, `null`), `token`, and `faults`, each with the
    command's first two words in `on`, `exit`, `stdout`, `stderr`, and `store` for a write that is
    carried out all the same; a fault answers once, or always with `"always": true`.
    """

    directory: Path

    @classmethod
    def install(cls, directory: Path, **state: Any) -> FlyCli:
        """Put the program into `directory`, with app `my-app` and nothing in it."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = cls(directory)
        start: dict[str, Any] = {
            "version": "0.4.87",
            "shape": "new",
            "token": TOKEN,
            "email": "dev@example.com",
            "apps": {"my-app": {"secrets": {}, "machines": [], "deployed": False}},
            "faults": [],
        }
        made.state_file.write_text(json.dumps({**start, **state}))
        made.program.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {PROGRAM} {directory} "$@"\n')
        made.program.chmod(0o700)
        return made

    @property
    def program(self) -> Path:
        return self.directory / "flyctl"

    @property
    def state_file(self) -> Path:
        return self.directory / "fly-state.json"

    @property
    def state(self) -> dict[str, Any]:
        return json.loads(self.state_file.read_text())

    def update(self, **changes: Any) -> None:
        """Replace parts of the state."""
        self.state_file.write_text(json.dumps({**self.state, **changes}))

    def values(self, app: str = "my-app") -> dict[str, str]:
        """What is stored."""
        return {name: secret["value"] for name, secret in self.state["apps"][app]["secrets"].items()}

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Each start so far: `arguments`, `environment`, `stdin`, `directory`, `config`."""
        file = self.directory / "fly-calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def commands(self) -> list[str]:
        """The first two words of each start so far."""
        return [" ".join(call["arguments"][:2]) for call in self.calls]
