"""
An age file (age-encryption.org/v1, armored) around a dotenv text: bytes in, bytes out.

`age -d -i identity.txt secrets.env.age` reads what is written here.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from sophia_secrets.core.hidden_repr import HiddenRepr

_RECIPIENT = r"age1[02-9ac-hj-np-z]{58}"

_ARMOR_BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
_ARMOR_END = b"-----END AGE ENCRYPTED FILE-----"
_NO_MATCH = "No matching keys found"


class NotForUs(Exception):
    """None of the identities decrypts the file."""


class Damaged(Exception):
    """The bytes are not a valid age file. Its text is a fixed reason."""


class BadIdentity(Exception):
    """A line is not an age identity. Its text gives the line's number and quotes nothing."""


class Identity(HiddenRepr, Struct, frozen=True):
    """An age identity and its recipient (`age1...`)."""

    public: str
    key: object


def _age() -> Any:
    import pyrage  # type: ignore[import-untyped]

    return pyrage


def new_identity() -> bytes:
    """A new identity file, as `age-keygen` writes it."""
    identity = _age().x25519.Identity.generate()
    return f"# public key: {identity.to_public()}\n{identity}\n".encode()


def read_identities(data: bytes) -> tuple[Identity, ...]:
    """The identities of an identity file, in order. Raises `BadIdentity`, also for a file without one."""
    parse = _age().x25519.Identity.from_str
    found: list[Identity] = []
    bad = 0
    for number, line in enumerate(data.splitlines(), 1):
        text = line.strip().decode("ascii", "replace")
        if not text or text.startswith("#"):
            continue
        try:
            key = parse(text)
        except _age().IdentityError:
            bad = number
            break
        found.append(Identity(str(key.to_public()), key))
    if bad:
        raise BadIdentity(f"line {bad} is not an age identity")
    if not found:
        raise BadIdentity("there is no identity in it")
    return tuple(found)


def is_recipient(text: str) -> bool:
    """Whether `text` is an age public key with a valid checksum."""
    if not re.fullmatch(_RECIPIENT, text):
        return False
    try:
        _age().x25519.Recipient.from_str(text)
    except _age().RecipientError:
        return False
    return True


def seal(plain: bytes, recipients: Sequence[str]) -> bytes:
    """The age file, encrypted for each of the recipients."""
    age = _age()
    keys = [age.x25519.Recipient.from_str(recipient) for recipient in recipients]
    return bytes(age.encrypt(plain, keys, armored=True))


def unseal(data: bytes, identities: Sequence[Identity]) -> bytes:
    """The plain bytes of an age file, armored or not. Raises `NotForUs` or `Damaged`."""
    age = _age()
    try:
        return bytes(age.decrypt(data, [identity.key for identity in identities]))
    except age.DecryptError as error:
        not_for_us = str(error) == _NO_MATCH
    if not_for_us:
        raise NotForUs
    raise Damaged("it is damaged, or not an age file")


def recipient_count(data: bytes) -> int:
    """The number of recipients of an age file, which does not identify them."""
    body = data.strip()
    if body.startswith(_ARMOR_BEGIN):
        try:
            body = binascii.a2b_base64(body.removeprefix(_ARMOR_BEGIN).removesuffix(_ARMOR_END))
        except binascii.Error:
            return 0
    header = body.partition(b"\n---")[0]
    # Other stanzas may be grease, which is no recipient.
    return sum(line.startswith((b"-> X25519 ", b"-> ssh-", b"-> piv-p256 ")) for line in header.split(b"\n"))
