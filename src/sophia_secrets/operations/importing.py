"""Import a file into one backend: planned first, then written in one call."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend
from sophia_secrets.core import changes
from sophia_secrets.core import names as naming
from sophia_secrets.core.changes import Plan
from sophia_secrets.core.resolve import Answer
from sophia_secrets.formats import Pair, guess, reader
from sophia_secrets.operations import writing
from sophia_secrets.operations.applying import ApplyResult, apply_plan, destination_of
from sophia_secrets.operations.reading import fresh_answer
from sophia_secrets.operations.session import Session


class ImportPlan(Struct, frozen=True):
    """A plan for one destination, with its answer."""

    destination: Backend
    there: Answer
    plan: Plan


def read_pairs(data: bytes, path: str, format_name: str | None) -> list[Pair]:
    """
    The names and values of a file; without a format it is guessed from the file's name, then its text.

    Raises `errors.UsageError` with the line that cannot be read, or of a duplicate name.
    """
    read = reader(format_name or guess(path, data))
    try:
        return read(data)
    except errors.UsageError as error:
        correct = "Nothing was stored. Correct the file"
        problem = type(error)(
            f"{'Standard input' if path == '-' else path}: {error.message}",
            hint=error.hint
            or (f"{correct}." if format_name else f"{correct}, or say what it is with `--format`."),
        )
    # Outside the handler: the parser's own error may hold the text of the file (L3).
    raise problem


def plan_import(
    session: Session, pairs: Sequence[Pair], backend_name: str | None, *, only: str = ""
) -> ImportPlan:
    """
    Plan to store the pairs whose names begin with `only`; only the destination is read.

    Raises `errors.BadName` for names that the destination does not accept, all of them with their
    lines, before any call; what `writing.destination` raises; and the failure of the backend.
    """
    destination = writing.destination(session, backend_name)
    wanted = [pair for pair in pairs if pair.name.startswith(only)]
    _check_names(destination, wanted)
    there = fresh_answer(session, destination)
    place = destination_of(session, destination, there, as_declared=True)
    actions = changes.plan({pair.name: pair.value for pair in wanted}, place)
    return ImportPlan(destination, there, Plan(actions))


def apply(session: Session, planned: ImportPlan) -> ApplyResult:
    """Apply the plan in one write; each row has the outcome of a name."""
    return apply_plan(session, planned.destination, planned.plan)


def _check_names(destination: Backend, pairs: Sequence[Pair]) -> None:
    lines: dict[str, int] = {}
    bad: list[str] = []
    hints: list[str] = []
    for pair in pairs:
        where = f"line {pair.line}: " if pair.line else ""
        if pair.name in lines:
            bad.append(f"{where}{naming.shown(pair.name)} is there twice")
        lines[pair.name] = pair.line
        reason = naming.convention_problem(pair.name) or destination.problem(pair.name)
        if reason is not None:
            bad.append(f"{where}{naming.shown(pair.name)}: {reason}")
            better = naming.corrected(pair.name)
            if better and better != pair.name:
                hints.append(f"`{better}`")
    if bad:
        listed = "; ".join(bad[:20]) + (f"; and {len(bad) - 20} more" if len(bad) > 20 else "")
        raise errors.BadName(
            f"The file has names that {destination.name} cannot take, so nothing was stored: {listed}.",
            hint=f"Change them to {', '.join(hints[:20])}."
            if hints
            else "Rename them, or leave them out with `--only PREFIX`.",
            backend=destination.name,
            target=str(destination.target),
        )
