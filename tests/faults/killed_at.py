"""The installed program, killed at the n-th of its calls that change what is on the disk."""

from __future__ import annotations

import signal
import subprocess
import sys

from tests.program import Done, Program

_DRIVER = """
import os, signal, sys
from sophia_secrets.__main__ import main

number, calls = int(sys.argv.pop(1)), sys.argv.pop(1).split(",")
count = 0

def counted(call):
    def wrapped(*arguments, **named):
        global count
        count += 1
        if count == number and number % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        call(*arguments, **named)
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
    return wrapped

for name in calls:
    setattr(os, name, counted(getattr(os, name)))
sys.exit(main())
"""


def run_killed_at(sophia: Program, number: int, *command: str, calls: str = "rename") -> Done | None:
    """
    Run a command that dies by SIGKILL right before (odd numbers) or after (even) the n-th of the
    `calls` of `os` that it makes, for its own state or the vault; None where it did, else how it
    ended.
    """
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER, str(number), calls, *command],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=sophia.cwd,
        env=sophia.full_environment(),
        check=False,
    )
    if done.returncode == -signal.SIGKILL:
        return None
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())
