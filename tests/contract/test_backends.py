"""
One suite for every backend: what it says it can do, it does; what it cannot carry, it refuses.

The suite itself is `sophia_secrets.testing`. GitHub is met through the real gh, which seals for a
local API that unseals; Pulumi and Fly through stand-ins that are themselves held against the real
programs (`test_real_pulumi`, `test_real_fly`).
"""

from __future__ import annotations

import base64

import pytest

from sophia_secrets.operations.opening import open_session
from sophia_secrets.testing import BackendContract, ReadOnlyContract, Subject
from tests.program import Program
from tests.world import ENVIRONMENT, World

TOKENS = ("GH_TOKEN", "FLY_API_TOKEN", "PULUMI_ACCESS_TOKEN")


def make(name: str, sophia: Program, vendors: World) -> Subject:
    session = open_session("test", environ=sophia.full_environment(), cwd=str(sophia.cwd))
    held = {
        "github": lambda: {
            n: v.decode() for n, v in vendors.github.store.get("repos/octo/app/actions", {}).items()
        },
        "fly": vendors.fly.values,
        "pulumi": lambda: _in_pulumi(vendors),
    }
    programs = {word: session.settings.program(word) for word in ("gh", "pulumi", "fly")}
    return Subject(
        session.configured(name),
        programs={word: path for word, path in programs.items() if path is not None},
        path=session.environ["PATH"],
        held=held.get(name),
        credentials=tuple(session.environ[token] for token in TOKENS),
    )


def _in_pulumi(vendors: World) -> dict[str, str]:
    with vendors.pulumi.service() as service:
        values = service.held(ENVIRONMENT).get("values", {})
    return {name: _plain(node) for name, node in (values.get("environmentVariables") or {}).items()}


def _plain(node: object) -> str:
    if isinstance(node, dict) and "fn::secret" in node:
        return _plain(node["fn::secret"])
    if isinstance(node, dict) and "fn::fromBase64" in node:
        return base64.b64decode(_plain(node["fn::fromBase64"])).decode()
    return str(node)


@pytest.mark.parametrize("subject", ["github", "pulumi", "fly", "local"], indirect=True)
class TestWritable(BackendContract):
    @pytest.fixture
    def subject(self, request: pytest.FixtureRequest, sophia: Program, vendors: World) -> Subject:
        return make(request.param, sophia, vendors)


class TestEnvironment(ReadOnlyContract):
    @pytest.fixture
    def subject(self, sophia: Program, vendors: World) -> Subject:
        return make("env", sophia, vendors)
