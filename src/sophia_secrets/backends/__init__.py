"""The registry: the backends in chain order."""
