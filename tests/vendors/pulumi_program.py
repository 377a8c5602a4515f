"""
A program that behaves as `pulumi` does for the commands we use.

Its service is `tests.vendors.pulumi_cloud` kept in the JSON file `FAKE_PULUMI_STATE`; stack
configuration is in Pulumi.<stack>.yaml as with the real one. Words, exit codes and habits (the
token that it writes down, the account that it prefers to a new token, the files that it leaves in
TMPDIR, the crash in `env rm`) are the real one's, which `tests/contract/test_real_pulumi.py`
compares. `tests.vendors.pulumi_cli` installs it.
"""

from __future__ import annotations

import base64
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

from tests.vendors import pulumi_esc as esc
from tests.vendors.pulumi_cloud import PulumiService, Request

CRASH = """\
================================================================================
The Pulumi CLI encountered a fatal error. This is a bug!
We would appreciate a report: https://github.com/pulumi/pulumi/issues/
Please provide all of the text below in your report.
================================================================================
Panic:            runtime error: index out of range [9] with length 8
"""
NEEDS_TOKEN = "PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions"
WITH_VALUE = {"-C", "--color", "--format", "--lifetime", "--file", "--stack"}
KNOWN = {
    ("version",): set(),
    ("whoami",): {"--json"},
    ("env", "open"): {"--format", "--lifetime"},
    ("env", "set"): {"--file", "--secret", "--string"},
    ("env", "rm"): set(),
    ("config",): {"--json", "--show-secrets", "--stack"},
    ("config", "set"): {"--secret", "--stack"},
    ("config", "rm"): {"--stack"},
}
EVERYWHERE = {"-C", "--color", "--non-interactive"}


class Failed(Exception):
    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


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
        case ("config",):
            _config(Stack(flags, service, meta))
        case ("config", "set"):
            _config_set(Stack(flags, service, meta), rest[0], stdin)
        case ("config", "rm"):
            _config_remove(Stack(flags, service, meta), rest[0])


