"""The AWS backend."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_secrets.backends.aws import probing, reading, rules, writing
from sophia_secrets.backends.aws.place import NAME, Place, place_of
from sophia_secrets.backends.aws.program import aws_for
from sophia_secrets.backends.base import Capabilities, Context, Section, Steps, Unconfigured
from sophia_secrets.core.model import Change, Check, Failure, Receipt, SecretValue, Snapshot


class AwsBackend:
    """
    The secrets directly under one prefix: `API_KEY` of `app/production/` is `app/production/API_KEY` in
    AWS.

    Settings: `prefix`, `region`, `profile`, `endpoint`, `recovery_days` (30), `delete_at_once`
    (off: a deletion is scheduled and can be undone).
    """

    name = NAME
    capabilities = Capabilities(readable=True, writable=True, needs_call=True, digests=True, versions=True)

    def __init__(self, place: Place, context: Context, *, by_name: bool | None = None) -> None:
        self.target = place.target
        self._aws = aws_for(place, context, by_name=by_name)
        self.credential = self._aws.credential
        self._declared = sorted(name for name in context.declared if rules.problem(place, name, None) is None)

    @classmethod
    def configure(cls, section: Section, context: Context) -> AwsBackend | Unconfigured:
        """The backend for the configured prefix."""
        place = place_of(section, context)
        return place if isinstance(place, Unconfigured) else cls(place, context)

    def snapshot(self) -> Steps[Snapshot | Failure]:
        """Every name with its value: one call for the names and one per twenty values."""
        return (yield from reading.snapshot(self._aws, self._declared))

    def write(self, changes: Sequence[Change]) -> Steps[Receipt]:
        """A new version of each secret, or a new secret; then read back."""
        return (yield from writing.write(self._aws, changes))

    def delete(self, names: Sequence[str]) -> Steps[Receipt]:
        """Delete the names; an absent one is `unchanged` with detail "absent"."""
        return (yield from writing.delete(self._aws, names))

    def probe(self) -> Steps[list[Check]]:
        """`aws.cli`, `aws.auth`, `aws.target`."""
        return (yield from probing.probe(self._aws))

    def problem(self, name: str, value: SecretValue | None = None) -> str | None:
        """Why AWS cannot store this exactly, or None. Never quotes the value."""
        return rules.problem(self._aws.place, name, value)
