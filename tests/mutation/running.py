"""
Running some tests many times over: in a fork, so that pytest and all that is not under test is
loaded once, and those first that killed most mutants so far.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

_NO_SHRINKING = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
_LOADED_EARLY = "ignore::pytest.PytestAssertRewriteWarning"
_UNDER_TEST = ("sophia_secrets", "tests")
_FIRST_LIMIT = 600.0


class Runner:
    """
    Some tests of a copy of this repository in `place`, of which `path` is the module that changes.

    `late` says whether the last run failed only because it took too long.
    """

    def __init__(self, place: Path, path: Path, tests: list[str]) -> None:
        self._place = place
        self._path = path
        self._tests = tests
        self._kills: Counter[str] = Counter()
        self._loaded: list[str] = []
        self._longest_test = _FIRST_LIMIT
        self._longest = _FIRST_LIMIT
        self.late = False

    def prepares(self) -> bool:
        """Whether the module passes as it is; what the tests load is from then on there before them."""
        begun = time.monotonic()
        if not self.passes():
            return False
        for name in self._loaded:
            try:
                importlib.import_module(name)
            except ImportError:  # what its own package made of it
                continue
        gc.freeze()
        self._longest = 10 * (time.monotonic() - begun) + 60
        # The other modules stay compiled; this one may change twice within the second that tells them apart.
        Path(importlib.util.cache_from_source(str(self._path))).unlink(missing_ok=True)
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        sys.dont_write_bytecode = True
        return True

    def passes(self) -> bool:
        """Whether every test passes, and in time; the first that does not ends the run."""
        begun = time.monotonic()
        child = os.fork()
        if not child:
            os._exit(self._run())
        status = _wait(child, begun + self._longest)
        self.late = status is None
        durations = []
        for line in (self._place / "told").read_text().splitlines():
            kind, _, what = line.partition(" ")
            match kind:
                case "took":
                    durations.append(float(what))
                case "loaded":
                    self._loaded.append(what)
                case "late":
                    self.late = True
                case _:
                    self._kills[what] += 1
        if self._longest_test == _FIRST_LIMIT and durations:
            self._longest_test = 8 * max(durations) + 10
        return status == 0

    def _run(self) -> int:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(nowhere, fd)
        os.chdir(self._place)
        os.environ["PYTHONPATH"] = f"{self._place}/src:{self._place}"
        sys.path[:0] = [f"{self._place}/src", str(self._place)]
        for name in [name for name in sys.modules if name.partition(".")[0] in _UNDER_TEST]:
            del sys.modules[name]
        hypothesis.settings.register_profile("mutants", phases=_NO_SHRINKING, database=None)
        hypothesis.settings.load_profile("mutants")
        options = ["-x", "-q", "-p", "no:cacheprovider", "-W", _LOADED_EARLY, "--hypothesis-seed=1"]
        options.append(f"--timeout={self._longest_test}")
        with open("told", "w", buffering=1) as told:
            status = int(pytest.main([*options, *self._tests], plugins=[_Told(self._kills, told.write)]))
            if not self._loaded:
                loaded = [name for name in sys.modules if name.partition(".")[0] not in _UNDER_TEST]
                told.writelines(f"loaded {name}\n" for name in loaded)
        return status


class _Told:
    def __init__(self, kills: Counter[str], tell: Callable[[str], object]) -> None:
        self._kills = kills
        self._tell = tell

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: -self._kills[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._tell(f"took {report.duration}\n")
        if report.failed:
            self._tell(f"killed {report.nodeid}\n")
            if "Failed: Timeout (" in report.longreprtext:
                self._tell("late\n")


def _wait(child: int, deadline: float) -> int | None:
    """How the child ended; None where it had to be ended. What it left behind ends with it."""
    status = None
    while status is None and time.monotonic() < deadline:
        ended, how = os.waitpid(child, os.WNOHANG)
        if ended:
            status = how
        else:
            time.sleep(0.01)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if status is None:
        os.waitpid(child, 0)
    return status
