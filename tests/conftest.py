from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.program import GH, Program
from tests.world import World, world

pytest_plugins = ("tests.canary_plugin",)

# How busy a machine is makes no test fail. The profile that is on already (`CI`, mutants) is kept otherwise.
hypothesis.settings.register_profile(
    "any machine",
    hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("any machine")


def pytest_configure() -> None:
    """What a shell starts in the background, or `nohup`, ignores these, and so would every program that a test ends."""
    usually = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGQUIT: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    for number, usual in usually.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture
def sophia(tmp_path: Path) -> Program:
    """The installed program in a home of its own."""
    return Program(tmp_path)


@pytest.fixture
def vendors(sophia: Program, tmp_path: Path) -> Iterator[World]:
    """All three vendors, with the program led to them."""
    with world(sophia, tmp_path) as made:
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Which of the vendors' programs were the real ones."""
    real = {
        "gh": [str(GH), *os.environ.get("SOPHIA_TEST_GH", "").split(os.pathsep)],
        "pulumi": [os.environ.get("SOPHIA_TEST_PULUMI") or shutil.which("pulumi") or ""],
        "flyctl": [os.environ.get("SOPHIA_TEST_FLY") or shutil.which("flyctl") or ""],
        "aws": [os.environ.get("SOPHIA_TEST_AWS", "")],
    }
    told = []
    for word, programs in real.items():
        count = sum(os.access(program, os.X_OK) for program in programs if program)
        told.append(f"{word}: {f'real ({count})' if count else 'stand-in'}")
    terminalreporter.write_line("vendors' programs: " + ", ".join(told))
