"""Which part of a settings file applies: all of it, or only names and policies until it is trusted."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from msgspec import Struct

from sophia_secrets.settings.checking import CheckedDocument, Values
from sophia_secrets.settings.reading import LOCAL_FILE
from sophia_secrets.settings.result import Layer
from sophia_secrets.settings.table import BY_KEY
from sophia_secrets.settings.trust import TrustStore, danger, is_requested_outside_ci, is_trusted_checkout


class SettingsFile(Struct, frozen=True):
    """A file and whether it is trusted; `danger` is why it cannot be, or ""."""

    checked: CheckedDocument
    layer: Layer
    trusted: bool
    danger: str = ""

    @property
    def path(self) -> str:
        return self.checked.document.path

    def values(self, profile: str | None = None) -> Values:
        """The values of the file, or of its profile, that apply."""
        if profile is None:
            return self._effective(self.checked.values)
        return self._effective(self.checked.profiles.get(profile, {}))

    def _effective(self, values: Values) -> Values:
        if self.trusted:
            return values
        # The only setting that an untrusted file may make: it can only turn failures into errors.
        return {key: sourced for key, sourced in values.items() if key == "strict" and sourced.value is True}

    @property
    def ignored_keys(self) -> tuple[str, ...]:
        """The keys that are ignored until the file is trusted."""
        return tuple(
            key
            for values in (self.checked.values, *self.checked.profiles.values())
            for key in values.keys() - self._effective(values).keys()
        )


def assess_trust(
    checked: CheckedDocument, environ: Mapping[str, str], trust: TrustStore | None, *, named: bool
) -> SettingsFile:
    """
    Whether a project's file is trusted.

    A file `named` on the command line is trusted, even through a link, unless other users may change
    it. Raises `errors.UnsafeState` where others may write the trust records.
    """
    document = checked.document
    layer = Layer.LOCAL if os.path.basename(document.path) == LOCAL_FILE else Layer.PROJECT
    if is_trusted_checkout(environ):
        return SettingsFile(checked, layer, trusted=True)
    if named:
        unsafe = danger(os.path.realpath(document.path))
        return SettingsFile(checked, layer, not unsafe, unsafe)
    trusted = trust is not None and trust.is_trusted(document.path, document.substance)
    return SettingsFile(checked, layer, trusted, "" if trusted else danger(document.path))


def trust_notes(files: Sequence[SettingsFile], environ: Mapping[str, str]) -> tuple[str, ...]:
    """One note for all ignored settings, and why `sophia-secrets trust` would not help, if so."""
    held = [each for each in files if each.ignored_keys]
    if not held:
        return ()
    targets = any(key not in BY_KEY or BY_KEY[key].is_target for each in held for key in each.ignored_keys)
    paths = " and ".join(each.path for each in held)
    note = f"{'Targets' if targets else 'Settings'} in {paths} are ignored until `sophia-secrets trust`."
    note += "".join(f" {each.path} cannot be trusted now: {each.danger}." for each in held if each.danger)
    if is_requested_outside_ci(environ):
        note += " SOPHIA_SECRETS_TRUST counts only where CI=true."
    return (note,)
