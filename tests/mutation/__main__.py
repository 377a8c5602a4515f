"""
`python -m tests.mutation MODULE STRIDE TEST...`: every STRIDE-th mutant of a module against some tests.

    python -m tests.mutation core/compare 1 tests/unit/test_compare.py

Works in a copy of the package. A mutant is killed where a test fails, or runs four times as long.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutation.mutants import mutants

ROOT = Path(__file__).parents[2]
NO_SHRINKING = """
from hypothesis import HealthCheck, Phase, settings
settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None)
settings.load_profile("mutants")
"""


def main(module: str, stride: int, tests: list[str]) -> int:
    with tempfile.TemporaryDirectory() as place:
        for name in ("src", "tests"):
            shutil.copytree(ROOT / name, Path(place, name), ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", place)
        Path(place, "quick.py").write_text(NO_SHRINKING)
        path = Path(place, "src", "sophia_secrets", f"{module}.py")
        whole = path.read_text()
        every = mutants(whole)
        begun = time.monotonic()
        if not _passes(place, tests, 600):
            print("The tests fail without any change.", file=sys.stderr)
            return 2
        limit = 4 * (time.monotonic() - begun) + 5
        chosen = every[::stride]
        alive = 0
        for mutant in chosen:
            path.write_text(mutant.source)
            if _passes(place, tests, limit):
                alive += 1
                print(
                    f"  alive, line {mutant.line}: {mutant.what}: {whole.splitlines()[mutant.line - 1].strip()}"
                )
        killed = len(chosen) - alive
        print(f"{module}: {killed} of {len(chosen)} killed, of {len(every)} in all")
    return 0


def _passes(place: str, tests: list[str], seconds: float) -> bool:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "quick", *tests]
    environment = os.environ | {"PYTHONPATH": f"{place}/src:{place}", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*command, "--hypothesis-seed=1"], cwd=place, env=environment, capture_output=True,
            timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
