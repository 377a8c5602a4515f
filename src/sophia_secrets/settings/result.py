"""The effective settings: every value, its source, and the files that were looked for."""

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
    """The source of a value: `variable FLY_APP_NAME`, `/x/sophia-secrets.toml:12`, `default`."""

    layer: Layer
    place: str


DEFAULT = Source(Layer.DEFAULT, "default")


class Settings(Struct, frozen=True):
    """
    The effective settings.

    `values` and `sources` have every key of the table. `profiles` are the available names, `profile` the
    chosen one. `notes` are sentences for standard error. `files` and `markers` are everything that was
    looked for (absent ones too): while they are unchanged, so are the settings. `untrusted` is the
    first project file with settings that are ignored until it is trusted. Nothing here is secret.
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
        """Seconds; 0: stale values are never used."""
        return cast("float", self.values["cache.stale_for"])

    @property
    def cache_key(self) -> str:
        """`file`, `keyring`, or `variable` where `SOPHIA_SECRETS_CACHE_KEY` is the key itself."""
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
        """Whether an operation that cannot be audited fails."""
        return self.audit_mode == "required"

    @property
    def audit_sync(self) -> str:
        """`always`, or `writes`: a read returns before its event is synced to the disk."""
        return cast("str", self.values["audit.sync"])

    @property
    def forwards(self) -> bool:
        """Whether audit events are forwarded to the system's own log."""
        return self.values["audit.forward"] != "off"

    def program(self, name: str) -> str | None:
        """The absolute path set for `gh`, `pulumi` or `fly`, or None for the first one on PATH."""
        return cast("str | None", self.values.get(f"programs.{name}"))

    @property
    def programs(self) -> dict[str, str]:
        """The configured absolute paths, by program."""
        return cast("dict[str, str]", self.section("programs"))

    def section(self, backend: str) -> dict[str, Value]:
        """A backend's own settings by their bare names, without those that are not set."""
        return {
            key.partition(".")[2]: value
            for key, value in self.values.items()
            if value is not None and key.startswith(f"{backend}.") and backend != "backends"
        }

    def require_trust(self) -> None:
        """Raises `errors.NotTrusted` where settings of a project's file are ignored: for writes (C9)."""
        if self.untrusted is not None:
            raise errors.NotTrusted(
                f"{self.untrusted} names targets and is not trusted, so nothing is written.",
                hint="Read the file, then run `sophia-secrets trust`.",
            )
