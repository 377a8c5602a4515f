"""The levels of a GitHub workflow's secrets: environment, repository, organisation."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sophia_secrets import errors
from sophia_secrets.backends.base import Steps, Unconfigured
from sophia_secrets.backends.github import GitHubBackend
from sophia_secrets.backends.github.gh import Gh, gh_for
from sophia_secrets.backends.github.listing import read_list
from sophia_secrets.backends.github.scope import Scope, read_scope
from sophia_secrets.core.model import Failure, FailureKind, Snapshot, Target
from sophia_secrets.core.resolve import Answer, holds
from sophia_secrets.operations import recording
from sophia_secrets.operations.fetch import ChainQuery, gather, run_all
from sophia_secrets.operations.session import Session

_HINT = 'Set `GITHUB_REPOSITORY=OWNER/REPO` or `[github] repository = "OWNER/REPO"`.'


class Levels(Struct, frozen=True):
    """
    The answer of each level. `job` is, inside a workflow, what this job received, since nothing else
    can be listed there; else None.
    """

    repository: Answer
    environments: dict[str, Answer]
    organization: Answer | None = None
    job: Answer | None = None


def ask(
    session: Session, environments: Iterable[str], names: Iterable[tuple[str, str]], known: Sequence[Answer]
) -> Levels:
    """
    The levels for these (environment or "", name) pairs, each listed at most once, in parallel.

    `known` are answers that exist already. The organisation is listed only where a name is at neither
    other level. Raises `NotConfigured` where no repository is named.
    """
    member = session.backend("github")
    scope = read_scope(session.settings.section("github"), session.environ)
    if isinstance(member, Unconfigured) or isinstance(scope, Unconfigured) or not scope.repository:
        raise errors.NotConfigured(
            "A workflow's secrets are those of a repository, and none is named.", hint=_HINT, backend="github"
        )
    if member.capabilities.readable:
        job = _already(str(member.target), known) or gather(session, ChainQuery(None, only="github"))[0]
        return Levels(job, {}, job=job)
    began = time.monotonic()
    whole = replace(scope, environment="", app="actions")
    scopes = {"": whole, **{name: replace(whole, environment=name) for name in environments if name}}
    found = {name: answer for name, s in scopes.items() if (answer := _already(s.target.label, known))}
    todo = [name for name in scopes if name not in found]
    asked = _ask(session, {name: _list(session, scopes[name]) for name in todo}, scopes)
    found.update(asked)
    organization = None
    if not all(_is_at(found, environment, name) for environment, name in names):
        organization = _ask(session, {"": _shared(session, whole)}, {"": whole})[""]
        if organization.failure is not None and organization.failure.kind is FailureKind.TARGET_NOT_FOUND:
            # The repository exists, so it is the organisation that does not: the owner is a user.
            organization = None
    fresh = [*asked.values(), *([organization] if organization else [])]
    count = sum(len(answer.snapshot.entries) for answer in fresh if answer.snapshot is not None)
    if fresh:
        recording.listing(session, fresh, count, round((time.monotonic() - began) * 1000))
    return Levels(found[""], {name: found[name] for name in scopes if name}, organization)


def _is_at(found: dict[str, Answer], environment: str, name: str) -> bool:
    return holds(found[""], name) or (environment in found and holds(found[environment], name))


def _already(label: str, known: Sequence[Answer]) -> Answer | None:
    return next(
        (a for a in known if a.backend == "github" and a.target == label and (a.snapshot or a.failure)), None
    )


def _list(session: Session, scope: Scope) -> Steps[Snapshot | Failure]:
    return GitHubBackend(gh_for(scope, session.context), session.context).snapshot()


def _shared(session: Session, scope: Scope) -> Steps[Snapshot | Failure]:
    """The organisation's secrets that the repository may use (docs.github.com, REST, "secrets")."""
    gh = gh_for(scope, session.context)
    target = Target("github", f"org {scope.owner}, as {scope.target.label} may use it")
    path = f"repos/{scope.full_name}/actions/organization-secrets?per_page=100"
    return _listing(gh, target, path)


def _listing(gh: Gh, target: Target, path: str) -> Steps[Snapshot | Failure]:
    completed = yield gh.call(
        "api", "--hostname", gh.scope.host, "--paginate", path, label="list the organisation's secrets"
    )
    listed = read_list(completed, gh)
    return listed if isinstance(listed, Failure) else Snapshot(target, listed.entries)


def _ask(
    session: Session, steps: dict[str, Steps[Snapshot | Failure]], scopes: dict[str, Scope]
) -> dict[str, Answer]:
    if session.options.offline:
        return {name: _offline(scopes[name].target) for name in steps}
    names = dict(enumerate(steps))
    results = run_all(session, {position: steps[name] for position, name in names.items()})
    return {name: _answer(results[position]) for position, name in names.items()}


def _answer(result: Snapshot | Failure) -> Answer:
    if isinstance(result, Failure):
        return Answer("github", str(result.target), failure=result)
    return Answer("github", str(result.target), snapshot=result)


def _offline(target: Target) -> Answer:
    failure = Failure(
        FailureKind.UNREACHABLE,
        target,
        f"github ({target}) was not asked (`--offline`).",
        hint="Run the command without `--offline`.",
    )
    return Answer("github", str(target), failure=failure)
