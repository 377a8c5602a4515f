"""The shared options of the audit commands: filters for events."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer
from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.cli.commands import ALIASES
from sophia_secrets.core.audit_words import COMMANDS, OUTCOMES
from sophia_secrets.core.names import nearest, shown
from sophia_secrets.settings.kinds import duration
from sophia_secrets.state.audit_read import Query

Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="Events of this secret alone.")]
Backend = Annotated[
    str | None,
    typer.Option(
        "--backend",
        "-b",
        metavar="B",
        help="Events that name this backend: it answered, failed, or was written to.",
    ),
]
Outcome = Annotated[
    str | None, typer.Option("--outcome", metavar="WORD", help="Such as found, absent, failed, done.")
]
Command = Annotated[str | None, typer.Option("--command", metavar="WORD", help="Such as get, run, set.")]
Actor = Annotated[str | None, typer.Option("--actor", metavar="USER", help="Events of this user alone.")]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="From then on: an age (2h, 7d), a date or a date and time."),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="WHEN", help="Before then, written likewise; UTC without an offset."),
]

_AGE = r"[0-9.]+ ?[smhd]"
_RFC_3339 = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?)?"
)


class EventFilter(Struct, frozen=True):
    """The filter on the command line, as typed."""

    name: str | None = None
    backend: str | None = None
    outcome: str | None = None
    command: str | None = None
    actor: str | None = None
    since: str | None = None
    until: str | None = None

    def query(self, now: float, last: int | None = None) -> Query:
        """The query. Raises `UsageError` for an invalid time or a filter that cannot match."""
        for option, text in (
            ("name", self.name),
            ("backend", self.backend),
            ("outcome", self.outcome),
            ("command", self.command),
            ("actor", self.actor),
        ):
            if text == "":
                raise errors.UsageError(f"`--{option}` is empty.", hint="Leave it out to see every event.")
        if self.outcome is not None:
            _known("outcome", self.outcome.replace("-", "_"), OUTCOMES)
        if self.command is not None:
            _known("command", self.command, COMMANDS)
        since, until = moment(self.since, "since", now), moment(self.until, "until", now)
        if since is not None and until is not None and since >= until:
            raise errors.UsageError(
                "`--since` is not before `--until`, so no event can match.",
                hint="Exchange the two: `3h` is longer ago than `2h`.",
            )
        return Query(
            name=self.name,
            backend=self.backend,
            outcome=self.outcome.replace("-", "_") if self.outcome else None,
            command=self.command,
            actor=self.actor,
            since=since,
            until=until,
            last=last,
        )


def _known(option: str, word: str, words: Iterable[str]) -> None:
    """Raises `UsageError` for a word that is not in the vocabulary of events."""
    if word in words:
        return
    known = [(each, "") for each in words]
    meant = [f"Did you mean `{near}`? " for near, _ in nearest(ALIASES.get(word, word), known, limit=1)]
    raise errors.UsageError(
        f"No event has the {option} {shown(word)}.", hint=f"{''.join(meant)}There are {', '.join(words)}."
    )


def moment(text: str | None, option: str, now: float) -> float | None:
    """
    Unix seconds of an age before `now` or of an RFC 3339 date, or date and time (UTC where it
    names no offset; a date is its first moment). Raises `UsageError`.
    """
    if text is None:
        return None
    plain = text.strip()
    try:
        if re.fullmatch(_AGE, plain):
            return max(0.0, now - duration(plain))
        if re.fullmatch(_RFC_3339, plain):
            found = datetime.fromisoformat(plain.upper())
            return max(0.0, (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        pass
    raise errors.UsageError(
        f"`--{option} {text}` is not a time." if plain else f"`--{option}` is empty.",
        hint="Write an age such as `2h` or `7d`, or a time such as `2026-05-04` or `2026-05-04T10:00:00Z`.",
    )
