"""
The vendor call of a route's member, as a part of the compiled route.

Values of variables are not stored: of those passed on unchanged only the names are, with a keyed MAC of
all variables that could be passed on.
"""

from __future__ import annotations

import os

from sophia_secrets.launch.ahead import Plan
from sophia_secrets.launch.dangerous import may_be_credential
from sophia_secrets.state import keys, route
from sophia_secrets.state.route_form import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PASSED = frozenset(
    b"""
    PATH USER TMPDIR LANG NO_COLOR SSL_CERT_FILE SSL_CERT_DIR
    HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy
    """.split()
)
"""With those that `route.tag` covers and `LC_*`: the variables that may be passed to a vendor's program."""


def encode(
    plan: Plan, key: bytes, environ: Mapping[bytes, bytes], looks: Iterable[tuple[bytes, str, bytes]]
) -> bytes:
    """
    The bytes of a plan that is valid as long as the stamps in `looks` are; empty where it has a variable
    that would not be checked again, or a credential that is not in `environ`.
    """
    given = {os.fsencode(name): os.fsencode(value) for name, value in plan.environment.items()}
    passed = [name for name, value in given.items() if environ.get(name) == value]
    own = {name: value for name, value in given.items() if name not in passed}
    if not all(map(_is_looked_at, passed)) or any(may_be_credential(os.fsdecode(name)) for name in own):
        return b""
    pack = keys.pack
    return pack(
        _mark(key, environ),
        pack(*(field for kind, path, stamp in looks for field in (kind, os.fsencode(path), stamp))),
        os.fsencode(plan.program),
        pack(*map(os.fsencode, plan.arguments)),
        pack(*passed),
        pack(*(field for item in own.items() for field in item)),
        pack(*(pack(variable.encode(), *_flat(files)) for variable, files in plan.scratch)),
    )


def decode(raw: bytes, key: bytes, environ: Mapping[bytes, bytes]) -> Plan | None:
    """The plan, or None where something that it depends on has changed."""
    mark, looks, program, arguments, passed, own, scratch = split(raw)
    seen = split(looks)
    if not keys.equal(mark, _mark(key, environ)) or not all(
        route.look(kind, os.fsdecode(path)) == stamp
        for kind, path, stamp in zip(seen[::3], seen[1::3], seen[2::3], strict=True)
    ):
        return None
    environment = {name: environ[name] for name in split(passed)} | _pairs(split(own))
    return Plan(
        os.fsdecode(program),
        map(os.fsdecode, split(arguments)),
        {os.fsdecode(name): os.fsdecode(value) for name, value in environment.items()},
        [_scratch(split(one)) for one in split(scratch)],
    )


def _mark(key: bytes, environ: Mapping[bytes, bytes]) -> bytes:
    fields = []
    for name in sorted(environ):
        if name in PASSED or name.startswith(b"LC_"):
            fields += [name, environ[name]]
    return keys.mac(key, b"call", *fields)


def _is_looked_at(name: bytes) -> bool:
    return name in PASSED or name.startswith((b"LC_", *route.PREFIXES)) or name in route.NAMES


def _flat(files: Mapping[str, bytes]) -> list[bytes]:
    return [field for name, content in files.items() for field in (name.encode(), content)]


def _pairs(fields: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(fields[::2], fields[1::2], strict=True))


def _scratch(fields: list[bytes]) -> tuple[str, dict[str, bytes]]:
    files = {name.decode(): content for name, content in _pairs(fields[1:]).items()}
    return fields[0].decode(), files
