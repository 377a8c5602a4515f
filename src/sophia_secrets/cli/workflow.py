"""Making the runner of a GitHub workflow mask values in the job's log (fault G1)."""

from __future__ import annotations

from collections.abc import Iterable

from sophia_secrets.cli import streams
from sophia_secrets.core.model import SecretValue


def mask(values: Iterable[SecretValue]) -> None:
    """Write the commands that make the runner mask these values from now on."""
    from sophia_secrets.formats import Pair
    from sophia_secrets.formats.github_env import masks

    streams.say(masks([Pair("VALUE", value) for value in values]).decode())
