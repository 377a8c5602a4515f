"""
How `fly secrets import` and `fly secrets set NAME=-` parse their standard input.

`parse` is flyctl's own parser, rule for rule, with its silent losses (superfly/flyctl
internal/command/secrets/parser.go, as of v0.4.14). `encode` writes a value so that this parser returns
exactly that value, or returns None where no form does.
"""

from __future__ import annotations

from collections.abc import Mapping

LINE_LIMIT = 65_535
"""Bytes of one line of `import`, without its newline: Go's `bufio.Scanner`."""

SET_LIMIT = 65_536
"""Bytes that `set NAME=-` reads (superfly/flyctl internal/command/secrets/set.go)."""

# Go's unicode.IsSpace, which strings.TrimSpace uses. `str.strip()` also strips U+001C to U+001F.
_GO_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_TRIPLE = '"""'
_FORMS = ('{name}="{value}"\n', '{name}="""{value}"""\n', "{name}='{value}'\n", "{name}={value}\n")


class Rejected(ValueError):
    """Input that flyctl refuses or crashes on. The text never contains a part of the input."""


def parse(text: str) -> dict[str, str]:
    """
    The secrets that flyctl reads from `text`, without those that it silently drops.

    Raises `Rejected` where flyctl fails (a line without `=`) or panics (a value that is one quotation
    mark).
    """
    found: dict[str, str] = {}
    name = ""
    open_value: list[str] | None = None
    for line in _lines(text):
        if open_value is not None:
            if line.endswith(_TRIPLE):
                found[name] = "".join([*open_value, line[: -len(_TRIPLE)]])
                open_value = None
            else:
                open_value.append(line + "\n")
            continue
        if line.startswith("#") or not line.strip(_GO_SPACE):
            continue
        before, equals, value = line.partition("=")
        if not equals:
            raise Rejected("a line without an equals sign")
        name = before.strip(_GO_SPACE)
        value = _without_comment(value.lstrip(" "))
        if value.startswith(_TRIPLE) and not (value.endswith(_TRIPLE) and len(value) >= 6):
            open_value = [value[len(_TRIPLE) :] + "\n"]
        else:
            found[name] = _unquoted(value)
    return found


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    kept: list[str] = []
    for line in lines:
        if len(line.encode()) > LINE_LIMIT:
            break
        kept.append(line.removesuffix("\r"))
    return kept


def _without_comment(value: str) -> str:
    before, sharp, _ = value.partition("#")
    return before.rstrip(" ") if sharp and before.count('"') % 2 == 0 else value


def _unquoted(value: str) -> str:
    if value.startswith(_TRIPLE) and value.endswith(_TRIPLE) and len(value) >= 6:
        return value[3:-3]
    for quote in ('"', "'"):
        if value.startswith(quote) and value.endswith(quote):
            if len(value) == 1:
                raise Rejected("a value that is one quotation mark")
            return value[1:-1]
    return value


def encode(name: str, value: str) -> str | None:
    """The lines of `import` that store exactly `value`, ending with a newline; None if none do."""
    for form in _FORMS:
        lines = form.format(name=name, value=value)
        # Neighbours with names that no secret has show whether a form consumes or adds a line.
        if _reads_as(f"<=1\n{lines}>=2\n", {"<": "1", name: value, ">": "2"}):
            return lines
    return None


def encode_all(values: Mapping[str, str]) -> str:
    """
    All values as one input of `import`. Raises `Rejected` where one has no form.

    The results of `encode` are independent of their neighbours, so they can be concatenated.
    """
    parts = [encode(name, value) for name, value in values.items()]
    text = "".join(part for part in parts if part is not None)
    if None in parts or not _reads_as(text, dict(values)):
        raise Rejected("a value that no form of `import` carries")
    return text


def _reads_as(text: str, wanted: dict[str, str]) -> bool:
    try:
        return parse(text) == wanted
    except Rejected:
        return False


def settable(value: str) -> bool:
    """Whether `set NAME=-`, which trims white space and has a limit, stores exactly `value`."""
    return value == value.strip(_GO_SPACE) and len(value.encode()) <= SET_LIMIT
