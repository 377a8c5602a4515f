"""What a place of one kind (an ESC environment, a stack's configuration) must be able to describe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sophia_secrets.backends.base import Call, Completed
from sophia_secrets.backends.pulumi.values import Leaf, Path
from sophia_secrets.core.model import Failure, SecretValue, Target


class Place(Protocol):
    """Calls and the reading of their answers; `words` names the place to people."""

    @property
    def words(self) -> str: ...

    def read_call(self, secrets: Sequence[SecretValue] = ()) -> Call:
        """The one call that tells everything; `secrets` are values that may be met in it."""
        ...

    def read(self, completed: Completed, target: Target) -> dict[str, Leaf] | Failure:
        """Every name of the place."""
        ...

    def set_call(self, name: str, value: SecretValue) -> Call:
        """Store one value; the value travels on standard input."""
        ...

    def remove_call(self, path: Path) -> Call | None:
        """Remove what stands at a path that was read, or None where no argument should say that path."""
        ...

    def note(self, value: SecretValue, /) -> str:
        """What people should know about how this value is kept, or ""."""
        ...

    @property
    def elsewhere(self) -> str:
        """Where a name may still come from after it was removed here."""
        ...
