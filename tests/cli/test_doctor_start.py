"""What `doctor` says of how the program starts."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

import sophia_secrets
from sophia_secrets.operations import starting
from tests.program import Program

PACKAGE = str(Path(sophia_secrets.__file__).parent)
MAIN = "import sys\nfrom sophia_secrets.__main__ import main\nsys.exit(main())\n"


def starts(sophia: Program, **more: str) -> list[dict[str, Any]]:
    """The checks of the start."""
    done = sophia("doctor", "--json", **more)
    assert done.code == 0, done.said
    return [each for each in done.json["checks"] if each["id"].startswith("start")]


def by(sophia: Program, python: str | Path, text: str) -> Program:
    """The program as a console script of this Python with this text."""
    script = sophia.root / "sophia-secrets"
    script.write_text(f"#!{python}\n{text}")
    script.chmod(0o755)
    return Program(sophia.root, executable=script)


@pytest.fixture
def quick(sophia: Program) -> Program:
    """The program as the installers of today write its console script, whichever installed it here."""
    return by(sophia, sys.executable, MAIN)


def test_where_nothing_slows_a_start_one_line_says_so(quick: Program) -> None:
    quick("doctor")  # whatever has no bytecode yet has it now
    [only] = starts(quick)
    assert (only["id"], only["status"], only["hint"]) == ("start", "ok", "")


def test_bytecode_that_is_not_kept_is_told_with_where_and_the_command(quick: Program, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    [told] = starts(quick, PYTHONPYCACHEPREFIX=str(kept), PYTHONDONTWRITEBYTECODE="1")
    assert (told["id"], told["status"]) == ("start.bytecode", "warn")
    assert PACKAGE in told["message"]
    assert "(PYTHONDONTWRITEBYTECODE is set)" in told["message"]
    assert f"`{sys.executable} -m compileall -q " in told["hint"]
    assert PACKAGE in told["hint"]
    [kept_now] = starts(quick, PYTHONPYCACHEPREFIX=str(kept))
    assert kept_now["status"] == "ok"


def test_bytecode_of_another_source_is_none(quick: Program, tmp_path: Path) -> None:
    prefix = {"PYTHONPYCACHEPREFIX": str(tmp_path / "kept")}
    starts(quick, **prefix)
    [errors] = (tmp_path / "kept").rglob("sophia_secrets/errors.*.pyc")
    head = errors.read_bytes()
    errors.write_bytes(head[:8] + b"\x00\x00\x00\x01" + head[12:])
    [told] = starts(quick, PYTHONDONTWRITEBYTECODE="1", **prefix)
    assert told["message"].startswith(f"The bytecode of 1 module in {PACKAGE} is not kept")
    subprocess.run([sys.executable, "-m", "compileall", "-q", PACKAGE], env=os.environ | prefix, check=True)
    [mended] = starts(quick, PYTHONDONTWRITEBYTECODE="1", **prefix)
    assert mended["status"] == "ok"


def test_a_script_of_an_older_pip_is_told_and_another_is_not(sophia: Program) -> None:
    slow = by(sophia, sys.executable, f"# -*- coding: utf-8 -*-\nimport re\n{MAIN}")
    [told] = starts(slow)
    assert (told["id"], told["status"]) == ("start.script", "warn")
    assert told["message"].startswith(f"{slow.executable} was made by an older pip")
    assert "-m pip install --upgrade pip" in told["hint"]
    [fast] = starts(by(sophia, sys.executable, MAIN))
    assert fast["status"] == "ok"


@pytest.mark.parametrize("line", ["import typing, pathlib, subprocess", "import sys"])
def test_a_file_that_makes_python_import_much_is_named_with_its_package(sophia: Program, line: str) -> None:
    venv = sophia.root / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = next(venv.glob("lib/python*/site-packages"))
    (site / "ours.pth").write_text(f"{sysconfig.get_path('purelib')}\n{Path(PACKAGE).parent}\n")
    (site / "slow.pth").write_text(f"{line}\n")
    (site / "slow_thing-1.0.dist-info").mkdir()
    (site / "slow_thing-1.0.dist-info" / "RECORD").write_text("slow/__init__.py,,\nslow.pth,,\n")
    program = by(sophia, venv / "bin" / "python", MAIN)
    told = starts(program)
    if line == "import sys":
        assert [each["status"] for each in told] == ["ok"]
        return
    assert [(each["id"], each["status"]) for each in told] == [("start.site", "warn")]
    assert told[0]["message"].startswith(
        f"{site / 'slow.pth'} of the package slow_thing makes every start of Python import "
    )
    assert told[0]["hint"].startswith(
        f"Take it out with `{venv / 'bin' / 'python'} -m pip uninstall slow_thing`, or install"
    )


def test_a_python_program_that_initializes_is_told_nothing_of_starts(sophia: Program) -> None:
    asked = "import asyncio\nfrom sophia_secrets.manager import secrets_manager\n"
    asked += "print(*(each.id for each in asyncio.run(secrets_manager.initialize())))\n"
    done = by(sophia, sys.executable, asked)()
    assert done.code == 0, done.said
    assert "audit" in done.out.split()
    assert not [each for each in done.out.split() if each.startswith("start")]


def test_so_many_modules_are_what_a_heavy_import_brings() -> None:
    code = "import sys; before = len(sys.modules); import typing; print(len(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, check=True, text=True)
    assert int(done.stdout) >= starting.MANY
