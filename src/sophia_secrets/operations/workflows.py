"""Checking that the secrets used by GitHub workflows exist, and at which level."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from sophia_secrets import errors
from sophia_secrets.core import names as naming
from sophia_secrets.core import workflow
from sophia_secrets.core.finding import Finding, Status
from sophia_secrets.core.resolve import Answer, holds, known_names
from sophia_secrets.core.workflow import Call, Kind, Use, Workflow
from sophia_secrets.operations import levels
from sophia_secrets.operations.levels import Levels
from sophia_secrets.operations.session import Session

_MOST_NESTED = 10
"""How deep workflow calls may nest (docs.github.com, "Reuse workflows")."""


class _Requirements(Struct):
    """The requirements of the files: `needs` maps (name, environment) to places; None is an environment known only at run time."""

    needs: dict[tuple[str, str | None], list[str]] = field(default_factory=dict)
    only_environment: dict[tuple[str, str | None], bool] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    seen: set[tuple[str, bool, frozenset[str]]] = field(default_factory=set)

    def say(self, name: str, status: Status, message: str, hint: str = "", rule: str = "workflow") -> None:
        finding = Finding(name, rule, status, message, hint)
        if finding not in self.findings:
            self.findings.append(finding)

    def need(self, use: Use, path: str, *, only_environment: bool = False) -> None:
        key = (use.name, use.environment)
        self.needs.setdefault(key, []).append(f"{path}:{use.line}")
        self.only_environment[key] = self.only_environment.get(key, True) and only_environment


def check(session: Session, files: Sequence[str], known: Sequence[Answer]) -> list[Finding]:
    """
    A finding for every secret that the workflows use, including workflows of this repository that they call.

    `known` are answers that exist already: their targets are not listed again. Raises `UsageError`
    for a file that is not a workflow, `NotConfigured` where secrets are used and no repository is named.
    """
    gathered = _Requirements()
    for path in files:
        _start(gathered, path, session.cwd)
    if not gathered.needs:
        return gathered.findings
    pairs = [(environment or "", name) for name, environment in gathered.needs]
    asked = levels.ask(
        session, sorted({environment for environment, _ in pairs if _can_ask(environment)}), pairs, known
    )
    found = [
        _judge(
            name, environment, places, asked, only_environment=gathered.only_environment[name, environment]
        )
        for (name, environment), places in gathered.needs.items()
    ]
    return found + gathered.findings


def _can_ask(environment: str) -> bool:
    """Whether the environment's name can be part of a request's URL."""
    return environment.isprintable() and len(environment) <= 255 and environment not in (".", "..")


def _load(path: str) -> Workflow:
    try:
        with open(path, "rb") as file:
            data = file.read(workflow.MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    else:
        return workflow.read(data, path)
    raise errors.UsageError(
        f"{path} cannot be read: {reason}.", hint="A workflow is a file in `.github/workflows`."
    )


def _start(gathered: _Requirements, path: str, cwd: str) -> None:
    place = os.path.relpath(os.path.join(cwd, path), cwd)
    found = _load(place if os.path.isabs(place) else os.path.join(cwd, place))
    root = _root(os.path.join(cwd, path))
    for use in found.uses:
        if found.is_only_called and use.kind is Kind.NAMED and use.name in found.declared:
            gathered.say(use.name, Status.SKIP, f"{place}:{use.line} uses it, and gets it from its caller")
        else:
            _take(gathered, use, place)
    names = sorted({use.name for use in found.uses if use.kind is Kind.NAMED})
    if names and found.runs_for_forks:
        problem = f"{place} runs for pull requests, and one from a fork gets none of {', '.join(names)}"
        gathered.say(os.path.basename(place), Status.WARN, problem, rule="fork")
    for call in found.calls:
        _follow(gathered, call, place, root, 1)


def _root(path: str) -> str:
    """The repository's directory: the one that `.github` is in, else the file's own."""
    directory = os.path.dirname(os.path.abspath(path))
    head, _, tail = directory.rpartition(f"{os.sep}.github{os.sep}")
    return head if tail == "workflows" else directory


def _take(gathered: _Requirements, use: Use, path: str) -> None:
    where = f"{path}:{use.line}"
    match use.kind:
        case Kind.NAMED:
            gathered.need(use, path)
        case Kind.ALL:
            gathered.say("secrets", Status.SKIP, f"{where} takes every secret that there is")
        case Kind.COMPUTED:
            gathered.say("secrets", Status.WARN, f"{where} computes the name, which cannot be known here")


def _follow(gathered: _Requirements, call: Call, path: str, root: str, depth: int) -> None:
    """Collect what a called workflow uses, if it is in this repository."""
    where = f"{path}:{call.line}"
    if not call.is_local:
        if call.inherit:
            problem = f"{where} hands every secret to {call.uses}; which of them it uses cannot be seen here"
            gathered.say("secrets", Status.WARN, problem)
        return
    key = (call.uses, call.inherit, call.passed)
    if key in gathered.seen:
        return
    gathered.seen.add(key)
    if depth > _MOST_NESTED:
        raise errors.UsageError(
            f"{where} calls workflows more than {_MOST_NESTED} deep.",
            hint="GitHub runs no deeper call either.",
        )
    relative = os.path.normpath(call.uses)
    if relative.startswith(os.pardir):
        raise errors.UsageError(
            f"{where} calls a workflow outside of the repository.",
            hint="Write it as `./.github/workflows/NAME.yml`.",
        )
    called = _load(os.path.join(root, relative))
    for name, required in called.declared.items():
        if required and not call.inherit and name not in call.passed:
            problem = f"{where} calls {relative} without it, which requires it"
            gathered.say(
                name, Status.FAIL, problem, "Pass it under the job's `secrets:`, or write `secrets: inherit`."
            )
    for use in called.uses:
        if call.inherit or use.kind is not Kind.NAMED:
            _take(gathered, use, relative)
        elif use.name not in call.passed:
            _not_passed(gathered, use, called, where, relative)
    for inner in called.calls:
        _follow(gathered, inner, relative, root, depth + 1)


def _not_passed(gathered: _Requirements, use: Use, called: Workflow, where: str, relative: str) -> None:
    """A secret that is not passed can only come from the called job's own environment."""
    if use.environment != "":
        gathered.need(use, relative, only_environment=True)
    elif use.name not in called.declared:
        problem = f"{relative}:{use.line} uses it, and {where} does not pass it"
        gathered.say(
            use.name, Status.FAIL, problem, "Pass it under the job's `secrets:`, or write `secrets: inherit`."
        )
    elif not called.declared[use.name]:
        gathered.say(
            use.name, Status.SKIP, f"{relative}:{use.line} uses it where it is passed; {where} passes none"
        )


