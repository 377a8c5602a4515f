"""Generating values from a specification, with the operating system's randomness."""

from __future__ import annotations

import base64
import os
from importlib import import_module

from sophia_secrets import errors
from sophia_secrets.core.model import SecretValue

DEFAULT = "alnum:40"
KINDS = ("alnum", "hex", "base64", "urlsafe", "digits", "ascii")
"""The kinds that take a size; those that take none are `uuid` and the `KEY_PAIRS`."""
KEY_PAIRS = ("ed25519", "rsa:2048", "rsa:3072", "rsa:4096")
_LONGEST = 4096
_DIGITS = "0123456789"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SIGNS = "!#%&()*+,-./:;<=>?@[]^_{|}~"


def generate(spec: str) -> SecretValue:
    """
    A new value for a specification `KIND[:SIZE]`.

    `alnum`, `digits` and `ascii` (printable, without spaces and quotes) count characters; `hex`,
    `base64` and `urlsafe` count random bytes; `uuid` takes no size. `ed25519` and `rsa:BITS` are the
    private key of a new pair in unencrypted PKCS#8 PEM, without a final newline (which some backends
    would strip). Raises `UsageError`, also where a key pair needs a package that is
    not installed.
    """
    if spec == "uuid":
        import uuid

        return SecretValue(str(uuid.uuid4()))
    if spec in KEY_PAIRS:
        return _private_key(spec)
    kind, _, size_text = spec.partition(":")
    size_text = size_text or "32"
    digits = size_text.isascii() and size_text.isdecimal() and len(size_text) <= len(str(_LONGEST))
    if kind not in KINDS or not digits or not 8 <= int(size_text) <= _LONGEST:
        raise errors.UsageError(
            f"`{spec}` is not a specification of a value.",
            hint=f"Write KIND:SIZE with KIND one of {', '.join(KINDS)} and SIZE from 8 to {_LONGEST}, "
            f"or one of `uuid`, {', '.join(f'`{pair}`' for pair in KEY_PAIRS)}.",
        )
    size = int(size_text)
    match kind:
        case "hex":
            return SecretValue(os.urandom(size).hex())
        case "base64":
            return SecretValue(base64.b64encode(os.urandom(size)).decode())
        case "urlsafe":
            return SecretValue(base64.urlsafe_b64encode(os.urandom(size)).rstrip(b"=").decode())
        case "digits":
            return _pick(_DIGITS, size)
        case "ascii":
            return _pick(_DIGITS + _LETTERS + _SIGNS, size)
        case _:
            return _pick(_LETTERS + _DIGITS, size)


def _pick(alphabet: str, size: int) -> SecretValue:
    import secrets

    return SecretValue("".join(secrets.choice(alphabet) for _ in range(size)))


def _private_key(spec: str) -> SecretValue:
    kind, _, bits = spec.partition(":")
    try:
        maker = import_module(f"cryptography.hazmat.primitives.asymmetric.{kind}")
        form = import_module("cryptography.hazmat.primitives.serialization")
    except ImportError:
        maker = None
    if maker is None:
        raise errors.UsageError(
            f"`{spec}` needs the package `cryptography`, which is not installed.",
            hint="Install it beside this program: `pip install cryptography`.",
        )
    if bits:
        key = maker.generate_private_key(public_exponent=65537, key_size=int(bits))
    else:
        key = maker.Ed25519PrivateKey.generate()
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return SecretValue(pem.decode("ascii").rstrip("\n"))
