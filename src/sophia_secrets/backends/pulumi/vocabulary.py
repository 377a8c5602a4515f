"""
The table of Pulumi's error texts and statuses, with the kind, message and hint of each.

Sources: pkg/cmd/esc/cli/login.go, pkg/backend/httpstate/backend.go and client/api.go,
pkg/cmd/pulumi/config/config.go, pkg/secrets/passphrase, sdk/go/common/workspace/paths.go.
"""

from __future__ import annotations

import re

from msgspec import Struct

from sophia_secrets.core.model import FailureKind

OLDEST = "3.188.0"
INSTALL = "https://www.pulumi.com/docs/install/"


class Row(Struct, frozen=True):
    pattern: re.Pattern[str]
    kind: FailureKind
    message: str
    hint: str


def _row(pattern: str, kind: FailureKind, message: str, hint: str) -> Row:
    return Row(re.compile(pattern), kind, message, hint)


TOO_OLD = "install Pulumi " + OLDEST + " or newer: " + INSTALL
_ASK_FOR_IT = "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"
_RIGHTS = FailureKind.NOT_AUTHENTICATED

ROWS = (
    _row(
        r"unknown (?:shorthand )?flag|unknown command ",
        FailureKind.CLI_MISSING,
        "the Pulumi CLI is too old for {target}",
        TOO_OLD,
    ),
    _row(
        r"PULUMI_ACCESS_TOKEN must be set for login",
        _RIGHTS,
        "nobody is logged in to the Pulumi Cloud that holds {target}",
        "run `pulumi login`, or set PULUMI_ACCESS_TOKEN (and PULUMI_BACKEND_URL for a Pulumi of your own)",
    ),
    _row(
        r"Unauthorized: No credentials provided or are invalid",
        _RIGHTS,
        "Pulumi does not accept the token for {target}",
        "run `pulumi login`, or set a valid PULUMI_ACCESS_TOKEN",
    ),
    _row(
        r"this command requires logging in|no credentials, please run ",
        _RIGHTS,
        "the Pulumi session for {target} is no longer valid",
        "run `pulumi login`",
    ),
    _row(
        r"does not support Pulumi ESC|unsupported protocol scheme ",
        _RIGHTS,
        "{target} needs Pulumi Cloud, and Pulumi is logged in to a backend of its own kind",
        "set PULUMI_BACKEND_URL=https://api.pulumi.com, or run `pulumi login https://api.pulumi.com`",
    ),
    _row(
        r"credentials file .* is encrypted",
        _RIGHTS,
        "Pulumi's stored session cannot be unlocked here",
        "run `pulumi login`, or set PULUMI_ACCESS_TOKEN",
    ),
    _row(
        r"incorrect passphrase",
        _RIGHTS,
        "the passphrase of {target} is wrong",
        _ASK_FOR_IT,
    ),
    _row(
        r"passphrase must be set with ",
        _RIGHTS,
        "{target} needs its passphrase",
        _ASK_FOR_IT,
    ),
    _row(
        r"no Pulumi\.yaml project file found",
        FailureKind.NOT_CONFIGURED,
        "there is no Pulumi project for {target}",
        "set `directory` under `[pulumi]` to the folder of Pulumi.yaml",
    ),
    _row(
        r"no stack named ",
        FailureKind.TARGET_NOT_FOUND,
        "{target} does not exist, or may not be seen with this session",
        "look at `pulumi stack ls --all`, or create it with `pulumi stack init`",
    ),
    _row(
        r"organization name must be 'organization'",
        FailureKind.TARGET_NOT_FOUND,
        "{target} is asked of a Pulumi backend that has no organisations",
        "set PULUMI_BACKEND_URL to the backend that holds the stack, or name it organization/PROJECT/STACK",
    ),
    _row(
        r"unable to open state directory|unable to open bucket",
        FailureKind.TARGET_NOT_FOUND,
        "the Pulumi backend that should hold {target} cannot be opened",
        "check PULUMI_BACKEND_URL, or run `pulumi login`",
    ),
    _row(
        r"not supported for remote stack config",
        FailureKind.NOT_PERMITTED,
        "{target} keeps its configuration in an ESC environment, where alone it can be changed",
        "set `environment` under `[pulumi]` to that environment",
    ),
    _row(
        r"backend .* does not support environments",
        FailureKind.NOT_PERMITTED,
        "{target} imports ESC environments, which its backend does not have",
        "use Pulumi Cloud for this stack, or take `environment:` out of its settings",
    ),
    _row(
        r"could not decrypt configuration values",
        FailureKind.NOT_PERMITTED,
        "a value in the configuration of {target} cannot be decrypted with the keys at hand",
        "check the access to the stack's secrets provider with `pulumi config --show-secrets > /dev/null`",
    ),
    _row(
        r"(?:^|: )(?:esc|pulumi service): request rate-limit exceeded$",
        FailureKind.RATE_LIMITED,
        "Pulumi limits the rate of requests for {target}",
        "try again in a minute",
    ),
    _row(
        r"ambiguous path provided",
        FailureKind.BAD_OUTPUT,
        "{target} names more than one environment",
        "write it as organization/project/env",
    ),
)

STATUSES = {
    401: (_RIGHTS, "Pulumi does not accept the session for {target}", "run `pulumi login`"),
    403: (
        FailureKind.NOT_PERMITTED,
        "this Pulumi account may not do this with {target}",
        "ask for access to it, or check who is asking with `pulumi whoami`",
    ),
    404: (
        FailureKind.TARGET_NOT_FOUND,
        "{target}, or something that it needs, does not exist or may not be seen with this session",
        "look at `pulumi env ls`, and check who is asking with `pulumi whoami`",
    ),
    408: (FailureKind.TIMED_OUT, "Pulumi did not answer in time about {target}", "try again"),
    409: (
        FailureKind.BAD_OUTPUT,
        "{target} was changed by somebody else meanwhile, so nothing was written",
        "run the same command again",
    ),
    429: (
        FailureKind.RATE_LIMITED,
        "Pulumi limits the rate of requests for {target}",
        "try again in a minute",
    ),
}
