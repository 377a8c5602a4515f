"""The target of the settings and variables: a prefix, a region, a profile, an endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.backends.base import Context, Section, Unconfigured
from sophia_secrets.core import names
from sophia_secrets.core.model import Target

NAME = "aws"
SETTINGS = ("prefix", "region", "profile", "endpoint", "recovery_days", "delete_at_once")
RECOVERY_DAYS = (7, 30)
"""The minimum and maximum recovery window; the latter is AWS's default (API reference, DeleteSecret)."""

_PREFIX = re.compile(r"[A-Za-z0-9/_+=.@-]{1,256}", re.ASCII)
_REGION = re.compile(r"[a-z][a-z0-9-]{1,40}", re.ASCII)
_PROFILE = re.compile(r"[^\s-][^\s\x00-\x1f\x7f]{0,127}")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(?:/[A-Za-z0-9._~/-]*)?", re.ASCII)


class Place(Struct, frozen=True):
    """
    One prefix of one region. "" leaves a part to the AWS CLI.

    `recovery_days` is how long a deleted secret can be restored; 0 deletes it at once.
    """

    prefix: str
    region: str = ""
    profile: str = ""
    endpoint: str = ""
    recovery_days: int = RECOVERY_DAYS[1]

    @property
    def target(self) -> Target:
        """The target includes the region: the same prefix in another region is another target."""
        label = f"{self.prefix} in {self.region}" if self.region else self.prefix
        parts = ("prefix", "region", "profile", "endpoint")
        return Target(NAME, label, tuple((part, getattr(self, part)) for part in parts))

    @property
    def flags(self) -> tuple[str, ...]:
        """The options of the AWS CLI for it."""
        said = (
            ("--region", self.region),
            ("--profile", self.profile),
            ("--endpoint-url", self.endpoint),
        )
        return tuple(word for flag, value in said if value for word in (flag, value))

    def id(self, name: str) -> str:
        """The secret's name in AWS."""
        return self.prefix + name

    def name(self, secret_id: str) -> str | None:
        """Our name for a secret directly under the prefix, or None for any other."""
        name = secret_id.removeprefix(self.prefix)
        if name == secret_id or "/" in name or not names.is_safe(name):
            return None
        return name


def place_of(section: Section, context: Context) -> Place | Unconfigured:
    """
    The configured place.

    Raises `errors.BadSettings` for an unknown or invalid setting, `errors.BadName` for what must not be
    passed to the AWS CLI.
    """
    for key in section:
        if key not in SETTINGS:
            near = names.nearest(key, ((each, "") for each in SETTINGS), 1)
            hint = f"Did you mean `{near[0][0]}`?" if near else f"The known ones are {', '.join(SETTINGS)}."
            _bad(key, "is not a known setting", hint)
    prefix = _text(section, "prefix")
    if not prefix:
        hint = 'Set `prefix = "app/production/"` under `[aws]`.'
        return Unconfigured(NAME, "no prefix of secrets' names is named", hint)
    place = Place(
        prefix,
        # Version 1 of the CLI does not know AWS_REGION, so the region is always an option.
        region=_text(section, "region") or _first(context.environ, "AWS_REGION", "AWS_DEFAULT_REGION"),
        profile=_text(section, "profile"),
        endpoint=_text(section, "endpoint") or _endpoint(context.environ),
        recovery_days=_days(section),
    )
    for key, pattern, rule in (
        ("prefix", _PREFIX, "letters, digits and `/_+=.@-`"),
        ("region", _REGION, "lower-case letters, digits and dashes"),
        ("profile", _PROFILE, "printable characters without white space, not beginning with `-`"),
        ("endpoint", _ENDPOINT, "the http or https address of a host"),
    ):
        value = getattr(place, key)
        if value and pattern.fullmatch(value) is None:
            raise errors.BadName(
                f"{names.shown(value)} cannot be AWS's {key}, which is {rule}.",
                hint=f"Correct `{key}` under `[aws]`, or the variable it comes from.",
                backend=NAME,
            )
    return place


def _text(section: Section, key: str) -> str:
    value = section.get(key, "")
    if not isinstance(value, str):
        _bad(key, "must be text", f'For example: `{key} = "..."`.')
    return value


def _days(section: Section) -> int:
    at_once = section.get("delete_at_once", False)
    if not isinstance(at_once, bool):
        _bad("delete_at_once", "must be true or false", "Leave it out to keep what is deleted restorable.")
    days = section.get("recovery_days", RECOVERY_DAYS[1])
    least, most = RECOVERY_DAYS
    if isinstance(days, bool) or not isinstance(days, int) or not least <= days <= most:
        _bad("recovery_days", f"must be a number of days from {least} to {most}", f"AWS's own is {most}.")
    return 0 if at_once else days


def _endpoint(environ: Mapping[str, str]) -> str:
    """The endpoint of the AWS variables (AWS SDKs and Tools Reference Guide, service endpoints)."""
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return ""
    return _first(environ, "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL")


def _first(environ: Mapping[str, str], *variables: str) -> str:
    return next((value for name in variables if (value := environ.get(name, "").strip())), "")


def _bad(key: str, problem: str, hint: str) -> NoReturn:
    raise errors.BadSettings(f"`aws.{names.shown(key).strip('`')}` {problem}.", hint=hint, backend=NAME)
