"""
A program that behaves as `pulumi` does for the commands we use.

Its service is `tests.vendors.pulumi_cloud` kept in the JSON file `FAKE_PULUMI_STATE`; stack
configuration is in Pulumi.<stack>.yaml as with the real one. Words, exit codes and habits (the
token that it writes down, the account that it prefers to a new token, the files that it leaves in
TMPDIR, the crash in `env rm`) are the real one's, which `tests/contract/test_real_pulumi.py`
compares. `tests.vendors.pulumi_cli` installs it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import yaml

from tests.vendors import pulumi_asking as asking
from tests.vendors import pulumi_esc as esc
from tests.vendors.pulumi_account import Account, Failed, service_error
from tests.vendors.pulumi_cloud import PulumiService, Request
from tests.vendors.pulumi_stack import Stack, remove_value, set_value, show

CRASH = """\
================================================================================
The Pulumi CLI encountered a fatal error. This is a bug!
We would appreciate a report: https://github.com/pulumi/pulumi/issues/
Please provide all of the text below in your report.
================================================================================
Panic:            runtime error: index out of range [9] with length 8
"""
WITH_VALUE = {"-C", "--color", "--format", "--lifetime", "--file", "--stack", "--value", "--output", "--org"}
SHORT = {"-l": "--lifetime", "-o": "--org"}
KNOWN = {
    ("version",): set(),
    ("whoami",): {"--json"},
    ("env", "open"): {"--format", "--lifetime"},
    ("env", "set"): {"--file", "--secret", "--string"},
    ("env", "rm"): set(),
    ("env", "get"): {"--value"},
    ("env", "ls"): {"--org", "--output"},
    ("env", "version"): {"--output", "--utc"},
    ("config",): {"--json", "--show-secrets", "--stack"},
    ("config", "set"): {"--secret", "--stack"},
    ("config", "rm"): {"--stack"},
}
EVERYWHERE = {"-C", "--color", "--non-interactive"}


def main() -> None:
    words, flags = _arguments(sys.argv[1:])
    try:
        with _state() as (service, meta):
            _record(meta)
            _dispatch(words, flags, service, meta)
    except Failed as failed:
        sys.stderr.write(failed.text if failed.text == CRASH else f"error: {failed.text}\n")
        sys.exit(failed.code)


@contextmanager
def _state() -> Iterator[tuple[PulumiService, dict[str, Any]]]:
    with open(os.environ["FAKE_PULUMI_STATE"], "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        state = json.load(file)
        service = PulumiService(**state["service"])
        service.requests = [Request(**r) for r in state["service"]["requests"]]
        try:
            yield service, state
        finally:
            state["service"] = as_json(service)
            text = json.dumps(state)
            file.seek(0)
            file.truncate()
            file.write(text)


def as_json(service: PulumiService) -> dict[str, Any]:
    return {name: value for name, value in asdict(service).items() if not name.startswith("_")}


def _record(meta: dict[str, Any]) -> None:
    environ = {n: v for n, v in os.environ.items() if n != "FAKE_PULUMI_STATE"}
    meta["calls"].append({"argv": sys.argv[1:], "environ": environ, "cwd": os.getcwd()})


def _arguments(argv: list[str]) -> tuple[list[str], dict[str, str]]:
    words: list[str] = []
    flags: dict[str, str] = {}
    items = iter(argv)
    for item in items:
        item = SHORT.get(item, item)
        if item.startswith("-"):
            flags[item] = next(items) if item in WITH_VALUE else ""
        else:
            words.append(item)
    return words, flags


def _dispatch(words: list[str], flags: dict[str, str], service: PulumiService, meta: dict[str, Any]) -> None:
    command = next(tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in KNOWN)
    for flag in flags:
        if flag not in KNOWN[command] | EVERYWHERE or flag in meta["unknown_flags"]:
            raise Failed(f"unknown flag: {flag}")
    rest = words[len(command) :]
    stdin = sys.stdin.buffer.read() if command[-1] == "set" else b""
    match command:
        case ("version",):
            print(meta["version"])
        case ("whoami",):
            _whoami(service)
        case ("env", "open"):
            _open(Account(service, True), rest, flags)
        case ("env", "set"):
            _set(Account(service, True), rest, flags, stdin)
        case ("env", "rm"):
            _remove(Account(service, True), rest)
        case ("env", "get"):
            account = Account(service, True)
            node, _ = _definition(account, rest[0])
            _print(_plain(_down(asking.seen(account, rest[0], esc.write(node)), rest[1])))
        case ("env", "ls"):
            _print(asking.listed(Account(service, True), flags["--org"]))
        case ("env", "version"):
            _print(asking.revision(Account(service, True), rest[-1]))
        case ("config",):
            show(Stack(flags, service, meta))
        case ("config", "set"):
            set_value(Stack(flags, service, meta), rest[0], stdin)
        case ("config", "rm"):
            remove_value(Stack(flags, service, meta), rest[0])


def _diagnostics(body: bytes) -> bool:
    """Print what the service complained about; says whether it did."""
    try:
        found = json.loads(body).get("diagnostics", [])
    except ValueError:
        return False
    for one in found:
        place = one["range"]
        line, column = place["begin"]["line"], place["begin"]["column"]
        sys.stderr.write(f"{place['environment']}:{line}:{column}: {one['summary']}\n")
    return bool(found)


def _open(account: Account, words: list[str], flags: dict[str, str]) -> None:
    base = f"/api/esc/environments/{words[0]}/open"
    status, _, body = account.ask("POST", f"{base}?duration=5m0s")
    if status >= 400:
        if status == 400 and json.loads(body).get("code") == 400 and _diagnostics(body):
            return
        raise Failed(service_error(status, body))
    status, _, body = account.ask("GET", f"{base}/{json.loads(body)['id']}")
    if status >= 400:
        raise Failed(service_error(status, body))
    node: dict[str, Any] = {"value": json.loads(body)["properties"], "trace": _nowhere()}
    if len(words) == 1:
        _project(node["value"])
    node = _down(node, words[1]) if len(words) > 1 else node
    _print(node if flags.get("--format") == "detailed" else _plain(node))


def _down(node: dict[str, Any], path: str) -> dict[str, Any]:
    for key in _path(path):
        node = node["value"].get(key, {"value": None, "trace": _nowhere()})
    return node


def _print(shown: object) -> None:
    text = json.dumps(shown, indent=2, ensure_ascii=False)
    print(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _nowhere() -> dict[str, Any]:
    nothing = {"line": 0, "column": 0, "byte": 0}
    return {"def": {"environment": "", "begin": nothing, "end": nothing}}


def _plain(node: dict[str, Any]) -> Any:
    value = node["value"]
    if isinstance(value, dict):
        return {key: _plain(child) for key, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, list) else value


def _project(properties: dict[str, Any]) -> None:
    """pkg/cmd/esc/cli/env_open.go: files become files, and nobody takes them away."""
    files = properties.get("files", {}).get("value") or {}
    made: dict[str, Any] = {}
    for key, node in files.items():
        try:
            descriptor, path = tempfile.mkstemp(prefix="esc-", dir=os.environ.get("TMPDIR", "/tmp"))
        except OSError as problem:
            name = f"{problem.filename}: {str(problem.strerror).lower()}"
            sys.stderr.write(f"warning: creating temporary files: open {name}\n")
            return
        os.write(descriptor, str(node["value"]).encode())
        os.close(descriptor)
        made[key] = {**node, "value": path}
    if made:
        variables = properties.setdefault("environmentVariables", {"value": {}, "trace": _nowhere()})
        variables["value"] |= made


def _definition(account: Account, reference: str) -> tuple[Any, str]:
    status, headers, body = account.ask("GET", f"/api/esc/environments/{reference}")
    if status >= 400:
        raise Failed("getting environment definition: " + service_error(status, body))
    return esc.parse(body.decode()), headers["ETag"]


def _update(account: Account, reference: str, node: Any, etag: str) -> None:
    body = esc.write(node).encode()
    status, _, answer = account.ask("PATCH", f"/api/esc/environments/{reference}", body, etag)
    if status >= 400 and not _diagnostics(answer):
        raise Failed("updating environment definition: " + service_error(status, answer))
    if status < 400:
        _diagnostics(answer)


def _set(account: Account, words: list[str], flags: dict[str, str], stdin: bytes) -> None:
    try:
        text = stdin.decode()
    except UnicodeDecodeError:
        raise Failed("file content must be valid UTF-8") from None
    value: Any = esc.text_node(text) if "--string" in flags else yaml.compose(text, Loader=yaml.SafeLoader)
    if "--secret" in flags:
        value = esc.mapping_node({"fn::secret": value})
    node, etag = _definition(account, words[0])
    *above, last = ["values", *_path(words[1])]
    place: Any = node
    for key in above:
        child = esc.get(place, key)
        if child is None:
            child = esc.mapping_node({})
            _put(place, key, child)
        place = child
    _put(place, last, value)
    _update(account, words[0], node, etag)


def _put(place: Any, key: str, value: Any) -> None:
    if not isinstance(place, yaml.MappingNode):
        raise Failed(f"{key}: expected an array or an object")
    place.value = [(k, v) for k, v in place.value if k.value != key] + [(esc.text_node(key), value)]


def _remove(account: Account, words: list[str]) -> None:
    if len(words) < 2:
        raise Failed("confirmation declined")
    node, etag = _definition(account, words[0])
    *above, last = _path(words[1])
    place = esc.get(node, "values")
    if place is None:
        return
    for key in above:
        place = esc.get(place, key)
        if place is None:
            raise Failed(CRASH)
    place.value = [(k, v) for k, v in place.value if k.value != last]
    _update(account, words[0], node, etag)


def _path(text: str) -> list[str]:
    steps = re.findall(r'\["((?:[^"\\]|\\.)*)"\]|\.?([^.\[]+)', text)
    return [quoted.replace('\\"', '"') or bare for quoted, bare in steps]


def _whoami(service: PulumiService) -> None:
    if os.environ.get("PULUMI_BACKEND_URL", "").startswith("file://"):
        print(json.dumps({"user": "root", "url": os.environ["PULUMI_BACKEND_URL"]}))
        return
    account = Account(service, False)
    status, _, body = account.ask("GET", "/api/user")
    if status >= 400:
        raise Failed(service_error(status, body), 3)
    organizations = [one["githubLogin"] for one in json.loads(body)["organizations"]]
    print(json.dumps({"user": json.loads(body)["githubLogin"], "organizations": organizations, "url": ""}))


if __name__ == "__main__":
    main()
