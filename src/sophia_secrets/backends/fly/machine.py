"""Reading values from this process on a Fly Machine, or from a running Machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from sophia_secrets.backends.base import Context, Steps
from sophia_secrets.backends.fly import failures, listing, rules
from sophia_secrets.backends.fly.app import FlyApp
from sophia_secrets.core.model import Entry, EntryState, Failure, SecretValue, Snapshot, Target
from sophia_secrets.core.strict_json import BadJSON

# Variables of shells, images and process managers, in addition to Fly's and ours.
_NOT_SECRETS = (
    r"_|FLY_.*|SOPHIA_.*|LC_.*|XDG_.*|PATH|HOME|HOSTNAME|PWD|OLDPWD|SHLVL|SHELL|TERM|LANG|LANGUAGE|TZ"
    r"|USER|LOGNAME|MAIL|EDITOR|PAGER|TMPDIR|DEBIAN_FRONTEND|PRIMARY_REGION"
)
_NOT_UTF8 = "[\ud800-\udfff]"


def here(context: Context, target: Target) -> Snapshot:
    """
    The app's secrets in this process's environment; nothing is started.

    Secrets cannot be told from other variables, so a declared name is a secret, and so is any other
    variable that is neither Fly's own nor common in a shell or an image: its entry says that it is not
    declared.
    """
    machine = context.environ["FLY_MACHINE_ID"]
    found: dict[str, Entry] = {}
    left_out = False
    for name, value in context.environ.items():
        declared = name in context.declared
        if not declared and (re.fullmatch(_NOT_SECRETS, name) or not re.fullmatch(rules.NAME, name)):
            continue
        if re.search(_NOT_UTF8, value):
            left_out = True
            continue
        detail = f"from Machine {machine}" + ("" if declared else ", not declared as a secret")
        found[name] = Entry(EntryState.READABLE, SecretValue(value), detail=detail if value else "empty")
    notes = ("a variable that is not UTF-8 was left out",) if left_out else ()
    return Snapshot(target, found, complete=not left_out, notes=notes)


def from_running(app: FlyApp, listed: Mapping[str, Entry]) -> Steps[Snapshot | Failure]:
    """
    The listed secrets with the values that one started Machine booted with.

    Without a started Machine, or without `env -0` on it, the entries stay write-only and a note says why.
    A value set after that Machine's start is not included: the entry's detail keeps the deployment
    status.
    """
    done = yield app.flyctl.call("machine", "list", app.flag, "--json", label="fly machine list")
    if not done.ok:
        return failures.failure(done, app.target)
    try:
        machine = _chosen(listing.machines(done.stdout))
    except BadJSON as bad:
        return failures.unreadable(app.target, str(bad))
    if machine is None:
        return Snapshot(
            app.target, listed, notes=("no Machine of the app is started, so no value can be read",)
        )
    seconds = str(max(1, min(20, int(app.flyctl.context.timeout))))
    done = yield app.flyctl.call(
        *("machine", "exec", machine, "env -0", app.flag, "--json", "--timeout", seconds),
        label="fly machine exec",
    )
    if not done.ok:
        return replace(failures.failure(done, app.target), words="")
    try:
        variables = listing.variables(done.stdout, machine)
    except BadJSON as bad:
        return failures.unreadable(app.target, str(bad))
    if variables is None:
        note = f"Machine {machine} has no `env -0`, so no value can be read"
        return Snapshot(app.target, listed, notes=(note,))
    return Snapshot(
        app.target, {name: _with_value(entry, variables.get(name), machine) for name, entry in listed.items()}
    )


def _chosen(machines: Iterable[listing.Machine]) -> str | None:
    """A started Machine, preferably of the default process group `app`."""
    started = [machine for machine in machines if machine.state == "started"]
    started.sort(key=lambda machine: (machine.group != "app", machine.id))
    return started[0].id if started else None


def _with_value(entry: Entry, value: str | None, machine: str) -> Entry:
    status = f", {entry.detail}" if entry.detail else ""
    if value is None:
        return replace(entry, detail=f"not on Machine {machine}{status}")
    if "\ufffd" in value:
        return replace(entry, detail=f"not exact: bytes that are not UTF-8 on Machine {machine}{status}")
    return replace(
        entry,
        state=EntryState.READABLE,
        value=SecretValue(value),
        detail=f"from Machine {machine}{status}",
    )
