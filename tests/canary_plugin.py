"""
After every test with the `sophia` fixture: no value that was stored is where it must not be.

A canary is a word with `canary` in it that a test gave the program to store. It may be printed by
the commands that exist to print values, and stand nowhere else in what the program said or kept,
in none of its forms (`tests.canary`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.canary import kept_files, leaks
from tests.program import Done, Program

STORES = ("set", "import", "rotate")
PRINTS = ("get", "export", "run", "render")
_WORD = re.compile(r"[\w.-]{10,}")


def canaries(arguments: tuple[str, ...], stdin: str | bytes) -> set[str]:
    """The words of a command's input that are to be looked for."""
    if not any(word in STORES for word in arguments):
        return set()
    text = stdin.decode("utf-8", "replace") if isinstance(stdin, bytes) else stdin
    return {word for word in _WORD.findall(text) if "canary" in word.lower()}


@pytest.fixture(autouse=True)
def no_stored_value_is_left_lying_about(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Listens to every run of the program, and looks through its files at the end (goal 12)."""
    if "sophia" not in request.fixturenames:
        yield
        return
    stored: set[str] = set()
    said: list[tuple[str, bytes]] = []
    programs: dict[int, Program] = {}
    run = Program.__call__

    @functools.wraps(run)
    def listened(program: Program, *arguments: str, stdin: str | bytes = b"", **more: Any) -> Done:
        programs[id(program)] = program
        stored.update(canaries(arguments, stdin))
        done = run(program, *arguments, stdin=stdin, **more)
        if not any(word in PRINTS for word in arguments):
            said.append((f"what `{' '.join(arguments)}` said", done.said.encode()))
        return done

    monkeypatch.setattr(Program, "__call__", listened)
    yield
    if not stored:
        return
    places = list(said)
    for program in programs.values():
        for directory in ("state", "cache"):
            places += kept_files(program.sophia / directory)
    found = [leak for value in sorted(stored) for leak in leaks(value, places)]
    assert found == [], "a stored value was found"
