"""The secrets and groups that the settings declare: policies for names, never values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from msgspec import Struct

from sophia_secrets.settings.kinds import Kind, Value
from sophia_secrets.settings.table import Row

DECLARED: tuple[Row, ...] = (
    Row("description", Kind.PROSE, "What it is for.", '"Key of the LLM provider"'),
    Row(
        "required",
        Kind.BOOLEAN_OR_LIST,
        "`check` fails without it: always, never, or under the profiles named.",
        "true",
        default=False,
    ),
    Row(
        "type",
        Kind.CHOICE,
        "What its value must be.",
        '"text"',
        default="text",
        choices=("text", "url", "port", "integer", "boolean", "json", "pem", "uuid", "email"),
    ),
    Row("pattern", Kind.TEXT, "A regular expression that is found in its value.", '"^sk-"', pattern=True),
    Row(
        "rotate_every",
        Kind.DURATION,
        "`check` and `rotation status` say when it is older.",
        '"90d"',
        above_zero=True,
    ),
    Row(
        "backends",
        Kind.LIST,
        "The backends that must hold it.",
        '["github", "fly"]',
        default=(),
        backends=True,
    ),
    Row("scopes", Kind.LIST, "The groups that `run --scope` gives it to.", '["web"]', default=()),
    Row("generate", Kind.TEXT, "How `set --generate` and `rotate` make a new value.", '"hex:32"'),
    Row("owner", Kind.TEXT, "Who to ask about it.", '"platform"'),
)
"""The keys of `[secrets.NAME]`; `key` is the bare name."""

GROUP_RULES = {
    "at_least_one": "`check` fails unless at least one of these is there.",
    "exactly_one": "`check` fails unless one of these is there and no other.",
}
"""The keys of `[groups.NAME]`."""


class Declared(Struct, frozen=True):
    """
    A declared secret.

    `required` is True (always), False, or the profiles under which it is required. `rotate_every` is
    seconds. `backends` are those that must have it, `scopes` are for `run --scope`. `place` is
    `file:line` of its table.
    """

    name: str
    description: str = ""
    required: bool | tuple[str, ...] = False
    type: str = "text"
    pattern: str | None = None
    rotate_every: float | None = None
    backends: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    generate: str | None = None
    owner: str | None = None
    place: str = ""

    def is_required(self, profile: str | None) -> bool:
        """Whether it is required under this profile (None: no profile)."""
        return self.required if isinstance(self.required, bool) else profile in self.required


class Group(Struct, frozen=True):
    """Declared names of which at least one, or exactly one, must have a value."""

    name: str
    exactly: bool
    names: tuple[str, ...]
    place: str = ""


class SourcedValue(Struct, frozen=True):
    """A value with its source: `variable FLY_APP_NAME`, `/x/sophia-secrets.toml:12`."""

    value: Value
    place: str


def declare(name: str, layers: Iterable[Mapping[str, SourcedValue]], place: str) -> Declared:
    """The declared secret, each key from the strongest layer that has it."""
    found: dict[str, Value] = {}
    for layer in layers:
        for key, given in layer.items():
            found.setdefault(key, given.value)
    return Declared(
        name,
        description=cast("str | None", found.get("description")) or "",
        required=cast("bool | tuple[str, ...]", found.get("required", False)),
        type=cast("str", found.get("type", "text")),
        pattern=cast("str | None", found.get("pattern")),
        rotate_every=cast("float | None", found.get("rotate_every")),
        backends=cast("tuple[str, ...]", found.get("backends", ())),
        scopes=cast("tuple[str, ...]", found.get("scopes", ())),
        generate=cast("str | None", found.get("generate")),
        owner=cast("str | None", found.get("owner")),
        place=place,
    )
