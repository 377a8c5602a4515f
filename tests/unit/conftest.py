"""What the tests of the units share."""

from __future__ import annotations

import os

import pytest

from sophia_secrets.state import audit


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coverage does not see a thread that `_thread` starts: under it the audit log is written in the test's own."""
    if os.environ.get("COVERAGE_RUN"):
        monkeypatch.setattr(audit, "start_new_thread", lambda run, arguments: run(*arguments))
