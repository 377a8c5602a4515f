"""Opening a session and a console for a command, and printing notes at its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sophia_secrets import errors
from sophia_secrets.cli.chosen import repeated
from sophia_secrets.cli.console import Console
from sophia_secrets.cli.options import Options
from sophia_secrets.cli.progress import worker
from sophia_secrets.core.resolve import Answer
from sophia_secrets.core.text import sentence, visible
from sophia_secrets.operations.opening import open_session, working_directory
from sophia_secrets.operations.session import Session
from sophia_secrets.settings.kinds import duration

if TYPE_CHECKING:
    from sophia_secrets.process import Event


def console_for(options: Options) -> Console:
    """The console for the global options."""
    given = {"--profile": options.profile, "--config": options.config}
    chosen = repeated([f"{name}={value}" for name, value in given.items() if value is not None])
    return Console(json=options.json, no_color=options.no_color, environ=os.environ, chosen=chosen)


@contextmanager
def command_session(options: Options, command: str) -> Iterator[tuple[Session, Console]]:
    """
    A session and a console for one command.

    The session's notes are written to standard error when the command ends, also when it fails.
    """
    console = console_for(options)
    session = open_session(
        command,
        environ=dict(os.environ),
        cwd=working_directory(),
        flags={"timeout": _timeout(options.timeout)} if options.timeout is not None else {},
        profile=options.profile,
        config_file=options.config,
        strict=options.strict,
        offline=options.offline,
        max_stale=_age(options.max_stale),
        reason=options.reason,
        on_event=_event_printer(console, options),
        on_words=_words_printer(console) if options.debug else None,
        on_wait=console.waiting,
        on_work=worker(console),
    )
    if command == "audit" and not session.settings.is_audited:
        session.notes.append("The audit log is switched off (`[audit] mode`), so nothing is recorded now.")
    try:
        yield session, console
    finally:
        _print_notes(session, console)


def _age(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return duration(text)
    except ValueError:
        pass
    raise errors.UsageError(
        f"`--max-stale{_typed(text)}` is not an age.",
        hint="Write it as `--max-stale 90`, `10m`, `24h` or `7d`.",
    )


def _timeout(text: str) -> str:
    try:
        if duration(text) > 0:
            return text
    except ValueError:
        pass
    raise errors.UsageError(
        f"`--timeout{_typed(text)}` is not a time of more than 0 seconds.",
        hint="Write it as `--timeout 30s`, `90` or `2m`.",
    )


def _typed(text: str) -> str:
    return f" {visible(text[:32])}" if text.strip() else ""


def _event_printer(console: Console, options: Options) -> Any:
    if not (options.debug or options.verbose):
        return None

    def print_event(event: Event) -> None:
        if options.debug or event.ended is not None:
            console.note(str(event))

    return print_event


def _words_printer(console: Console) -> Callable[[str, str], None]:
    def print_lines(who: str, words: str) -> None:
        lines = [line.strip() for line in words.splitlines() if line.strip()]
        for line in lines or ["nothing that may be shown"]:
            console.note(f"{who} said: {line}")

    return print_lines


def _print_notes(session: Session, console: Console) -> None:
    shown: set[str] = set()
    cache = session.__dict__.get("cache")
    for note in [*session.notes, *(cache.warnings() if cache is not None else [])]:
        if note not in shown:
            shown.add(note)
            console.note(note)


def warn_about_failures(
    answers: tuple[Answer, ...], console: Console, session: Session, *, said: str = ""
) -> None:
    """
    Warn on standard error about failed backends, and where a stale answer was used.

    `said` is the error that will be shown: a failure that it contains is not repeated.
    """
    for answer in answers:
        if answer.failure is not None and answer.failure.message not in said:
            stood_in = ""
            if answer.snapshot is not None:
                age = ago(session.clock() - answer.snapshot.fetched_at)
                stood_in = f" Its answer of {age} ago stands in."
            console.warn(f"{sentence(answer.failure.message)}{stood_in}", sentence(answer.failure.hint))
        if answer.snapshot is not None:
            for note in answer.snapshot.notes:
                console.note(sentence(note))


def ago(seconds: float) -> str:
    """An age for display: `40 s`, `12 min`, `3 h`, `5 days`."""
    if seconds < 120:
        return f"{max(0, int(seconds))} s"
    if seconds < 7200:
        return f"{int(seconds // 60)} min"
    if seconds < 172800:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86400)} days"
