"""Finding the backends that hold a secret now."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend
from sophia_secrets.core.model import EntryState
from sophia_secrets.core.resolve import Answer, find, is_complete
from sophia_secrets.core.text import sentence
from sophia_secrets.operations import reading, writing
from sophia_secrets.operations.session import Session


class Holding(Struct, frozen=True):
    """
    A backend that holds a secret, with its current answer. `obstacle` is why it cannot be written, ""
    where it can.
    """

    backend: Backend
    answer: Answer
    obstacle: str = ""


def find_holders(
    session: Session, names: Sequence[str], only: Sequence[str] = ()
) -> dict[str, tuple[Holding, ...]]:
    """
    For each name, the backends that hold it, in chain order, or exactly those of `only`.

    The whole chain is asked, once for all names. Raises the error of a backend that fails: whether it
    holds the secret is then unknown, and a rotation must not be partial.
    """
    if only:
        backends = [writing.destination(session, name) for name in dict.fromkeys(only)]
        answers = {backend.name: ask(session, names, backend) for backend in backends}
        for answer in answers.values():
            _require(answer, named=True)
        return {name: tuple(Holding(b, answers[b.name]) for b in backends) for name in names}
    backends = session.configured_chain()
    read = reading.read(session, names, use_cache=False, deliver=False, everything=True)
    by_backend = {answer.backend: answer for answer in read.answers}
    for backend in backends:
        _require(by_backend[backend.name])
    return {
        name: tuple(
            Holding(backend, by_backend[backend.name], _obstacle(backend))
            for backend in backends
            if _may_hold(by_backend[backend.name], name)
        )
        for name in names
    }


def ask(session: Session, names: Sequence[str], backend: Backend) -> Answer:
    """The current answer of one backend, without the cache; a failure is part of the answer."""
    read = reading.read(session, names, only=backend.name, use_cache=False, deliver=False)
    return read.answers[0]


def _require(answer: Answer, *, named: bool = False) -> None:
    """Raises the failure of a backend that did not answer; where it was not `named`, others can be."""
    if answer.failure is None:
        return
    message = f"{answer.failure.message} Whether it holds the secret is not known, so nothing was rotated."
    hint = sentence(answer.failure.hint)
    if not named:
        others = "name the backends to rotate with `--backend`"
        hint = f"{hint.removesuffix('.')}, or {others}." if hint else sentence(others)
    raise errors.error_for(answer.failure.kind.value)(
        message, hint=hint, backend=answer.backend, target=answer.target
    )


def _may_hold(answer: Answer, name: str) -> bool:
    entry = find(answer, name)
    if entry is not None:
        return entry.state is not EntryState.ABSENT
    if is_complete(answer):
        return False
    raise errors.NotSupported(
        f"{answer.backend} ({answer.target}) cannot say here whether it holds `{name}`.",
        hint="Name the backends to rotate with `--backend`.",
        backend=answer.backend,
        target=answer.target,
    )


def _obstacle(backend: Backend) -> str:
    if backend.capabilities.writable:
        return ""
    return f"keeps the old value: {backend.capabilities.note or 'it is read only'}"
