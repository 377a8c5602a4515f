"""
Installs the wheel as users do and runs the suite against it: what `make wheel-test` runs.

The wheel is the one that the sdist gives. pip, uv and pipx each install it into an empty place of its own,
and what they installed stores a secret and gives it back. Then the tests of `SELECTED` run from a directory
that has no `src/`, in the environment that pip made: those of the units, of the command line and of the
example plug-in, all of them, and those of what others copy from the documentation.

Not among them are tests/contract, tests/vendors and tests/faults, which hold the vendors' programs and the
disk to account and not the package; tests/fuzz and tests/mutation, which are tools; and the rest of
tests/docs, which holds the pages to the program (they passed here too, and took a seventh of the time).
The differential test of the hot path takes 50 states of a kind: the 500 of `make test` meet the same files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.distribution.building import ROOT, build, checkout

TOOLS = Path(sysconfig.get_path("scripts"))
MAN_PAGE = Path("share/man/man1/sophia-secrets.1")
SELECTED = (
    "tests/distribution/test_installed.py",
    "tests/unit",
    "tests/cli",
    "tests/plugin_example",
    "tests/docs/test_examples.py",
    "tests/docs/test_man_page.py",
    "tests/docs/test_schedules.py",
    "tests/docs/test_walk.py",
)
CARRIED = (
    "tests",
    "docs",
    ".pre-commit-hooks.yaml",
    "mkdocs.yml",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "requirements-dev.txt",
)


def main(arguments: Sequence[str]) -> int:
    """Build, install three times, run the tests; the exit code of the tests."""
    with tempfile.TemporaryDirectory(prefix="sophia-wheel-") as made:
        root = Path(os.path.realpath(made))
        wheel = build(checkout(root / "checkout"), root).wheel_of_sdist
        place = with_pip(wheel, root)
        with_uv(wheel, root)
        with_pipx(wheel, root)
        return run_tests(place, root, arguments or SELECTED)


def with_pip(wheel: Path, root: Path) -> Path:
    """A virtual environment that holds the wheel, what it needs, and nothing else."""
    place = root / "pip"
    step(f"pip install {wheel.name}")
    run([sys.executable, "-m", "venv", str(place)])
    run([str(place / "bin/python"), "-m", "pip", "install", "--quiet", str(wheel)])
    run([str(place / "bin/python"), "-m", "pip", "check"])
    keep_and_give_back(place / "bin/sophia-secrets", root / "home-pip")
    if not (place / MAN_PAGE).is_file():
        raise SystemExit(f"the wheel installed no {MAN_PAGE}")
    return place


def with_uv(wheel: Path, root: Path) -> None:
    """`uv tool install`."""
    step(f"uv tool install {wheel.name}")
    places = {"UV_TOOL_DIR": str(root / "uv"), "UV_TOOL_BIN_DIR": str(root / "uv-bin")}
    run([str(TOOLS / "uv"), "tool", "install", "--quiet", "--python", sys.executable, str(wheel)], places)
    keep_and_give_back(root / "uv-bin/sophia-secrets", root / "home-uv")


def with_pipx(wheel: Path, root: Path) -> None:
    """`pipx install`, which also links the man page."""
    step(f"pipx install {wheel.name}")
    places = {
        "PIPX_HOME": str(root / "pipx"),
        "PIPX_BIN_DIR": str(root / "pipx-bin"),
        "PIPX_MAN_DIR": str(root / "pipx-man"),
    }
    run([str(TOOLS / "pipx"), "install", "--quiet", "--python", sys.executable, str(wheel)], places)
    keep_and_give_back(root / "pipx-bin/sophia-secrets", root / "home-pipx")
    if not (root / "pipx-man/man1/sophia-secrets.1").is_file():
        raise SystemExit("pipx linked no man page")


def keep_and_give_back(program: Path, home: Path) -> None:
    """What was installed stores a secret in an empty home and gives it back."""
    home.mkdir()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"}

    def said(*words: str, stdin: str = "") -> str:
        done = subprocess.run(
            [str(program), *words],
            input=stdin,
            env=environment,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{program} {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    said("set", "API_KEY", "--backend", "local", stdin="from-the-wheel")
    given = said("get", "API_KEY")
    if given != "from-the-wheel\n":
        raise SystemExit(f"{program} get: {given!r}")
    said("doctor")


def run_tests(place: Path, root: Path, selected: Sequence[str]) -> int:
    """The tests in a directory of their own, with the locked development dependencies beside the wheel."""
    away = root / "tests-alone"
    away.mkdir()
    for name in CARRIED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, away / name, ignore=shutil.ignore_patterns("__pycache__", ".*_cache")
            )
        else:
            shutil.copy(ROOT / name, away / name)
    python = str(place / "bin/python")
    step("the locked development dependencies")
    locked = ["--quiet", "--require-hashes", "--requirement", str(away / "requirements-dev.txt")]
    run([str(TOOLS / "uv"), "pip", "install", "--python", python, *locked])
    step(f"the tests against {place.name}'s site-packages: {' '.join(selected)}")
    return subprocess.run(
        [python, "-m", "pytest", "-n", "2", "-rs", *selected],
        cwd=away,
        env={"SOPHIA_HOT_STATES": "50", **_clean(), "SOPHIA_TEST_WHEEL": str(place)},
        check=False,
    ).returncode


def run(command: list[str], variables: Mapping[str, str] = {}) -> None:
    """Run a command that must succeed; its output is shown only if it does not."""
    done = subprocess.run(
        command,
        env={**_clean(), "UV_PYTHON_DOWNLOADS": "never", "UV_LINK_MODE": "copy", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def _clean() -> dict[str, str]:
    """This process's variables without those that would lead Python elsewhere."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def step(text: str) -> None:
    print(f"-- {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
