"""The built-in local backend: an age-encrypted dotenv file, without an account or a network."""

from sophia_secrets.backends.local.backend import LocalBackend

__all__ = ["LocalBackend"]