class Account:
    """pkg/cmd/esc/cli/login.go: the stored account first, and what the variable says kept for later."""

    def __init__(self, service: PulumiService, for_esc: bool) -> None:
        self.service = service
        prefix = "could not determine current cloud: " if for_esc else ""
        directory = os.environ.get("PULUMI_CREDENTIALS_PATH") or os.environ["PULUMI_HOME"]
        path = Path(directory) / "credentials.json"
        stored = json.loads(path.read_text()) if path.exists() else {}
        url = os.environ.get("PULUMI_BACKEND_URL") or stored.get("current") or "https://api.pulumi.com"
        accounts = stored.setdefault("accounts", {})
        old = accounts.get(url, {}).get("accessToken", "")
        given = os.environ.get("PULUMI_ACCESS_TOKEN", "")
        if given and given != old:
            self.token = given
            if url.startswith("file://"):
                sys.stderr.write("Logging in using access token from PULUMI_ACCESS_TOKEN\n")
                fault = f'Get "{url}/api/user": unsupported protocol scheme "file"'
                raise Failed(f"{prefix}performing HTTP request: {fault}")
            if not self._valid_user(prefix, logging_in=True):
                raise Failed(f"{prefix}Unauthorized: No credentials provided or are invalid.")
            accounts[url] = {"accessToken": given}
            stored["current"] = stored.get("current") or url
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(stored))
        elif not old:
            raise Failed(prefix + NEEDS_TOKEN, 3)
        self.token = (old or given) if for_esc else (given or old)
        if for_esc and not os.environ.get("PULUMI_DEFAULT_ORGANIZATION"):
            status, _, body = self.ask("GET", "/api/user/organizations/default")
            if status >= 400 and status != 404:
                raise Failed("looking up org to default to: " + _service_error(status, body))

    def _valid_user(self, prefix: str, *, logging_in: bool) -> bool:
        if logging_in:
            sys.stderr.write("Logging in using access token from PULUMI_ACCESS_TOKEN\n")
        status, _, body = self.ask("GET", "/api/user")
        if status == 403:
            raise Failed(prefix + _service_error(status, body), 3)
        if status >= 500 or status == 429:
            raise Failed(prefix + _service_error(status, body))
        return status != 401

    def ask(
        self, method: str, path: str, body: bytes = b"", etag: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        return self.service.answer(Request(method, path, self.token, body.decode(), etag))


def _service_error(status: int, body: bytes) -> str:
    if status == 429:
        return "esc: request rate-limit exceeded"
    try:
        answer = json.loads(body)
    except ValueError:
        return f"[{status}] {body.decode().strip()}"
    if answer.get("diagnostics"):
        said = "".join(f"Diags: {d['summary']}\n" for d in answer["diagnostics"])
        return f"[{answer.get('code', 0)}] {answer.get('message', '')}\n{said}".rstrip()
    return f"[{answer.get('code', 0)}] {answer.get('message', '')}"


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
        raise Failed(_service_error(status, body))
    status, _, body = account.ask("GET", f"{base}/{json.loads(body)['id']}")
    if status >= 400:
        raise Failed(_service_error(status, body))
    node: dict[str, Any] = {"value": json.loads(body)["properties"], "trace": _nowhere()}
    if len(words) == 1:
        _project(node["value"])
    for key in words[1].split(".") if len(words) > 1 else []:
        node = node["value"].get(key, {"value": None, "trace": _nowhere()})
    shown = node if flags.get("--format") == "detailed" else _plain(node)
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
        raise Failed("getting environment definition: " + _service_error(status, body))
    return esc.parse(body.decode()), headers["ETag"]


def _update(account: Account, reference: str, node: Any, etag: str) -> None:
    body = esc.write(node).encode()
    status, _, answer = account.ask("PATCH", f"/api/esc/environments/{reference}", body, etag)
    if status >= 400 and not _diagnostics(answer):
        raise Failed("updating environment definition: " + _service_error(status, answer))
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
        raise Failed(_service_error(status, body), 3)
    organizations = [one["githubLogin"] for one in json.loads(body)["organizations"]]
    print(json.dumps({"user": json.loads(body)["githubLogin"], "organizations": organizations, "url": ""}))


class Stack:
    """The local file of a stack; `meta` has the stacks' passphrases."""

    def __init__(self, flags: dict[str, str], service: PulumiService, meta: dict[str, Any]) -> None:
        directory = Path(flags.get("-C", "."))
        project = directory / "Pulumi.yaml"
        if not project.exists():
            raise Failed(f"no Pulumi.yaml project file found (searching upwards from {directory}).")
        self.project = yaml.safe_load(project.read_text())["name"]
        name = flags["--stack"].split("/")[-1]
        if os.environ.get("PULUMI_BACKEND_URL", "").startswith("file://"):
            if flags["--stack"].count("/") and not flags["--stack"].startswith("organization/"):
                raise Failed("organization name must be 'organization'")
            if name not in meta["stacks"]:
                raise Failed(f"no stack named '{flags['--stack']}' found", 6)
            self.passphrase = meta["stacks"][name]
        else:
            account = Account(service, False)
            parts = flags["--stack"].split("/")
            reference = "/".join(["acme", self.project][: 3 - len(parts)] + parts)
            status, _, body = account.ask("GET", f"/api/stacks/{reference}")
            if status == 404:
                raise Failed(f"no stack named '{flags['--stack']}' found", 6)
            if status >= 400:
                raise Failed(_service_error(status, body), 3 if status in (401, 403) else 1)
            self.passphrase = None
        self.path = directory / f"Pulumi.{name}.yaml"
        settings = yaml.safe_load(self.path.read_text()) if self.path.exists() else None
        self.settings: dict[str, Any] = settings or {}
        self.config: dict[str, Any] = self.settings.setdefault("config", {})

    def unlock(self) -> None:
        if self.passphrase is None:
            return
        given = os.environ.get("PULUMI_CONFIG_PASSPHRASE")
        file = os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE")
        if given is None and not file:
            raise Failed(
                "passphrase must be set with PULUMI_CONFIG_PASSPHRASE or "
                "PULUMI_CONFIG_PASSPHRASE_FILE environment variables"
            )
        if (given if given is not None else Path(str(file)).read_text().strip()) != self.passphrase:
            raise Failed("incorrect passphrase")

    def key(self, name: str) -> str:
        return name if ":" in name else f"{self.project}:{name}"

    def save(self) -> None:
        self.path.write_text(yaml.safe_dump(self.settings))


def _config(stack: Stack) -> None:
    shown: dict[str, Any] = {}
    for key in sorted(stack.config):
        value = stack.config[key]
        if isinstance(value, dict) and "secure" in value:
            stack.unlock()
            text = base64.b64decode(value["secure"].removeprefix("v1:")).decode()
            shown[key] = {"value": text, "secret": True}
        elif isinstance(value, dict | list):
            text = json.dumps(value, separators=(",", ":"))
            shown[key] = {"value": text, "objectValue": value, "secret": False}
        else:
            shown[key] = {"value": value if isinstance(value, str) else json.dumps(value), "secret": False}
    print(json.dumps(shown, indent=2, ensure_ascii=False))


def _config_set(stack: Stack, name: str, stdin: bytes) -> None:
    stack.unlock()
    text = stdin.removesuffix(b"\n")
    stack.config[stack.key(name)] = {"secure": "v1:" + base64.b64encode(text).decode()}
    stack.save()


def _config_remove(stack: Stack, name: str) -> None:
    stack.config.pop(stack.key(name), None)
    stack.save()


if __name__ == "__main__":
    main()
