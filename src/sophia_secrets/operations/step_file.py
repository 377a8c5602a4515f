"""The file of `$GITHUB_ENV`, by which a step of a GitHub workflow sets variables for later steps."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sophia_secrets import errors
from sophia_secrets.state import files
from sophia_secrets.state.opening import BASE, open_file

VARIABLE = "GITHUB_ENV"


class StepFile:
    """The open file of a step."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def append(self, data: bytes) -> None:
        """
        Append whole lines.

        Raises `OutputFailed` where not all of them can be written; then the file is unchanged.
        """
        size = os.fstat(self._fd).st_size
        begun = size == 0 or os.pread(self._fd, 1, size - 1) == b"\n"
        try:
            files.write_all(self._fd, data if begun else b"\n" + data)
            return
        except OSError as problem:
            os.ftruncate(self._fd, size)
            reason = errors.reason_of(problem)
        raise errors.OutputFailed(
            f"The file of ${VARIABLE} could not be written: {reason}.",
            hint="It is as it was before. Free some space on the runner, then run the step again.",
        )


@contextmanager
def opened(environ: Mapping[str, str]) -> Iterator[StepFile]:
    """
    The step's file, checked before any secret is read.

    Raises `UsageError` outside a workflow, and for what is not a regular file: only the runner creates
    that file.
    """
    path = environ.get(VARIABLE, "")
    if environ.get("GITHUB_ACTIONS") != "true" or not path:
        raise errors.UsageError(
            f"`--format github-env` writes the file that ${VARIABLE} names, and this is no step of a GitHub "
            "workflow.",
            hint="Elsewhere use `--format dotenv`, or `sophia-secrets run -- COMMAND`.",
        )
    try:
        fd = open_file(path, os.O_RDWR | os.O_APPEND | BASE)
        reason = ""
    except OSError as problem:
        fd = -1
        reason = errors.reason_of(problem, "it cannot be opened")
    if fd >= 0 and not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        fd, reason = -1, "it is not a regular file"
    if fd < 0:
        raise errors.UsageError(
            f"${VARIABLE} names {path}, which cannot be written: {reason}.",
            hint="The runner makes that file; run this in a step and leave the variable alone.",
        )
    try:
        yield StepFile(fd)
    finally:
        os.close(fd)
