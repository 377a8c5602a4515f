"""A home for the program: a cached Pulumi environment of so many names, a vault, a compiled route."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from tempfile import TemporaryDirectory

from sophia_secrets.core.model import Entry, EntryState, SecretValue, Snapshot
from sophia_secrets.operations import routing
from sophia_secrets.operations.fetch import ChainQuery, gather
from sophia_secrets.operations.opening import open_session
from sophia_secrets.operations.snapshots import identity_of, to_record
from sophia_secrets.state.flight import Lead

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "sophia-secrets")
NAME = "NAME_00042"


class Home:
    """Where the program finds its settings, state and cache; `environ` is all that it is given."""

    def __init__(self, root: Path, names: int, also: Sequence[str] = ()) -> None:
        self.root = root
        self.cwd = root / "work"
        self.cwd.mkdir()
        self.environ = {
            "HOME": str(root),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "SOPHIA_SECRETS_HOME": str(root / "sophia"),
            "SOPHIA_SECRETS_CACHE_TTL": "1d",
            "PULUMI_ACCESS_TOKEN": "pul-benchmark",
            "PULUMI_ENVIRONMENT": "acme/app/production",
        }
        self._cache([*(f"NAME_{number:05}" for number in range(names)), *also])

    def _cache(self, names: Sequence[str]) -> None:
        session = open_session("get", environ=self.environ, cwd=str(self.cwd))
        member = session.configured("pulumi")
        entries = {
            name: Entry(EntryState.READABLE, SecretValue(f"value-{number:05}-{'x' * 30}"))
            for number, name in enumerate(names)
        }
        assert session.cache is not None
        lead = session.cache.lead(identity_of(member, session.credential_key))
        assert isinstance(lead, Lead)
        lead.store(to_record(Snapshot(member.target, entries, time.time())))

    def with_variables(self, **more: str) -> Home:
        """The same home, for processes that are given these variables too."""
        other = copy(self)
        other.environ = {**self.environ, **more}
        return other

    def compile_route(self) -> None:
        """Leave the route that a full `get` of now would leave once the files have been left alone."""
        session = open_session("get", environ=self.environ, cwd=str(self.cwd))
        answers = gather(session, ChainQuery((NAME,)))
        routing.remember(session, answers, session.clock() + routing.RACY + 1)
        if not list((self.root / "sophia").glob("cache/routes/*.route")):
            raise RuntimeError("no route was compiled")

    def run(self, *arguments: str, stdin: bytes = b"") -> None:
        """Run the program once, which must succeed."""
        subprocess.run(
            [PROGRAM, *arguments],
            env=self.environ,
            cwd=self.cwd,
            input=stdin,
            capture_output=True,
            check=True,
        )


@contextmanager
def home(names: int = 100, also: Sequence[str] = ()) -> Iterator[Home]:
    """
    A home that is gone afterwards, with so many names and these `also` in the cache; this process
    is in its working directory meanwhile.
    """
    here = os.getcwd()
    with TemporaryDirectory(prefix="sophia-bench-") as directory:
        made = Home(Path(directory).resolve(), names, also)
        os.chdir(made.cwd)
        try:
            yield made
        finally:
            os.chdir(here)