def _judge(
    name: str, environment: str | None, places: list[str], asked: Levels, *, only_environment: bool
) -> Finding:
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    used = f"{places[0]}{more}"

    def finding(status: Status, message: str, hint: str = "", doubt: Answer | None = None) -> Finding:
        failure = doubt.failure if doubt is not None else None
        if failure is not None:
            message, hint = f"{message}: {failure.message}", failure.hint
        return Finding(name, "workflow", status, f"{used} uses it; {message}", hint, failure)

    consulted = list(_consulted(environment, asked, only_environment=only_environment))
    for level, answer in consulted:
        if holds(answer, name):
            return finding(Status.OK, f"{level} has it")
    doubt = next((a for _, a in consulted if a.failure is not None and not _is_missing(a, asked)), None)
    if doubt is not None:
        return finding(Status.UNKNOWN, "whether it is there is not known", doubt=doubt)
    if environment is None:
        return finding(Status.WARN, "its environment is decided when the job runs, and no other level has it")
    if environment and environment not in asked.environments and asked.job is None:
        return finding(
            Status.WARN, "the name of its environment cannot be asked for, and no other level has it"
        )
    if any(answer.snapshot is not None and not answer.snapshot.complete for _, answer in consulted):
        return finding(Status.WARN, "this job was not given it, and its names cannot be listed here")
    return finding(
        Status.FAIL,
        _nowhere([level for level, _ in consulted]),
        _hint(name, consulted),
    )


def _nowhere(levels: Sequence[str]) -> str:
    """That none of these has the name, in words."""
    if len(levels) == 1:
        return f"{levels[0]} does not have it"
    return f"neither {', '.join(levels[:-1])} nor {levels[-1]} has it"


def _consulted(
    environment: str | None, asked: Levels, *, only_environment: bool
) -> Iterator[tuple[str, Answer]]:
    """The levels in GitHub's order: environment before repository before organisation."""
    if asked.job is not None:
        yield f"the job ({asked.job.target})", asked.job
        return
    if environment and environment in asked.environments:
        yield f"the environment {environment}", asked.environments[environment]
    if not only_environment:
        yield f"the repository {asked.repository.target}", asked.repository
        if asked.organization is not None:
            yield "the organisation", asked.organization


def _is_missing(answer: Answer, asked: Levels) -> bool:
    """An environment that does not exist yet has no secrets; a repository that does not exist is a failure."""
    return (
        answer is not asked.repository
        and asked.repository.snapshot is not None
        and answer.failure is not None
        and answer.failure.kind.value == errors.TargetNotFound.kind
    )


def _hint(name: str, consulted: Sequence[tuple[str, Answer]]) -> str:
    known = known_names(answer for _, answer in consulted)
    near = naming.nearest(name, known.items(), limit=1)
    if near:
        return f"Did you mean {near[0][0]}?"
    return f"Store it with `sophia-secrets set {name} --backend github`."
