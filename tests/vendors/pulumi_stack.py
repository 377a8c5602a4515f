"""The stand-in for `pulumi`: a stack's configuration in its local file."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import yaml

from tests.vendors.pulumi_account import Account, Failed, service_error
from tests.vendors.pulumi_cloud import PulumiService


class Stack:
    """The local file of a stack; `meta` has the stacks' passphrases."""

    def __init__(self, flags: dict[str, str], service: PulumiService, meta: dict[str, Any]) -> None:
        directory = Path(flags.get("-C", "."))
        project = directory / "Pulumi.yaml"
        if not project.exists():
            raise Failed(f"no Pulumi.yaml project file found (searching upwards from {directory}).")
        self.project = yaml.safe_load(project.read_text())["name"]
        name = flags["--stack"].split("/")[-1]
        if os.environ.get("PULUMI_BACKEND_URL", "").startswith("file://"):
            if flags["--stack"].count("/") and not flags["--stack"].startswith("organization/"):
                raise Failed("organization name must be 'organization'")
            if name not in meta["stacks"]:
                raise Failed(f"no stack named '{flags['--stack']}' found", 6)
            self.passphrase = meta["stacks"][name]
        else:
            account = Account(service, False)
            parts = flags["--stack"].split("/")
            reference = "/".join(["acme", self.project][: 3 - len(parts)] + parts)
            status, _, body = account.ask("GET", f"/api/stacks/{reference}")
            if status == 404:
                raise Failed(f"no stack named '{flags['--stack']}' found", 6)
            if status >= 400:
                raise Failed(service_error(status, body), 3 if status in (401, 403) else 1)
            self.passphrase = None
        self.path = directory / f"Pulumi.{name}.yaml"
        settings = yaml.safe_load(self.path.read_text()) if self.path.exists() else None
        self.settings: dict[str, Any] = settings or {}
        self.config: dict[str, Any] = self.settings.setdefault("config", {})

    def unlock(self) -> None:
        if self.passphrase is None:
            return
        given = os.environ.get("PULUMI_CONFIG_PASSPHRASE")
        file = os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE")
        if given is None and not file:
            raise Failed(
                "passphrase must be set with PULUMI_CONFIG_PASSPHRASE or "
                "PULUMI_CONFIG_PASSPHRASE_FILE environment variables"
            )
        if (given if given is not None else Path(str(file)).read_text().strip()) != self.passphrase:
            raise Failed("incorrect passphrase")

    def key(self, name: str) -> str:
        return name if ":" in name else f"{self.project}:{name}"

    def save(self) -> None:
        self.path.write_text(yaml.safe_dump(self.settings))


def show(stack: Stack) -> None:
    shown: dict[str, Any] = {}
    for key in sorted(stack.config):
        value = stack.config[key]
        if isinstance(value, dict) and "secure" in value:
            stack.unlock()
            text = base64.b64decode(value["secure"].removeprefix("v1:")).decode()
            shown[key] = {"value": text, "secret": True}
        elif isinstance(value, dict | list):
            text = json.dumps(value, separators=(",", ":"))
            shown[key] = {"value": text, "objectValue": value, "secret": False}
        else:
            shown[key] = {"value": value if isinstance(value, str) else json.dumps(value), "secret": False}
    print(json.dumps(shown, indent=2, ensure_ascii=False))


def set_value(stack: Stack, name: str, stdin: bytes) -> None:
    stack.unlock()
    text = stdin.removesuffix(b"\n")
    stack.config[stack.key(name)] = {"secure": "v1:" + base64.b64encode(text).decode()}
    stack.save()


def remove_value(stack: Stack, name: str) -> None:
    stack.config.pop(stack.key(name), None)
    stack.save()
