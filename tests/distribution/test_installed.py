"""Run by `make wheel-test`: the tests meet the installed wheel, and no source is near."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sophia_secrets
from tests.distribution.building import ROOT
from tests.program import PROGRAM, Program

PLACE = os.environ.get("SOPHIA_TEST_WHEEL", "")
pytestmark = pytest.mark.skipif(not PLACE, reason="runs against the wheel: make wheel-test")


def test_the_package_comes_from_site_packages() -> None:
    where = Path(sophia_secrets.__file__)
    assert where.parent.parent.name == "site-packages"
    assert where.is_relative_to(PLACE)
    assert PROGRAM.is_relative_to(PLACE)
    assert not (ROOT / "src").exists()
    assert not [entry for entry in sys.path if entry.rstrip("/").endswith("src")]


def test_the_program_is_of_the_same_version(sophia: Program) -> None:
    assert sophia("--version").out == f"sophia-secrets {importlib.metadata.version('sophia-secrets')}\n"


def test_types_are_known_to_others() -> None:
    assert (Path(sophia_secrets.__file__).parent / "py.typed").is_file()


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
def test_man_finds_the_page() -> None:
    done = subprocess.run(
        ["man", "-w", "sophia-secrets"],
        env={"PATH": "/usr/bin:/bin", "MANPATH": f"{PLACE}/share/man"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{PLACE}/share/man/man1/sophia-secrets.1\n"
