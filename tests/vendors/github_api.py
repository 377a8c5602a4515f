"""
A GitHub API over a Unix socket, for the real `gh`.

`gh` believes that it speaks HTTPS to `api.github.com`; its `http_unix_socket` setting makes it
speak plain HTTP to this server, so no port, no certificate and no network is needed.
"""

from __future__ import annotations

import base64
import http.server
import json
import re
import shutil
import socketserver
import tempfile
import threading
import urllib.parse
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from nacl.public import PrivateKey, SealedBox

TOKEN = "test-token"
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """One request as it came: `path` with its query, as `gh` wrote it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class _Fault:
    method: str
    path: re.Pattern[str]
    status: int
    body: bytes
    content_type: str
    times: int | None


@dataclass
class GitHubApi:
    """
    While entered, a server with the repository `octo/app`, its environment `production` and the
    organisation `octo`.

    `store` maps a scope (`repos/octo/app/actions`, `repos/octo/app/environments/production`,
    `orgs/octo/actions`) to its names and decrypted values; a scope that is not a key answers
    404. `updated` has the time of each name's last write, `visibility` an organisation's.
    `requests` is everything that was asked, `most_at_once` the greatest number of writes that
    were open together. Only `token` is accepted.
    """

    token: str = TOKEN
    store: dict[str, dict[str, bytes]] = field(default_factory=dict)
    updated: dict[tuple[str, str], str] = field(default_factory=dict)
    visibility: dict[tuple[str, str], str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self.key = PrivateKey.generate()
        self.lock = threading.Lock()
        self.open_writes = 0
        self.over = threading.Event()
        self._faults: list[_Fault] = []
        self._clock = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        for app in ("actions", "dependabot", "codespaces", "agents"):
            self.store.setdefault(f"repos/octo/app/{app}", {})
            self.store.setdefault(f"orgs/octo/{app}", {})
        self.store.setdefault("repos/octo/app/environments/production", {})

    def __enter__(self) -> Self:
        self.directory = Path(tempfile.mkdtemp(prefix="gh-"))
        (self.directory / "config.yml").write_text(f'version: "1"\nhttp_unix_socket: {self.directory}/s\n')
        self._server = _Server(str(self.directory / "s"), _Handler)
        self._server.api = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.directory)

    def stop(self) -> None:
        """Refuses every connection from now on."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def environment(self) -> dict[str, str]:
        """The variables that lead the real `gh` here, signed in."""
        return {"GH_CONFIG_DIR": str(self.directory), "HOME": str(self.directory), "GH_TOKEN": self.token}

    def fail(
        self,
        method: str,
        path_regex: str,
        status: int,
        body: bytes | dict[str, Any] = b"",
        content_type: str = JSON,
        times: int | None = None,
    ) -> None:
        """
        Answers matching requests with this instead, `times` times (None: always). The path is
        matched by `search`, with its query. Status 0 closes the connection without an answer, -1
        never answers.
        """
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._faults.append(_Fault(method, re.compile(path_regex), status, raw, content_type, times))

    def put(self, scope: str, name: str, value: bytes) -> bool:
        """Stores a value as the API would; true where the name is new."""
        with self.lock:
            self._clock += timedelta(seconds=1)
            self.updated[scope, name] = self._clock.strftime("%Y-%m-%dT%H:%M:%SZ")
            new = name not in self.store[scope]
            self.store[scope][name] = value
            return new

    def asked(self, method: str) -> list[str]:
        """The paths, without queries, of the requests with this method."""
        return [r.path.partition("?")[0] for r in self.requests if r.method == method]

    def fault_for(self, method: str, path: str) -> _Fault | None:
        with self.lock:
            for fault in self._faults:
                if fault.method == method and fault.times != 0 and fault.path.search(path):
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 256
    api: GitHubApi

    def handle_error(self, *_: object) -> None:
        """A client that went away is what some tests are about."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def address_string(self) -> str:
        return "local"

    def log_message(self, *_: object) -> None:
        pass

    def _any(self) -> None:
        api = self.server.api
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with api.lock:
            api.requests.append(Request(self.command, self.path, dict(self.headers), body))
            api.open_writes += self.command == "PUT"
            api.most_at_once = max(api.most_at_once, api.open_writes)
        try:
            self._answer(api, body)
        finally:
            with api.lock:
                api.open_writes -= self.command == "PUT"

    do_GET = do_PUT = do_DELETE = do_POST = _any  # noqa: N815

    def _answer(self, api: GitHubApi, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        path = re.sub(r"^(https?://[^/]+)?(/api/v3)?/", "", path)
        fault = api.fault_for(self.command, f"{path}?{query}" if query else path)
        if fault:
            self._send(fault.status, fault.body, fault.content_type)
        elif self.headers.get("Authorization", "") not in (f"token {api.token}", f"Bearer {api.token}"):
            self._json(401, {"message": "Bad credentials"})
        else:
            scope, found, name = path.rpartition("/secrets")
            scope = urllib.parse.unquote(scope)
            if not found or scope not in api.store:
                self._json(404, {"message": "Not Found"})
            else:
                self._secret(api, scope, name.removeprefix("/").upper(), query, body)

    def _secret(self, api: GitHubApi, scope: str, name: str, query: str, body: bytes) -> None:
        match self.command:
            case "GET" if name in api.store[scope]:
                self._json(200, _row(api, scope, name))
            case "GET" if name == "PUBLIC-KEY":
                self._json(200, {"key_id": "1", "key": base64.b64encode(bytes(api.key.public_key)).decode()})
            case "GET" if not name:
                self._page(api, scope, query)
            case "PUT":
                asked = json.loads(body)
                value = SealedBox(api.key).decrypt(base64.b64decode(asked["encrypted_value"]))
                if "visibility" in asked:
                    api.visibility[scope, name] = asked["visibility"]
                if api.put(scope, name, value):
                    self._json(201, {})
                else:
                    self._send(204, b"", JSON)
            case "DELETE" if name in api.store[scope]:
                del api.store[scope][name]
                self._send(204, b"", JSON)
            case _:
                self._json(404, {"message": "Not Found"})

    def _page(self, api: GitHubApi, scope: str, query: str) -> None:
        asked = urllib.parse.parse_qs(query)
        size, page = int(asked.get("per_page", ["30"])[0]), int(asked.get("page", ["1"])[0])
        names = sorted(api.store[scope])
        rows = [_row(api, scope, name) for name in names[(page - 1) * size : page * size]]
        url = f"https://{self.headers['Host']}{self.path.partition('?')[0]}?per_page={size}&page={page + 1}"
        link = {"Link": f'<{url}>; rel="next"'} if page * size < len(names) else {}
        self._json(200, {"total_count": len(names), "secrets": rows}, link)

    def _json(self, status: int, document: object, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(document).encode(), JSON, headers)

    def _send(
        self, status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None
    ) -> None:
        if status <= 0:
            if status:
                self.server.api.over.wait()
            self.close_connection = True
            return
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if status != 204:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)


def _row(api: GitHubApi, scope: str, name: str) -> dict[str, str]:
    moment = api.updated.get((scope, name), "2026-01-02T03:04:05Z")
    row = {"name": name, "created_at": "2026-01-02T03:04:05Z", "updated_at": moment}
    return row | (
        {"visibility": api.visibility.get((scope, name), "private")} if scope.startswith("orgs/") else {}
    )
