"""The Pulumi backend: two places, and their precedence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sophia_secrets.backends.base import Capabilities, Context, Credential, Section, Steps, Unconfigured
from sophia_secrets.core.model import (
    Change,
    Check,
    Entry,
    EntryState,
    Failure,
    Outcome,
    Receipt,
    Result,
    SecretValue,
    Snapshot,
    Target,
)

if TYPE_CHECKING:
    from sophia_secrets.backends.pulumi.esc import Environment
    from sophia_secrets.backends.pulumi.place import Place
    from sophia_secrets.backends.pulumi.stack import Stack
    from sophia_secrets.backends.pulumi.values import Leaf

NAME = "pulumi"


class PulumiBackend:
    """
    An ESC environment, a stack's configuration, or both.

    With both, the environment wins for every name that it has and gets every write and every delete, and a
    snapshot needs both answers: a name must not look absent because one place failed.
    """

    name = NAME
    capabilities = Capabilities(readable=True, writable=True, needs_call=True)

    def __init__(
        self,
        target: Target,
        credential: Credential,
        environment: Environment | None,
        stack: Stack | None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.target = target
        self.credential = credential
        self._environment = environment
        self._stack = stack
        self._notes = notes

    @classmethod
    def configure(cls, section: Section, context: Context) -> PulumiBackend | Unconfigured:
        """
        The backend for these settings.

        Raises `BadName` for an unsafe target, and for a stack whose project is not the one in the
        directory: Pulumi would read the wrong project's file.
        """
        if not any(str(section.get(key) or "").strip() for key in ("environment", "stack")):
            return Unconfigured(
                NAME,
                "neither an environment nor a stack is set",
                "Set `environment` (PULUMI_ENVIRONMENT), or `stack` and `directory`, under `[pulumi]`.",
            )
        from sophia_secrets.backends.pulumi.configured import places

        found = places(section, context)
        return found if isinstance(found, Unconfigured) else cls(*found)

    def snapshot(self) -> Steps[Snapshot | Failure]:
        """Every name of the environment and of the stack, with one call each."""
        entries: dict[str, Entry] = {}
        for place in self._places():
            completed = yield place.read_call()
            held = place.read(completed, self.target)
            if isinstance(held, Failure):
                return held
            for name, leaf in held.items():
                entries[name] = _merged(entries.get(name), leaf, place)
        return Snapshot(self.target, entries, notes=self._notes)

    def write(self, changes: Sequence[Change]) -> Steps[Receipt]:
        """Store with one call per name, then verify with one read of the place."""
        problems = [self.problem(change.name, change.value) for change in changes]
        if any(problems):
            return Receipt(
                self.target,
                tuple(
                    Result(change.name, Outcome.REFUSED if problem else Outcome.NOT_STARTED, problem or "")
                    for change, problem in zip(changes, problems, strict=True)
                ),
            )
        from sophia_secrets.backends.pulumi import changes as writing

        return (yield from writing.write(self._places()[0], self.target, changes))

    def delete(self, names: Sequence[str]) -> Steps[Receipt]:
        """Delete each name, with a read before and a read after."""
        from sophia_secrets.backends.pulumi import changes as writing

        return (yield from writing.delete(self._places()[0], self.target, names))

    def probe(self) -> Steps[list[Check]]:
        """`pulumi.cli`, `pulumi.auth`, and `pulumi.environment` and `pulumi.stack` where configured."""
        from sophia_secrets.backends.pulumi import probe

        return (yield from probe.run(self._environment, self._stack, self.target))

    def problem(self, name: str, value: SecretValue | None = None) -> str | None:
        """Why Pulumi cannot store this exactly, or None; the same for both places, so that a value can move between them."""
        from sophia_secrets.backends.pulumi import names

        return names.name_problem(name) or (
            names.value_problem(value.reveal()) if value is not None else None
        )

    def _places(self) -> list[Place]:
        return [place for place in (self._environment, self._stack) if place is not None]


def _merged(above: Entry | None, leaf: Leaf, place: Place) -> Entry:
    if above is None:
        state = EntryState.READABLE if leaf.value is not None else EntryState.WRITE_ONLY
        detail = place.words if leaf.value is not None else f"{place.words}, where its value is not known yet"
        return Entry(state, leaf.value, detail=detail)
    which = "the same value" if above.value == leaf.value else "another value"
    return Entry(above.state, above.value, detail=f"{above.detail}; hides {which} in {place.words}")
