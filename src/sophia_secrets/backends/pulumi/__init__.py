"""Pulumi: an ESC environment and a stack's configuration, through the `pulumi` program."""

from sophia_secrets.backends.pulumi.backend import PulumiBackend

__all__ = ["PulumiBackend"]
