"""The error for a path that does not exist."""

from __future__ import annotations

import os
import shlex

from sophia_secrets import errors


def no_file(path: str, kind: str = "file") -> errors.UsageError:
    """The error for a missing path: its hint says where to look."""
    if os.path.isabs(path):
        return errors.UsageError(
            f"There is no {kind} {path}.",
            hint=f"See what there is with `ls {shlex.quote(os.path.dirname(path))}`.",
        )
    return errors.UsageError(
        f"There is no {kind} {path} here.", hint=f"Paths begin at the working directory, {_here()}."
    )


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "which is gone"
