"""
Values in the dotenv dialect of `gh secret set --env-file` (joho/godotenv v1.5.1 `parser.go`).

The dialect is lossy: a carriage return before a line feed, a backslash, `$NAME`, a closing quote after
a backslash; and, after v1.5.1, dashes at the end of a line, such as a PEM's. The two forms below are
exact in both versions, and a value that fits neither is refused.
"""

from __future__ import annotations

from sophia_secrets.core.model import SecretValue

_NOT_SINGLE = frozenset("'\r\n")
# The backslash first: the other replacements add some.
_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\n", "\\n"), ("\r", "\\r"))


def line(name: str, value: SecretValue) -> bytes | None:
    """
    The assignment that `gh` reads as exactly this value, or None where there is none: such a value ends in
    a backslash or a double quote, so `bare` can carry it.
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
    """Whether `gh secret set NAME` would trim the value: it drops every final CR and LF of standard input."""
    return value.reveal().endswith(("\r", "\n"))


def bare(value: SecretValue) -> bytes:
    """The value as standard input of `gh secret set NAME`; exact unless `is_trimmed`."""
    return value.reveal().encode()
