"""The main job, run for real on the embedded local backend in a private scratch home."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile

STEPS: tuple[tuple[str, str, int, str], ...] = (
    ("Store a secret. The value comes on standard input, never in an argument.", "set OPENAI_API_KEY --backend local", 0, "sk-demo-5f1c9a"),
    ("Let the product make one.", "set SESSION_SIGNING_KEY --backend local --generate hex:32", 0, ""),
    ("Which secrets are there, and where does each come from?", "list", 0, ""),
    ("Read one.", "get OPENAI_API_KEY", 0, ""),
    ("Why that value?", "explain OPENAI_API_KEY", 0, ""),
    ("A name that is not there: exit code 3, and the nearest name.", "get OPENAI_KEY", 3, ""),
    ("What is known of it?", "info OPENAI_API_KEY", 0, ""),
    ("Who did what?", "audit log", 0, ""),
    ("Was anybody at the log?", "audit verify", 0, ""),
    ("Is everything in order?", "doctor", 0, ""),
)  # fmt: skip


def main(program: str) -> int:
    """Run every step, show it as a person would type it, and stop at the first surprise."""
    program = os.path.abspath(program)
    with tempfile.TemporaryDirectory(prefix="sophia-demo-") as home:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM", "NO_COLOR") if name in os.environ}
        environment = {**kept, "HOME": home, "SOPHIA_SECRETS_HOME": os.path.join(home, "sophia")}
        for why, command, expected, value in STEPS:
            typed = (
                f"printf %s '{value}' | sophia-secrets {command}" if value else f"sophia-secrets {command}"
            )
            print(f"\n# {why}\n$ {typed}", flush=True)
            done = subprocess.run(
                [program, *shlex.split(command)],
                input=value.encode(),
                env=environment,
                cwd=home,
                check=False,
            )
            if done.returncode != expected:
                print(
                    f"\nThe demo failed: exit code {done.returncode} instead of {expected}.", file=sys.stderr
                )
                return 1
    print("\nThat was the main job. Nothing outside the scratch home was touched, and it is gone.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
