"""One chain over GitHub Actions, Pulumi ESC, Fly.io and the environment."""

__version__ = "0.1.0"
