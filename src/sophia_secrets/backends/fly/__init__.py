"""
Fly.io: the secrets of one app, through flyctl.

Fly has no API that returns values. They can be read on a Machine of the app, where the secrets are the
process's variables, and from a running Machine where the settings allow it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sophia_secrets.backends.base import Capabilities, Context, Credential, Section, Steps, Unconfigured
from sophia_secrets.backends.fly.app import FlyApp
from sophia_secrets.backends.fly.flyctl import Flyctl
from sophia_secrets.core.model import Change, Check, Failure, Receipt, SecretValue, Snapshot, Target
from sophia_secrets.core.names import shown
from sophia_secrets.errors import BadName

__all__ = ["FlyBackend"]

_APP = r"[a-z0-9][a-z0-9-]{0,61}"


class FlyBackend:
    """
    The secrets of one Fly app.

    Settings: `app`; `read_from_machine` (off: fetch values with `fly machine exec`); `deploy`
    (off: a write stays staged and reports how to deploy it; on: each write is deployed).
    """

    name = "fly"

    def __init__(
        self, app: str, context: Context, *, read_from_machine: bool = False, deploy: bool = False
    ) -> None:
        if re.fullmatch(_APP, app) is None:
            raise BadName(
                f"{shown(app)} is not a Fly app: its name is lower-case letters, digits and dashes.",
                hint="See yours with `fly apps list`.",
                backend=self.name,
            )
        self.target = Target(self.name, app, (("app", app),))
        self._context = context
        self._here = _is_here(context, app)
        self._remote = read_from_machine and not self._here
        self._app = FlyApp(Flyctl(context, app), self.target, deploy)

    @classmethod
    def configure(cls, section: Section, context: Context) -> FlyBackend | Unconfigured:
        """The backend for the configured app."""
        app = section.get("app")
        if not isinstance(app, str) or not app:
            return Unconfigured(
                cls.name, "no Fly app is named", 'set `app = "my-app"` under `[fly]`, or `FLY_APP_NAME`'
            )
        return cls(
            app,
            context,
            read_from_machine=section.get("read_from_machine") is True,
            deploy=section.get("deploy") is True,
        )

    @property
    def capabilities(self) -> Capabilities:
        """Readable on a Machine of the app, and with `read_from_machine`."""
        note = "" if self._here else "Fly gives no value back outside the app's own Machines"
        return Capabilities(
            readable=self._here or self._remote,
            writable=True,
            needs_call=not self._here,
            batch=True,
            digests=not self._here,
            note="values are read from a running Machine" if self._remote else note,
        )

    @property
    def credential(self) -> Credential:
        """The token variable in effect, else flyctl's own session file."""
        return self._app.flyctl.credential

    def snapshot(self) -> Steps[Snapshot | Failure]:
        """
        On a Machine of the app its variables, without a call; elsewhere one `secrets list`, and two more
        calls where values are read from a Machine.
        """
        from sophia_secrets.backends.fly import listing, machine

        if self._here:
            return machine.here(self._context, self.target)
        entries = yield from listing.fetch(self._app)
        if isinstance(entries, Failure):
            return entries
        if not self._remote or not entries:
            return Snapshot(self.target, entries)
        return (yield from machine.from_running(self._app, entries))

    def write(self, changes: Sequence[Change]) -> Steps[Receipt]:
        """Store the values, staged, and verify them by the listed digests."""
        from sophia_secrets.backends.fly import writing

        return (yield from writing.write(self._app, changes))

    def delete(self, names: Sequence[str]) -> Steps[Receipt]:
        """Delete the names, staged; an absent one is `unchanged`."""
        from sophia_secrets.backends.fly import writing

        return (yield from writing.delete(self._app, names))

    def probe(self) -> Steps[list[Check]]:
        """`fly.cli`, `fly.auth`, `fly.target`."""
        from sophia_secrets.backends.fly import probing

        return (yield from probing.probe(self._app))

    def problem(self, name: str, value: SecretValue | None = None) -> str | None:
        """Why Fly cannot store this exactly, or None."""
        from sophia_secrets.backends.fly import rules

        return rules.problem(name, value)


def _is_here(context: Context, app: str) -> bool:
    """Whether this process runs on a Machine of the app."""
    return bool(context.environ.get("FLY_MACHINE_ID")) and context.environ.get("FLY_APP_NAME") == app
