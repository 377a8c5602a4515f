"""
A program that behaves as flyctl does for the commands we use.

Its state is a JSON file, its words and exit codes are those of the real one, which
`tests/contract/test_real_fly.py` compares. Like the real one it writes values into
`$FLY_CONFIG_DIR/logs/` unless it cannot, reads `fly.toml` from the working directory, loses what
`import` loses, and says nothing about it. Standard library only: it is started on its own.
`tests.vendors.fly_cli` installs it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

STAGED = (
    "Secrets have been staged, but not set on VMs. "
    "Deploy or update machines in this app for the secrets to take effect."
)
NO_TOKEN = "no access token available. Please login with 'flyctl auth login'"
IMAGE = "registry.fly.io/my-app:deployment-1"
QUERY = "failed to run query ($appName: String!) { appcompact:app(name: $appName) { id name } }: "
SPACE = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\x1c\x1d\x1e\x1f")
FLAGS = {"--app": True, "-a": True, "--timeout": True, "--json": False, "--stage": False}
WITHOUT_JSON = {"set", "import", "unset", "deploy"}


class Failed(Exception):
    """How the program ends: text for standard error, exit code."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


def parse_secrets(data: bytes) -> dict[str, str]:
    """internal/command/secrets/parser.go, line by line and on bytes, as Go does it."""
    secrets: dict[bytes, bytes] = {}
    multi = False
    key = parsed = b""
    for raw in data.split(b"\n")[: None if not data.endswith(b"\n") else -1]:
        if len(raw) >= 64 * 1024:
            break
        line = raw.removesuffix(b"\r")
        if multi:
            if line.endswith(b'"""'):
                secrets[key] = parsed + line[:-3]
                multi, parsed, key = False, b"", b""
            else:
                parsed += line + b"\n"
            continue
        if line.startswith(b"#") or not line.decode(errors="replace").strip(SPACE):
            continue
        if b"=" not in line:
            shown = line.decode(errors="replace")
            raise Failed(
                "Failed to parse secrets from stdin: "
                f"Secrets must be provided as NAME=VALUE pairs ({shown} is invalid)"
            )
        key, _, value = line.partition(b"=")
        key, value = key.decode().strip(SPACE).encode(), value.lstrip(b" ")
        left, sharp, _ = value.partition(b"#")
        if sharp and left.count(b'"') % 2 == 0:
            value = left.rstrip(b" ")
        if value.startswith(b'"""') and value.endswith(b'"""') and len(value) >= 6:
            secrets[key] = value[3:-3]
        elif value.startswith(b'"""'):
            multi, parsed = True, value[3:] + b"\n"
        else:
            for quote in (b'"', b"'"):
                if value.startswith(quote) and value.endswith(quote):
                    if len(value) < 2:
                        raise Failed("panic: runtime error: slice bounds out of range [1:0]", 2)
                    value = value[1:-1]
                    break
            secrets[key] = value
    return {key.decode(): value.decode() for key, value in secrets.items()}


