"""The protocol of a place: an ESC environment or a stack's configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sophia_secrets.backends.base import Call, Completed
from sophia_secrets.backends.pulumi.values import Leaf, Path
from sophia_secrets.core.model import Failure, SecretValue, Target


class Place(Protocol):
    """The calls of a place and the parsing of their answers; `words` describes the place to people."""

    @property
    def words(self) -> str: ...

    def read_call(self, secrets: Sequence[SecretValue] = ()) -> Call:
        """The one call that reads everything; `secrets` are values that its output may contain."""
        ...

    def read(self, completed: Completed, target: Target) -> dict[str, Leaf] | Failure:
        """Every name of the place."""
        ...

    def set_call(self, name: str, value: SecretValue) -> Call:
        """Store one value, which is passed on standard input."""
        ...

    def remove_call(self, path: Path) -> Call | None:
        """Remove the value at a path, or None where the path is no safe argument."""
        ...

    def note(self, value: SecretValue, /) -> str:
        """A note for people about how this value is stored, or ""."""
        ...

    @property
    def elsewhere(self) -> str:
        """Where a name may still be defined after it was removed here."""
        ...
