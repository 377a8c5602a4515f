"""The configured places of Pulumi: environment, stack or both."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sophia_secrets import errors
from sophia_secrets.backends.base import Context, Credential, Section, Unconfigured
from sophia_secrets.backends.pulumi import names, session
from sophia_secrets.backends.pulumi.esc import Environment
from sophia_secrets.core.model import Target

if TYPE_CHECKING:
    from sophia_secrets.backends.pulumi.project import Project
    from sophia_secrets.backends.pulumi.stack import Stack

NAME = "pulumi"
_DIRECTORY = "Set `directory` under `[pulumi]` to the folder of Pulumi.yaml."

Places = tuple[Target, Credential, Environment | None, "Stack | None", tuple[str, ...]]
"""The target, the credential, the two places, and notes."""


def places(section: Section, context: Context) -> Places | Unconfigured:
    """
    The environment, the stack or both; `section` names at least one.

    Raises `errors.BadName` for an unsafe target, and for a stack whose project is not the one in the
    directory: Pulumi would read the wrong project's file.
    """
    given = {key: str(value).strip() for key, value in section.items() if value is not None}
    organization = given.get("organization", "") or context.environ.get("PULUMI_DEFAULT_ORGANIZATION", "")
    where: Project | None = None
    gap = None
    if given.get("stack"):
        where, gap = _project(given, context)
    environment = None
    if given.get("environment"):
        parts = names.environment_parts(given["environment"], organization, given.get("project", ""))
        if not parts[0]:
            return Unconfigured(
                NAME,
                f"the organisation of the environment {given['environment']} is not known",
                'Set `organization` under `[pulumi]`, or `environment = "organization/project/env"`.',
            )
        namespace = where.name if where else given.get("project", "")
        opened = session.for_environment(context, parts[0])
        environment = Environment("/".join(parts), namespace, opened, context.timeout)
    elif gap:
        return gap
    stack = _stack(given, organization, where, context) if where else None
    sessions = tuple(place.session for place in (environment, stack) if place)
    notes = (f"the stack is left out: {gap.reason}",) if gap else ()
    target = _target(environment, stack, context)
    return target, session.credential(context, sessions), environment, stack, notes


def _project(given: dict[str, str], context: Context) -> tuple[Project | None, Unconfigured | None]:
    from sophia_secrets.backends.pulumi import project

    if not given.get("directory"):
        reason = f"the directory of the stack {given['stack']} is not known"
        return None, Unconfigured(NAME, reason, _DIRECTORY)
    directory = os.path.abspath(os.path.join(context.cwd, given["directory"]))
    if where := project.find(directory):
        return where, None
    reason = f"there is no Pulumi.yaml with a name in {directory} or above it"
    return None, Unconfigured(NAME, reason, _DIRECTORY)


def _stack(given: dict[str, str], organization: str, where: Project, context: Context) -> Stack:
    from sophia_secrets.backends.pulumi.stack import Stack

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
