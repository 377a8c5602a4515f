"""Calls of `gh`: arguments, environment and credentials."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from sophia_secrets.backends.base import Call, Context, Credential
from sophia_secrets.backends.github.scope import DEFAULT_HOST, Scope
from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.core.model import SecretValue

MINIMUM_VERSION = (2, 23, 0)

# Tokens for github.com and for an enterprise server are never mixed (cli/cli
# `pkg/cmd/root/help_topic.go`, "environment").
_TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")
_ENTERPRISE_TOKENS = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
_OF_GITHUB = r"github\.com|github\.localhost|.+\.ghe\.com"

_PASSED = (
    "DBUS_SESSION_BUS_ADDRESS",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
_DIRECTORIES = ("GH_CONFIG_DIR", "XDG_CONFIG_HOME", "HOME")
_QUIET = {
    "GH_NO_UPDATE_NOTIFIER": "1",
    "GH_PROMPT_DISABLED": "1",
    "GH_TELEMETRY": "0",
    "NO_COLOR": "1",
    "TERM": "dumb",
}


class Gh(HiddenRepr, Struct, frozen=True):
    """
    `gh` for one scope. `token_variable` names the variable whose token it uses, or is "" where it uses the
    session of `gh auth login`.
    """

    scope: Scope
    credential: Credential
    environment: Mapping[str, str]
    timeout: float
    token_variable: str = ""

    def call(
        self, *arguments: str, label: str, stdin: bytes = b"", secrets: tuple[SecretValue, ...] = ()
    ) -> Call:
        """A call of `gh`; `label` describes it to a person."""
        return Call(
            "gh",
            arguments,
            self.environment,
            stdin=stdin,
            timeout=self.timeout,
            secrets=secrets,
            label=f"{label} ({self.scope.target.label})",
        )

    def secret_call(
        self, *arguments: str, label: str, stdin: bytes = b"", secrets: tuple[SecretValue, ...] = ()
    ) -> Call:
        """
        A call of `gh secret` with these arguments and the scope.

        An organisation's host can only be passed in `GH_HOST`.
        """
        call = self.call("secret", *arguments, *self.scope.flags, label=label, stdin=stdin, secrets=secrets)
        if self.scope.repository:
            return call
        return self.with_host(call)

    def with_host(self, call: Call) -> Call:
        """
        The call with the host in `GH_HOST`, for commands without another option for it.

        Other calls do not set it: with it, `gh` no longer reports that nobody is signed in (cli/cli
        `pkg/cmdutil/auth_check.go`) and asks without a token, which looks as if the repository did not
        exist.
        """
        return replace(call, environment={**call.environment, "GH_HOST": self.scope.host})


def gh_for(scope: Scope, context: Context) -> Gh:
    """`gh` for this process's environment, of which only the allow-list is passed on (L2)."""
    environ = context.environ
    token = _token(scope.host, environ)
    directories = _directories(context)
    return Gh(
        scope,
        credential=Credential(variables=(token,))
        if token
        else Credential(files=(posixpath.join(_configuration(directories), "hosts.yml"),)),
        environment={
            **_QUIET,
            **directories,
            **{name: environ[name] for name in _PASSED if environ.get(name)},
            **dict([token] if token else []),
        },
        timeout=context.timeout,
        token_variable=token[0] if token else "",
    )


def token_variables(host: str) -> tuple[str, ...]:
    """The variables for a token of this host; the first that is set wins."""
    return _TOKENS if re.fullmatch(_OF_GITHUB, host) else _ENTERPRISE_TOKENS


def login_command(host: str) -> str:
    """The command to sign in to the host."""
    return "gh auth login" if host == DEFAULT_HOST else f"gh auth login --hostname {host}"


def _token(host: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    for name in token_variables(host):
        token = environ.get(name, "").strip()
        if token:
            return name, token
    return None


def _directories(context: Context) -> dict[str, str]:
    """
    The directories of the session of `gh`: always set and absolute, because without them `gh` reads
    `.config/gh` under the working directory, which may be someone else's (C3).
    """
    found = {
        name: posixpath.join(context.cwd, value)
        for name in _DIRECTORIES
        if (value := context.environ.get(name, ""))
    }
    if "HOME" not in found and context.home:
        found["HOME"] = context.home
    return found or {"GH_CONFIG_DIR": posixpath.join(context.state_directory, "gh")}


def _configuration(directories: Mapping[str, str]) -> str:
    if "GH_CONFIG_DIR" in directories:
        return directories["GH_CONFIG_DIR"]
    if "XDG_CONFIG_HOME" in directories:
        return posixpath.join(directories["XDG_CONFIG_HOME"], "gh")
    return posixpath.join(directories["HOME"], ".config", "gh")
