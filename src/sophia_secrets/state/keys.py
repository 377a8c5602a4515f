"""
The master key and the keys derived from it, one for each purpose.

MACs, file names and associated data are made over `pack`, a length-prefixed encoding, so that
different tuples never encode alike.
"""

from __future__ import annotations

import os
from _blake2 import blake2b
from _operator import _compare_digest

import sophia_secrets
from sophia_secrets.state import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIZE = 32
FILE = "key"
VARIABLE = "SOPHIA_SECRETS_CACHE_KEY"
SERVICE = "sophia-secrets"

LABELS = frozenset((b"cache", b"fingerprint", b"audit", b"pending", b"metadata", b"route", b"credential"))
_DERIVATION = b"sophia-secrets/1"
_NEW_KEY = "head -c 32 /dev/urandom | base64"


class MasterKey:
    """The key that all others are derived from; `source` is `file`, `keyring` or `variable`."""

    __slots__ = ("key", "source")

    def __init__(self, key: bytes, source: str) -> None:
        self.key = key
        self.source = source

    def __repr__(self) -> str:
        return f"MasterKey(<secret>, {self.source!r})"

    def __reduce_ex__(self, protocol: object) -> str | tuple[Any, ...]:
        raise TypeError("a key is never pickled or copied")


def load(
    state_directory: str, variable: str | None, *, create: bool = True, keyring: Any = None
) -> MasterKey:
    """
    The key: `variable` (the text of SOPHIA_SECRETS_CACHE_KEY) where given, else from `keyring`
    (anything with the `keyring` package's `get_password` and `set_password`) where given, else
    the file `key` in the state directory. A missing one is created, unless `create` is false: then
    `errors.KeyMissing`.

    Raises `errors.BadSettings` for an unusable variable or keyring (never quoting its content),
    `errors.IntegrityFailed` for a key of the wrong size, `errors.UnsafeState` for one that others
    could read, `OSError` where the directory cannot be created or written.
    """
    if variable is not None:
        key = decode(variable)
        if key is None:
            raise sophia_secrets.errors.BadSettings(
                f"{VARIABLE} is not 32 bytes in base64; a passphrase will not do.",
                hint=f"make one with `{_NEW_KEY}`",
            )
        return MasterKey(key, "variable")
    try:
        directory = files.open_directory(state_directory, create=create)
    except FileNotFoundError:
        if create:
            raise
        directory = -1
    if directory < 0:
        raise sophia_secrets.errors.KeyMissing(f"There is no key in {state_directory}.")
    try:
        if keyring is not None:
            return MasterKey(_from_keyring(directory, keyring, state_directory, create), "keyring")
        return MasterKey(_from_file(directory, create), "file")
    finally:
        os.close(directory)


def decode(text: str) -> bytes | None:
    """The 32 bytes of a base64 text (standard or URL-safe, padded or not), or None."""
    from binascii import Error, a2b_base64, b2a_base64

    plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        key = a2b_base64(plain.encode("ascii") + b"=", strict_mode=True)
    except (Error, UnicodeEncodeError):
        return None
    if len(key) != SIZE or b2a_base64(key, newline=False) != plain.encode("ascii") + b"=":
        return None
    return key


def _from_file(directory: int, create: bool) -> bytes:
    key = _read(directory)
    if key is None and create:
        from sophia_secrets.state import atomic

        atomic.create(directory, FILE, os.urandom(SIZE))
        key = _read(directory)
    if key is None:
        raise sophia_secrets.errors.KeyMissing(f"There is no key at {files.path_of(directory, FILE)}.")
    return key


def _read(directory: int) -> bytes | None:
    try:
        key = files.read(directory, FILE, SIZE)
    except files.TooLarge:
        key = b""
    if key is None or len(key) == SIZE:
        return key
    path = files.path_of(directory, FILE)
    raise sophia_secrets.errors.IntegrityFailed(
        f"{path} is not a key: it is not exactly {SIZE} bytes long.",
        hint=f"put back the key from a backup, or start anew with `rm {files.quoted(path)}`: the cache "
        "starts empty, and audit lines written so far can no longer be verified",
    )


def _from_keyring(directory: int, keyring: Any, account: str, create: bool) -> bytes:
    text = _ask(keyring.get_password, SERVICE, account)
    if text is None and create:
        with files.Lock(directory, "create.lock"):
            text = _ask(keyring.get_password, SERVICE, account)
            if text is None:
                from binascii import b2a_base64

                made = b2a_base64(os.urandom(SIZE), newline=False).decode("ascii")
                _ask(keyring.set_password, SERVICE, account, made)
                text = _ask(keyring.get_password, SERVICE, account)
    if text is None:
        raise sophia_secrets.errors.KeyMissing(f"There is no key for {account} in the keyring.")
    key = decode(text)
    if key is None:
        raise sophia_secrets.errors.IntegrityFailed(
            f"The key in the keyring for {account} is not {SIZE} bytes long.",
            hint=f"keyring del {SERVICE} {files.quoted(account)}",
        )
    return key


def _ask(call: Any, *arguments: str) -> str | None:
    try:
        answer: str | None = call(*arguments)
        return answer
    except Exception as error:  # noqa: BLE001  keyring backends raise errors of their own platform
        word = type(error).__name__
    raise sophia_secrets.errors.BadSettings(
        f"The operating system's keyring could not be used ({word}).",
        hint='unlock it, or set `[cache] key = "file"` in your own settings',
    )


def pack(*fields: bytes) -> bytes:
    """Encode a tuple of byte strings as one: different tuples give different results."""
    parts = []
    for field in fields:
        parts.append(len(field).to_bytes(8, "little"))
        parts.append(field)
    return b"".join(parts)


def derive(master: bytes, label: bytes) -> bytes:
    """The key for one purpose, 32 bytes; it reveals nothing about the others."""
    if label not in LABELS or len(master) != SIZE:
        raise ValueError("a derived key needs a known label and a master key of 32 bytes")
    return blake2b(label, key=master, digest_size=SIZE, person=_DERIVATION).digest()


def mac(key: bytes, *fields: bytes) -> bytes:
    """A keyed BLAKE2b-256 over `pack(*fields)`."""
    return blake2b(pack(*fields), key=key, digest_size=SIZE).digest()


def equal(a: bytes, b: bytes) -> bool:
    """Compare two byte strings in constant time."""
    return _compare_digest(a, b)
