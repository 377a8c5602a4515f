"""
Local stand-ins of Fly's two APIs (GraphQL and Machines) for the real flyctl.

They answer the requests that `secrets`, `machine list`, `machine exec` and `auth whoami` make
(superfly/flyctl internal/command/secrets, superfly/fly-go flaps), a roll-out of secrets included
(`fly_rollout`), and keep every value they were sent, so that a test can see what really arrives.
Listens on loopback only.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.vendors.fly_rollout import Machine, Release, moment

BEFORE_ANY_RELEASE = moment(0)
APP_PATH = re.compile(r"/v1/apps/(?P<app>[^/]+)(?P<rest>/.*)?$")


def digest_of(value: str) -> str:
    """What these APIs give as a digest; the real one's algorithm is not public."""
    return hashlib.sha256(b"fly stand-in " + value.encode()).hexdigest()[:16]


@dataclass
class App:
    """An app: its secrets, when each was updated, its Machines and releases, in its own time."""

    values: dict[str, str] = field(default_factory=dict)
    updated: dict[str, str] = field(default_factory=dict)
    machines: list[Machine] = field(default_factory=list)
    releases: list[Release] = field(default_factory=lambda: [Release(1, moment(1))])
    minute: int = 1
    version: int = 0
    deployed: bool = False
    dropped: frozenset[str] = frozenset()

    def now(self) -> str:
        """A time after all that were before."""
        self.minute += 1
        return moment(self.minute)

    def put(self, values: dict[str, str | None]) -> None:
        self.version += 1
        for name, value in values.items():
            if value is None:
                self.values.pop(name, None)
            elif name not in self.dropped:
                self.values[name] = value
                self.updated[name] = self.now()

    def release(self) -> Release:
        made = Release(len(self.releases) + 1, self.now(), "pending")
        self.releases.append(made)
        return made


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: object
    authorization: str


Fault = tuple[int, bytes]


class FlyApi:
    """
    Both APIs on one loopback port, as a context manager.

    `requests` are all requests in order. `fault` is asked before each and may return a status
    and a body to answer with; a status of 0 closes the connection without a word. With
    `store_first` a POST of secrets is carried out before the fault is told.
    """

    def __init__(self) -> None:
        self.apps: dict[str, App] = {}
        self.requests: list[Request] = []
        self.fault: Callable[[Request], Fault | None] = lambda _request: None
        self.store_first = False
        self.email = "dev@example.com"
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.api = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wrapper(self, directory: Path, program: str) -> Path:
        """A program in `directory` that starts the real `program` against these APIs only."""
        path = directory / "flyctl"
        variables = ("FLY_API_BASE_URL", "FLY_FLAPS_BASE_URL", "FLY_UIEX_BASE_URL")
        exports = "".join(f"export {name}={self.url}\n" for name in variables)
        path.write_text(f'#!/bin/sh\n{exports}exec {program} "$@"\n')
        path.chmod(0o700)
        return path

    def answer(self, request: Request) -> Fault:
        """The status and body for a request."""
        self.requests.append(request)
        fault = self.fault(request)
        if fault is not None and not (self.store_first and request.method == "POST"):
            return fault
        status, answer = self._route(request)
        return fault or (status, json.dumps(answer).encode())

    def _route(self, request: Request) -> tuple[int, object]:
        if request.path == "/graphql":
            return 200, self._graphql(request.body)
        if request.path.startswith("/api/v1/"):
            return self._releases(request)
        matched = APP_PATH.match(request.path)
        if matched is None:
            return 404, {"error": "page not found"}
        app = self.apps.get(matched["app"])
        if app is None:
            return 404, {"error": "app not found"}
        return self._app(app, request, matched["rest"] or "")

    def _releases(self, request: Request) -> tuple[int, object]:
        if request.method == "GET":
            app = self.apps[request.path.split("/")[4]]
            if request.path.endswith("/logs"):
                return 200, {"data": [line for machine in app.machines for line in machine.logged()]}
            return 200, {"releases": [release.shown() for release in reversed(app.releases)]}
        assert isinstance(request.body, dict)
        if request.method == "POST":
            return 201, {"release": self.apps[request.body["app_name"]].release().shown()}
        for release in (release for app in self.apps.values() for release in reversed(app.releases)):
            if request.path.endswith(f"/{release.shown()['id']}"):
                release.status = request.body["status"]
                return 200, release.shown()
        return 404, {"error": "release not found"}

    def _graphql(self, body: object) -> object:
        query = str(body["query"]) if isinstance(body, dict) else ""
        if "viewer" in query:
            return {"data": {"viewer": {"email": self.email}}}
        variables = body.get("variables", {}) if isinstance(body, dict) else {}
        name = str(variables.get("appName", ""))
        app = self.apps.get(name)
        if app is None:
            missing = {"message": f'Could not find App "{name}"', "extensions": {"code": "NOT_FOUND"}}
            return {"data": None, "errors": [missing]}
        if "currentReleaseUnprocessed" in query:
            return {"data": {"app": {"currentReleaseUnprocessed": app.releases[-1].current(name)}}}
        compact = {
            "id": name,
            "name": name,
            "deployed": app.deployed,
            "organization": {"id": "o", "slug": "personal"},
        }
        return {"data": {"appcompact": compact}}

    def _app(self, app: App, request: Request, rest: str) -> tuple[int, object]:
        if rest == "/secrets":
            if request.method == "POST":
                assert isinstance(request.body, dict)
                app.put(request.body["values"])
            return 200, {"secrets": _listed(app), "version": app.version}
        if rest == "":
            return 200, {
                "id": "A",
                "name": "my-app",
                "status": "deployed",
                "organization": {"slug": "personal"},
            }
        if rest == "/ip_assignments":
            return 200, {"ips": []}
        if rest == "/machines":
            return 200, [machine.listed() for machine in app.machines]
        for machine in app.machines:
            where, _, action = rest.removeprefix("/machines/").partition("/")
            if where == machine.id:
                answer = machine.answer(request.method, action, request.body, app.values)
                return (404, {"error": "page not found"}) if answer is None else (200, answer)
        return 404, {"error": "machine not found"}


def _listed(app: App) -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "digest": digest_of(value),
            "created_at": BEFORE_ANY_RELEASE,
            "updated_at": app.updated.get(name, BEFORE_ANY_RELEASE),
        }
        for name, value in app.values.items()
    ]


class _Handler(BaseHTTPRequestHandler):
    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(size)
        path = urlsplit(self.path).path
        request = Request(
            self.command, path, json.loads(raw) if raw else None, self.headers.get("Authorization", "")
        )
        status, body = self.server.api.answer(request)  # type: ignore[attr-defined]
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("fly-request-id", "01REQUEST-ams")
        self.end_headers()
        self.wfile.write(body)

    do_GET = _serve  # noqa: N815 - the name that http.server looks for
    do_POST = _serve  # noqa: N815
    do_PATCH = _serve  # noqa: N815
    do_DELETE = _serve  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""
