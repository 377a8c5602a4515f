"""The environment of the command of `run`: names selected, resolved in one pass, checked and audited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from sophia_secrets.core import child_environment as child
from sophia_secrets.core.child_environment import Environment, Selection
from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.core.model import SecretValue
from sophia_secrets.core.resolve import Answer
from sophia_secrets.launch.variables import Limits
from sophia_secrets.operations.selecting import Selected, by_selection, hand_over, names_to_query
from sophia_secrets.operations.session import Session


class PreparedRun(HiddenRepr, Struct, frozen=True):
    """
    The environment and files of the command, and what to report about them.

    `variables` and `files` are the secrets by name, `absent` the optional declared names that no
    backend holds, `dangerous` the names left out.
    """

    environment: Environment
    variables: Mapping[str, SecretValue]
    files: Mapping[str, SecretValue]
    absent: tuple[str, ...]
    dangerous: tuple[str, ...]
    answers: tuple[Answer, ...]

    def values(self) -> list[SecretValue]:
        """Every value that the command receives."""
        return [*self.variables.values(), *self.files.values()]


def prepare(
    session: Session,
    selection: Selection,
    inherited: Mapping[bytes, bytes],
    arguments: Sequence[bytes],
    limits: Limits,
    *,
    only: str | None = None,
    use_cache: bool = True,
) -> PreparedRun:
    """
    Select and resolve the names, build the environment, and audit one event per name.

    Raises what `selecting.hand_over` raises, and `errors.BadValue` for a value that cannot be passed to
    a command. Then the events say that nothing was delivered.
    """

    def make(selected: Selected) -> PreparedRun:
        found = selected.values
        files = {name: value for name, value in found.items() if name in selection.files}
        variables = {name: value for name, value in found.items() if name not in files}
        for name, value in files.items():
            child.file_bytes(name, value)
        environment = child.build(selection, session.settings.declared, variables, inherited)
        child.check_size(environment, variables, arguments, limits)
        return PreparedRun(
            environment, variables, files, selected.absent, selected.chosen.dangerous, selected.answers
        )

    return hand_over(
        session,
        names_to_query(session, selection),
        by_selection(session, selection),
        make,
        only=only,
        use_cache=use_cache,
    )
