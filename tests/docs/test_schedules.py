"""The examples of docs/rotate.md for schedulers: each is checked, or run, by what it is written for."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, fences
from tests.program import PROGRAM, Program
from tests.world import World

EXAMPLES = {
    fence.title: fence.body
    for fence in fences((DOCS / "rotate.md").read_text(encoding="utf-8"))
    if fence.title
}
SETTINGS = '[secrets.SESSION_KEY]\nrotate_every = "1s"\ngenerate = "hex:32"\n'


@pytest.fixture
def scheduled(sophia: Program) -> Program:
    """A project in `~/app` with a secret that is due, and the program in `~/.local/bin`."""
    app, programs = sophia.home / "app", sophia.home / ".local" / "bin"
    app.mkdir()
    programs.mkdir(parents=True)
    (programs / "sophia-secrets").symlink_to(PROGRAM)
    (app / "sophia-secrets.toml").write_text(SETTINGS)
    sophia.store("SESSION_KEY", "old")
    time.sleep(1.1)
    return sophia


def _start(scheduled: Program, command: str) -> None:
    # What cron and systemd give: no terminal, nothing on standard input, few variables.
    environ = {name: scheduled.full_environment()[name] for name in ("HOME", "SOPHIA_SECRETS_HOME")}
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**environ, "PATH": "/usr/bin:/bin"},
        cwd=scheduled.home,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    value = scheduled("get", "SESSION_KEY").out
    assert len(value) == 65, "a new one of 32 bytes in hexadecimal"
    assert any(event.get("reason", "").startswith("nightly") for event in scheduled.events())


def test_the_line_for_cron_rotates_what_is_due(scheduled: Program) -> None:
    fields = EXAMPLES["crontab"].strip().split(" ", 5)
    assert all(set(field) <= set("0123456789*,-/") for field in fields[:5])
    assert "%" not in fields[5], "cron takes it for the end of the line"
    _start(scheduled, fields[5])


def test_the_service_rotates_what_is_due(scheduled: Program) -> None:
    said = dict(
        line.split("=", 1) for line in EXAMPLES["sophia-secrets-rotate.service"].splitlines() if "=" in line
    )
    home = shlex.quote(str(scheduled.home))
    directory, command = (said[key].replace("%h", home) for key in ("WorkingDirectory", "ExecStart"))
    _start(scheduled, f"cd {directory} && {command}")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_the_units_are_what_systemd_takes(tmp_path: Path) -> None:
    for name in ("sophia-secrets-rotate.service", "sophia-secrets-rotate.timer"):
        # `%h` is the home of whoever runs the check, and what is there must be executable.
        text = EXAMPLES[name].replace("%h/.local/bin/sophia-secrets", str(PROGRAM)).replace("%h/app", "/tmp")
        (tmp_path / name).write_text(text)
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60, check=False
    )
    told = [line for line in (done.stdout + done.stderr).splitlines() if "sophia-secrets-rotate" in line]
    assert (done.returncode, told) == (0, []), done.stderr
    (tmp_path / "sophia-secrets-rotate.timer").write_text("[Timer]\nOnCalendar=sometimes\n")
    done = subprocess.run(
        ["systemd-analyze", "verify", units[1]], capture_output=True, text=True, timeout=60, check=False
    )
    assert "sometimes" in done.stdout + done.stderr, "a unit that is wrong would be seen"


def test_the_workflow_is_one_by_githubs_schema(tmp_path: Path) -> None:
    checker = Path(sysconfig.get_path("scripts")) / "check-jsonschema"
    if not os.access(checker, os.X_OK):
        pytest.skip("check-jsonschema is not installed")
    place = tmp_path / "rotate.yml"

    def check(text: str) -> int:
        place.write_text(text)
        command = [checker, "--builtin-schema", "vendor.github-workflows", place]
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode

    assert check(EXAMPLES[".github/workflows/rotate.yml"]) == 0
    assert check(EXAMPLES[".github/workflows/rotate.yml"].replace("runs-on", "runs-at")) != 0


def test_what_a_vendor_tells_of_its_last_change_counts_where_nothing_is_on_record(
    sophia: Program, vendors: World
) -> None:
    (sophia.cwd / "declared.toml").write_text(SETTINGS.replace("1s", "9000d"))
    arguments = ("--config", "declared.toml")
    sophia.store("SESSION_KEY", "old", "github")
    fresh = {"SOPHIA_SECRETS_HOME": str(sophia.root / "runner")}

    def state() -> str:
        (row,) = sophia(*arguments, "rotation", "status", "--json", **fresh).json["rotations"]
        return str(row["state"])

    assert state() == "never_rotated"
    assert sophia(*arguments, "list", "--names", **fresh).code == 0
    assert state() == "ok"