class Program:
    """One start."""

    def __init__(self, state: dict[str, Any], arguments: list[str], stdin: bytes) -> None:
        self.state = state
        self.stdin = stdin
        self.flags: dict[str, str] = {}
        self.words: list[str] = []
        self._read(arguments)

    def _read(self, arguments: list[str]) -> None:
        rest = list(arguments)
        while rest:
            word = rest.pop(0)
            if word == "--":
                self.words += rest
                return
            name, equals, value = word.partition("=")
            if word.startswith("-") and word != "-":
                if name not in FLAGS or (name == "--json" and WITHOUT_JSON.intersection(self.words)):
                    raise Failed(f"unknown flag: {name}")
                if FLAGS[name] and not equals:
                    value = rest.pop(0)
                self.flags[name] = value if FLAGS[name] else "true"
            else:
                self.words.append(word)

    def run(self) -> str:
        command = " ".join(self.words[:2])
        if self.words[:1] == ["version"]:
            return self._version()
        self._application_file()
        token = self._token()
        if token is None:
            raise Failed(NO_TOKEN)
        words = command.split()
        method = getattr(self, "_" + "_".join(words), None)
        if method is None or len(words) != 2:
            raise Failed(f'unknown command "{command}" for "flyctl"')
        if token != self.state["token"]:
            if words[0] == "machine" or words[1] == "list":
                raise Failed("failed to list app secrets: no verified tokens (Request ID: 01TEST-ams)")
            raise Failed(QUERY + "You must be authenticated to view this.")
        return str(method())

    def _version(self) -> str:
        described = {"Name": "flyctl", "Version": self.state["version"], "Commit": "0" * 40}
        built = {"BranchName": "", "BuildDate": "2026-08-20T00:00:00Z", "OS": "linux"}
        rest = {"Architecture": "amd64", "Environment": "production"}
        return json.dumps({**described, **built, **rest}) + "\n"

    def _application_file(self) -> None:
        file = Path("fly.toml")
        if file.exists() and "app" not in file.read_text():
            raise Failed(f"failed loading app config from {file.resolve()}: invalid character")

    def _token(self) -> str | None:
        for name in ("FLY_ACCESS_TOKEN", "FLY_API_TOKEN"):
            if name in os.environ:
                return os.environ[name] or None
        for line in _config_lines():
            if line.startswith("access_token:"):
                return line.partition(":")[2].strip()
        return None

    def _app(self, missing: str) -> dict[str, Any]:
        name = self.flags.get("--app") or self.flags.get("-a") or os.environ.get("FLY_APP", "")
        if not name:
            raise Failed("the config for your app is missing an app name, add an app field to the fly.toml")
        if name not in self.state["apps"]:
            raise Failed(missing.replace("NAME", name))
        app: dict[str, Any] = self.state["apps"][name]
        return app

    def _graphql_app(self) -> dict[str, Any]:
        return self._app(QUERY + 'Could not find App "NAME"')

    def _auth_whoami(self) -> str:
        return json.dumps({"email": self.state["email"]}, indent=4) + "\n"

    def _secrets_list(self) -> str:
        app = self._app("failed to list app secrets: app not found (Request ID: 01TEST-ams)")
        shape = self.state["shape"]
        if shape == "null" and not app["secrets"]:
            return "null\n"
        rows = []
        for name, secret in app["secrets"].items():
            row = {"name": name, "digest": secret["digest"], "status": secret["status"]}
            if shape in ("plain", "null"):
                del row["status"]
            if shape == "graphql":
                row = {"Name": name, "Digest": secret["digest"], "CreatedAt": "2026-01-01T00:00:00Z"}
            rows.append(row)
        return json.dumps(rows, indent=4) + "\n"

    def _secrets_set(self) -> str:
        app = self._graphql_app()
        values = {}
        for pair in self.words[2:]:
            if "=" not in pair:
                raise Failed(f"could not parse secrets: '{pair}': must be in the format NAME=VALUE")
            name, _, value = pair.partition("=")
            values[name] = self._piped(name) if value == "-" else value
        return self._store(app, values)

    def _piped(self, name: str) -> str:
        if stat.S_ISCHR(os.fstat(0).st_mode):
            raise Failed(f"secret `{name}` expects standard input but none provided")
        if len(self.stdin) > 64 * 1024:
            raise Failed(f"error reading stdin for '{name}': Input exceeded max length of 65536 bytes")
        return self.stdin.decode(errors="replace").strip(SPACE)

    def _secrets_import(self) -> str:
        app = self._graphql_app()
        values = parse_secrets(self.stdin)
        if not values:
            raise Failed("requires at least one SECRET=VALUE pair")
        return self._store(app, values)

    def _secrets_unset(self) -> str:
        app = self._graphql_app()
        if len(self.words) < 3:
            raise Failed("requires at least 1 arg(s), only received 0")
        return self._store(app, dict.fromkeys(self.words[2:]))

    def _store(self, app: dict[str, Any], values: dict[str, Any]) -> str:
        _log(json.dumps({"values": values}))
        for name, value in values.items():
            if value is None:
                app["secrets"].pop(name, None)
            elif name not in self.state.get("dropped", ()):
                digest = hashlib.sha256(b"fly stand-in " + value.encode()).hexdigest()[:16]
                app["secrets"][name] = {"value": value, "digest": digest, "status": "Staged"}
        if "--stage" not in self.flags:
            return self._roll_out(app)
        return STAGED + "\n"

    def _secrets_deploy(self) -> str:
        app = self._graphql_app()
        if not app["deployed"] or not app["machines"]:
            raise Failed(
                "no machines available to deploy\n'fly secrets deploy' will only work if the app has been "
                "deployed and there are machines available\n\nTry 'fly deploy' first\n"
            )
        return self._roll_out(app)

    def _roll_out(self, app: dict[str, Any]) -> str:
        if not app["machines"] and not app["deployed"]:
            return "Secrets are staged for the first deployment\n"
        app["releases"] = app.get("releases", 1) + 1
        for secret in app["secrets"].values():
            secret["status"] = "Deployed"
        told = ["Updating existing machines in 'my-app' with rolling strategy"] if app["machines"] else []
        for machine in app["machines"]:
            machine["environment"] = {name: secret["value"] for name, secret in app["secrets"].items()}
            where = f"{machine['id']} [app]"
            told += [f"> Updating {where}", f"> Updating {where}"]
            told += [f"> Waiting for {where} to have state: started", f"> Machine {where} has state: started"]
            told += [f"> Checking that {where} is up and running", f"✔ Machine {where} update succeeded"]
        if os.environ.get("FLY_EMIT_RELEASE_JSON"):
            version = app["releases"]
            released = {"id": f"r{version}", "version": version, "image_ref": IMAGE}
            told.append(json.dumps(released, separators=(",", ":")))
        return "".join(f"{line}\n" for line in told)

    def _machine_list(self) -> str:
        app = self._app("failed to list VMs: app not found (Request ID: 01TEST-ams)")
        rows = [
            {"id": m["id"], "state": m["state"], "config": {"metadata": {"fly_process_group": "app"}}}
            for m in app["machines"]
        ]
        return json.dumps(rows, indent=4) + "\n"

    def _machine_exec(self) -> str:
        app = self._app("app not found (Request ID: 01TEST-ams)")
        wanted = self.words[2]
        for machine in app["machines"]:
            if machine["id"] == wanted:
                variables = {"FLY_MACHINE_ID": wanted, "PATH": "/usr/bin", **machine.get("environment", {})}
                text = "".join(f"{name}={value}\0" for name, value in variables.items())
                _log(text)
                return json.dumps(machine.get("answer", {"stdout": text}), indent=4) + "\n"
        raise Failed(f"machine {wanted} was not found in app '{self.flags.get('--app')}'")


