"""
Values in the dotenv dialect of `gh secret set --env-file` (joho/godotenv v1.5.1 `parser.go`).

The dialect loses much: a carriage return before a line feed, a backslash, `$NAME`, a closing
quote after a backslash; and, after v1.5.1, dashes at the end of a line, such as a PEM's. The two
forms below lose nothing in either, and what neither can carry is told.
"""

from __future__ import annotations

from sophia_secrets.core.model import SecretValue

_NOT_SINGLE = frozenset("'\r\n")
# The backslash first: the others add some.
_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\n", "\\n"), ("\r", "\\r"))


def line(name: str, value: SecretValue) -> bytes | None:
    """
    The assignment that `gh` reads back as exactly this value, or None where there is none:
    such a value ends in a backslash or in a double quote, so standard input can carry it.
    """
    text = value.reveal()
    if not text.endswith("\\") and not _NOT_SINGLE & set(text):
        return f"{name}='{text}'\n".encode()
    if text.endswith(("\\", '"')):
        return None
    for plain, escaped in _ESCAPES:
        text = text.replace(plain, escaped)
    return f'{name}="{text}"\n'.encode()


def is_trimmed(value: SecretValue) -> bool:
    """`gh secret set NAME` drops every final CR and LF of its standard input: only a line keeps them."""
    return value.reveal().endswith(("\r", "\n"))


def bare(value: SecretValue) -> bytes:
    """The value as standard input of `gh secret set NAME`; exact unless `is_trimmed`."""
    return value.reveal().encode()
