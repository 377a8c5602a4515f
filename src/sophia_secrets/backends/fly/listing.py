"""Strict parsing of flyctl's answers: bytes to plain values, or `BadJSON`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from sophia_secrets.backends.base import Steps
from sophia_secrets.backends.fly import failures
from sophia_secrets.backends.fly.app import FlyApp
from sophia_secrets.core.model import Entry, EntryState, Failure
from sophia_secrets.core.strict_json import BadJSON, Number, loads

_NOISE = b"Error loading config "
"""A line on standard output when two flyctl start at once (superfly/flyctl internal/config)."""

_STATUS = {
    "Staged": "staged",
    "Partial": "partly deployed",
    "Deployed": "deployed",
    "Unknown": "deployment unknown",
    "": "",
}


class Machine(Struct, frozen=True):
    """A Fly Machine as `fly machine list` shows it."""

    id: str
    state: str
    group: str


def fetch(app: FlyApp) -> Steps[dict[str, Entry] | Failure]:
    """The app's secrets by name, without values."""
    done = yield app.flyctl.call("secrets", "list", app.flag, "--json", label="fly secrets list")
    if not done.ok:
        return failures.failure(done, app.target)
    try:
        return entries(done.stdout)
    except BadJSON as bad:
        return failures.unreadable(app.target, str(bad))


def entries(stdout: bytes) -> dict[str, Entry]:
    """
    The secrets of `fly secrets list --json`, by name, all write-only.

    Accepts the shapes of all versions: `Name`/`Digest`/`CreatedAt`, `name`/`digest` with or
    without `status`, `null` for none (superfly/flyctl internal/command/secrets/list.go).
    """
    found: dict[str, Entry] = {}
    for element in _array(stdout):
        name = _text(element, "name", "Name")
        if not name or name in found:
            raise BadJSON("a secret without a name, or twice")
        status = element.get("status", "")
        if not isinstance(status, str) or status not in _STATUS:
            raise BadJSON("a deployment status that is not known")
        digest = _text(element, "digest", "Digest")
        found[name] = Entry(EntryState.WRITE_ONLY, digest=digest or None, detail=_STATUS[status])
    return found


def machines(stdout: bytes) -> list[Machine]:
    """The Machines of `fly machine list --json`, in a stable order."""
    found = []
    for element in _array(stdout):
        group = element
        for key in ("config", "metadata"):
            below = group.get(key)
            group = below if isinstance(below, dict) else {}
        name = group.get("fly_process_group", "")
        machine_id = _text(element, "id")
        if not re.fullmatch(r"[A-Za-z0-9]{1,64}", machine_id):
            raise BadJSON("a Machine whose id is no id")
        found.append(Machine(machine_id, _text(element, "state"), name if isinstance(name, str) else ""))
    return sorted(found, key=lambda machine: machine.id)


def variables(stdout: bytes, machine: str) -> dict[str, str] | None:
    """
    The environment that `machine exec ... 'env -0' --json` shows, or None where the command
    failed on the Machine: flyctl itself exits 0 then (internal/command/machine/exec.go).
    """
    answer = loads(_without_noise(stdout))
    if not isinstance(answer, dict):
        raise BadJSON("not an object")
    code = answer.get("exit_code")
    if isinstance(code, Number) and code.text != "0":
        return None
    text = _text(answer, "stdout")
    if not text.endswith("\0"):
        return None
    found: dict[str, str] = {}
    for pair in text[:-1].split("\0"):
        name, _, value = pair.partition("=")
        found[name] = value
    if found.get("FLY_MACHINE_ID") != machine:
        raise BadJSON("the environment of another Machine")
    return found


def version(stdout: bytes) -> tuple[int, ...]:
    """
    The version in `flyctl version --json`; `BadJSON` where this is not Fly's flyctl.

    A build that is not a release counts as newer than any: its version is a date.
    """
    answer = loads(_without_noise(stdout))
    if not isinstance(answer, dict) or "BuildDate" not in answer:
        raise BadJSON("not flyctl's description of itself")
    numbers = re.match(r"v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})", _text(answer, "Version"))
    if numbers is None or not _text(answer, "Name"):
        raise BadJSON("not flyctl's description of itself")
    return tuple(int(number) for number in numbers.groups())


def email(stdout: bytes) -> str:
    """The user of `fly auth whoami --json`."""
    answer = loads(_without_noise(stdout))
    if not isinstance(answer, dict):
        raise BadJSON("not an object")
    return _text(answer, "email")


def release(stdout: bytes) -> str:
    """
    The release of a deployment, from the line that `FLY_EMIT_RELEASE_JSON` adds, or "".

    Progress messages precede it (internal/command/deploy/machines_deploymachinesapp.go).
    """
    for line in reversed(stdout.splitlines()):
        try:
            answer = loads(line)
        except BadJSON:
            continue
        number = answer.get("version") if isinstance(answer, dict) and "id" in answer else None
        if isinstance(number, Number):
            return number.text
    return ""


def _without_noise(stdout: bytes) -> bytes:
    while stdout.startswith(_NOISE):
        stdout = stdout.partition(b"\n")[2]
    return stdout


def _array(stdout: bytes) -> list[dict[str, object]]:
    answer = loads(_without_noise(stdout))
    if answer is None:
        return []
    if not isinstance(answer, list) or not all(isinstance(element, dict) for element in answer):
        raise BadJSON("not an array of objects")
    return answer


def _text(element: Mapping[str, object], *keys: str) -> str:
    for key in keys:
        value = element.get(key)
        if isinstance(value, str):
            return value
    raise BadJSON("a text is missing")
