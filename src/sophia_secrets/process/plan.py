"""A call as it is known before it is made."""

from __future__ import annotations

from sophia_secrets.backends.base import Call
from sophia_secrets.launch.ahead import Plan


def plan(program: str, call: Call) -> Plan | None:
    """The call as one that can be started ahead; None where it needs more than a plan says."""
    if (
        call.stdin
        or call.stdin_as_file
        or call.directory is not None
        or any(one.links for one in call.scratch)
    ):
        return None
    scratch = [(one.variable, one.files) for one in call.scratch]
    return Plan(program, call.arguments, call.environment, scratch)
