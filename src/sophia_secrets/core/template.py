"""
Templates with simple placeholders: `{{ NAME }}` is a secret's value, everything else is text.

There is no code, no filter and no escaping of values. Braces around what cannot be a name (`{{ .x }}`,
`{{ a b }}`) stay as they are; a placeholder in doubled braces, `{{{{ NAME }}}}`, is the text `{{ NAME }}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from sophia_secrets.core.model import SecretValue

# Possessive throughout, so that the time is linear in the text (R3).
_INNER = r"[ \t]*+(?P<{0}>[A-Za-z_][A-Za-z0-9_.-]*+)[ \t]*+"
_BRACES = re.compile(
    rf"\{{\{{(?P<text>\{{\{{{_INNER.format('doubled')}\}}\}})\}}\}}|\{{\{{{_INNER.format('name')}\}}\}}",
    re.ASCII,
)


class Placeholder(Struct, frozen=True):
    """A placeholder for a secret's value; `line` counts from 1."""

    name: str
    line: int


class Template(Struct, frozen=True):
    """A template's texts and placeholders, in order."""

    parts: tuple[str | Placeholder, ...]

    @property
    def first_lines(self) -> dict[str, int]:
        """Each name, in order, with the first line that uses it."""
        found: dict[str, int] = {}
        for part in self.parts:
            if isinstance(part, Placeholder):
                found.setdefault(part.name, part.line)
        return found


def parse(text: str) -> Template:
    """Parse a text; every text is a template."""
    parts: list[str | Placeholder] = []
    at = 0
    line = 1
    for match in _BRACES.finditer(text):
        between = text[at : match.start()]
        line += between.count("\n")
        parts.append(between)
        parts.append(Placeholder(match["name"], line) if match["name"] else match["text"])
        at = match.end()
    parts.append(text[at:])
    return Template(tuple(part for part in parts if part != ""))


def fill(template: Template, values: Mapping[str, SecretValue]) -> str:
    """The text with every placeholder's value. Raises `KeyError` for a name that has none."""
    return "".join(
        values[part.name].reveal() if isinstance(part, Placeholder) else part for part in template.parts
    )
