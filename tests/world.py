"""All three vendors at once: the real gh against a local API, stand-ins for pulumi and flyctl."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.program import GH, Program
from tests.vendors.fly_cli import TOKEN as FLY_TOKEN
from tests.vendors.fly_cli import FlyCli
from tests.vendors.github_api import GitHubApi
from tests.vendors.pulumi_cli import PulumiCli
from tests.vendors.pulumi_cloud import TOKEN as PULUMI_TOKEN

ENVIRONMENT = "acme/app/production"


class World:
    """The vendors, and what each of them holds or was asked."""

    def __init__(self, root: Path, github: GitHubApi) -> None:
        self.github = github
        self.fly = FlyCli.install(root / "fly")
        self.pulumi = PulumiCli(root / "pulumi")
        self.define({})

    def define(self, values: dict[str, str]) -> None:
        """What the Pulumi environment holds."""
        with self.pulumi.service() as service:
            body = {"values": {"environmentVariables": {n: {"fn::secret": v} for n, v in values.items()}}}
            service.define(ENVIRONMENT, json.dumps(body))

    def pulumi_fails(self, status: int, body: object, times: int | None = None) -> None:
        """Every opening of an environment is answered so."""
        with self.pulumi.service() as service:
            service.fail("POST", "/open", status, body, times)

    def pulumi_opens(self) -> int:
        """How often an environment was opened."""
        return sum(call["argv"][-6:].count("open") or ("open" in call["argv"]) for call in self.pulumi.calls)

    def environment(self) -> dict[str, str]:
        """The variables that lead the program to these vendors, and point it at a target of each."""
        return {
            **{name: value for name, value in self.github.environment().items() if name != "HOME"},
            "GITHUB_REPOSITORY": "octo/app",
            "PULUMI_ACCESS_TOKEN": PULUMI_TOKEN,
            "PULUMI_ENVIRONMENT": ENVIRONMENT,
            "FLY_API_TOKEN": FLY_TOKEN,
            "FLY_APP_NAME": "my-app",
            "SOPHIA_SECRETS_GH": str(GH),
            "SOPHIA_SECRETS_PULUMI": str(self.pulumi.path),
            "SOPHIA_SECRETS_FLY": str(self.fly.program),
        }

    def starts(self) -> dict[str, int]:
        """How often each vendor's program was started (for gh: how many requests came)."""
        return {
            "github": len(self.github.requests),
            "pulumi": len(self.pulumi.calls),
            "fly": len(self.fly.calls),
        }


@contextmanager
def world(sophia: Program, root: Path) -> Iterator[World]:
    """The vendors for one test, and the program led to them."""
    with GitHubApi() as github:
        made = World(root, github)
        sophia.environment.update(made.environment())
        yield made


def values_of(events: list[dict[str, Any]], field: str) -> list[Any]:
    """One field of many events."""
    return [event.get(field) for event in events]
