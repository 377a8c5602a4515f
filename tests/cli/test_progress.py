"""Long work shows how far it is: on a terminal alone, on standard error, and never afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sophia_secrets.cli.progress import Bar
from sophia_secrets.operations import scanning
from sophia_secrets.operations.opening import open_session
from sophia_secrets.view import columns
from tests.program import Program
from tests.terminal import Terminal
from tests.world import World, world

NAMES = tuple(f"KEY_{number}" for number in range(5))
SYNC = ("sync", "--from", "local", "--to", "pulumi", "--yes")


@pytest.fixture
def vendors(tmp_path: Path) -> Iterator[tuple[Program, World]]:
    sophia = Program(tmp_path)
    with world(sophia, tmp_path) as made:
        text = "".join(f"{name}=value-{name}\n" for name in NAMES)
        assert (
            sophia("import", "-", "--format", "dotenv", "--backend", "local", "--yes", stdin=text).code == 0
        )
        yield sophia, made


def test_a_sync_of_many_names_counts_them_on_a_terminal_and_leaves_nothing(
    vendors: tuple[Program, World],
) -> None:
    sophia, _ = vendors
    with Terminal(sophia, *SYNC, columns=100) as terminal:
        assert terminal.end() == 0, terminal.screen
        sent, screen = terminal.raw.decode(), terminal.screen
    assert "of 5 names" in sent
    assert "Writing to pulumi (acme/app/production)" in sent
    assert "█" in sent
    assert "█" not in screen
    assert "Writing to" not in screen
    assert screen.count("done") == len(NAMES)


def test_nothing_of_it_is_in_a_pipe(vendors: tuple[Program, World]) -> None:
    sophia, _ = vendors
    done = sophia(*SYNC)
    assert done.code == 0, done.said
    assert "Writing to" not in done.said
    assert "█" not in done.said
    assert "\r" not in done.said


def test_the_one_who_waits_is_told_for_whom(vendors: tuple[Program, World]) -> None:
    sophia, _ = vendors
    with Terminal(sophia, "list", "--backend", "pulumi", "--no-cache", columns=100) as terminal:
        assert terminal.end() == 0, terminal.screen
        assert "Asking pulumi (acme/app/production)" in terminal.raw.decode()
        assert "Asking" not in terminal.screen


def test_a_scan_counts_its_files(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("x")
    shown: list[object] = []

    @contextmanager
    def work(what: str, total: int, unit: str, _at_once: bool) -> Iterator[Callable[[int], None]]:
        shown.append((what, total, unit))
        yield shown.append

    environ = {"HOME": str(tmp_path / "home"), "PATH": os.defpath}
    session = open_session("scan", environ=environ, cwd=str(tmp_path), on_work=work)
    known = scanning.known(session, ignored=(), only=None, use_cache=False)
    assert scanning.scan_files(session, known, [str(tmp_path)]).files >= 3
    assert shown[0] == ("Scanning", len(shown) - 1, "files")
    assert shown[1:] == list(range(len(shown) - 1))


@pytest.fixture
def impatient(tmp_path: Path) -> str:
    """The program with a bar that shows every file: no test waits for a slow disk."""
    path = tmp_path / "impatient"
    path.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "from sophia_secrets.cli import progress\n"
        "progress.PATIENCE = progress._PACE = 0\n"
        "from sophia_secrets.__main__ import main\n"
        "sys.exit(main())\n"
    )
    path.chmod(0o700)
    return str(path)


def test_a_scan_shows_its_files_on_a_terminal_and_leaves_the_findings_alone(
    sophia: Program, impatient: str
) -> None:
    sophia.store("API_KEY", "a-value-to-find")
    for number in range(3):
        (sophia.cwd / f"{number}.txt").write_text("a-value-to-find" if number == 1 else "x")
    with Terminal(sophia, "scan", columns=100, executable=impatient) as terminal:
        assert terminal.end() == 7, terminal.screen
        sent, screen = terminal.raw.decode(), terminal.screen
    assert "Scanning  " in sent
    assert "1 of 3 files" in sent
    assert "Scanning" not in screen
    assert "of 3 files" not in screen
    assert screen.startswith("1.txt:1: API_KEY\nerror: ")


def test_a_scan_in_a_pipe_shows_no_files_it_looked_into(sophia: Program, impatient: str) -> None:
    sophia.store("API_KEY", "a-value-to-find")
    (sophia.cwd / "a.txt").write_text("x")
    done = subprocess.run(
        [impatient, "scan"], cwd=sophia.cwd, env=sophia.full_environment(), capture_output=True, check=False
    )
    assert done.returncode == 0
    assert b"Scanning" not in done.stdout + done.stderr


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize(
    "what", ["Verifying", "Writing to pulumi (会社/アプリ/本番-production-環境)", "🔑" * 60]
)
def test_a_bar_never_leaves_its_line(width: int, what: str) -> None:
    said: list[str] = []
    bar = Bar(what, 1234, said.append, lambda: 0.0, unit="names", width=width, patience=0)
    bar.update(1000)
    bar.clear()
    assert len(said) == 2
    assert all(columns.cells(line.strip("\r")) < width for line in said)
    assert "1,000 of 1,234 names" in said[0]
