"""A compiled route and its encoding: pure. See `route`."""

from __future__ import annotations

import os

from sophia_secrets.state import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

VENDOR, WRITE_ONLY, LOCAL, ENV, ENV_AND_FILE = b"v", b"w", b"l", b"e", b"f"
"""The kinds of member: a readable vendor, a write-only one, the vault, the environment, the environment with a file."""

_TEXT = ("utf-8", "surrogatepass")


class VerbatimValue:
    """A value that the vault's text has verbatim: `length` bytes from `at`, and their keyed MAC."""

    __slots__ = ("at", "length", "mark")

    def __init__(self, at: int, length: int, mark: bytes) -> None:
        self.at = at
        self.length = length
        self.mark = mark


class Vault:
    """
    The vault as it was read: its `names`, with None for one whose value is not verbatim.

    `file_private` is whether the file must be inaccessible to others.
    """

    __slots__ = ("file", "file_private", "identity", "names")

    def __init__(
        self, file: str, identity: str, file_private: bool, names: Mapping[str, VerbatimValue | None]
    ) -> None:
        self.file = file
        self.identity = identity
        self.file_private = file_private
        self.names = names


class Member:
    """
    One configured backend of the chain. `kind` is one of the letters above, `target` is for display;
    `identity` is that of a vendor's cached record, `call` the vendor call (see `route_call`; empty
    where it is not known), `vault` is set for `LOCAL`.
    """

    __slots__ = ("backend", "call", "identity", "kind", "target", "vault")

    def __init__(
        self,
        kind: bytes,
        backend: str,
        target: str,
        *,
        identity: Sequence[bytes] = (),
        call: bytes = b"",
        vault: Vault | None = None,
    ) -> None:
        self.kind = kind
        self.backend = backend
        self.target = target
        self.identity = tuple(identity)
        self.call = call
        self.vault = vault


class Route:
    """
    The compiled chain.

    `looks` are the (kind, path, stamp) that it depends on. `audit` is the log's directory, "" where
    nothing is audited. `ttl` and `stale_for` are seconds. `user`, `ci` and `profile` are the actor's.
    `declared` are the declared names, in their order.
    """

    __slots__ = ("audit", "ci", "declared", "looks", "members", "profile", "stale_for", "sync", "ttl", "user")

    def __init__(
        self,
        looks: Sequence[tuple[bytes, str, bytes]],
        members: Sequence[Member],
        *,
        audit: str,
        sync: bool,
        ttl: float,
        stale_for: float,
        user: str,
        ci: str,
        profile: str,
        declared: Iterable[str] = (),
    ) -> None:
        self.looks = tuple(looks)
        self.members = tuple(members)
        self.audit = audit
        self.sync = sync
        self.ttl = ttl
        self.stale_for = stale_for
        self.user = user
        self.ci = ci
        self.profile = profile
        self.declared = tuple(declared)


def encode(route: Route) -> bytes:
    """The bytes of a route: the same for the same route."""
    pack = keys.pack
    return pack(
        pack(*(field for kind, path, stamp in route.looks for field in (kind, os.fsencode(path), stamp))),
        pack(*(_encode_member(member) for member in route.members)),
        os.fsencode(route.audit), b"1" if route.sync else b"0", repr(route.ttl).encode(),
        repr(route.stale_for).encode(), route.user.encode(*_TEXT), route.ci.encode(*_TEXT),
        route.profile.encode(*_TEXT), pack(*(name.encode(*_TEXT) for name in route.declared)),
    )  # fmt: skip


def _encode_member(member: Member) -> bytes:
    pack = keys.pack
    vault = b""
    if member.vault is not None:
        found = member.vault
        names: list[bytes] = []
        for name, kept in found.names.items():
            place = b"" if kept is None else b"%d %d" % (kept.at, kept.length)
            names += (name.encode(*_TEXT), place, b"" if kept is None else kept.mark)
        private = b"1" if found.file_private else b"0"
        vault = pack(os.fsencode(found.file), os.fsencode(found.identity), private, pack(*names))
    return pack(
        member.kind, member.backend.encode(), member.target.encode(*_TEXT), pack(*member.identity),
        member.call, vault,
    )  # fmt: skip


def decode(body: bytes) -> Route:
    """The route of authenticated bytes from `encode`."""
    looks, members, audit, sync, ttl, stale_for, user, ci, profile, declared = split(body)
    seen = split(looks)
    return Route(
        [(kind, os.fsdecode(path), stamp) for kind, path, stamp in zip(seen[::3], seen[1::3], seen[2::3], strict=True)],
        [_decode_member(raw) for raw in split(members)],
        audit=os.fsdecode(audit), sync=sync == b"1", ttl=float(ttl), stale_for=float(stale_for),
        user=user.decode(*_TEXT), ci=ci.decode(*_TEXT), profile=profile.decode(*_TEXT),
        declared=[name.decode(*_TEXT) for name in split(declared)],
    )  # fmt: skip


def _decode_member(raw: bytes) -> Member:
    kind, backend, target, identity, call, vault = split(raw)
    return Member(
        kind, backend.decode(), target.decode(*_TEXT), identity=split(identity), call=call,
        vault=_decode_vault(vault) if vault else None,
    )  # fmt: skip


def _decode_vault(raw: bytes) -> Vault:
    file, identity, private, names = split(raw)
    parts = split(names)
    found: dict[str, VerbatimValue | None] = {}
    for name, place, mark in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        at, _, length = place.partition(b" ")
        found[name.decode(*_TEXT)] = VerbatimValue(int(at), int(length), mark) if place else None
    return Vault(os.fsdecode(file), os.fsdecode(identity), private == b"1", found)


def split(raw: bytes) -> list[bytes]:
    """The fields that `keys.pack` packed."""
    fields = []
    at = 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 8], "little")
        at += 8
        fields.append(raw[at : at + length])
        at += length
    return fields
