"""
The operating system's keyring as the place of the key: the real `keyring` library, with a backend
that keeps its passwords in a file, and with GNOME's Secret Service where that is installed.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import PROGRAM, Program

pytest.importorskip("keyring")

SETTINGS = '[cache]\nkey = "keyring"\n'
SERVICE = shutil.which("dbus-run-session") and shutil.which("gnome-keyring-daemon")


@pytest.fixture
def ringed(sophia: Program) -> Program:
    """The program with its key in a keyring that is a file in its home."""
    pytest.importorskip("keyrings.alt.file")
    sophia.environment |= {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring"}
    sophia.user_settings(SETTINGS)
    return sophia


def key_files(program: Program) -> list[Path]:
    return [path for path in program.files() if path.name in ("key", "cache.key") or path.suffix == ".key"]


def test_the_key_is_in_the_keyring_and_in_no_file_of_ours(ringed: Program) -> None:
    ringed.store("API_KEY", "value")
    assert ringed("get", "API_KEY").out == "value\n"
    assert ringed("audit", "verify").code == 0
    (check,) = [row for row in ringed("doctor", "--json").json["checks"] if row["id"] == "key"]
    assert check["message"] == "The key comes from the keyring."
    assert key_files(ringed) == []
    kept = [path for path in ringed.home.rglob("keyring_pass.cfg") if ringed.sophia not in path.parents]
    assert len(kept) == 1


def test_a_state_whose_key_left_the_keyring_is_not_what_it_was(ringed: Program) -> None:
    ringed.store("API_KEY", "value")
    (kept,) = ringed.home.rglob("keyring_pass.cfg")
    kept.unlink()
    done = ringed("audit", "verify")
    assert done.code == 6, done.said
    assert "Traceback" not in done.said


def test_X1_many_processes_at_their_first_start_make_one_key(ringed: Program) -> None:
    command = [str(PROGRAM), "get", "NOT_THERE"]
    started = [
        subprocess.Popen(
            command,
            env=ringed.full_environment(),
            cwd=ringed.cwd,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(6)
    ]
    said = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [3] * 6, said
    assert ringed("audit", "verify", "--json").json["events"] == 6


def test_where_there_is_no_keyring_the_error_says_what_else_there_is(sophia: Program) -> None:
    sophia.user_settings(SETTINGS)
    sophia.environment |= {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done = sophia("get", "API_KEY")
    assert done.code == 2, done.said
    assert "keyring could not be used" in done.err
    assert "Traceback" not in done.said


@pytest.mark.skipif(not SERVICE, reason="dbus-run-session and gnome-keyring-daemon are not both here")
def test_the_secret_service_of_the_desktop_keeps_the_key(sophia: Program) -> None:
    sophia.user_settings(SETTINGS)
    program = shlex.quote(str(PROGRAM))
    python = shlex.quote(sys.executable)
    script = f"""
        set -e
        printf 'password\\n' | gnome-keyring-daemon --unlock --components=secrets > /dev/null
        printf value | {program} set API_KEY --backend local
        {program} get API_KEY
        {program} audit verify
        {python} -c 'import keyring; print(type(keyring.get_keyring()).__module__)'
    """
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", script],
        env=sophia.full_environment(),
        cwd=sophia.cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    value, verified, backend = done.stdout.splitlines()
    assert value == "value"
    assert verified.endswith("events, all as they were written.")
    assert backend in ("keyring.backends.SecretService", "keyring.backends.chainer")
    assert key_files(sophia) == []
    # Without the service the key is out of reach, and nothing is made up for it.
    assert sophia("get", "API_KEY", PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring").code == 2
