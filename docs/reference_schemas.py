"""A JSON Schema for the answers of every command with `--json`: each of its shapes, or the error."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from sophia_secrets.core import compare, model
from sophia_secrets.settings.table import ROWS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
MOMENT: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}


def words(*known: str | type[Enum]) -> Schema:
    """One of these; an enumeration stands for its values."""
    return {
        "enum": [
            word
            for one in known
            for word in ([one] if isinstance(one, str) else [each.value for each in one])
        ]
    }


def maybe(schema: Schema) -> Schema:
    """That, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def by_name(value: Schema) -> Schema:
    """An object whose keys are names."""
    return {"type": "object", "additionalProperties": value}


def shape(optional: dict[str, Schema] | None = None, /, **keys: Schema) -> Schema:
    """An object with these keys; others may come while `schema` stays 1."""
    return {"type": "object", "properties": {**keys, **(optional or {})}, "required": list(keys)}


def answer(optional: dict[str, Schema] | None = None, /, **keys: Schema) -> Schema:
    """A whole answer."""
    return shape(optional, schema={"const": 1}, **keys)


def kinds() -> list[str]:
    """Every kind of error that a user can meet."""
    from docs.reference_pages import error_classes

    return sorted({cls.kind for cls in error_classes()})


FAILURE = shape(backend=TEXT, target=TEXT, kind=words(model.FailureKind), message=TEXT, hint=TEXT)
TRACE = many(shape(backend=TEXT, target=TEXT, outcome=words(model.TraceOutcome), detail=TEXT))
_ANSWERED = {
    "backend": maybe(TEXT), "target": maybe(TEXT), "cached": FLAG, "stale": FLAG, "degraded": FLAG,
    "fetched_at": maybe(MOMENT), "trace": TRACE,
}  # fmt: skip
_ROW = {
    "name": TEXT, "backend": TEXT, "target": TEXT, "action": TEXT, "outcome": words(model.Outcome), "detail": TEXT,
}  # fmt: skip
CARRIED = answer(dry_run=FLAG, results=many(shape(**_ROW)))
_STATUS = words(model.CheckStatus)
_USE = {"events": COUNT, "reads": COUNT, "failed": COUNT}
_SECRET = {"name": TEXT, "reads": COUNT, "failed": COUNT, "degraded": COUNT}
EVENT = shape(
    {"seq": COUNT, "name": TEXT, "backend": TEXT, "target": TEXT, "outcome": TEXT, "kind": TEXT, "count": COUNT,
     "fingerprint": TEXT, "digest": TEXT, "updated_at": TEXT, "id": TEXT, "words": TEXT, "cached": FLAG,
     "stale": FLAG, "degraded": FLAG, "duration_ms": COUNT, "version": {"type": ["string", "integer"]},
     "user": TEXT, "host": TEXT, "ci": TEXT, "reason": TEXT, "profile": TEXT, "mac": TEXT, "pid": COUNT},
    time=MOMENT, command=TEXT,
)  # fmt: skip
ERROR = answer(error=shape(kind=TEXT, message=TEXT, hint=TEXT, backend=maybe(TEXT), target=maybe(TEXT)))

