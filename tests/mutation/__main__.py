"""
`python -m tests.mutation MODULE STRIDE TEST...`: every STRIDE-th mutant of a module against some tests.

    python -m tests.mutation core/compare 1 tests/unit/test_compare.py

Works in a copy of the package. A mutant is killed where a test fails, or takes much longer than
the longest does without a change (then it is shown, to be looked at). In place of STRIDE stands the
file that holds the output of an earlier run to run what was alive then once more.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.running import Runner

ROOT = Path(__file__).parents[2]


def main(module: str, which: str, tests: list[str]) -> int:
    with tempfile.TemporaryDirectory() as place:
        for name in ("src", "tests"):
            shutil.copytree(ROOT / name, Path(place, name), ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", place)
        path = Path(place, "src", "sophia_secrets", f"{module}.py")
        whole = path.read_text()
        every = mutants(whole)
        runner = Runner(Path(place), path, tests)
        if not runner.prepares():
            print("The tests fail without any change.", file=sys.stderr)
            return 2
        chosen = every[:: int(which)] if which.isdigit() else _alive(every, Path(which).read_text())
        alive = 0
        for mutant in chosen:
            path.write_text(mutant.source)
            passed = runner.passes()
            alive += passed
            if passed or runner.late:
                word = "alive" if passed else "killed by time"
                line = whole.splitlines()[mutant.line - 1].strip()
                print(f"  {word}, line {mutant.line}: {mutant.what}: {line}", flush=True)
        path.write_text(whole)
        if not runner.passes():
            print("The tests fail without any change in the order they had at the end.", file=sys.stderr)
            return 2
        killed = len(chosen) - alive
        print(f"{module}: {killed} of {len(chosen)} killed, of {len(every)} in all")
    return 0


def _alive(every: list[Mutant], told: str) -> list[Mutant]:
    """Those mutants that a run told of; where two look the same, both."""
    return [mutant for mutant in every if f"  alive, line {mutant.line}: {mutant.what}: " in told]


if __name__ == "__main__":
    os.environ.pop("PYTEST_ADDOPTS", None)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
