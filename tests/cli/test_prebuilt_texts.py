"""The texts that the program keeps are what Typer makes of it, whether they were kept or are made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from docs.prebuilt_texts import prebuilt_texts
from sophia_secrets.view import prebuilt
from tests.program import Program
from tests.terminal import Terminal


def made(sophia: Program, *arguments: str, **variables: str) -> str:
    """What the full program prints, which knows of no kept text."""
    script = "import sys; from sophia_secrets import cli; sys.exit(cli.answer(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=sophia.full_environment(**variables),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.decode()


def test_each_kept_text_is_the_one_that_the_program_makes() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in Path(prebuilt.DIRECTORY).iterdir()}
    assert texts == prebuilt_texts(), "run `make docs`"


@pytest.mark.parametrize("columns", ["", "0", "80", "81", "500", "79", "60", "1", "wide"])
def test_every_width_shows_what_typer_would(sophia: Program, columns: str) -> None:
    variables = {"COLUMNS": columns} if columns else {}
    for option in ("--help", "-h"):
        done = sophia(option, **variables)
        assert (done.code, done.err, done.out) == (0, "", made(sophia, "--help", **variables))


def test_a_narrow_terminal_gets_narrow_lines(sophia: Program) -> None:
    with Terminal(sophia, "--help", columns=60) as terminal:
        assert terminal.end() == 0
    lines = terminal.raw.decode().split("\r\n")
    assert "Global options" in terminal.screen
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize("shell", prebuilt.COMPLETION)
def test_a_shell_gets_the_script_that_the_program_makes(sophia: Program, shell: str) -> None:
    done = sophia("completion", shell)
    assert (done.code, done.err, done.out) == (0, "", made(sophia, "completion", shell))


def test_what_is_not_kept_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert prebuilt.answer(["--help"], {}) is not None
    for arguments in (
        ["--help", "get"],
        ["completion"],
        ["completion", "tcsh"],
        ["completion", "bash", "zsh"],
    ):
        assert prebuilt.answer(arguments, {}) is None
    assert prebuilt.answer(["--help"], {b"COLUMNS": b"wide"}) is None
    monkeypatch.setattr(prebuilt, "DIRECTORY", str(tmp_path))
    assert prebuilt.answer(["--help"], {}) is None
    assert prebuilt.answer(["completion", "bash"], {}) is None
