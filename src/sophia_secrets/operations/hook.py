"""The pre-commit hook that scans what is staged."""

from __future__ import annotations

import os
from enum import Enum

from sophia_secrets import errors
from sophia_secrets.operations.fetch import run_all
from sophia_secrets.operations.session import Session
from sophia_secrets.operations.staged import Git, hooks_directory
from sophia_secrets.state import atomic, files

NAME = "pre-commit"
LINE = "sophia-secrets scan --staged"

_MARK = "# Keeps known secrets out of commits. Written by `sophia-secrets scan --install-hook`.\n"
_LIMIT = 1024 * 1024


class InstallOutcome(Enum):
    """The outcome of installing the hook."""

    NEW = "installed"
    UPDATED = "updated"
    SAME = "unchanged"


def text(program: str) -> str:
    """The hook's text; `program` is the absolute path of this program, "" where only its name is known."""
    lines = ["#!/bin/sh\n", _MARK]
    if program:
        # Commits are also made from editors, which may have another PATH.
        lines += [
            f"program={files.quoted(program)}\n",
            '[ -x "$program" ] || program=sophia-secrets\n',
            'exec "$program" scan --staged\n',
        ]
    else:
        lines.append(f"exec {LINE}\n")
    return "".join(lines)


def install(session: Session, program: str) -> tuple[str, InstallOutcome]:
    """
    Write the hook of the current repository; returns its path.

    Raises `errors.UsageError` where another hook exists, with the line to add to it, and what
    `staged.hooks_directory` raises.
    """
    git = Git(session.environ, session.cwd, session.settings.timeout)
    (directory,) = run_all(session, {0: hooks_directory(git)}).values()
    path = os.path.join(directory, NAME)
    wanted = text(program).encode()
    problem = ""
    there = None
    try:
        there = files.read_path(path, _LIMIT, private=False, follow=True)
        if there is not None and _MARK.encode() not in there:
            problem = "is not ours"
        elif there != wanted:
            os.makedirs(directory, exist_ok=True)
            atomic.replace_path(path, wanted, mode=0o755)
    except files.TooLarge:
        problem = "is not ours"
    except OSError as failed:
        reason = errors.reason_of(failed)
        problem = f"cannot be written: {reason}"
    if problem:
        raise errors.UsageError(
            f"The hook {path} {problem}, so nothing was changed.",
            hint=f"Add this line to it: `{LINE} || exit $?`",
        )
    if there == wanted:
        return path, InstallOutcome.SAME
    return path, InstallOutcome.NEW if there is None else InstallOutcome.UPDATED
