"""The JSON documents of the commands (`"schema": 1` in each), a stable interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sophia_secrets.core.model import Check, Failure, Resolution, TraceStep
from sophia_secrets.core.text import sentence

Shape = dict[str, Any]


def instant(seconds: float | None) -> str | None:
    """A time as RFC 3339 in UTC, or None for none."""
    if not seconds:
        return None
    from sophia_secrets.core.times import rfc3339

    return rfc3339(seconds)


def trace(steps: Sequence[TraceStep]) -> list[Shape]:
    return [
        {"backend": step.backend, "target": step.target, "outcome": step.outcome.value, "detail": step.detail}
        for step in steps
    ]


def explained(resolution: Resolution) -> Shape:
    """`explain`: a resolution without its value."""
    return {
        "schema": 1,
        "name": resolution.name,
        "resolves_from": resolution.backend,
        "backend": resolution.backend,
        "target": resolution.target,
        "cached": resolution.cached,
        "stale": resolution.stale,
        "degraded": resolution.degraded,
        "fetched_at": instant(resolution.fetched_at),
        "trace": trace(resolution.trace),
    }


def got(resolution: Resolution) -> Shape:
    """`get`: a resolution with its value and trace."""
    shape = explained(resolution)
    del shape["resolves_from"]
    value = resolution.value.reveal() if resolution.value is not None else None
    return {"schema": 1, "name": resolution.name, "value": value} | {
        key: part for key, part in shape.items() if key not in ("schema", "name")
    }


def failure(failed: Failure) -> Shape:
    return {
        "backend": failed.target.backend,
        "target": str(failed.target),
        "kind": failed.kind.value,
        "message": failed.message,
        "hint": failed.hint,
    }


def checks(found: Sequence[Check]) -> Shape:
    """`doctor`."""
    rows = [
        {
            "id": check.id,
            "status": check.status.value,
            "message": sentence(check.message),
            "hint": sentence(check.hint),
        }
        for check in found
    ]
    return {"schema": 1, "ok": all(row["status"] != "fail" for row in rows), "checks": rows}
