"""Calls of `aws`: arguments, environment and credentials."""

from __future__ import annotations

import json
import posixpath
import sys
from collections.abc import Mapping

from msgspec import Struct

from sophia_secrets.backends.aws.place import Place
from sophia_secrets.backends.base import Call, Context, Credential, Scratch
from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.core.model import SecretValue

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_FILES = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
# The AWS CLI's own list: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html
_PASSED = (
    "PATH",
    "TMPDIR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "AWS_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SSO",
    "AWS_ENDPOINT_URL_SSO_OIDC",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
)
_IDENTITY = (*_KEYS, "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN")
_QUIET = {
    "AWS_PAGER": "",
    "AWS_CLI_AUTO_PROMPT": "off",
    # One plain line with the code, as all versions before 2.34 print it (aws/aws-cli v2, awscli/errorhandler.py).
    "AWS_CLI_ERROR_FORMAT": "legacy",
    # Without these a value may be printed in the encoding of a locale that the child does not have.
    "AWS_CLI_OUTPUT_ENCODING": "UTF-8",
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "utf-8",
}
_READS, _WRITES = "3", "1"
"""The attempts of `aws` per request: a write is never retried."""

_STDIN = "file:///dev/stdin"
_INPUT = "SOPHIA_SECRETS_INPUT"
_NAMED = f"file://${{{_INPUT}}}/request.json"


class Aws(HiddenRepr, Struct, frozen=True):
    """
    `aws` for one place.

    `by_name`: the request is a named file in a private directory instead of an unnamed file on standard
    input.
    """

    place: Place
    credential: Credential
    environment: Mapping[str, str]
    timeout: float
    by_name: bool = False

    def call(
        self,
        operation: str,
        request: Mapping[str, object],
        *,
        label: str,
        write: bool = False,
        secrets: tuple[SecretValue, ...] = (),
    ) -> Call:
        """
        One operation of Secrets Manager, with the whole request as JSON.

        The request is never an argument. `aws` opens its input file twice (aws/aws-cli,
        awscli/clidriver.py and awscli/customizations/cliinput.py), and the second time a pipe is empty:
        it needs a file that can be read again from the start.
        """
        text = json.dumps(request).encode()
        wait = str(max(1, int(self.timeout)))
        return Call(
            "aws",
            (
                "secretsmanager",
                operation,
                "--cli-input-json",
                _NAMED if self.by_name else _STDIN,
                "--output",
                "json",
                "--color",
                "off",
                "--cli-connect-timeout",
                wait,
                "--cli-read-timeout",
                wait,
                *self.place.flags,
            ),
            {**self.environment, "AWS_MAX_ATTEMPTS": _WRITES if write else _READS},
            stdin=b"" if self.by_name else text,
            stdin_as_file=not self.by_name,
            scratch=(Scratch(_INPUT, files={"request.json": text}),) if self.by_name else (),
            timeout=self.timeout,
            secrets=secrets,
            label=f"{label} ({self.place.target})",
        )

    def version(self) -> Call:
        """`aws --version`."""
        return Call(
            "aws", ("--version",), self.environment, timeout=self.timeout, label="ask aws for its version"
        )


def aws_for(place: Place, context: Context, *, by_name: bool | None = None) -> Aws:
    """
    `aws` for this process's environment, of which only the allow-list is passed on (L2).

    `by_name` defaults to where reopening `/dev/stdin` does not rewind it (macOS).
    """
    environ = context.environ
    files = {name: posixpath.join(context.cwd, value) for name in _FILES if (value := environ.get(name, ""))}
    home = {"HOME": context.home} if context.home else {}
    # An explicit profile overrides these in `aws` too (botocore/session.py).
    keys = {} if place.profile else {name: environ[name] for name in _KEYS if environ.get(name)}
    config = files.get("AWS_CONFIG_FILE") or _beside(context.home, "config")
    shared = files.get("AWS_SHARED_CREDENTIALS_FILE") or _beside(context.home, "credentials")
    identity = tuple(
        (name, environ[name])
        for name in _IDENTITY
        if environ.get(name) and (name in keys or name not in _KEYS)
    )
    return Aws(
        place,
        credential=Credential(
            variables=identity,
            files=tuple(
                path for path in (config, shared, files.get("AWS_WEB_IDENTITY_TOKEN_FILE", "")) if path
            ),
        ),
        environment={
            **{name: environ[name] for name in _PASSED if environ.get(name)},
            **home,
            **files,
            **keys,
            **_QUIET,
        },
        timeout=context.timeout,
        by_name=not sys.platform.startswith("linux") if by_name is None else by_name,
    )


def _beside(home: str, name: str) -> str:
    return posixpath.join(home, ".aws", name) if home else ""
