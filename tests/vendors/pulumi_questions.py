"""
What is asked of Pulumi ESC without opening an environment: its names, its revision, the list.

The service's answers, for the real `pulumi` and for the stand-in (`tests.vendors.pulumi_asking`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.vendors import pulumi_esc as esc

if TYPE_CHECKING:
    from tests.vendors.pulumi_cloud import PulumiService, Request

MOMENT = "2026-01-02T03:04:05Z"
_CHECK = re.compile(r"/api/esc/environments/([^/]+)/yaml/check")
_TAGS = re.compile(r"/api/esc/environments/([^/]+/[^/]+/[^/]+)/versions/tags")
_ALL = re.compile(r"/api/esc/environments/([^/]+)")


def answer(service: PulumiService, request: Request) -> dict[str, Any] | None:
    """The service's answer to such a question, or None where the request is no such question."""
    path, _, query = request.path.partition("?")
    if _CHECK.fullmatch(path) and request.method == "POST":
        return {"properties": masked(esc.evaluate("", request.body, lambda _: None)), "exprs": {}}
    if (match := _TAGS.fullmatch(path)) and match[1] in service.environments:
        tag = {"name": "latest", "revision": service.revisions[match[1]], "editorLogin": "user"}
        more = {"created": MOMENT, "modified": MOMENT, "editorName": "user"}
        # Whoever asks for what comes after a tag must be told that nothing does, or asks for ever.
        return {"tags": [] if "after=latest" in query else [tag | more]}
    if match := _ALL.fullmatch(path):
        found = [reference.split("/") for reference in sorted(service.environments)]
        rows = [{"organization": o, "project": p, "name": n} for o, p, n in found if o == match[1]]
        return {"environments": rows, "nextToken": ""}
    return None


def masked(properties: esc.Properties) -> esc.Properties:
    """The same nodes with every secret as the service gives it to who must not see it."""
    made: esc.Properties = {}
    for key, node in properties.items():
        value = node["value"]
        if node.get("secret"):
            value = "[secret]"
        elif isinstance(value, dict):
            value = masked(value)
        made[key] = {**node, "value": value}
    return made