def _config_lines() -> list[str]:
    file = Path(os.environ.get("FLY_CONFIG_DIR", "")) / "config.yml"
    return file.read_text().splitlines() if file.exists() else []


def _log(text: str) -> None:
    logs = Path(os.environ.get("FLY_CONFIG_DIR") or Path.home() / ".fly") / "logs"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / "flyctl.log").open("a") as file:
            file.write(text + "\n")
    except OSError:
        return


def _note_call(directory: Path, arguments: list[str], stdin: bytes) -> None:
    config = os.environ.get("FLY_CONFIG_DIR", "")
    call = {
        "arguments": arguments,
        "environment": dict(os.environ),
        "stdin": stdin.decode(errors="replace"),
        "directory": sorted(os.listdir(".")),
        "config": sorted(os.listdir(config)) if config else None,
    }
    with (directory / "fly-calls.jsonl").open("a") as file:
        file.write(json.dumps(call) + "\n")


def _fault(state: dict[str, Any], arguments: list[str]) -> dict[str, Any] | None:
    for fault in state["faults"]:
        if " ".join(arguments[:2]).startswith(fault["on"]):
            if not fault.get("always"):
                state["faults"].remove(fault)
            return dict(fault)
    return None


def main() -> int:
    """Do what the arguments say to the state in the directory that is the first of them."""
    directory, arguments = Path(sys.argv[1]), sys.argv[2:]
    stdin = b"" if stat.S_ISCHR(os.fstat(0).st_mode) else sys.stdin.buffer.read()
    with (directory / "fly-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _note_call(directory, arguments, stdin)
        state = json.loads((directory / "fly-state.json").read_text())
        fault = _fault(state, arguments)
        code, out, problem = 0, "", ""
        if fault is None or fault.get("store"):
            try:
                out = Program(state, arguments, stdin).run()
            except Failed as failed:
                code, problem = failed.code, failed.text
                problem = f"Error: {problem}\n" if code == 1 else f"{problem}\n\ngoroutine 1 [running]:\n"
        if fault is not None:
            code, out, problem = fault.get("exit", 1), fault.get("stdout", ""), fault.get("stderr", "")
        (directory / "fly-state.json").write_text(json.dumps(state))
    sys.stdout.write(out)
    sys.stdout.flush()
    sys.stderr.write(problem)
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main())
