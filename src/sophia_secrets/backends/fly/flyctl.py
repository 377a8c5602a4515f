"""
Calls of flyctl, isolated: a private directory, a short environment, one token.

flyctl writes every request body, values included, to `$FLY_CONFIG_DIR/logs/` (superfly/flyctl
internal/logger, superfly/fly-go http.go), reads `fly.toml` from the working directory, and takes its
hosts from variables. So each call gets its own directory in which `logs` is a regular file, which
disables the log; an empty working directory; and only the variables that are listed here.
"""

from __future__ import annotations

import os.path

from msgspec import Struct

from sophia_secrets.backends.base import Call, Context, Credential, Scratch
from sophia_secrets.core.model import SecretValue

TOKEN_VARIABLES = ("FLY_ACCESS_TOKEN", "FLY_API_TOKEN")
"""In flyctl's order (superfly/flyctl internal/config/config.go)."""

_PASSED = (
    "HOME",
    "PATH",
    "TMPDIR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
_SET = {
    "NO_COLOR": "1",
    "FLY_NO_UPDATE_CHECK": "1",
    "FLY_NO_INCIDENTS_CHECK": "1",
    "FLY_SEND_METRICS": "0",
}
_SESSION_FILES = ("config.yml", "flyctl.config.lock")


class Flyctl(Struct, frozen=True):
    """flyctl, for one app."""

    context: Context
    app: str

    @property
    def token(self) -> tuple[str, str] | None:
        """The token variable in effect. A blank one would shadow the other, so it is ignored."""
        for name in TOKEN_VARIABLES:
            value = self.context.environ.get(name, "")
            if value.strip():
                return name, value
        return None

    @property
    def credential(self) -> Credential:
        """The token variable in effect, else the file of the user's session."""
        token = self.token
        if token is not None:
            return Credential(variables=(token,))
        directory = self._user_directory()
        return Credential(files=(os.path.join(directory, "config.yml"),) if directory else ())

    def call(
        self,
        *arguments: str,
        label: str,
        stdin: bytes = b"",
        secrets: tuple[SecretValue, ...] = (),
        least: float = 0.0,
        variables: tuple[tuple[str, str], ...] = (),
    ) -> Call:
        """A call of flyctl, with the context's timeout, or `least` seconds if that is longer."""
        environ = self.context.environ
        environment = {name: environ[name] for name in _PASSED if environ.get(name)}
        environment.update(_SET)
        environment.update(variables)
        if self.token is not None:
            environment.update((self.token,))
        return Call(
            program="fly",
            arguments=arguments,
            environment=environment,
            stdin=stdin,
            timeout=max(self.context.timeout, least),
            secrets=secrets,
            scratch=(Scratch("FLY_CONFIG_DIR", files={"logs": b""}, links=self._links()),),
            label=label,
        )

    def _links(self) -> dict[str, str]:
        directory = self._user_directory()
        if self.token is not None or not directory:
            return {}
        return {name: os.path.join(directory, name) for name in _SESSION_FILES}

    def _user_directory(self) -> str:
        chosen = self.context.environ.get("FLY_CONFIG_DIR", "")
        if chosen:
            return os.path.normpath(os.path.join(self.context.cwd, chosen))
        return os.path.join(self.context.home, ".fly") if self.context.home else ""
