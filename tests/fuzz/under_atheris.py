"""One target in this process, under atheris; started by `python -m tests.fuzz`."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found]

for name in [name for name in sys.modules if name.partition(".")[0] == "json"]:
    del sys.modules[name]

with atheris.instrument_imports(include=["sophia_secrets", "json", "tomllib", "yaml", "dotenv"]):
    import json.scanner

    # The one in C tells nothing of how far it came, so that no input would be thought nearer than another.
    json.scanner.make_scanner = json.scanner.py_make_scanner
    from tests.fuzz.targets import TARGETS


if __name__ == "__main__":
    one = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
