"""
A Pulumi project on disk: the facts that a read of its stack's configuration needs.

Only three small files are read; nothing of the project is run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from msgspec import Struct

_NAMES = ("Pulumi.json", "Pulumi.yaml", "Pulumi.yml")
_MOST = 1024 * 1024


class Project(Struct, frozen=True):
    """
    `directory` is absolute. `name` is the default namespace of configuration keys. `url` is the backend in
    the project's file, or "".
    """

    directory: str
    name: str
    url: str
    stack_directory: str

    def secrets_provider(self, stack: str) -> str:
        """The scheme of the stack's secrets provider (`awskms`), or "" for a passphrase or the cloud's."""
        for extension in (".json", ".yaml", ".yml"):
            settings = _mapping(os.path.join(self.stack_directory, f"Pulumi.{stack}{extension}"))
            provider = settings.get("secretsprovider")
            if isinstance(provider, str):
                return provider.partition("://")[0] if "://" in provider else ""
        return ""


def find(directory: str) -> Project | None:
    """The project of this absolute directory or of its nearest parent, or None."""
    while True:
        for name in _NAMES:
            path = os.path.join(directory, name)
            if os.path.isfile(path):
                return _read(path)
        above = os.path.dirname(directory)
        if above == directory:
            return None
        directory = above


def _read(path: str) -> Project | None:
    settings = _mapping(path)
    name = settings.get("name")
    if not isinstance(name, str) or not name:
        return None
    directory = os.path.dirname(path)
    backend = settings.get("backend")
    url = backend.get("url") if isinstance(backend, dict) else None
    # `config: DIR` is the old form (sdk/go/common/workspace/project.go).
    kept = settings.get("stackConfigDir") or settings.get("config")
    return Project(
        directory,
        name,
        url if isinstance(url, str) else "",
        os.path.join(directory, kept) if isinstance(kept, str) else directory,
    )


def _mapping(path: str) -> Mapping[str, object]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with open(path, "rb") as file:
            document = yaml.load(file.read(_MOST), Loader=loader)  # noqa: S506 (a safe loader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
