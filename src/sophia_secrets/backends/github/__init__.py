"""GitHub Actions secrets (and Dependabot's, Codespaces' and agents') through the `gh` program."""

from sophia_secrets.backends.github.backend import GitHubBackend

__all__ = ["GitHubBackend"]
