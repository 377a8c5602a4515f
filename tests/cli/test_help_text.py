"""`--help` is what Typer makes of the program, whether it was kept or is made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from docs.help_text import help_text
from sophia_secrets.view import help as helping
from tests.program import Program
from tests.terminal import Terminal


def by_typer(sophia: Program, columns: str) -> str:
    """What the whole program prints, which knows of no kept text."""
    script = "import sys; from sophia_secrets import cli; sys.exit(cli.answer(['--help']))"
    return subprocess.run(
        [sys.executable, "-c", script],
        env=sophia.full_environment(**({"COLUMNS": columns} if columns else {})),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.decode()


def test_the_kept_text_is_the_one_that_the_program_makes() -> None:
    assert Path(helping.FILE).read_text(encoding="utf-8") == help_text(), "run `make docs`"


@pytest.mark.parametrize("columns", ["", "0", "80", "81", "500", "79", "60", "1", "wide"])
def test_every_width_shows_what_typer_would(sophia: Program, columns: str) -> None:
    for option in ("--help", "-h"):
        done = sophia(option, **({"COLUMNS": columns} if columns else {}))
        assert (done.code, done.err, done.out) == (0, "", by_typer(sophia, columns))


def test_a_narrow_terminal_gets_narrow_lines(sophia: Program) -> None:
    with Terminal(sophia, "--help", columns=60) as terminal:
        assert terminal.end() == 0
    lines = terminal.raw.decode().split("\r\n")
    assert "Global options" in terminal.screen
    assert max(map(len, lines)) <= 60


def test_a_package_without_the_text_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert helping.answer({}) is not None
    monkeypatch.setattr(helping, "FILE", str(tmp_path / "none.txt"))
    assert helping.answer({}) is None
    assert helping.answer({b"COLUMNS": b"wide"}) is None
