"""
A Pulumi Cloud on a loopback port, for the real `pulumi` (`PULUMI_BACKEND_URL=cloud.url`).

It knows users by their tokens, ESC environments and stacks, and can be told to answer a request
badly. The requests are those of pkg/cmd/esc/cli/client/client.go and
pkg/backend/httpstate/client/client.go.
"""

from __future__ import annotations

import base64
import gzip
import http.server
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from tests.vendors import pulumi_esc as esc
from tests.vendors import pulumi_questions as questions

TOKEN = "pul-test-token"
_ENVIRONMENT = re.compile(r"/api/esc/environments/([^/]+/[^/]+/[^/]+)(/open(?:/(\w+))?)?")
_STACK = re.compile(r"/api/stacks/([^/]+/[^/]+/[^/]+)(/[\w/-]+)?")


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    token: str
    body: str
    etag: str


@dataclass
class PulumiService:
    """
    What the service knows, and its answer to a request.

    `tokens` maps a token to its user, `environments` a reference to its definition (sealed),
    `stacks` holds references, `denied` (user, reference) pairs that are answered with 403.
    `coded_diagnostics` says whether an answer with diagnostics also carries its code, as only some
    do. Every field but the lock is plain JSON, so that a stand-in program can keep it in a file.
    """

    tokens: dict[str, str] = field(default_factory=lambda: {TOKEN: "user"})
    environments: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    stacks: list[str] = field(default_factory=list)
    denied: list[list[str]] = field(default_factory=list)
    coded_diagnostics: bool = True
    faults: list[dict[str, Any]] = field(default_factory=list)
    meddling: dict[str, str] = field(default_factory=dict)
    opened: dict[str, esc.Properties] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()

    def define(self, reference: str, definition: str) -> None:
        """Put an environment there, or another definition in its place."""
        with self._lock:
            self.environments[reference] = esc.seal(
                reference.rsplit("/", maxsplit=1)[-1], definition, self._load_for(reference)
            )
            self.revisions[reference] = self.revisions.get(reference, 0) + 1

    def held(self, reference: str) -> dict[str, Any]:
        """What the environment's definition says, secrets in plain text."""
        with self._lock:
            return esc.unseal(self.environments[reference])

    def fail(self, method: str, path: str, status: int, body: object, times: int | None = None) -> None:
        """Answer requests that match (the path by regular expression) like this, `times` times or always."""
        text = body.decode() if isinstance(body, bytes) else json.dumps(body)
        self.faults.append({"method": method, "path": path, "status": status, "body": text, "times": times})

    def change_during_next_write(self, reference: str, definition: str) -> None:
        """Another writer comes between the reading and the writing of the next `pulumi env set`."""
        self.meddling[reference] = definition

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            self.requests.append(request)
            for fault in self.faults:
                matches = fault["method"] == request.method and re.search(fault["path"], request.path)
                if matches and fault["times"] != 0:
                    fault["times"] = None if fault["times"] is None else fault["times"] - 1
                    return fault["status"], {}, fault["body"].encode()
            return self._answer(request)

    def _answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        user = self.tokens.get(request.token)
        if user is None:
            return _error(401, "Unauthorized: No credentials provided or are invalid.")
        path = request.path.partition("?")[0]
        if path == "/api/user":
            names = sorted({reference.split("/")[0] for reference in self.environments} | {"acme"})
            organizations = [{"githubLogin": name, "name": name} for name in names]
            return _json({"githubLogin": user, "name": user, "organizations": organizations})
        if path == "/api/user/organizations/default":
            return _json({"gitHubLogin": "acme", "messages": []})
        if path == "/api/capabilities":
            return _json({"capabilities": []})
        if (found := questions.answer(self, request)) is not None:
            return _json(found)
        for pattern, answer in ((_ENVIRONMENT, self._environment), (_STACK, self._stack)):
            if match := pattern.fullmatch(path):
                if [user, match[1]] in self.denied:
                    return _error(403, f"Forbidden: {user} must not do this")
                return answer(request, match)
        return _error(404, f"Not Found: {path}")

    def _environment(self, request: Request, match: re.Match[str]) -> tuple[int, dict[str, str], bytes]:
        reference, opening, session = match[1], match[2], match[3]
        definition = self.environments.get(reference)
        if definition is None:
            return _error(404, f"Not Found: environment '{reference}' not found")
        revision = {"Pulumi-ESC-Revision": str(self.revisions[reference])}
        load = self._load_for(reference)
        try:
            if session:
                return _json({"properties": self.opened[session], "exprs": {}})
            if opening:
                number = f"s{len(self.opened)}"
                self.opened[number] = esc.evaluate(reference.split("/")[-1], definition, load)
                return _json({"id": number})
            if request.method == "GET":
                answer = (200, {**revision, "ETag": _tag(revision)}, definition.encode())
                if reference in self.meddling:
                    self.define(reference, self.meddling.pop(reference))
                return answer
            if request.etag != _tag(revision):
                return _error(409, "Conflict: the environment has been modified")
            definition = esc.seal(reference.split("/")[-1], request.body, load)
        except esc.Rejected as rejected:
            diagnostics = [diagnostic.json() for diagnostic in rejected.diagnostics]
            body: dict[str, Any] = {"message": "Bad Request", "diagnostics": diagnostics}
            if self.coded_diagnostics:
                body["code"] = 400
            return 400, {}, json.dumps(body).encode()
        self.environments[reference] = definition
        self.revisions[reference] += 1
        return 200, {"Pulumi-ESC-Revision": str(self.revisions[reference])}, b"{}"

    def _stack(self, request: Request, match: re.Match[str]) -> tuple[int, dict[str, str], bytes]:
        reference, verb = match[1], match[2] or ""
        if reference not in self.stacks:
            return _error(404, f"Not Found: Stack '{reference}' not found")
        if not verb:
            owner, project, stack = reference.split("/")
            named = {"orgName": owner, "projectName": project, "stackName": stack}
            return _json({"id": "1", **named, "activeUpdate": "", "version": 0})
        asked = json.loads(request.body or "{}")
        if verb == "/encrypt":
            return _json(
                {"ciphertext": base64.b64encode(base64.b64decode(asked["plaintext"])[::-1]).decode()}
            )
        if verb == "/decrypt":
            return _json(
                {"plaintext": base64.b64encode(base64.b64decode(asked["ciphertext"])[::-1]).decode()}
            )
        if verb == "/batch-decrypt":
            plain = {c: base64.b64encode(base64.b64decode(c)[::-1]).decode() for c in asked["ciphertexts"]}
            return _json({"plaintexts": plain})
        return _json({})

    def _load_for(self, reference: str) -> Callable[[str], str | None]:
        owner, project, _ = reference.split("/")

        def load(name: str) -> str | None:
            full = {0: f"{owner}/{project}/{name}", 1: f"{owner}/{name}"}.get(name.count("/"), name)
            return self.environments.get(full)

        return load


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no event."""


class PulumiCloud(PulumiService):
    """The service on a loopback port while entered."""

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        cloud = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                token = (self.headers.get("Authorization") or "").removeprefix("token ")
                if body[:2] == b"\x1f\x8b":
                    body = gzip.decompress(body)
                request = Request(
                    self.command, self.path, token, body.decode(), self.headers.get("ETag") or ""
                )
                status, headers, answer = cloud.answer(request)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _tag(revision: dict[str, str]) -> str:
    return '"' + revision["Pulumi-ESC-Revision"] + '"'


def _json(value: object) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _error(status: int, message: str) -> tuple[int, dict[str, str], bytes]:
    return status, {}, json.dumps({"code": status, "message": message}).encode()
