"""The Pulumi backend: which of its two places is configured, and who answers where both are."""

from __future__ import annotations

import os
from collections.abc import Sequence

from sophia_secrets import errors
from sophia_secrets.backends.base import Capabilities, Context, Credential, Section, Steps, Unconfigured
from sophia_secrets.backends.pulumi import changes as writing
from sophia_secrets.backends.pulumi import names, probe, project, session
from sophia_secrets.backends.pulumi.esc import Environment
from sophia_secrets.backends.pulumi.place import Place
from sophia_secrets.backends.pulumi.project import Project
from sophia_secrets.backends.pulumi.stack import Stack
from sophia_secrets.backends.pulumi.values import Leaf
from sophia_secrets.core.model import (
    Change,
    Check,
    Entry,
    EntryState,
    Failure,
    Outcome,
    Receipt,
    Result,
    SecretValue,
    Snapshot,
    Target,
)

NAME = "pulumi"
_DIRECTORY = "Set `directory` under `[pulumi]` to the folder of Pulumi.yaml."


class PulumiBackend:
    """
    An ESC environment, a stack's configuration, or both.

    Where both are configured the environment wins for every name that it has, every write and
    every delete goes to it, and a snapshot needs both answers: a name that one of them could not
    be asked for must not look absent.
    """

    name = NAME
    capabilities = Capabilities(readable=True, writable=True, needs_call=True)

    def __init__(
        self,
        target: Target,
        credential: Credential,
        environment: Environment | None,
        stack: Stack | None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.target = target
        self.credential = credential
        self._environment = environment
        self._stack = stack
        self._notes = notes

    @classmethod
    def configure(cls, section: Section, context: Context) -> PulumiBackend | Unconfigured:
        """
        The backend for these settings.

        Raises `BadName` for a target that `pulumi` must not be handed, and for a stack whose
        project is not the one in the directory: Pulumi would read the wrong project's file.
        """
        given = {key: str(value).strip() for key, value in section.items() if value is not None}
        organization = given.get("organization", "") or context.environ.get("PULUMI_DEFAULT_ORGANIZATION", "")
        where: Project | None = None
        gap = None
        if given.get("stack"):
            where, gap = _project(given, context)
        if given.get("environment"):
            parts = names.environment_parts(given["environment"], organization, given.get("project", ""))
            if not parts[0]:
                return Unconfigured(
                    NAME,
                    f"the organisation of the environment {given['environment']} is not known",
                    'Set `organization` under `[pulumi]`, or `environment = "organization/project/env"`.',
                )
        elif gap:
            return gap
        elif where is None:
            return Unconfigured(
                NAME,
                "neither an environment nor a stack is set",
                "Set `environment` (PULUMI_ENVIRONMENT), or `stack` and `directory`, under `[pulumi]`.",
            )
        stack = _stack(given, organization, where, context) if where else None
        environment = None
        if given.get("environment"):
            namespace = where.name if where else given.get("project", "")
            reference = "/".join(parts)
            opened = session.for_environment(context, parts[0])
            environment = Environment(reference, namespace, opened, context.timeout)
        places = [place for place in (environment, stack) if place]
        return cls(
            _target(environment, stack, context),
            session.credential(context, tuple(place.session for place in places)),
            environment,
            stack,
            (f"the stack is left out: {gap.reason}",) if gap else (),
        )

    def snapshot(self) -> Steps[Snapshot | Failure]:
        """Every name of the environment and of the stack: one call each, the environment's first."""
        entries: dict[str, Entry] = {}
        for place in self._places():
            completed = yield place.read_call()
            held = place.read(completed, self.target)
            if isinstance(held, Failure):
                return held
            for name, leaf in held.items():
                entries[name] = _merged(entries.get(name), leaf, place)
        return Snapshot(self.target, entries, notes=self._notes)

    def write(self, changes: Sequence[Change]) -> Steps[Receipt]:
        """One call a name, then a read of the whole place that must show every value."""
        problems = [self.problem(change.name, change.value) for change in changes]
        if any(problems):
            return Receipt(
                self.target,
                tuple(
                    Result(change.name, Outcome.REFUSED if problem else Outcome.NOT_STARTED, problem or "")
                    for change, problem in zip(changes, problems, strict=True)
                ),
            )
        return (yield from writing.write(self._places()[0], self.target, changes))

    def delete(self, names: Sequence[str]) -> Steps[Receipt]:
        """Removes each name where it was read from; reads before and after."""
        return (yield from writing.delete(self._places()[0], self.target, names))

    def probe(self) -> Steps[list[Check]]:
        """`pulumi.cli`, `pulumi.auth`, and `pulumi.environment` and `pulumi.stack` where configured."""
        return (yield from probe.run(self._environment, self._stack, self.target))

    def problem(self, name: str, value: SecretValue | None = None) -> str | None:
        """Pulumi's rules; the same for both places, so that a value can move between them."""
        return names.name_problem(name) or (
            names.value_problem(value.reveal()) if value is not None else None
        )

    def _places(self) -> list[Place]:
        return [place for place in (self._environment, self._stack) if place is not None]


def _merged(above: Entry | None, leaf: Leaf, place: Place) -> Entry:
    if above is None:
        state = EntryState.READABLE if leaf.value is not None else EntryState.WRITE_ONLY
        detail = place.words if leaf.value is not None else f"{place.words}, where its value is not known yet"
        return Entry(state, leaf.value, detail=detail)
    which = "the same value" if above.value == leaf.value else "another value"
    return Entry(above.state, above.value, detail=f"{above.detail}; hides {which} in {place.words}")


def _project(given: dict[str, str], context: Context) -> tuple[Project | None, Unconfigured | None]:
    if not given.get("directory"):
        reason = f"the directory of the stack {given['stack']} is not known"
        return None, Unconfigured(NAME, reason, _DIRECTORY)
    directory = os.path.abspath(os.path.join(context.cwd, given["directory"]))
    if where := project.find(directory):
        return where, None
    reason = f"there is no Pulumi.yaml with a name in {directory} or above it"
    return None, Unconfigured(NAME, reason, _DIRECTORY)


def _stack(given: dict[str, str], organization: str, where: Project, context: Context) -> Stack:
    owner, of_project, name = names.stack_parts(given["stack"])
    for expected in (of_project, given.get("project", "")):
        if expected and expected != where.name:
            raise errors.BadName(
                f"The stack {given['stack']} is of the project {expected}, "
                f"and {where.directory} holds the project {where.name}.",
                hint="Set `directory` and `project` under `[pulumi]` to the same project.",
                backend=NAME,
            )
    explicit = context.environ.get("PULUMI_BACKEND_URL", "")
    url = explicit or where.url or session.user_url(context)
    owner = owner or (organization if session.is_cloud(url) else "")
    schemes = (url.partition("://")[0], where.secrets_provider(name))
    return Stack(
        f"{owner}/{where.name}/{name}" if owner else name,
        where.directory,
        where.name,
        session.for_stack(context, where.url, schemes),
        context.timeout,
    )


def _target(environment: Environment | None, stack: Stack | None, context: Context) -> Target:
    parts = [("url", session.user_url(context))]
    if environment is not None:
        parts.append(("environment", environment.reference))
        parts.append(("namespace", environment.namespace))
    if stack is not None:
        parts.append(("stack", stack.stack))
        parts.append(("project", stack.namespace))
        parts.append(("directory", stack.directory))
    label = environment.reference if environment is not None else stack.words if stack is not None else ""
    return Target(NAME, label, tuple(parts))