ANSWERS: dict[str, tuple[Schema, ...]] = {
    "get": (answer(name=TEXT, value=TEXT, **_ANSWERED),),
    "explain": (answer(name=TEXT, resolves_from=maybe(TEXT), **_ANSWERED),),
    "list": (answer(
        secrets=many(shape(name=TEXT, resolves_from=maybe(TEXT), backends=by_name(shape(
            state=words(model.EntryState, "unknown"), updated_at=maybe(TEXT), drift=maybe(words(compare.Sameness)),
        )))),
        failures=many(FAILURE),
    ),),
    "info": (answer(
        name=TEXT, version=maybe(COUNT), last_accessed=maybe(MOMENT), last_rotated=maybe(MOMENT), access_count=COUNT,
        backends=by_name(shape(
            target=TEXT, version=maybe({"type": ["string", "integer"]}), last_rotated=maybe(MOMENT),
            updated_at=maybe(TEXT), digest=maybe(TEXT), written_by_us=maybe(FLAG),
        )),
        history=many(shape(time=TEXT, command=TEXT, backend=TEXT, version=maybe({"type": ["string", "integer"]}), user=TEXT)),
    ),),
    "set": (answer(name=TEXT, backend=TEXT, target=TEXT, version=maybe({"type": ["string", "integer"]}), verified=FLAG),),
    "delete": (answer(name=TEXT, backend=TEXT, target=TEXT, deleted=FLAG, verified=FLAG),),
    "copy": (CARRIED,), "move": (CARRIED,), "sync": (CARRIED,), "import": (CARRIED,),
    "diff": (answer(differences=many(shape(name=TEXT, state=TEXT))),),
    "rotate": (
        answer(dry_run=FLAG, results=many(shape({"holds": TEXT}, **_ROW))), answer(name=TEXT, abandoned=FLAG),
    ),
    "rotation status": (answer(
        rotations=many(shape(
            name=TEXT, state=TEXT, last_rotated=maybe(MOMENT), rotate_every=maybe({"type": "number"}),
            due=maybe(MOMENT), generated=FLAG, pending=FLAG,
            holders=many(shape(backend=TEXT, target=TEXT, last_rotated=maybe(MOMENT))),
        )),
        unreadable=COUNT,
    ),),
    "export": (by_name(TEXT), answer(format=TEXT, names=many(TEXT), output=TEXT)),
    "render": (
        answer(template=TEXT, names=many(TEXT), text=TEXT), answer(template=TEXT, names=many(TEXT), output=TEXT),
    ),
    "check": (answer(ok=FLAG, findings=many(shape(
        name=TEXT, rule=TEXT, status=words(model.CheckStatus, "unknown"), message=TEXT, hint=TEXT,
    ))),),
    "scan": (
        answer(
            files=COUNT, findings=many(shape(name=TEXT, file=TEXT, line=maybe(COUNT))),
            skipped=many(shape(file=TEXT, reason=TEXT)),
        ),
        answer(hook=TEXT, outcome=TEXT),
    ),
    "doctor": (answer(ok=FLAG, checks=many(shape(id=TEXT, status=_STATUS, message=TEXT, hint=TEXT))),),
    "backends": (answer(backends=many(shape(
        {"readable": FLAG, "writable": FLAG, "needs_call": FLAG, "batch": FLAG},
        backend=TEXT, configured=FLAG, target=maybe(TEXT), note=TEXT,
    ))),),
    "cache status": (answer(
        entries=many(shape(backend=TEXT, target=TEXT, names=COUNT, fetched_at=maybe(MOMENT), expires_at=maybe(MOMENT))),
        key_source=maybe(TEXT),
    ),),
    "cache clear": (answer(removed=COUNT),),
    "cache warm": (answer(entries=many(shape(backend=TEXT, target=TEXT, names=COUNT)), failures=many(FAILURE)),),
    "config show": (answer(
        profile=maybe(TEXT), declared=many(TEXT),
        settings={
            "type": "object",
            "properties": {},
            "additionalProperties": shape(value={}, source=TEXT),
            "propertyNames": {"enum": [f"{row.table}.{row.name}" if row.table else row.name for row in ROWS]},
        },
    ),),
    "config path": (answer(user=TEXT, project=many(TEXT), state=TEXT, cache=TEXT),),
    "config init": (answer(written=many(TEXT), found=by_name(TEXT)),),
    "config model": (answer(module=TEXT), answer(written=many(TEXT))),
    "trust": (answer(files=many(shape(file=TEXT, trusted=FLAG, changed=FLAG))),),
    "audit log": (EVENT,),
    "audit export": (EVENT, answer(format=TEXT, events=COUNT, output=TEXT)),
    "audit report": (answer(
        since=maybe(TEXT), until=maybe(TEXT), first=maybe(MOMENT), last=maybe(MOMENT), degraded=COUNT, writes=COUNT,
        stale=COUNT, unreadable=COUNT, **_USE,
        secrets=many(shape(**_SECRET, last_read=maybe(MOMENT), last_changed=maybe(MOMENT))),
        never_read=many(TEXT), never_rotated=many(TEXT),
        failures=many(shape(name=TEXT, backend=TEXT, outcome=TEXT, kind=TEXT, times=COUNT, last=maybe(MOMENT))),
        by_actor=many(shape(actor=TEXT, **_USE)), by_backend=many(shape(backend=TEXT, **_USE)),
        by_command=many(shape(command=TEXT, **_USE)), by_day=many(shape(day=TEXT, **_USE)),
    ),),
    "audit verify": (answer({"head": TEXT}, ok=FLAG, events=COUNT, first_bad=maybe(shape(file=TEXT, line=COUNT, reason=TEXT))),),
    "completion": (answer(shell=TEXT, script=TEXT),),
    "help": (answer(page=maybe(TEXT), text=TEXT),),
}  # fmt: skip
"""By command; `audit log` and `audit export` answer with one event a line."""

WITHOUT = ("run",)
"""What answers with what it started says; an error of its own is JSON all the same."""


def schema(command: str) -> Schema:
    """The JSON Schema of what that command may answer."""
    error = json.loads(json.dumps(ERROR))
    error["properties"]["error"]["properties"]["kind"] = {"enum": kinds()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"sophia-secrets {command} --json",
        "anyOf": [*ANSWERS.get(command, ()), error],
    }


def files() -> dict[str, str]:
    """Every schema by its file's name below `docs/reference`."""
    return {
        f"schemas/{command.replace(' ', '-')}.json": json.dumps(schema(command), indent=2) + "\n"
        for command in (*ANSWERS, *WITHOUT)
    }


def links() -> str:
    """The list of the schemas for the JSON page."""
    rows = [f"* `{name}`: [{name}](schemas/{name.replace(' ', '-')}.json)" for name in (*ANSWERS, *WITHOUT)]
    return "\n".join(rows)
