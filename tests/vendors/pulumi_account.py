"""The stand-in for `pulumi`: whom it acts for, and how it ends."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.vendors.pulumi_cloud import PulumiService, Request

NEEDS_TOKEN = "PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions"


class Failed(Exception):
    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


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
                raise Failed("looking up org to default to: " + service_error(status, body))

    def _valid_user(self, prefix: str, *, logging_in: bool) -> bool:
        if logging_in:
            sys.stderr.write("Logging in using access token from PULUMI_ACCESS_TOKEN\n")
        status, _, body = self.ask("GET", "/api/user")
        if status == 403:
            raise Failed(prefix + service_error(status, body), 3)
        if status >= 500 or status == 429:
            raise Failed(prefix + service_error(status, body))
        return status != 401

    def ask(
        self, method: str, path: str, body: bytes = b"", etag: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        return self.service.answer(Request(method, path, self.token, body.decode(), etag))


def service_error(status: int, body: bytes) -> str:
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
