"""The effective settings: every value, its source, and the files that were looked at."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import cast

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.settings.declared import Declared, Group
from sophia_secrets.settings.kinds import Value
from sophia_secrets.settings.paths import Paths
from sophia_secrets.settings.reading import FileStamp


class Layer(Enum):
    FLAG = "flag"
    VARIABLE = "variable"
    LOCAL = "project (local)"
    PROJECT = "project"
    USER = "user"
    DEFAULT = "default"


class Source(Struct, frozen=True):
    """Where a value came from: `variable FLY_APP_NAME`, `/x/sophia-secrets.toml:12`, `default`."""

    layer: Layer
    place: str


DEFAULT = Source(Layer.DEFAULT, "default")


class Settings(Struct, frozen=True):
    """
    The effective settings.

    `values` and `sources` have every key of the table. `profiles` are the names that may be
    chosen, `profile` the one that was. `notes` are sentences for standard error. `files` and
    `markers` are all that was looked at (absent ones too): while they are as they were, reading
    again gives the same. `untrusted` is the first project file of which something is ignored
    until it is trusted. Nothing here is secret.
    """

    values: Mapping[str, Value]
    sources: Mapping[str, Source]
    declared: Mapping[str, Declared]
    groups: Mapping[str, Group]
    profile: str | None
    profiles: tuple[str, ...]
    paths: Paths
    notes: tuple[str, ...]
    files: tuple[FileStamp, ...]
    markers: tuple[tuple[str, bool], ...]
    untrusted: str | None
    extra: tuple[str, ...]

    def value(self, key: str) -> Value:
        """The value of a setting of the table (`KeyError` for any other key)."""
        return self.values[key]

    @property
    def chain(self) -> tuple[str, ...]:
        """The backends, the strongest first; never empty."""
        return cast("tuple[str, ...]", self.values["chain"])

    @property
    def default_backend(self) -> str | None:
        return cast("str | None", self.values["default_backend"])

    @property
    def strict(self) -> bool:
        return cast("bool", self.values["strict"])

    @property
    def timeout(self) -> float:
        """Seconds, more than 0."""
        return cast("float", self.values["timeout"])

    @property
    def cache_ttl(self) -> float:
        """Seconds; 0: no cache."""
        return cast("float", self.values["cache.ttl"])

    @property
    def stale_for(self) -> float:
        """Seconds; 0: nothing stale ever stands in."""
        return cast("float", self.values["cache.stale_for"])

    @property
    def cache_key(self) -> str:
        """`file`, `keyring`, or `variable` where `SOPHIA_SECRETS_CACHE_KEY` holds the key itself."""
        return cast("str", self.values["cache.key"])

    @property
    def audit_mode(self) -> str:
        """`required`, `best-effort` or `off`."""
        return cast("str", self.values["audit.mode"])

    @property
    def is_audited(self) -> bool:
        return self.audit_mode != "off"

    @property
    def requires_audit(self) -> bool:
        """Whether what cannot be audited must not happen."""
        return self.audit_mode == "required"

    @property
    def audit_sync(self) -> str:
        """`always`, or `writes`: an event of a read need not be on the disk before the answer leaves."""
        return cast("str", self.values["audit.sync"])

    @property
    def forwards(self) -> bool:
        """Whether audit events are passed on to the system's own log."""
        return self.values["audit.forward"] != "off"

    def program(self, name: str) -> str | None:
        """The absolute path set for `gh`, `pulumi` or `fly`, or None: the first one on PATH."""
        return cast("str | None", self.values.get(f"programs.{name}"))

    @property
    def programs(self) -> dict[str, str]:
        """The absolute paths that are set, by the vendor's word."""
        return cast("dict[str, str]", self.section("programs"))

    def section(self, backend: str) -> dict[str, Value]:
        """A backend's own settings by their bare names; what is not set is not there."""
        return {
            key.partition(".")[2]: value
            for key, value in self.values.items()
            if value is not None and key.startswith(f"{backend}.") and backend != "backends"
        }

    def require_trust(self) -> None:
        """Raises `errors.NotTrusted` where a project's file is held back: for what writes (C9)."""
        if self.untrusted is not None:
            raise errors.NotTrusted(
                f"{self.untrusted} names targets and is not trusted, so nothing is written.",
                hint="Read the file, then run `sophia-secrets trust`.",
            )
