"""The way from an empty machine to three first secrets: every command typed, and all that is printed."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from docs.errors.scene import steady
from tests.program import PROGRAM, Program
from tests.vendors.github_api import GitHubApi
from tests.world import World


@dataclass(frozen=True)
class Leg:
    """One part of the way: what it comes to, the commands, and the variables that the machine or the runner set."""

    title: str
    text: str
    commands: tuple[str, ...]
    variables: dict[str, str]
    vendors: tuple[str, ...] = ()


LEGS = (
    Leg(
        "A local secret",
        "No account and no network. The program says itself what to do next.",
        (
            "sophia-secrets",
            "printf %s 'sk-demo-5f1c9a' | sophia-secrets set OPENAI_API_KEY --backend local",
            "sophia-secrets get OPENAI_API_KEY",
            "sophia-secrets run -- sh -c 'echo \"a key of ${#OPENAI_API_KEY} characters\"'",
        ),
        {},
    ),
    Leg(
        "A secret seen in a GitHub workflow",
        "In a clone of `octo/app`, with `gh` signed in (`gh auth login`). GitHub never gives the value back, and says so.",
        (
            "git init -q && git remote add origin https://github.com/octo/app.git",
            "sophia-secrets config init",
            "sophia-secrets trust",
            "printf %s 'd3pl0y-1234' | sophia-secrets set DEPLOY_KEY --backend github",
            "sophia-secrets explain DEPLOY_KEY",
        ),
        {},
        ("gh",),
    ),
    Leg(
        "The same secret, in the workflow's step",
        'What a step runs that has `SOPHIA_GITHUB_SECRETS_JSON: ${{ toJSON(secrets) }}` and `SOPHIA_SECRETS_TRUST: "1"` under `env:` (the whole file is in [In a GitHub workflow](ci.md)).',
        (
            "sophia-secrets explain DEPLOY_KEY",
            "sophia-secrets run --only DEPLOY_KEY -- sh -c 'echo \"a key of ${#DEPLOY_KEY} characters\"'",
        ),
        {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "octo/app",
            "SOPHIA_SECRETS_TRUST": "1",
            "SOPHIA_GITHUB_SECRETS_JSON": '{"DEPLOY_KEY": "d3pl0y-1234"}',
        },
        ("gh",),
    ),
    Leg(
        "A write to Fly",
        "In the directory of the app's `fly.toml`, with `flyctl` signed in (`fly auth login`).",
        (
            "sophia-secrets",
            "sophia-secrets config init",
            "sophia-secrets trust",
            "printf %s 'postgres://u:p@db/app' | sophia-secrets set DATABASE_URL --backend fly",
            "sophia-secrets list --backend fly",
        ),
        {},
        ("fly",),
    ),
)

_HEAD = """# The whole way, step by step

From an empty machine to a first local secret, to one in a GitHub workflow and to one at Fly: {count} commands, each as it is typed, with everything that it prints. Nothing is left out; a test types them again and compares. Installing comes before: `pipx install .` in a checkout, or `uv tool install .`.

Where the way needs a vendor, the run behind this page has a stand-in for its service. Homes and times are replaced. At a terminal leave `printf … |` away: you are asked, and the value is on no screen and in no history.
"""


def walk_page() -> str:
    """The page, from a run of every command."""
    parts = [_HEAD.format(count=sum(len(leg.commands) for leg in LEGS))]
    with TemporaryDirectory(prefix="walk-") as name, GitHubApi() as github:
        root = Path(name).resolve()
        world = World(root, github)
        for leg in LEGS:
            home = root / (leg.title if leg.vendors != ("gh",) else "gh")
            parts.append(f"\n## {leg.title}\n\n{leg.text}\n\nSteps: {len(leg.commands)}.\n")
            parts += _walked(leg, home, world)
    return "".join(parts)


def _walked(leg: Leg, home: Path, world: World) -> Sequence[str]:
    program = Program(home)
    app = home / "home" / "app"
    app.mkdir(exist_ok=True)
    if "fly" in leg.vendors:
        (app / "fly.toml").write_text('app = "my-app"\n')
    environment = _environment(home, leg, world)
    parts = []
    for command in leg.commands:
        done = subprocess.run(
            ["bash", "-c", f"exec 2>&1\n{command}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=app,
            timeout=60,
            check=True,
        )
        printed = steady(done.stdout.decode(), program.home)
        parts.append(f"\n```text\n$ {command}\n{printed}```\n")
    return parts


def _environment(home: Path, leg: Leg, world: World) -> dict[str, str]:
    """A machine with the program, and with the vendors of this leg, and no other."""
    bin_directory = home / "bin"
    bin_directory.mkdir(exist_ok=True)
    program = bin_directory / "sophia-secrets"
    if not program.is_symlink():
        program.symlink_to(PROGRAM)
    vendors = world.environment()
    for target in ("GITHUB_REPOSITORY", "PULUMI_ENVIRONMENT", "PULUMI_ACCESS_TOKEN", "FLY_APP_NAME"):
        del vendors[target]
    if "gh" not in leg.vendors:
        vendors = {
            name: value for name, value in vendors.items() if "GH" not in name and "GITHUB" not in name
        }
    if "fly" not in leg.vendors:
        vendors = {name: value for name, value in vendors.items() if "FLY" not in name}
    del vendors["SOPHIA_SECRETS_PULUMI"]
    base = {"PATH": f"{bin_directory}:/usr/bin:/bin", "HOME": str(home / "home"), "LANG": "C.UTF-8"}
    return {**base, **vendors, **leg.variables}
