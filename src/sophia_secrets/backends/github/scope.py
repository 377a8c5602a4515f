"""The scope of GitHub's secrets: a repository, an environment or an organisation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn

from msgspec import Struct

from sophia_secrets.backends.base import Section, Unconfigured
from sophia_secrets.core.model import Target
from sophia_secrets.core.names import shown
from sophia_secrets.errors import BadName, BadSettings

NAME = "github"
DEFAULT_HOST = "github.com"
JSON_VARIABLE = "SOPHIA_GITHUB_SECRETS_JSON"
"""Set to `${{ toJSON(secrets) }}`, it contains every secret of a workflow's job."""
APPS = ("actions", "dependabot", "codespaces", "agents")

_HOST = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[0-9]{1,5})?"
_OWNER = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"
_REPOSITORY = r"(?!\.{1,2}\Z)[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}"
_SERVER_URL = r"https?://([^/@?#]+)/?"


class Scope(Struct, frozen=True):
    """
    One list of secrets. `repository` is "" for an organisation's, `environment` is "" for the repository's
    own. Every part was validated by `read_scope`: none looks like a flag, and only the environment needs
    quoting in a URL.
    """

    host: str
    owner: str
    repository: str = ""
    environment: str = ""
    app: str = "actions"

    @property
    def full_name(self) -> str:
        """`OWNER/REPO`, or the organisation."""
        return f"{self.owner}/{self.repository}" if self.repository else self.owner

    @property
    def target(self) -> Target:
        """The target; names that are case-insensitive in GitHub are lower case in `parts`."""
        label = self.full_name if self.host == DEFAULT_HOST else f"{self.host}/{self.full_name}"
        if not self.repository:
            label = f"org {label}"
        if self.environment:
            label += f" ({self.environment})"
        if self.app != "actions":
            label += f" ({self.app})"
        return Target(
            NAME,
            label,
            (
                ("host", self.host),
                ("repository" if self.repository else "organization", self.full_name.lower()),
                ("environment", self.environment.lower()),
                ("app", self.app),
            ),
        )

    @property
    def list_path(self) -> str:
        """The API's path of the list, as `gh api` takes it (docs.github.com, REST, "secrets")."""
        if self.environment:
            from urllib.parse import quote

            return f"repos/{self.full_name}/environments/{quote(self.environment, safe='')}/secrets"
        kind = "repos" if self.repository else "orgs"
        return f"{kind}/{self.full_name}/{self.app}/secrets"

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of `gh secret` for the scope, which cannot contain an organisation's host."""
        flags = ["--repo", f"{self.host}/{self.full_name}"] if self.repository else ["--org", self.owner]
        if self.environment:
            flags += ["--env", self.environment]
        if self.app != "actions":
            flags += ["--app", self.app]
        return tuple(flags)


def read_scope(section: Section, environ: Mapping[str, str]) -> Scope | Unconfigured:
    """
    The scope of the `[github]` settings; an organisation wins over a repository.

    Raises `BadName` for a malformed or unsafe part (I1, I2), and `BadSettings` for mutually exclusive
    parts.
    """
    app = _text(section, "app") or "actions"
    environment = _text(section, "environment")
    organization = _text(section, "organization")
    repository = _text(section, "repository")
    if app not in APPS:
        raise BadSettings(f"`[github] app` must be one of {', '.join(APPS)}.", backend=NAME)
    if environment and app != "actions":
        raise BadSettings(
            f"A GitHub environment has no {app} secrets.",
            hint="Take `environment` or `app` out of `[github]`.",
            backend=NAME,
        )
    if organization:
        if environment:
            raise BadSettings(
                "A GitHub organisation has no environments.",
                hint="Take `environment` or `organization` out of `[github]`.",
                backend=NAME,
            )
        if not re.fullmatch(_OWNER, organization):
            _refuse("organisation", organization, 'Name it as in `[github] organization = "octo"`.')
        return Scope(_host(section, "", environ), organization, app=app)
    if not repository:
        return Unconfigured(
            NAME,
            "no repository is named",
            'Set `GITHUB_REPOSITORY=OWNER/REPO` or `[github] repository = "OWNER/REPO"`.',
        )
    host, owner, name = _split(repository)
    if environment and not _is_environment(environment):
        _refuse("environment", environment, "Name one without white space, `=` and control characters.")
    return Scope(_host(section, host, environ), owner, name, environment, app)


def _text(section: Section, key: str) -> str:
    value = section.get(key)
    return value.strip(" ") if isinstance(value, str) else ""


def _split(repository: str) -> tuple[str, str, str]:
    parts = repository.split("/")
    host, owner, name = parts if len(parts) == 3 else ("", *parts) if len(parts) == 2 else ("", "", "")
    whole = all(parts) and re.fullmatch(_OWNER, owner) and re.fullmatch(_REPOSITORY, name)
    if not whole or name.endswith(".git"):
        _refuse("repository", repository, "Write it as OWNER/REPO or HOST/OWNER/REPO.")
    return host, owner, name


def _host(section: Section, from_repository: str, environ: Mapping[str, str]) -> str:
    named = {host.lower() for host in (_text(section, "host"), from_repository) if host}
    if len(named) > 1:
        raise BadSettings(
            "`[github] host` and the host in `repository` differ.",
            hint="Name the host in one of the two.",
            backend=NAME,
        )
    if not named and environ.get("GITHUB_ACTIONS") == "true" and environ.get("GITHUB_SERVER_URL"):
        url = environ["GITHUB_SERVER_URL"]
        match = re.fullmatch(_SERVER_URL, url)
        if not match:
            _refuse("server URL", url, "Correct `GITHUB_SERVER_URL`.")
        named = {match[1].lower()}
    host = named.pop() if named else DEFAULT_HOST
    if not re.fullmatch(_HOST, host):
        _refuse("host", host, "Name it as in `ghes.example.com`.")
    return host


def _is_environment(text: str) -> bool:
    return (
        len(text) <= 255
        and text.isprintable()
        and not text.startswith("-")
        and "=" not in text
        and not any(character.isspace() for character in text)
        and text not in (".", "..")
    )


def _refuse(what: str, text: str, hint: str) -> NoReturn:
    raise BadName(f"{shown(text)} is not a GitHub {what}.", hint=hint, backend=NAME)


def is_inside(scope: Scope, environ: Mapping[str, str]) -> bool:
    """
    Whether this is a workflow with access to this scope's secrets: one of the repository itself, or of one
    of the organisation's repositories.
    """
    if environ.get("GITHUB_ACTIONS") != "true" or scope.app not in ("actions", "dependabot"):
        return False
    server = environ.get("GITHUB_SERVER_URL", "").lower().rstrip("/").rpartition("://")[2]
    running = environ.get("GITHUB_REPOSITORY", "").lower()
    if server and server != scope.host:
        return False
    if running and scope.repository:
        return running == scope.full_name.lower()
    return not running or running.partition("/")[0] == scope.owner.lower()
