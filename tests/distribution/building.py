"""Builds the sdist and the wheel from a copy of the checkout, with what must never be in either lying in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

STRAYS = (
    "src/sophia_secrets/.mypy_cache/3.11/x.meta.json",
    "src/sophia_secrets/.ruff_cache/0",
    "src/sophia_secrets/core/__pycache__/model.cpython-311.pyc",
    "src/sophia_secrets/core/model.pyo",
    "src/sophia_secrets/.env",
    "src/sophia_secrets/prod.env",
    "src/sophia_secrets/secrets.env.age",
    "tests/.pytest_cache/README.md",
    "tests/.hypothesis/unicode_data/x",
    "docs/.DS_Store",
    ".env",
    "secrets.env.age",
    "dist/old.whl",
    ".venv/bin/python",
)


@dataclass(frozen=True)
class Built:
    """An sdist, the wheel of the checkout, and the wheel that the sdist alone gives."""

    sdist: Path
    wheel: Path
    wheel_of_sdist: Path


def build(source: Path, directory: Path) -> Built:
    """Build all three in `directory` with the build backend that is installed: no network."""
    sdist = _hatchling("sdist", source, directory / "sdist")
    wheel = _hatchling("wheel", source, directory / "wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(directory / "unpacked", filter="data")
    (unpacked,) = (directory / "unpacked").iterdir()
    return Built(sdist, wheel, _hatchling("wheel", unpacked, directory / "again"))


def _hatchling(target: str, source: Path, directory: Path) -> Path:
    """The one file that this build made."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(directory)],
        cwd=source,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (made,) = directory.iterdir()
    return made


def checkout(to: Path) -> Path:
    """A copy of what a checkout holds, without what runs and tools left in it."""
    left = shutil.ignore_patterns(
        "__pycache__", ".*_cache", ".hypothesis", ".venv", ".git", "site", "dist", "build"
    )
    return Path(shutil.copytree(ROOT, to, ignore=left))


def with_strays(source: Path) -> Path:
    """The same checkout with caches, a vault and a dotenv file in it, and no `.gitignore` that would hide them."""
    (source / ".gitignore").unlink(missing_ok=True)
    for stray in STRAYS:
        (source / stray).parent.mkdir(parents=True, exist_ok=True)
        (source / stray).write_text("SECRET=stray")
    return source
