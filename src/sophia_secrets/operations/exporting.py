"""Exporting secrets: in one of the formats, or rendered into a template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.core import names as naming
from sophia_secrets.core import read_errors
from sophia_secrets.core.child_environment import ChosenNames, Selection
from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.core.resolve import Answer
from sophia_secrets.formats import Pair, decoded, value_problem, writer
from sophia_secrets.operations.selecting import Selected, by_selection, hand_over, names_to_query
from sophia_secrets.operations.session import Session

if TYPE_CHECKING:
    from sophia_secrets.core.template import Template

ANY_TEXT = ("json", "yaml", "k8s")
"""The formats that carry any text."""


class Export(HiddenRepr, Struct, frozen=True):
    """
    The content of the file, and what to report about it.

    `absent` are optional declared names without a value, `dangerous` the names left out because
    programs obey a variable of that name (I8).
    """

    content: bytes
    pairs: tuple[Pair, ...]
    answers: tuple[Answer, ...]
    absent: tuple[str, ...] = ()
    dangerous: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(pair.name for pair in self.pairs)


def export(
    session: Session,
    names: Sequence[str],
    prefixes: Sequence[str],
    format_name: str,
    *,
    options: dict[str, str] | None = None,
    only: str | None = None,
    use_cache: bool = True,
) -> Export:
    """
    The secrets in a format: the given names and those that match the prefixes; with neither, those that
    `run` passes to a command.

    Raises `errors.BadValue` and `errors.BadName` for what the format cannot represent, `NotFound`
    where there is nothing to write, and what `selecting.hand_over` raises.
    """
    write = writer(format_name)
    for name in names:
        naming.check_safe(name)
    selection = Selection(only=tuple(prefixes))
    selected_too = bool(prefixes) or not names
    select = by_selection(session, selection)
    asked = names_to_query(session, selection) if selected_too else ()

    def choose(answers: Sequence[Answer]) -> ChosenNames:
        chosen = select(answers) if selected_too else ChosenNames((), frozenset())
        return ChosenNames(
            tuple(dict.fromkeys([*names, *chosen.names])),
            chosen.named | frozenset(names),
            tuple(name for name in chosen.dangerous if name not in names),
            chosen.loose - frozenset(names),
        )

    def make(selected: Selected) -> Export:
        if not selected.values:
            raise errors.NotFound(
                "There is nothing to export: no backend gives a value here.",
                hint="See what there is with `sophia-secrets list`; variables of the environment are "
                "exported when they are named or declared.",
            )
        pairs = tuple(Pair(name, value) for name, value in selected.values.items())
        content = _written(lambda: write(pairs, **(options or {})), format_name)
        return Export(content, pairs, selected.answers, selected.absent, selected.chosen.dangerous)

    return hand_over(session, (*names, *asked), choose, make, only=only, use_cache=use_cache)


def _written(write: Callable[[], bytes], format_name: str) -> bytes:
    try:
        return write()
    except errors.BadValue as problem:
        message, hint = problem.message, problem.hint
    if not hint and format_name not in ANY_TEXT:
        hint = "`--format json` carries any text; or leave it out by naming the others."
    raise errors.BadValue(message, hint=hint)


def parse_template(data: bytes) -> Template:
    """Raises `errors.UsageError` for what is not UTF-8 text, or too large."""
    from sophia_secrets.core import template as templates

    return templates.parse(decoded(data))


def render(
    session: Session, template: Template, place: str, *, only: str | None = None, use_cache: bool = True
) -> Export:
    """
    The template filled with the values of its placeholders, all read in one pass.

    `place` is the template's name in messages. Raises the error of the first name without a value,
    with its line, and `errors.BadValue` for a value that is not text.
    """
    lines = template.first_lines
    for name, line in lines.items():
        if not naming.is_safe(name):
            raise errors.BadName(
                f"{place}:{line}: {naming.shown(name)} cannot be a secret's name.",
                hint="See the names with `sophia-secrets list --names`.",
            )

    def make(selected: Selected) -> Export:
        _check_present(selected, lines, place, session.in_workflow)
        values = selected.values
        for name, value in values.items():
            problem = value_problem(value, nul=True)
            if problem is not None:
                raise errors.BadValue(
                    f"{place}:{lines[name]}: the value of `{name}` cannot be written: {problem}."
                )
        from sophia_secrets.core import template as templates

        content = templates.fill(template, values).encode()
        return Export(content, tuple(Pair(n, v) for n, v in values.items()), selected.answers)

    # No name is `named`: the line belongs into the error of a missing one.
    return hand_over(
        session,
        tuple(lines),
        lambda _: ChosenNames(tuple(lines), frozenset()),
        make,
        only=only,
        use_cache=use_cache,
    )


def _check_present(selected: Selected, lines: dict[str, int], place: str, in_workflow: bool) -> None:
    missing = [each for each in selected.resolutions if each.value is None]
    if not missing:
        return
    first = read_errors.missing(missing[0], selected.answers, in_workflow=in_workflow)
    others = ", ".join(f"`{each.name}` ({place}:{lines[each.name]})" for each in missing[1:])
    more = f" Nor {'was' if len(missing) == 2 else 'were'} {others}." if others else ""
    raise type(first)(
        f"{place}:{lines[missing[0].name]}: {first.message}{more}",
        hint=first.hint,
        backend=first.backend,
        target=first.target,
    )
