"""
`python -m tests.fuzz [TARGET ...] [-- OPTION ...]`: run targets under atheris, all of them without a name.

The corpus of the repository is where it begins; what it finds on the way is kept in `.fuzz/`, and
an input that breaks a property is left there as `TARGET-crash-…`. Each target runs for
`SOPHIA_FUZZ_SECONDS` (60). The options are libFuzzer's. Atheris is needed: `make fuzz` installs it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
WORK = Path(".fuzz")


def main(arguments: list[str]) -> int:
    """Each target in a process of its own: atheris ends the process that it runs in."""
    from tests.fuzz.targets import TARGETS

    at = arguments.index("--") if "--" in arguments else len(arguments)
    names, options = arguments[:at] or list(TARGETS), arguments[at + 1 :]
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        print(f"There is no target {', '.join(unknown)}. There are: {', '.join(TARGETS)}.", file=sys.stderr)
        return 2
    seconds = os.environ.get("SOPHIA_FUZZ_SECONDS", "60")
    broken = []
    for name in names:
        found = WORK / name
        found.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable, "-m", "tests.fuzz.under_atheris", name, f"-max_total_time={seconds}", "-timeout=20",
            f"-dict={HERE / 'dictionary.txt'}", f"-artifact_prefix={WORK}/{name}-", "-verbosity=0",
            "-print_final_stats=1", *options, str(found), str(HERE / "corpus" / name),
        ]  # fmt: skip
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        said = done.stdout.decode("utf-8", "backslashreplace")
        runs = [line for line in said.splitlines() if "number_of_executed_units" in line]
        print(f"{name}: {runs[0].split()[-1] if runs else 'no'} runs, exit {done.returncode}", flush=True)
        if done.returncode:
            broken.append(name)
            print(said[said.find("Uncaught") :][:4000], file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
