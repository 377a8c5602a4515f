"""A call as a plan that can be started early."""

from __future__ import annotations

from sophia_secrets.backends.base import Call
from sophia_secrets.launch.ahead import Plan


def plan(program: str, call: Call) -> Plan | None:
    """The call as a plan; None where it needs more than a plan has."""
    if (
        call.stdin
        or call.stdin_as_file
        or call.directory is not None
        or any(one.links for one in call.scratch)
    ):
        return None
    scratch = [(one.variable, one.files) for one in call.scratch]
    return Plan(program, call.arguments, call.environment, scratch)
