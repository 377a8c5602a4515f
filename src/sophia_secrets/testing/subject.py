"""A backend under test, with access to its vendor's state."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct, field

from sophia_secrets import process
from sophia_secrets.backends.base import Backend, Call, Completed, Steps, Unconfigured
from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.core.model import Change, Receipt, SecretValue, Snapshot

T = TypeVar("T")


class Subject(HiddenRepr, Struct):
    """
    A backend that points at a fresh, empty target.

    `programs` maps a command's name to an absolute path; others are looked up in `path`.
    `held` tells the names and values that the vendor has, not through the backend; without it a
    backend that can read is asked for them. `credentials` are texts that identify who is asking
    and must be shown nowhere. `calls` are those that were made.
    """

    backend: Backend
    programs: Mapping[str, str] = field(default_factory=dict)
    path: str = field(default_factory=lambda: os.environ.get("PATH", ""))
    held: Callable[[], Mapping[str, str]] | None = None
    credentials: tuple[str, ...] = ()
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        assert not isinstance(self.backend, Unconfigured), self.backend.reason

    def run(self, steps: Steps[T]) -> T:
        """Make the calls as the program would."""
        return process.run(self._noting(steps), programs=self.programs, path=self.path)

    def _noting(self, steps: Steps[T]) -> Steps[T]:
        try:
            call = next(steps)
            while True:
                self.calls.append(call)
                call = steps.send((yield call))
        except StopIteration as end:
            returned: T = end.value
            return returned
        finally:
            steps.close()

    def snapshot(self) -> Snapshot:
        """The current snapshot, which must not be a failure."""
        found = self.run(self.backend.snapshot())
        assert isinstance(found, Snapshot), found
        return found

    def stored(self) -> dict[str, str]:
        """The current secrets of the vendor."""
        if self.held is not None:
            return dict(self.held())
        assert self.backend.capabilities.readable, "a backend that cannot read needs `held`"
        entries = self.snapshot().entries
        return {name: each.value.reveal() for name, each in entries.items() if each.value is not None}

    def write(self, values: Mapping[str, str]) -> Receipt:
        """Store the values."""
        return self.run(
            self.backend.write([Change(name, SecretValue(value)) for name, value in values.items()])
        )


def answered(steps: Steps[T], completed: Completed) -> T:
    """The result of the steps if every call returns `completed`; nothing is started."""
    try:
        next(steps)
        for _ in range(100):
            steps.send(completed)
    except StopIteration as end:
        returned: T = end.value
        return returned
    raise AssertionError("an operation makes a hundred calls and more")
