"""Finding a vendor's program: an absolute path that no other user can write to, or why there is none (I9)."""

from __future__ import annotations

import os
import stat

from msgspec import Struct

from sophia_secrets.backends.base import Ended

NAMES = {"fly": ("flyctl", "fly")}
"""The file names of a command, preferred first; `fly` may be another vendor's program (Concourse)."""


class LookupResult(Struct, frozen=True):
    """The absolute `path` of a program; or "" with `ended` and `detail` saying why there is none."""

    path: str = ""
    ended: Ended | None = None
    detail: str = ""


def find_program(word: str, path: str, explicit: str | None = None) -> str | None:
    """The absolute path that a call of `word` would start, or None."""
    return look_up(word, path, explicit).path or None


def look_up(word: str, path: str, explicit: str | None = None) -> LookupResult:
    """
    Look for a command name in `path`, the text of a PATH variable, unless `explicit` is given.

    Empty and relative elements are skipped, so that a program in the working directory is never
    started. Only the first program found counts: where other users could replace it, none is started.
    """
    if explicit is not None:
        return _explicit(explicit)
    useless = ""
    for name in NAMES.get(word, (word,)):
        for element in path.split(os.pathsep):
            if not os.path.isabs(element):
                continue
            candidate = os.path.join(element, name)
            if not os.path.isfile(candidate):
                continue
            if os.access(candidate, os.X_OK):
                return _checked(candidate)
            useless = useless or candidate
    if useless:
        return LookupResult(ended=Ended.NOT_RUNNABLE, detail=f"{useless} is not executable")
    return LookupResult(ended=Ended.NOT_FOUND, detail=f"no `{word}` in PATH")


def _explicit(path: str) -> LookupResult:
    if not os.path.isabs(path):
        return LookupResult(ended=Ended.NOT_RUNNABLE, detail=f"{path} is not an absolute path")
    if not os.path.isfile(path):
        return LookupResult(ended=Ended.NOT_FOUND, detail=f"{path} does not exist or is not a file")
    if not os.access(path, os.X_OK):
        return LookupResult(ended=Ended.NOT_RUNNABLE, detail=f"{path} is not executable")
    return _checked(path)


def _checked(path: str) -> LookupResult:
    """The program, unless other users can write to it, to its directory or to its target's."""
    goal = os.path.realpath(path)
    try:
        program = os.stat(goal)
        directories = [(where, os.stat(where)) for where in {os.path.dirname(path), os.path.dirname(goal)}]
    except OSError as problem:
        return LookupResult(ended=Ended.NOT_RUNNABLE, detail=f"{path}: {os.strerror(problem.errno or 0)}")
    if program.st_mode & stat.S_IWOTH:
        return LookupResult(ended=Ended.NOT_RUNNABLE, detail=f"{goal} can be written by other users")
    ours = program.st_uid in (0, os.geteuid())
    for where, facts in directories:
        # In a sticky directory others cannot replace our file, but could have put theirs there.
        if facts.st_mode & stat.S_IWOTH and not (facts.st_mode & stat.S_ISVTX and ours):
            return LookupResult(ended=Ended.NOT_RUNNABLE, detail=f"{where} can be written by other users")
    return LookupResult(path=path)
