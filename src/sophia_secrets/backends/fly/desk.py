"""What every operation on an app needs: its sandbox and its target."""

from __future__ import annotations

from msgspec import Struct

from sophia_secrets.backends.fly.sandbox import Sandbox
from sophia_secrets.core.model import Target


class Desk(Struct, frozen=True):
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
