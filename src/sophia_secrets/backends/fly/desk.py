"""What every operation on an app needs: its sandbox, its target, and the list of its secrets."""

from __future__ import annotations

from dataclasses import dataclass

from sophia_secrets.backends.base import Steps
from sophia_secrets.backends.fly import failures, listing
from sophia_secrets.backends.fly.sandbox import Sandbox
from sophia_secrets.core.model import Entry, Failure, Target
from sophia_secrets.core.strict_json import BadJSON


@dataclass(frozen=True, slots=True)
class Desk:
    """One app, and whether its writes are rolled out at once."""

    sandbox: Sandbox
    target: Target
    deploy: bool

    @property
    def app(self) -> str:
        return f"--app={self.sandbox.app}"

    @property
    def staged(self) -> str:
        """What the user types to bring staged changes to the Machines."""
        return f"staged: run `fly secrets deploy --app {self.sandbox.app}`"


def listed(desk: Desk) -> Steps[dict[str, Entry] | Failure]:
    """The app's secrets by name, without values."""
    done = yield desk.sandbox.call("secrets", "list", desk.app, "--json", label="fly secrets list")
    if not done.ok:
        return failures.failure(done, desk.target)
    try:
        return listing.entries(done.stdout)
    except BadJSON as bad:
        return failures.unreadable(desk.target, str(bad))
