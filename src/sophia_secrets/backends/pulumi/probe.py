"""The checks of `doctor` for Pulumi: its version, who is logged in, and one read of each place."""

from __future__ import annotations

import re

from msgspec.structs import replace

from sophia_secrets.backends.base import Completed, Steps
from sophia_secrets.backends.pulumi import failures
from sophia_secrets.backends.pulumi.esc import FLAGS, Environment
from sophia_secrets.backends.pulumi.place import Place
from sophia_secrets.backends.pulumi.stack import Stack
from sophia_secrets.backends.pulumi.vocabulary import INSTALL, OLDEST
from sophia_secrets.core import strict_json
from sophia_secrets.core.count import counted
from sophia_secrets.core.model import Check, CheckStatus, Failure, Target

_VERSION = rb"v?(\d{1,5})\.(\d{1,5})\.(\d{1,5})\b"


def run(environment: Environment | None, stack: Stack | None, target: Target) -> Steps[list[Check]]:
    """Two calls, and one for each place; after a failure the rest is skipped."""
    places: list[tuple[str, Place]] = []
    if environment is not None:
        places.append(("pulumi.environment", environment))
    if stack is not None:
        places.append(("pulumi.stack", stack))
    first = places[0][1].read_call()
    folder = ("-C", stack.directory) if environment is None and stack is not None else ()

    completed = yield replace(first, arguments=(*FLAGS, "version"), label="pulumi version")
    checks = [_cli(completed, target)]
    if checks[0].status is CheckStatus.FAIL:
        return checks + [_skipped(name) for name in ("pulumi.auth", *(name for name, _ in places))]

    completed = yield replace(first, arguments=(*folder, *FLAGS, "whoami", "--json"), label="pulumi whoami")
    checks.append(_auth(completed, target))
    if checks[1].status is CheckStatus.FAIL:
        return checks + [_skipped(name) for name, _ in places]

    for name, place in places:
        completed = yield place.read_call()
        held = place.read(completed, target)
        if isinstance(held, Failure):
            checks.append(_failed(name, held))
        else:
            known = sum(leaf.value is not None for leaf in held.values())
            checks.append(Check(name, CheckStatus.OK, f"{place.words} can be read: {counted(known, 'name')}"))
    return checks


def _cli(completed: Completed, target: Target) -> Check:
    if failed := failures.failure_of(completed, target, "its version"):
        return _failed("pulumi.cli", failed)
    match = re.match(_VERSION, completed.stdout.strip())
    where = f" at {completed.path}" if completed.path else ""
    if match is None:
        message = f"the Pulumi CLI{where} does not tell its version"
        return Check("pulumi.cli", CheckStatus.WARN, message, f"Install {OLDEST} or newer: {INSTALL}.")
    version = tuple(int(part) for part in match.groups())
    text = ".".join(str(part) for part in version)
    if version < tuple(int(part) for part in OLDEST.split(".")):
        message = f"the Pulumi CLI{where} is {text}, and {OLDEST} or newer is needed"
        return Check("pulumi.cli", CheckStatus.FAIL, message, f"Update it: {INSTALL}.")
    return Check("pulumi.cli", CheckStatus.OK, f"Pulumi {text}{where}")


def _auth(completed: Completed, target: Target) -> Check:
    if failed := failures.failure_of(completed, target, target.label):
        return _failed("pulumi.auth", failed)
    try:
        answer = strict_json.loads(completed.stdout)
    except strict_json.BadJSON:
        answer = None
    user = answer.get("user") if isinstance(answer, dict) else None
    if not isinstance(user, str) or not user:
        return Check(
            "pulumi.auth",
            CheckStatus.WARN,
            "`pulumi whoami` does not say who is logged in",
            "Run `pulumi login`.",
        )
    return Check("pulumi.auth", CheckStatus.OK, f"logged in as {user}")


def _failed(name: str, failed: Failure) -> Check:
    return Check(name, CheckStatus.FAIL, failed.message, failed.hint, failed.words)


def _skipped(name: str) -> Check:
    return Check(name, CheckStatus.SKIP, "not asked, because an earlier check failed")
