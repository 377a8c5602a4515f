"""The embedded default: an age-encrypted dotenv file of our own, with no account and no network."""

from sophia_secrets.backends.local.backend import LocalBackend

__all__ = ["LocalBackend"]
