"""The JSON page: every shape as the program really printed it, with what differs made the same."""

from __future__ import annotations

import getpass
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

from docs.reference_schemas import links
from sophia_secrets.cli.commands import COMMANDS


@dataclass(frozen=True)
class Example:
    """One command of the walk: shown under `title` unless that is empty."""

    title: str
    command: str
    stdin: str = ""
    variables: tuple[tuple[str, str], ...] = ()
    about: str = ""


_NO_GH = (("GITHUB_REPOSITORY", "octo/app"), ("SOPHIA_SECRETS_GH", "/nonexistent/gh"))

WALK = (
    Example("set", "set OPENAI_API_KEY --backend local", "sk-example"),
    Example("", "set SESSION_KEY --backend local", "0123456789abcdef"),
    Example("get", "get OPENAI_API_KEY", about="The one shape with a value. A trace step's `outcome` is `found`, "
            "`write_only`, `absent`, `failed`, `skipped` or `not_configured`."),
    Example("explain", "explain OPENAI_API_KEY"),
    Example("list", "list OPENAI", variables=_NO_GH, about="Here `gh` is missing. `state` is `readable`, "
            "`write_only`, `absent` or `unknown`; `drift` is `same`, `differs`, `unknown` or null."),
    Example("info", "info OPENAI_API_KEY"),
    Example("diff", "diff local env", about="`state` is `same`, `differs`, `unknown` or where alone the name is."),
    Example("copy, move, sync", "copy NEW_KEY --from env --to local --yes", variables=(("NEW_KEY", "new"),),
            about="`outcome` is `done`, `unchanged`, `refused`, `failed`, `unknown` or `not_started`."),
    Example("import", "import example.env --backend local --dry-run"),
    Example("rotate", "rotate SESSION_KEY --generate hex:16 --yes"),
    Example("rotation status", "rotation status"),
    Example("check", "check", about="`status` is `ok`, `warn`, `fail`, `skip` or `unknown`."),
    Example("scan", "scan example.env"),
    Example("delete", "delete SESSION_KEY --backend local --yes"),
    Example("doctor", "doctor", about="`status` is `ok`, `warn`, `fail` or `skip`."),
    Example("backends", "backends"),
    Example("cache status", "cache status"),
    Example("cache clear", "cache clear"),
    Example("config path", "config path"),
    Example("trust", "trust"),
    Example("audit log", "audit log --last 1", about="One event a line, not one object."),
    Example("audit report", "audit report"),
    Example("audit verify", "audit verify"),
    Example("An error", "get NOT_THERE", about="On standard output, with the exit code that it would have anyway."),
)  # fmt: skip


def json_page() -> str:
    """One section for each shape; a command that does not exist has none."""
    parts = [
        "# JSON\n",
        (
            'With `--json` a command answers with one object that has `"schema": 1`. Keys are only ever added '
            "while that number stays. `audit log` and `audit export` give one event a line, `export` the flat "
            "object of its own format; `run` is the command that it starts. What stands here is what the "
            "program printed, with times, paths and numbers of processes made the same.\n"
        ),
        "Every command has a JSON Schema of what it may answer, errors too: [the list](#schemas).\n",
    ]
    with tempfile.TemporaryDirectory(prefix="sophia-docs-") as made:
        root = os.path.realpath(made)
        for example in WALK:
            words = example.command.split()
            if words[0] not in COMMANDS:
                continue
            printed = _run(root, example)
            if not printed or not example.title:
                continue
            parts.append(f"## {example.title}\n")
            if example.about:
                parts.append(f"{example.about}\n")
            parts.append(f"```json\n{printed}\n```\n")
    parts.append(f"## Schemas\n\n{links()}\n")
    return "\n".join(parts)


def _run(root: str, example: Example) -> str:
    """What the command printed; nothing where the program has no such command."""
    home, work = os.path.join(root, "home"), os.path.join(root, "work")
    for directory in (home, work):
        os.makedirs(directory, mode=0o700, exist_ok=True)
    with open(os.path.join(work, "example.env"), "w", encoding="utf-8") as file:
        file.write("OPENAI_API_KEY=sk-example\nOTHER_KEY=other\n")
    with open(os.path.join(work, "sophia-secrets.toml"), "w", encoding="utf-8") as file:
        file.write('[secrets.SESSION_KEY]\nrequired = true\nrotate_every = "90d"\ngenerate = "hex:16"\n')
    done = subprocess.run(
        [sys.executable, "-m", "sophia_secrets", *example.command.split(), "--json"],
        input=example.stdin.encode(),
        capture_output=True,
        cwd=work,
        env={"PATH": "/nonexistent", "HOME": home, "LANG": "C.UTF-8", **dict(example.variables)},
        check=False,
    )
    if not done.stdout:
        return ""
    answer = json.loads(done.stdout)
    if answer.get("error", {}).get("kind") == "usage":
        return ""
    answer = _plain(answer, root)
    return _text(answer)


_SAME: dict[str, object] = {
    "pid": 4711,
    "host": "laptop",
    "duration_ms": 3,
    "mac": "…",
    "ci": "CI",
    "seq": 12,
    "head": "…",
    "rotation": "…",
}
_USERS = frozenset({"user", "actor"})
_ME = getpass.getuser()
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_AGE = re.compile(r"age1[02-9ac-hj-np-z]{58}")
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
_AGO = re.compile(r"\b\d+ seconds? ago\b")
_HEX = re.compile(r"^[0-9a-f]{16,}$")


def _plain(value: Any, root: str, key: str = "") -> Any:
    """The same value on every machine and at every time."""
    match value:
        case dict():
            return {each: _plain(part, root, each) for each, part in value.items()}
        case list():
            return [_plain(part, root) for part in value]
        case str() if key in _USERS and value == _ME:
            return "you"
        case str() if key not in _SAME:
            text = value.replace(f"{root}/home", "/home/you").replace(root, "/home/you")
            text = _AGO.sub("1 second ago", text)
            text = _AGE.sub("age1…", _MOMENT.sub("2026-01-02T03:04:05.678Z", text))
            return _HEX.sub("0123456789abcdef", _DAY.sub("2026-01-02", text))
        case None | bool() | float():
            return value
        case _:
            return _SAME.get(key, value)


def _text(value: Any) -> str:
    """JSON with one key a line at the outside and short things on one line."""
    return _block(value, 0)


def _block(value: Any, indent: int) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or (len(line) + indent <= 96 and indent):
        return line
    inner, outer = " " * (indent + 2), " " * indent
    if isinstance(value, dict):
        rows = [f"{inner}{json.dumps(key)}: {_block(part, indent + 2)}" for key, part in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{outer}}}" if rows else "{}"
    rows = [f"{inner}{_block(part, indent + 2)}" for part in value]
    return "[\n" + ",\n".join(rows) + f"\n{outer}]" if rows else "[]"
