"""
dotenv.

`read` is exact for python-dotenv 1.2 with `interpolate=False`, and strict where that one only warns: a
skipped line, a name without a value or a duplicate name is an error. It is our own because python-dotenv
logs a bad line with its value.

`write` is exact for python-dotenv (expanding `${...}` or not), for Node's `--env-file` and
`util.parseEnv`, and for the npm package dotenv from version 15 on: each value gets a form that all of them
read the same, or is refused. `write_for_us` writes every text without a NUL, exactly for `read` and for
python-dotenv with `interpolate=False`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sophia_secrets.core import names
from sophia_secrets.core.model import SecretValue
from sophia_secrets.formats import (
    Pair,
    check_names,
    decoded,
    malformed,
    name_refusal,
    refusal,
    text_of,
    value_problem,
)

_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"

# python-dotenv src/dotenv/parser.py, in the order of a line.
_BLANK = re.compile(r"\s*")
_EXPORT = re.compile(r"export[^\S\n]+")
_KEY = re.compile(r"'([^']+)'|([^=#\s]+)")
_EQUALS = re.compile(r"[^\S\n]*=([^\S\n]*)")
_QUOTED = {
    "'": re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL),
    '"': re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL),
}
_ESCAPE = {"'": re.compile(r"\\([\\'])"), '"': re.compile(r"\\([\\'\"abfnrtv])")}
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_UNQUOTED = re.compile(r"[^\n]*")
_COMMENT_AFTER = re.compile(r"(?<=\s)#")
_REST = re.compile(r"[^\S\n]*(?:#[^\n]*)?(?:\n|\Z)")

# python-dotenv src/dotenv/variables.py: `\$\{[^}:]*(?::-[^}]*)?\}`, expanded in every kind of quotes.
# Here from the last `${` of a row of them, and up to the last brace of the text: linear, same answer.
_EXPANSION = re.compile(r"\$\{(?:[^}:$]|\$(?!\{))*(?:\}|:-)")


def read(data: bytes) -> list[Pair]:
    """
    The file's names and values in order; `${...}` is not expanded.

    Raises `errors.UsageError` with the line for anything but a name and its value.
    """
    # As Python reads a text file, and so python-dotenv.
    text = decoded(data).replace("\r\n", "\n").replace("\r", "\n")
    pairs: list[Pair] = []
    lines: dict[str, int] = {}
    position = 0
    line = 1
    while True:
        start = _matched(_BLANK, text, position).end()
        line += text.count("\n", position, start)
        if start == len(text):
            return pairs
        if text[start] == "#":
            position = _matched(_REST, text, start).end()
        else:
            name, value, position = _binding(text, start, line)
            if name in lines:
                raise malformed(line, f"{names.shown(name)} is already on line {lines[name]}")
            lines[name] = line
            pairs.append(Pair(name, SecretValue(value), line))
        line += text.count("\n", start, position)


def _binding(text: str, start: int, line: int) -> tuple[str, str, int]:
    export = _EXPORT.match(text, start)
    key = _KEY.match(text, export.end() if export else start)
    name = (key[1] or key[2]) if key else ""
    if key is None or not re.fullmatch(_NAME, name) or len(name) > names.MAX_LENGTH:
        raise malformed(line, "it does not begin with a name")
    equals = _EQUALS.match(text, key.end())
    if equals is None:
        raise malformed(line, "there is no `=` after the name")
    position = equals.end()
    first = text[position : position + 1]
    if first in _QUOTED:
        quoted = _QUOTED[first].match(text, position)
        if quoted is None:
            raise malformed(line, "a quote is not closed")
        value = _ESCAPE[first].sub(lambda match: _ESCAPED.get(match[1], match[1]), quoted[1])
        position = quoted.end()
    elif first == "#" and equals[1]:
        value = ""
    else:
        bare = _matched(_UNQUOTED, text, position)
        value = _COMMENT_AFTER.split(bare[0], maxsplit=1)[0].rstrip()
        position = bare.end()
    rest = _REST.match(text, position)
    if rest is None:
        raise malformed(line, "there is more after the closing quote")
    return name, value, rest.end()


def _matched(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str]:
    match = pattern.match(text, position)
    assert match is not None, "the pattern matches the empty text"
    return match


def write(pairs: Sequence[Pair]) -> bytes:
    """One line `NAME=value` per pair, in a form that every parser named above reads the same."""
    _check(pairs)
    return "".join(f"{pair.name}={_portable(pair)}\n" for pair in pairs).encode()


def write_for_us(pairs: Sequence[Pair]) -> bytes:
    """A file that `read` reads exactly, for all values without a NUL."""
    _check(pairs)
    return "".join(f"{pair.name}={_any(pair)}\n" for pair in pairs).encode()


def problem(name: str, value: SecretValue | None = None) -> str | None:
    """Why `write_for_us` cannot carry this name or value, or None. Never quotes the value."""
    if not re.fullmatch(_NAME, name) or len(name) > names.MAX_LENGTH:
        return "a name is ASCII letters, digits, `_`, `.` and `-`, and begins with a letter or `_`"
    return value_problem(value) if value is not None else None


def _check(pairs: Sequence[Pair]) -> None:
    check_names(pairs, identifier=False)
    for pair in pairs:
        if not re.fullmatch(_NAME, pair.name):
            raise name_refusal(pair, "its name is not one that a dotenv file can hold")


def is_expanded(text: str) -> bool:
    """Whether python-dotenv would expand a part of it."""
    return _EXPANSION.search(text, 0, text.rfind("}") + 1) is not None


def _portable(pair: Pair) -> str:
    text = text_of(pair)
    if "\r" in text:
        raise refusal(pair, "it holds a carriage return, which Node drops")
    if is_expanded(text):
        raise refusal(pair, "it holds `${...}`, which python-dotenv expands")
    form = _common_form(text)
    if form is None:
        raise refusal(pair, "its quotes and backslashes are read differently by python-dotenv and Node")
    return form


def _any(pair: Pair) -> str:
    text = text_of(pair)
    form = None if "\r" in text else _common_form(text)
    if form is not None:
        return form
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r")
    return f'"{escaped}"'


def _common_form(text: str) -> str | None:
    """The quoting in which no parser sees an escape, or None."""
    # In single quotes only python-dotenv has escapes (`\\`, `\'`); in double quotes each parser has others.
    if "'" not in text and "\\\\" not in text and not text.endswith("\\"):
        return f"'{text}'"
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    # Unquoted: one line in which no parser trims, cuts or sees a quote.
    if text.isprintable() and "#" not in text and text.strip(" ") == text and text[0] not in "'\"`":
        return text
    return None
