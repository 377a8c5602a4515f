"""Discovering targets from a directory and the environment, without running a program."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from msgspec import Struct, field

_LIMIT = 1024 * 1024
_REMOTE = r"(?m)^\s*url\s*=\s*(?:(?:https?|ssh)://(?:[^@/\s]+@)?|git@)(?P<host>[A-Za-z0-9.-]+)[:/](?P<repository>[\w.-]+/[\w.-]+?)(?:\.git)?/?\s*$"
_APP = r"""(?m)^app\s*=\s*["']([a-z0-9-]{1,63})["']\s*$"""
_PROJECT = r"(?m)^name:\s*[\"']?([\w.-]{1,100})[\"']?\s*$"


class Discovery(Struct, frozen=True):
    """Suggested settings by dotted key, with the reason for each, and workflow files."""

    settings: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()


def discover(directory: str, environ: Mapping[str, str]) -> Discovery:
    """Look at the git remote, fly.toml, Pulumi.yaml, .env and the vendors' own variables."""
    settings: dict[str, str] = {}
    reasons: dict[str, str] = {}
    files: list[str] = []

    def suggest(key: str, value: str, reason: str) -> None:
        if key not in settings:
            settings[key] = value
            reasons[key] = reason

    remote = re.search(_REMOTE, _text(directory, ".git/config"))
    if remote is not None:
        host, repository = remote["host"], remote["repository"]
        value = repository if host == "github.com" else f"{host}/{repository}"
        if host == "github.com" or "github" in host:
            suggest("github.repository", value, "the git remote")
    app = re.search(_APP, _text(directory, "fly.toml"))
    if app is not None:
        suggest("fly.app", app[1], "fly.toml")
    for place in ("Pulumi.yaml", "infra/Pulumi.yaml"):
        project = re.search(_PROJECT, _text(directory, place))
        if project is not None:
            suggest("pulumi.project", project[1], place)
            suggest("pulumi.directory", os.path.dirname(place) or ".", place)
    if os.path.isfile(os.path.join(directory, ".env")):
        suggest("env.file", ".env", "a .env file")
    for variable, key in (
        ("GITHUB_REPOSITORY", "github.repository"),
        ("PULUMI_ENVIRONMENT", "pulumi.environment"),
        ("PULUMI_STACK", "pulumi.stack"),
        ("FLY_APP_NAME", "fly.app"),
    ):
        if environ.get(variable, "").strip():
            suggest(key, environ[variable], f"the variable {variable}")
    workflows = os.path.join(directory, ".github", "workflows")
    if os.path.isdir(workflows):
        files += sorted(
            f".github/workflows/{f}" for f in os.listdir(workflows) if f.endswith((".yml", ".yaml"))
        )
    return Discovery(settings, reasons, tuple(files))


def _text(directory: str, name: str) -> str:
    try:
        with open(os.path.join(directory, name), encoding="utf-8", errors="replace") as file:
            return file.read(_LIMIT)
    except OSError:
        return ""
