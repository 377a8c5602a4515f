"""The program `cabinet`, as far as the example needs one: drawers are files under `CABINET_HOME`."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

TOKEN = "cabinet-token-5b21"


def install(directory: Path) -> Path:
    """The program as a file that can be started."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    program = directory / "cabinet"
    program.write_text(f"#!{sys.executable} -I\n{Path(__file__).read_text()}\nmain()\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def main() -> None:
    verb, *rest = sys.argv[1:]
    if verb == "version":
        print('{"version": "1.2"}')
        return
    if os.environ.get("CABINET_TOKEN") != TOKEN:
        sys.exit(3)
    drawer = Path(os.environ["CABINET_HOME"], f"{rest[1]}.json")
    if not drawer.exists():
        sys.exit(4)
    held = json.loads(drawer.read_text())
    if verb == "list":
        print(json.dumps(held))
        return
    if verb == "put":
        for name, value in json.load(sys.stdin).items():
            held[name] = {"value": value, "version": held.get(name, {}).get("version", 0) + 1}
    elif verb == "remove":
        for name in rest[2:]:
            held.pop(name, None)
    drawer.write_text(json.dumps(held))
