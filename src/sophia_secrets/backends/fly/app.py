"""The app of every operation: flyctl and the target."""

from __future__ import annotations

from msgspec import Struct

from sophia_secrets.backends.fly.flyctl import Flyctl
from sophia_secrets.core.model import Target


class FlyApp(Struct, frozen=True):
    """One Fly app, and whether its writes are deployed at once."""

    flyctl: Flyctl
    target: Target
    deploy: bool

    @property
    def name(self) -> str:
        return self.flyctl.app

    @property
    def flag(self) -> str:
        return f"--app={self.name}"

    @property
    def staged_hint(self) -> str:
        """How the user deploys staged changes to the Machines."""
        return f"staged: run `fly secrets deploy --app {self.name}`"
