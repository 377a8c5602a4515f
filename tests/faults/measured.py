"""How much memory a command took, without that of the process that started it."""

from __future__ import annotations

import subprocess
import sys

# A child begins with the peak of whoever forked it, so a small process forks it.
_MEASURE = """
import resource, subprocess, sys
null = subprocess.DEVNULL
code = subprocess.run(sys.argv[1:], stdin=null, stdout=null, stderr=null).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak(command: list[str], environment: dict[str, str]) -> tuple[int, int]:
    """The exit code, and the most kilobytes that the command or anything it waited for had."""
    done = subprocess.run(
        [sys.executable, "-ISc", _MEASURE, *command],
        env=environment, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    code, kilobytes = done.stdout.split()
    return int(code), int(kilobytes) // (1024 if sys.platform == "darwin" else 1)
