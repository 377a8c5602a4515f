"""The stand-in for `pulumi`: what it tells of ESC without opening an environment."""

from __future__ import annotations

import json
from typing import Any

from tests.vendors.pulumi_account import Account, Failed, service_error


def seen(account: Account, reference: str, definition: str) -> dict[str, Any]:
    """`env get`: what an environment holds as far as it can be told without opening it."""
    path = f"/api/esc/environments/{reference.split('/', maxsplit=1)[0]}/yaml/check?showSecrets=false"
    return {"value": _asked(account, "POST", path, definition)["properties"]}


def listed(account: Account, organization: str) -> dict[str, Any]:
    """`env ls -o ORGANIZATION --output json`; one's own user's name would be left out."""
    found = _asked(account, "GET", f"/api/esc/environments/{organization}")["environments"]
    return {"environments": ["/".join((e["organization"], e["project"], e["name"])) for e in found]}


def revision(account: Account, reference: str) -> dict[str, Any]:
    """`env version tag ls REFERENCE --output json`."""
    path = f"/api/esc/environments/{reference}/versions/tags?after=&count=500"
    tags = _asked(account, "GET", path)["tags"]
    return {"tags": [{k: v for k, v in tag.items() if k != "created"} for tag in tags]}


def _asked(account: Account, method: str, path: str, body: str = "") -> dict[str, Any]:
    status, _, said = account.ask(method, path, body.encode())
    if status >= 400:
        raise Failed(service_error(status, said))
    answer: dict[str, Any] = json.loads(said)
    return answer
