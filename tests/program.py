"""The installed program in a home of its own, run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = Path(sysconfig.get_path("scripts")) / "sophia-secrets"
GH = Path(sysconfig.get_path("scripts")) / "gh"


@dataclass(frozen=True)
class Done:
    """How a run ended: exit code and both streams, as text."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        return self.out + self.err


@dataclass
class Program:
    """
    The program with its own home, settings, state, cache and working directory under `root`.

    `environment` is all that its processes get besides; nothing of the test run's own leaks in, but
    what has them measured under `make coverage`.
    `executable` is what is started.
    """

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    executable: Path = PROGRAM

    def __post_init__(self) -> None:
        self.home = self.root / "home"
        self.cwd = self.root / "work"
        for directory in (self.home, self.cwd):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def sophia(self) -> Path:
        return self.home / "sophia"

    def full_environment(self, **more: str) -> dict[str, str]:
        """What a process of this program gets."""
        base = {
            "PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "SOPHIA_SECRETS_HOME": str(self.sophia),
        }
        measured = {name: value for name, value in os.environ.items() if name == "COVERAGE_PROCESS_CONFIG"}
        return {**base, **measured, **self.environment, **more}

    def __call__(
        self,
        *arguments: str,
        stdin: str | bytes = b"",
        timeout: float = 60,
        cwd: Path | None = None,
        **more: str,
    ) -> Done:
        """Run one command line; `stdin` is a pipe with that text."""
        done = subprocess.run(
            [str(self.executable), *arguments],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            cwd=cwd or self.cwd,
            env=self.full_environment(**more),
            timeout=timeout,
            check=False,
        )
        return Done(
            done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        )

    def store(self, name: str, value: str, backend: str = "local") -> None:
        """Store a secret, whatever is declared of it, which must succeed."""
        done = self("set", name, "--backend", backend, "--raw", "--not-as-declared", stdin=value)
        assert done.code == 0, done.said

    def user_settings(self, text: str) -> None:
        """The user's own settings file."""
        directory = self.sophia / "config"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "config.toml").write_text(text)

    def events(self) -> list[dict[str, Any]]:
        """The audit log's events, oldest first."""
        done = self("audit", "log", "--json", "--last", "100000")
        return [json.loads(line) for line in done.out.splitlines()]

    def files(self) -> list[Path]:
        """Every file that the program keeps."""
        return [path for path in self.sophia.rglob("*") if path.is_file()]
