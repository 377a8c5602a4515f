"""The GitHub backend: its target, and the calls of each operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sophia_secrets.backends.base import Capabilities, Context, Credential, Section, Steps, Unconfigured
from sophia_secrets.backends.github.scope import JSON_VARIABLE, NAME, is_inside, read_scope
from sophia_secrets.core.model import Change, Check, Failure, Receipt, SecretValue, Snapshot

if TYPE_CHECKING:
    from sophia_secrets.backends.github.gh import Gh

_WRITE_ONLY = "GitHub never gives a secret's value back; only a workflow of the repository holds it."


class GitHubBackend:
    """
    GitHub's secrets through `gh`, 2.23.0 or newer.

    In a workflow that runs for the target, the values are read from the step's variables and never cached,
    because the next step may have others.
    """

    name = NAME

    def __init__(self, gh: Gh, context: Context) -> None:
        self._gh = gh
        self._context = context
        self._inside = is_inside(gh.scope, context.environ)
        self._json = context.environ.get(JSON_VARIABLE) if self._inside else None
        self.target = gh.scope.target
        self.credential = Credential() if self._inside else gh.credential
        self.capabilities = Capabilities(
            readable=self._inside,
            writable=True,
            needs_call=not self._inside or (self._json is None and bool(gh.token_variable)),
            batch=True,
            versions=True,
            note="" if self._inside else _WRITE_ONLY,
        )

    @classmethod
    def configure(cls, section: Section, context: Context) -> GitHubBackend | Unconfigured:
        """
        The backend for the `[github]` settings, or why there is none.

        Raises `BadName` for an unsafe target, `BadSettings` for mutually exclusive parts.
        """
        scope = read_scope(section, context.environ)
        if isinstance(scope, Unconfigured):
            return scope
        from sophia_secrets.backends.github.gh import gh_for

        return cls(gh_for(scope, context), context)

    def snapshot(self) -> Steps[Snapshot | Failure]:
        """Every name of the target: one call, or at most one in a workflow."""
        if self._inside:
            return (yield from self._workflow_snapshot())
        from sophia_secrets.backends.github.listing import fetch

        listed = yield from fetch(self._gh)
        return listed if isinstance(listed, Failure) else Snapshot(self.target, listed.entries)

    def _workflow_snapshot(self) -> Steps[Snapshot | Failure]:
        from sophia_secrets.backends.github import workflow

        if self._json is not None:
            return workflow.snapshot_from_json(self._json, self._gh)
        return (
            yield from workflow.snapshot_from_variables(
                self._gh, self._context.environ, self._context.declared
            )
        )

    def write(self, changes: Sequence[Change]) -> Steps[Receipt]:
        """Store the values and verify the names in the list; never retried."""
        from sophia_secrets.backends.github import writing

        return writing.write(self._gh, changes, self.problem)

    def delete(self, names: Sequence[str]) -> Steps[Receipt]:
        """Delete the listed names."""
        from sophia_secrets.backends.github import writing

        return writing.delete(self._gh, names, self.problem)

    def probe(self) -> Steps[list[Check]]:
        """`github.cli`, `github.auth`, `github.target`, in two calls, or none where a job needs no `gh`."""
        from sophia_secrets.backends.github import probing

        if self._inside and not self.capabilities.needs_call:
            return probing.checks_without_gh(self._gh, self._json)
        return (yield from probing.probe(self._gh, inside=self._inside))

    def problem(self, name: str, value: SecretValue | None = None) -> str | None:
        """Why this name or value cannot be stored here exactly, or None. Never quotes the value."""
        from sophia_secrets.backends.github.rules import name_problem, scope_problem, value_problem

        return (
            name_problem(name)
            or (value_problem(value) if value is not None else None)
            or scope_problem(self._gh.scope)
        )
