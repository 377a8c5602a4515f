"""AWS Secrets Manager as the tests have it: the stand-in, or the real `aws` against moto's server."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.vendors import aws_program

KEY = "aws-key-93c1e07f5a"
ENVIRON = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": KEY,
    "AWS_EC2_METADATA_DISABLED": "true",
    "PATH": "/usr/bin:/bin",
}
REGION = "us-east-1"


def real_aws() -> str | None:
    """The AWS CLI that `SOPHIA_TEST_AWS` names, with `moto_server` beside it or on PATH."""
    program = os.environ.get("SOPHIA_TEST_AWS")
    return program if program and moto_server(program) else None


def moto_server(program: str) -> str | None:
    beside = Path(program).with_name("moto_server")
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("moto_server")


@dataclass
class Vendor:
    """A program and the service behind it; `endpoint` is "" for the stand-in."""

    program: str
    endpoint: str

    def section(self, prefix: str) -> dict[str, object]:
        """The `[aws]` settings that lead there."""
        found: dict[str, object] = {"prefix": prefix, "region": REGION}
        return found | ({"endpoint": self.endpoint} if self.endpoint else {})

    def held(self) -> dict[str, str]:
        """All values that can be read now, by AWS's own names."""
        if not self.endpoint:
            return {
                n: each["value"] for n, each in self._state()["secrets"].items() if not each.get("deleted")
            }
        listed = self._ask("ListSecrets", {"MaxResults": 100})["SecretList"]
        return {
            each["Name"]: self._ask("GetSecretValue", {"SecretId": each["Name"]})["SecretString"]
            for each in listed
        }

    def scheduled(self, name: str) -> bool:
        """Whether it is marked for deletion and can still be restored."""
        if not self.endpoint:
            return bool(self._state()["secrets"].get(name, {}).get("deleted"))
        try:
            return "DeletedDate" in self._ask("DescribeSecret", {"SecretId": name})
        except urllib.error.HTTPError as problem:
            problem.close()
            return False

    def store(self, values: Mapping[str, str]) -> None:
        """Values that somebody else put there."""
        if self.endpoint:
            for name, value in values.items():
                self._ask(
                    "CreateSecret", {"Name": name, "SecretString": value, "ClientRequestToken": "0" * 32}
                )
            return
        with self.state() as state:
            for name, value in values.items():
                state["secrets"][name] = {"value": value, "version": f"version-of-{name}"}

    @contextmanager
    def state(self) -> Iterator[dict[str, Any]]:
        """What the stand-in holds, to be changed."""
        place = Path(self.program).with_name("held.json")
        state = json.loads(place.read_text())
        yield state
        place.write_text(json.dumps(state))

    def _state(self) -> dict[str, Any]:
        with self.state() as state:
            return state

    def _ask(self, operation: str, request: dict[str, object]) -> dict[str, Any]:
        asked = urllib.request.Request(
            self.endpoint,
            json.dumps(request).encode(),
            {
                "X-Amz-Target": f"secretsmanager.{operation}",
                "Content-Type": "application/x-amz-json-1.1",
                "Authorization": f"AWS4-HMAC-SHA256 Credential=A/20261124/{REGION}/secretsmanager/aws4_request",
            },
        )
        with urllib.request.urlopen(asked, timeout=10) as response:
            answer: dict[str, Any] = json.load(response)
            return answer


def stand_in(directory: Path) -> Vendor:
    """The stand-in with nothing in it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    program = directory / "aws"
    source = Path(aws_program.__file__).read_text()
    program.write_text(f"#!{sys.executable} -IS\n{source}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (directory / "held.json").write_text('{"secrets": {}, "failures": {}, "asked": []}')
    return Vendor(str(program), "")


@contextmanager
def moto(program: str) -> Iterator[Vendor]:
    """The real program against moto's server."""
    server = moto_server(program)
    assert server is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [server, "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield Vendor(program, f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


def reset(vendor: Vendor) -> None:
    """Let moto forget everything."""
    asked = urllib.request.Request(f"{vendor.endpoint}/moto-api/reset", b"")
    urllib.request.urlopen(asked, timeout=10).close()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise AssertionError("moto's server did not start")
