"""One error, and how it is caused: a few lines of shell in a home where two secrets are stored."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.program import PROGRAM, Program
from tests.terminal import Terminal

VENDORS = {
    "gh": {"GITHUB_REPOSITORY": "octo/app"},
    "pulumi": {"PULUMI_ENVIRONMENT": "acme/app/production", "PULUMI_ACCESS_TOKEN": "pul-1"},
    "aws": {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "aws-1"},
    "fly": {"FLY_APP_NAME": "my-app", "FLY_API_TOKEN": "fly-1"},
}
_LIMIT = 30
_BASH = shutil.which("bash") or "/bin/bash"


@dataclass(frozen=True)
class Says:
    """What a vendor's program prints on its error stream before it ends with `code`."""

    program: str
    text: str
    code: int = 1
    out: str = ""


@dataclass(frozen=True)
class Scene:
    """
    The last of `lines` is the command; those before it prepare.

    `kind` is the error's, `says` what a vendor's program answers to everything, `more` are
    variables that are set and not worth showing. `typed` is what a person at a terminal answers
    to which prompt; without it there is no terminal.
    """

    kind: str
    lines: str
    says: Says | None = None
    more: Mapping[str, str] = field(default_factory=dict)
    typed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Caused:
    """A scene, what the command printed on both streams, and its exit code."""

    scene: Scene
    printed: str
    code: int


def cause(scenes: Sequence[Scene]) -> list[Caused]:
    """Run every scene, each in a home of its own, two at a time."""
    with _prepared() as (root, base), ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda pair: _cause(pair[1], root / str(pair[0]), base), enumerate(scenes)))


@contextmanager
def _prepared() -> Iterator[tuple[Path, Path]]:
    with TemporaryDirectory(prefix="errors-") as name:
        root = Path(os.path.realpath(name))
        base = root / "base"
        (base / "app").mkdir(mode=0o700, parents=True)
        base.chmod(0o700)
        for secret, value in (("STRIPE_API_KEY", "st-demo-77aa01"), ("OPENAI_API_KEY", "sk-demo-5f1c9a")):
            subprocess.run(
                [str(PROGRAM), "set", secret, "--backend", "local"],
                input=value.encode(),
                env=_environment(base),
                cwd=base / "app",
                stderr=subprocess.DEVNULL,
                check=True,
            )
        yield root, base


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": f"{PROGRAM.parent}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"}


def _cause(scene: Scene, home: Path, base: Path) -> Caused:
    shutil.copytree(base, home, symlinks=True)
    environment = _environment(home)
    if scene.says is not None:
        environment |= _stand_in(scene.says, home)
    environment |= scene.more
    if scene.typed:
        return _answered(scene, home, environment)
    before, _, command = scene.lines.rpartition("\n")
    # What must be open for writing and still fail, and whoever waits for it, end with the shell.
    done = subprocess.run(
        [_BASH, "-c", f"{{ :\n{before}\n}} >/dev/null 2>&1\nexec 2>&1\n{command}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=home / "app",
        start_new_session=True,
        timeout=_LIMIT,
        check=False,
    )
    return Caused(scene, steady(done.stdout.decode("utf-8", "replace"), home), done.returncode)


def _answered(scene: Scene, home: Path, environment: dict[str, str]) -> Caused:
    program = Program(home)
    program.cwd, program.environment = home / "app", environment | {"SOPHIA_SECRETS_HOME": ""}
    with Terminal(program, *shlex.split(scene.lines)[1:], columns=200, NO_COLOR="1") as terminal:
        for prompt, keys in scene.typed:
            terminal.wait_for(prompt)
            terminal.type(keys)
        code = terminal.end()
        return Caused(scene, steady(terminal.screen + "\n", home), code)


def _stand_in(says: Says, home: Path) -> dict[str, str]:
    path = home / ".vendor" / says.program
    path.parent.mkdir(mode=0o700)
    text = f"cat <<'END' >&2\n{says.text}\nEND\n" if says.text else ""
    path.write_text(f"#!/bin/sh\n{says.out}{text}exit {says.code}\n")
    path.chmod(0o700)
    return VENDORS[says.program] | {f"SOPHIA_SECRETS_{says.program.upper()}": str(path)}


STEADY = (
    (re.compile(r"\bage1[a-z0-9]{20,}"), "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"),
    (re.compile(r"/audit/[^/\s]+-\d+"), "/audit/laptop-1000"),
    (
        re.compile(r"(?<!`)\b20\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| UTC)?)?"),
        "2026-05-04 10:00:00",
    ),
    (re.compile(r"\b\d+ s ago\b"), "0 s ago"),
    # The variables' own size, which differs with the home's path.
    (re.compile(r"\b4,000,\d{3} bytes together\b"), "4,000,900 bytes together"),
    (re.compile(r"\b(?:held|waited) for \d+ s\b"), "held for 5 s"),
)


def steady(text: str, home: Path) -> str:
    """The text without what is another one each time: where the home is, and when it was."""
    text = text.replace("\r", "").replace(str(home), "/home/you")
    for pattern, token in STEADY:
        text = pattern.sub(token, text)
    return text
