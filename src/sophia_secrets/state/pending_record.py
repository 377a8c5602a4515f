"""
A pending rotation and its sealed form. Pure except for the nonce.

    magic | nonce | sealed JSON, with the magic and the name of the file as associated data
"""

from __future__ import annotations

import os
from _blake2 import blake2b

from sophia_secrets.state import aead, keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OLD, NEW, UNKNOWN = "old", "new", "unknown"
"""Which value a target holds."""

_MAGIC = b"sophia-secrets pending 1\n"


class Holder:
    """
    One target of a rotation. `parts` are the pairs that identify it, `holds` is the value that it holds
    (`old`, `new` or `unknown`), `detail` a sentence about that.
    """

    __slots__ = ("backend", "detail", "holds", "parts", "target")

    def __init__(
        self,
        backend: str,
        target: str,
        parts: tuple[tuple[str, str], ...],
        holds: str = OLD,
        detail: str = "",
    ) -> None:
        self.backend = backend
        self.target = target
        self.parts = parts
        self.holds = holds
        self.detail = detail


class Pending:
    """
    A pending rotation: `value` is the new one, `origin` says where it came from (`hex:32`, `given`),
    `started` is Unix seconds, `holders` are in the order in which they are written.
    """

    __slots__ = ("holders", "name", "origin", "started", "value")

    def __init__(self, name: str, value: bytes, origin: str, started: float, holders: list[Holder]) -> None:
        self.name = name
        self.value = value
        self.origin = origin
        self.started = started
        self.holders = holders

    def __repr__(self) -> str:
        return f"Pending({self.name!r}, <secret>)"

    def __reduce_ex__(self, protocol: object) -> str | tuple[Any, ...]:
        raise TypeError("a pending rotation is never pickled or copied")


def ident_of(name: str) -> str:
    """The file of a name; independent of the key, so that the record of a lost key can be removed."""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def seal(key: bytes, ident: str, record: Pending) -> bytes:
    """The content of the record's file; `ident` is the file's name, and authenticated."""
    from json import dumps

    body = {
        "name": record.name,
        "value": record.value.hex(),
        "origin": record.origin,
        "started": record.started,
        "holders": [
            {
                "backend": holder.backend,
                "target": holder.target,
                "parts": holder.parts,
                "holds": holder.holds,
                "detail": holder.detail,
            }
            for holder in record.holders
        ],
    }
    nonce = os.urandom(aead.NONCE)
    return _MAGIC + nonce + aead.seal(key, nonce, dumps(body).encode(), _associated(ident))


def unseal(key: bytes, ident: str, data: bytes) -> Pending | None:
    """The record in a file, or None where it was not sealed under that name with that key."""
    from json import loads

    start = len(_MAGIC)
    if not data.startswith(_MAGIC) or len(data) < start + aead.NONCE:
        return None
    nonce, sealed = data[start : start + aead.NONCE], data[start + aead.NONCE :]
    body = aead.unseal(key, nonce, sealed, _associated(ident))
    if body is None:
        return None
    fields = loads(body)
    holders = [
        Holder(
            each["backend"],
            each["target"],
            tuple((field, value) for field, value in each["parts"]),
            each["holds"],
            each["detail"],
        )
        for each in fields["holders"]
    ]
    return Pending(
        fields["name"], bytes.fromhex(fields["value"]), fields["origin"], fields["started"], holders
    )


def _associated(ident: str) -> bytes:
    return keys.pack(b"pending", _MAGIC, ident.encode())
