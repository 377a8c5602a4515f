"""New values from a specification; the randomness is the operating system's."""

from __future__ import annotations

import base64
import secrets
import string
import uuid

from sophia_secrets import errors
from sophia_secrets.core.model import SecretValue

DEFAULT = "alnum:40"
KINDS = ("alnum", "hex", "base64", "urlsafe", "digits", "ascii", "uuid")
_LONGEST = 4096


def generate(spec: str) -> SecretValue:
    """
    A new value for a specification `KIND[:SIZE]`.

    `alnum`, `digits` and `ascii` (printable, no blanks or quotes) count characters; `hex`,
    `base64` and `urlsafe` count random bytes; `uuid` takes no size. Raises `UsageError`.
    """
    kind, _, size_text = spec.partition(":")
    if kind == "uuid" and not size_text:
        return SecretValue(str(uuid.uuid4()))
    size_text = size_text or "32"
    if (
        kind not in KINDS
        or kind == "uuid"
        or not size_text.isdecimal()
        or not 8 <= int(size_text) <= _LONGEST
    ):
        raise errors.UsageError(
            f"`{spec}` is no specification of a value.",
            hint=f"Write KIND:SIZE with KIND one of {', '.join(KINDS[:-1])} and SIZE from 8 to {_LONGEST}, or `uuid`.",
        )
    size = int(size_text)
    match kind:
        case "hex":
            return SecretValue(secrets.token_hex(size))
        case "base64":
            return SecretValue(base64.b64encode(secrets.token_bytes(size)).decode())
        case "urlsafe":
            return SecretValue(secrets.token_urlsafe(size))
        case "digits":
            return _pick(string.digits, size)
        case "ascii":
            return _pick("".join(c for c in string.printable[:94] if c not in "\"'`\\$"), size)
        case _:
            return _pick(string.ascii_letters + string.digits, size)


def _pick(alphabet: str, size: int) -> SecretValue:
    return SecretValue("".join(secrets.choice(alphabet) for _ in range(size)))
