"""
XChaCha20-Poly1305: the one place that calls libsodium.

PyNaCl's public bindings cost more to import than the rest of a warm `get`, so its compiled
module is used directly where it answers a known question correctly, and the public bindings over
the same bytes where it does not.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Seal = Callable[[bytes, bytes, bytes, bytes], bytes]
    Open = Callable[[bytes, bytes, bytes, bytes], bytes | None]

KEY = 32
NONCE = 24
TAG = 16

_QUESTION = (bytes(range(KEY)), bytes(range(100, 100 + NONCE)), b"known", b"answer")
_ANSWER = bytes.fromhex("171d96c791182e16e8f5c58ad4f40e12e60437c2dc")

_chosen: tuple[Seal, Open] | None = None


def seal(key: bytes, nonce: bytes, text: bytes, associated: bytes) -> bytes:
    """The ciphertext with its tag. A nonce is 24 bytes of `os.urandom`, never used twice."""
    _check(key, nonce)
    return (_chosen or _choose())[0](key, nonce, text, associated)


def unseal(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    """The text, or None where key, nonce, ciphertext or associated data is not what was sealed."""
    _check(key, nonce)
    if len(sealed) < TAG:
        return None
    return (_chosen or _choose())[1](key, nonce, sealed, associated)


def _check(key: bytes, nonce: bytes) -> None:
    # The C function reads this many bytes whatever it is handed.
    if len(key) != KEY or len(nonce) != NONCE:
        raise ValueError("a key is 32 bytes and a nonce 24")


def _choose() -> tuple[Seal, Open]:
    global _chosen  # noqa: PLW0603  chosen once for the process
    fast = compiled()
    _chosen = fast if fast is not None and _answers(fast) else public()
    return _chosen


def _answers(pair: tuple[Seal, Open]) -> bool:
    key, nonce, text, associated = _QUESTION
    return (
        pair[0](key, nonce, text, associated) == _ANSWER
        and pair[1](key, nonce, _ANSWER, associated) == text
        and pair[1](key, nonce, _ANSWER, b"another") is None
    )


def compiled() -> tuple[Seal, Open] | None:
    """Sealing and unsealing through PyNaCl's private compiled module, or None where it has moved."""
    try:
        from nacl._sodium import ffi, lib  # type: ignore[import-not-found]

        encrypt = lib.crypto_aead_xchacha20poly1305_ietf_encrypt
        decrypt = lib.crypto_aead_xchacha20poly1305_ietf_decrypt
        if lib.sodium_init() < 0:
            return None
    except (ImportError, AttributeError):
        return None

    def seal(key: bytes, nonce: bytes, text: bytes, associated: bytes) -> bytes:
        size = len(text) + TAG
        out = ffi.new("unsigned char[]", size)
        length = ffi.new("unsigned long long *")
        encrypt(out, length, text, len(text), associated, len(associated), ffi.NULL, nonce, key)
        sealed: bytes = ffi.buffer(out, length[0])[:]
        return sealed

    def unseal(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes | None:
        out = ffi.new("unsigned char[]", len(sealed) - TAG + 1)
        length = ffi.new("unsigned long long *")
        if decrypt(out, length, ffi.NULL, sealed, len(sealed), associated, len(associated), nonce, key):
            return None
        text: bytes = ffi.buffer(out, length[0])[:]
        return text

    return seal, unseal


def public() -> tuple[Seal, Open]:
    """Sealing and unsealing through PyNaCl's public bindings."""
    from nacl import bindings
    from nacl.exceptions import CryptoError

    encrypt = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt
    decrypt = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt

    def seal(key: bytes, nonce: bytes, text: bytes, associated: bytes) -> bytes:
        return encrypt(text, associated, nonce, key)

    def unseal(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes | None:
        try:
            return decrypt(sealed, associated, nonce, key)
        except CryptoError:
            return None

    return seal, unseal
