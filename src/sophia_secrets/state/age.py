"""
Opening an age file with an identity file, both as bytes: for who only wants to know whether it opens.

`backends.local.vault` says what is wrong where it does not.
"""

from __future__ import annotations


def opened(data: bytes, identities: bytes) -> bytes | None:
    """The text inside, or None where anything at all is not as it should be."""
    try:
        import pyrage  # type: ignore[import-untyped]

        lines = [line.strip() for line in identities.splitlines()]
        keys = [
            pyrage.x25519.Identity.from_str(line.decode("ascii"))
            for line in lines
            if line and not line.startswith(b"#")
        ]
        return bytes(pyrage.decrypt(data, keys))
    except Exception:  # noqa: BLE001  pyrage's own classes are not to be had without importing it
        return None
