"""
What slows each start of the program, for `doctor`: bytecode that is not cached, a console script with
costly imports, and site files that make every Python import modules.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from shlex import quote

import msgspec

import sophia_secrets
from sophia_secrets.backends.base import Call, one_call
from sophia_secrets.core.count import counted
from sophia_secrets.core.model import Check, CheckStatus
from sophia_secrets.operations.session import Session

MANY = 10
"""A site file that imports this many modules adds a good part of Python's own start."""

_VARIABLES = ("HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONNOUSERSITE")
_LIMIT = 64 * 1024
_PROGRAM = """
import sys
import os, site
def report(origin, call, *arguments):
    before = set(sys.modules)
    found = call(*arguments)
    new = set(sys.modules) - before
    if new:
        print(len(new), origin(), flush=True)
    return found
package, custom = site.addpackage, site.execsitecustomize
def addpackage(place, name, known):
    return report(lambda: os.path.join(place, name), package, place, name, known)
def execsitecustomize():
    return report(lambda: getattr(sys.modules.get("sitecustomize"), "__file__", None) or "", custom)
site.addpackage, site.execsitecustomize = addpackage, execsitecustomize
site.main()
"""
"""Starts without `site`, then runs it, and prints how many modules each of its files imported."""


def checks(session: Session) -> list[Check]:
    """A warning for each thing that slows every start; one OK where there is none."""
    found = [*_bytecode(), *_script(sys.argv[0]), *_site_files(session)]
    return found or [Check("start", CheckStatus.OK, "Nothing makes a start slower than it must be.")]


def _bytecode() -> Iterator[Check]:
    """Check the modules that this start loaded; those of other programs do not count."""
    ours, theirs = (
        os.path.dirname(os.path.abspath(str(each.__file__))) for each in (sophia_secrets, msgspec)
    )
    places = (ours, os.path.dirname(theirs), sysconfig.get_path("stdlib"))
    without: dict[str, int] = {}
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        source, kept = getattr(spec, "origin", None), getattr(spec, "cached", None)
        place = next((place for place in places if source and source.startswith(place + os.sep)), "")
        if source and kept and place and not _is_cached(source, kept):
            without[place] = without.get(place, 0) + 1
    if without:
        named = sorted(without)
        count = sum(without.values())
        why = " (PYTHONDONTWRITEBYTECODE is set)" if sys.dont_write_bytecode else ""
        yield Check(
            "start.bytecode",
            CheckStatus.WARN,
            f"The bytecode of {counted(count, 'module')} in {', '.join(named)} is not kept{why}, so each start "
            "compiles what it needs of it.",
            f"As a user who may write there, run `{quote(sys.executable)} -m compileall -q "
            f"{' '.join(quote(each) for each in named)}`.",
        )


def _is_cached(source: str, kept: str) -> bool:
    """Whether the bytecode of a module exists and matches its source (PEP 552)."""
    try:
        with open(kept, "rb") as file:
            head = file.read(16)
        status = os.stat(source)
    except OSError:
        return False
    if int.from_bytes(head[4:8], "little"):  # hash-based: Python checks the hash, or is configured not to
        return True
    stamp = (int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF)
    return (int.from_bytes(head[8:12], "little"), int.from_bytes(head[12:16], "little")) == stamp


def _script(path: str) -> Iterator[Check]:
    """Older versions of pip write `import re` into console scripts; uv and newer ones do not."""
    try:
        with open(path, "rb") as file:
            lines = file.read(_LIMIT).splitlines()
    except OSError:
        return
    if lines[:1] and lines[0].startswith(b"#!") and b"import re" in lines:
        yield Check(
            "start.script",
            CheckStatus.WARN,
            f"{path} was made by an older pip and imports `re`, which takes nearly half as long as Python's start.",
            f"Run `{quote(sys.executable)} -m pip install --upgrade pip`, then install sophia-secrets again with "
            "`--force-reinstall --no-deps`; or install it with uv.",
        )


def _site_files(session: Session) -> Iterator[Check]:
    for path, count in _imported(session):
        owner = _owner_of(path)
        by = f" of the package {owner}" if owner else ""
        away = (
            f"Take it out with `{quote(sys.executable)} -m pip uninstall {owner}`, or"
            if owner
            else "Remove it, or"
        )
        yield Check(
            "start.site",
            CheckStatus.WARN,
            f"{path}{by} makes every start of Python import {counted(count, 'module')}.",
            f"{away} install sophia-secrets in an environment of its own, with pipx or `uv tool install`.",
        )


def _imported(session: Session) -> list[tuple[str, int]]:
    """Each site file that makes Python import many modules at its start, with their number."""
    if not sys.executable or getattr(sys, "frozen", False):
        return []
    from sophia_secrets import process

    flags = sys.flags
    chosen = ["-I"] if flags.isolated else [*["-E"] * flags.ignore_environment, *["-s"] * flags.no_user_site]
    call = Call(
        "python",
        (*chosen, "-S", "-c", _PROGRAM),
        {name: session.environ[name] for name in _VARIABLES if name in session.environ},
        label="the start of Python",
    )
    done = process.run(
        one_call(call),
        programs={"python": sys.executable},
        path="",
        cancel=session.cancel,
        observe=session.on_event,
    )
    rows = (line.partition(" ") for line in done.stdout.decode("utf-8", "replace").splitlines())
    counts = [(path, int(count)) for count, _, path in rows if path and count.isdecimal()]
    return [(path, count) for path, count in counts if count >= MANY]


def _owner_of(path: str) -> str:
    """The installed package whose record names this file, or ""."""
    place, name = os.path.split(path)
    wanted = f"{name},".encode()
    try:
        records = [each for each in os.listdir(place) if each.endswith(".dist-info")]
    except OSError:
        return ""
    for each in sorted(records):
        try:
            with open(os.path.join(place, each, "RECORD"), "rb") as file:
                if any(line.startswith(wanted) for line in file):
                    return each.removesuffix(".dist-info").rpartition("-")[0]
        except OSError:
            continue
    return ""
