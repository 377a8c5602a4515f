"""Opening a session: settings, trust and paths, from the current environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sophia_secrets import settings as layered
from sophia_secrets.operations.session import Session, SessionOptions

if TYPE_CHECKING:
    from sophia_secrets.process import Cancel, Event


def working_directory() -> str:
    """The directory to look for settings in: the working directory, or `/` where that was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return "/"


def open_session(
    command: str,
    *,
    environ: Mapping[str, str],
    cwd: str,
    flags: Mapping[str, str] | None = None,
    profile: str | None = None,
    config_file: str | None = None,
    strict: bool = False,
    offline: bool = False,
    max_stale: float | None = None,
    reason: str = "",
    cancel: Cancel | None = None,
    on_event: Callable[[Event], None] | None = None,
    on_words: Callable[[str, str], None] | None = None,
    on_wait: Callable[[str], object] | None = None,
    on_work: Callable[[str, int, str, bool], object] | None = None,
) -> Session:
    """
    A session for one command, with the current settings.

    Raises `BadSettings` for invalid settings; nothing else is opened yet.
    """
    paths = layered.locate(environ)
    settings = layered.load(
        environ=environ,
        cwd=cwd,
        flags=flags or {},
        profile=profile,
        config_file=config_file,
        trust=layered.TrustStore(paths.state),
    )
    return Session(
        settings=settings,
        environ=environ,
        cwd=cwd,
        options=SessionOptions(command, strict, offline, max_stale, reason),
        cancel=cancel,
        on_event=on_event,
        on_words=on_words,
        on_wait=on_wait,
        on_work=on_work,
        notes=list(settings.notes),
    )
