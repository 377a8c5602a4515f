"""How much of a settings file applies: all of it, or only names and policies until it is trusted."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from msgspec import Struct

from sophia_secrets.settings.checking import CheckedDocument, Values
from sophia_secrets.settings.reading import LOCAL_FILE
from sophia_secrets.settings.result import Layer
from sophia_secrets.settings.table import BY_KEY
from sophia_secrets.settings.trust import TrustStore, danger, is_asked_outside_ci, is_trusted_checkout


class SettingsFile(Struct, frozen=True):
    """One file and whether it is trusted; `danger` is why it cannot be, if so."""

    checked: CheckedDocument
    layer: Layer
    trusted: bool
    danger: str = ""

    @property
    def path(self) -> str:
        return self.checked.document.path

    def values(self, profile: str | None = None) -> Values:
        """What the file, or its profile, says that counts."""
        if profile is None:
            return self._counting(self.checked.values)
        return self._counting(self.checked.profiles.get(profile, {}))

    def _counting(self, values: Values) -> Values:
        if self.trusted:
            return values
        # To make a failure an error is the one thing that a stranger may ask for.
        return {key: given for key, given in values.items() if key == "strict" and given.value is True}

    @property
    def held_back(self) -> tuple[str, ...]:
        """The keys that do not count until the file is trusted."""
        return tuple(
            key
            for values in (self.checked.values, *self.checked.profiles.values())
            for key in values.keys() - self._counting(values).keys()
        )


def judge(
    checked: CheckedDocument, environ: Mapping[str, str], trust: TrustStore | None, *, named: bool
) -> SettingsFile:
    """
    Whether a project's file is trusted.

    A file that was `named` on the command line is trusted, link or not, unless other users may
    change it. Raises `errors.UnsafeState` where others may write the records of trust.
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
    """One note for all that is held back, and why `sophia-secrets trust` will not do, if so."""
    held = [each for each in files if each.held_back]
    if not held:
        return ()
    targets = any(key not in BY_KEY or BY_KEY[key].is_target for each in held for key in each.held_back)
    paths = " and ".join(each.path for each in held)
    note = f"{'Targets' if targets else 'Settings'} in {paths} are ignored until `sophia-secrets trust`."
    note += "".join(f" {each.path} cannot be trusted now: {each.danger}." for each in held if each.danger)
    if is_asked_outside_ci(environ):
        note += " SOPHIA_SECRETS_TRUST counts only where CI=true."
    return (note,)
