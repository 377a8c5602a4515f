"""
The file formats: one module each, which names the parser that it is exact for.

A writer writes a value exactly or refuses it (`errors.BadValue`, `errors.BadName`); a reader accepts
what that parser accepts, or reports the line of the error (`errors.UsageError`). No message quotes a
value or a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Protocol, cast

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.core import names
from sophia_secrets.core.model import SecretValue

MAX_BYTES = 16 * 1024 * 1024
"""The most bytes of a file that a reader accepts."""

MAX_VARIABLE = 128 * 1024 - 1
"""The most bytes of `NAME=value` for a program on Linux (`MAX_ARG_STRLEN`, without the final NUL)."""

FORMATS = {
    "dotenv": "sophia_secrets.formats.dotenv",
    "json": "sophia_secrets.formats.json",
    "yaml": "sophia_secrets.formats.yaml",
    "shell": "sophia_secrets.formats.shell",
    "github-env": "sophia_secrets.formats.github_env",
    "docker": "sophia_secrets.formats.docker",
    "k8s": "sophia_secrets.formats.k8s",
}
"""The module of every format, by the name on the command line."""

READABLE = ("dotenv", "json", "yaml")
"""The formats that can be read."""

_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
_SURROGATE = "[\ud800-\udfff]"


class Pair(Struct, frozen=True):
    """A name and its value; `line` is that of the file, from 1, or 0 without a file."""

    name: str
    value: SecretValue
    line: int = 0


Reader = Callable[[bytes], list[Pair]]


class Writer(Protocol):
    """The writer of a format. `k8s` has the option `name`, the manifest's."""

    def __call__(self, pairs: Sequence[Pair], **options: str) -> bytes: ...


def writer(format_name: str) -> Writer:
    """The format's `write`. Raises `errors.UsageError` for an unknown format."""
    return cast(Writer, import_module(_module(format_name, tuple(FORMATS))).write)


def reader(format_name: str) -> Reader:
    """The format's `read`. Raises `errors.UsageError` for an unreadable format."""
    return cast(Reader, import_module(_module(format_name, READABLE)).read)


def _module(format_name: str, known: Sequence[str]) -> str:
    if format_name not in known:
        raise errors.UsageError(
            f"There is no format {names.shown(format_name)} here.", hint=f"Use one of: {', '.join(known)}."
        )
    return FORMATS[format_name]


def guess(path: str, data: bytes = b"") -> str:
    """The readable format of a file, by its name, or else by how it begins."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(".json"):
        return "json"
    if name.endswith((".yaml", ".yml")):
        return "yaml"
    if name.endswith(".env") or name.startswith(".env") or ".env." in name:
        return "dotenv"
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"{":
        return "json"
    for line in data.splitlines()[:100]:
        stripped = line.strip()
        if stripped and not stripped.startswith(b"#"):
            head = stripped.partition(b"=")[0]
            return "yaml" if stripped == b"---" or b":" in head else "dotenv"
    return "dotenv"


def text_of(pair: Pair, *, nul: bool = False) -> str:
    """The value's text, for a writer. Raises `errors.BadValue` as `value_problem` says."""
    problem = value_problem(pair.value, nul=nul)
    if problem is not None:
        raise refusal(pair, problem)
    return pair.value.reveal()


def value_problem(value: SecretValue, *, nul: bool = False) -> str | None:
    """
    Why no format can carry the value: a lone surrogate, or a NUL unless the format allows it (`nul`).
    """
    text = value.reveal()
    if "\0" in text and not nul:
        return "it holds a NUL"
    if re.search(_SURROGATE, text):
        return "it holds half of a surrogate pair, which is not text"
    return None


def variable_text(pair: Pair) -> str:
    """`text_of` for a format whose values become environment variables (E5)."""
    text = text_of(pair)
    size = len(pair.name) + 1 + len(text.encode())
    if size > MAX_VARIABLE:
        raise refusal(pair, f"with its name it has {size} bytes, and Linux passes on at most {MAX_VARIABLE}")
    return text


def refusal(pair: Pair, reason: str) -> errors.BadValue:
    """The error for a value that the format cannot carry: `reason` never quotes it."""
    return errors.BadValue(f"The value of {names.shown(pair.name)} cannot be written: {reason}.")


def name_refusal(pair: Pair, reason: str) -> errors.BadName:
    """The error for a name that the format cannot carry."""
    return errors.BadName(f"{names.shown(pair.name)} cannot be written: {reason}.")


def check_names(pairs: Sequence[Pair], *, identifier: bool) -> None:
    """
    Raises `errors.BadName` for a duplicate or unsafe name (I1, I2), or, for a format of variables, one that
    is no `identifier`.
    """
    seen: set[str] = set()
    for pair in pairs:
        names.check_safe(pair.name)
        if identifier and not is_identifier(pair.name):
            suggestion = names.corrected(pair.name)
            raise errors.BadName(
                f"{names.shown(pair.name)} is not a variable's name: letters, digits and underscores.",
                hint=f"Store it as `{suggestion}`." if suggestion else "",
            )
        if pair.name in seen:
            raise errors.BadName(f"{names.shown(pair.name)} is there twice.")
        seen.add(pair.name)


def is_identifier(name: str) -> bool:
    """Whether `name` is valid for a variable in every shell."""
    return re.fullmatch(_IDENTIFIER, name) is not None


def decoded(data: bytes) -> str:
    """
    The file's text, without a byte order mark. Raises `errors.UsageError` for more than `MAX_BYTES` and for
    invalid UTF-8.
    """
    if len(data) > MAX_BYTES:
        raise errors.UsageError(f"The file is larger than {MAX_BYTES:,} bytes.")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    # Outside the `except`: the decoding error contains the whole file.
    raise malformed(line, "it is not UTF-8")


def malformed(line: int, reason: str) -> errors.UsageError:
    """The error for a line that cannot be read: `reason` never quotes it."""
    return errors.UsageError(f"Line {line} cannot be read: {reason}.")
