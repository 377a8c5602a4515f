"""What the GitHub tests share: a backend for given settings, and its steps fed with recorded output."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TypeVar

from sophia_secrets.backends.base import Call, Completed, Context, Ended, Steps
from sophia_secrets.backends.github import GitHubBackend

T = TypeVar("T")
MOMENT = "2026-01-02T03:04:05Z"


def context(environ: Mapping[str, str] | None = None, declared: Iterable[str] = ()) -> Context:
    return Context(
        environ=environ if environ is not None else {"HOME": "/home/me"},
        home="/home/me",
        cwd="/home/me/src",
        state_directory="/home/me/.state",
        declared=frozenset(declared),
        timeout=12.5,
    )


def backend(
    environ: Mapping[str, str] | None = None, declared: Iterable[str] = (), **section: str
) -> GitHubBackend:
    made = GitHubBackend.configure(section or {"repository": "octo/app"}, context(environ, declared))
    assert isinstance(made, GitHubBackend)
    return made


def feed(steps: Steps[T], *answers: Completed) -> tuple[T, list[Call]]:
    """The result and the calls; every answer must have been asked for, and no other."""
    calls: list[Call] = []
    left = list(answers)
    try:
        call = next(steps)
        while True:
            calls.append(call)
            assert left, f"a call too many: {call.arguments}"
            call = steps.send(left.pop(0))
    except StopIteration as end:
        assert not left, "a call that was expected was not made"
        return end.value, calls


def exited(stdout: bytes = b"", stderr: str = "", code: int = 0, **more: object) -> Completed:
    return Completed(Ended.EXITED, code, stdout, stderr, path="/usr/bin/gh", **more)  # type: ignore[arg-type]


def page(*names: str, total: int | None = None, **more: str) -> bytes:
    rows = [{"name": name, "created_at": MOMENT, "updated_at": MOMENT, **more} for name in names]
    return json.dumps({"total_count": len(rows) if total is None else total, "secrets": rows}).encode()


def listed(*names: str, **more: str) -> Completed:
    return exited(page(*names, **more))
