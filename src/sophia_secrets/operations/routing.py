"""
Compiling the route of a full run for the hot path, where the run was an ordinary one.

Nothing depends on a route. What may differ at the next start is not compiled.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from sophia_secrets import errors
from sophia_secrets.backends.base import Backend, Unconfigured
from sophia_secrets.core.resolve import Answer
from sophia_secrets.operations import recording
from sophia_secrets.operations.session import Session
from sophia_secrets.operations.snapshots import identity_of
from sophia_secrets.state import route, route_form
from sophia_secrets.state.route_form import Member, Route, Vault, VerbatimValue

RACY = 2.0
"""
Seconds for which a file must have been unchanged when the run began: within one tick of the file
system's clock a second change would leave the same stamp.
"""

_VENDORS = frozenset({"github", "pulumi", "fly"})
_USERS = "/etc/passwd"

_Stamps = list[tuple[bytes, str, bytes]]


def remember(session: Session, answers: Sequence[Answer], began: float) -> None:
    """
    Store the route of this plain command for the next one like it.

    `answers` are those of the whole chain, `began` is the session's clock before the chain was asked.
    Never raises for I/O errors: without a route the next start is a full run.
    """
    if not _is_usual(session, answers):
        return
    try:
        key = session.derived_key(b"route")
        environ = {os.fsencode(name): os.fsencode(value) for name, value in session.environ.items()}
        members = _members(session, key, environ)
        looks = _known_stamps(session)
        if members is None or looks is None or _is_racy(looks, began):
            return
        compiled = _route(session, looks, members)
        if route.holds(compiled):
            route.store(session.paths.cache, key, route.tag(key, session.cwd, environ), compiled)
    except (errors.SophiaError, OSError, ValueError):
        return


def _is_usual(session: Session, answers: Sequence[Answer]) -> bool:
    """Whether there was nothing to report and everything came from sources that the hot path knows."""
    settings = session.settings
    environ = {os.fsencode(name): os.fsencode(value) for name, value in session.environ.items()}
    return (
        not session.notes
        and session.has_key
        and settings.cache_key != "keyring"
        and not settings.forwards
        and "GITHUB_ACTIONS" not in session.environ
        and route.directories(environ) == (session.paths.state, session.paths.cache)
        and not any(_has_notes(answer) for answer in answers if answer.backend not in _VENDORS)
    )


def _has_notes(answer: Answer) -> bool:
    return answer.failure is not None or (answer.snapshot is not None and bool(answer.snapshot.notes))


def _members(session: Session, key: bytes, environ: Mapping[bytes, bytes]) -> list[Member] | None:
    """The configured backends in order, or None where one of them is not supported."""
    found = []
    for name in session.settings.chain:
        member = session.backend(name)
        if isinstance(member, Unconfigured):
            continue
        compiled = _member(session, name, member, key, environ)
        if compiled is None:
            return None
        found.append(compiled)
    return found


def _member(
    session: Session, name: str, member: Backend, key: bytes, environ: Mapping[bytes, bytes]
) -> Member | None:
    target = str(member.target)
    able = member.capabilities
    if name in _VENDORS and able.needs_call:
        identity = identity_of(member, session.credential_key)
        if not able.readable:
            return Member(route_form.WRITE_ONLY, name, target, identity=identity)
        from sophia_secrets.operations.known_call import known_call

        call = known_call(session, member, key, environ)
        return Member(route_form.VENDOR, name, target, identity=identity, call=call)
    if name == "local":
        vault = _vault(session)
        return Member(route_form.LOCAL, name, target, vault=vault) if vault is not None else None
    if name == "env":
        has_file = bool(session.settings.section(name).get("file"))
        return Member(route_form.ENV_AND_FILE if has_file else route_form.ENV, name, target)
    return None


def _vault(session: Session) -> Vault | None:
    """The vault's names, and where its text has each value verbatim; None where it cannot be read."""
    from sophia_secrets.backends.local import place as places
    from sophia_secrets.backends.local import vault
    from sophia_secrets.formats import dotenv

    place = places.read_place(session.settings.section("local"), session.context)
    private = os.path.dirname(place.file) == place.state_directory
    names: dict[str, VerbatimValue | None] = {}
    try:
        data = place.read()
        plain = vault.unseal(data, place.identities()) if data is not None else None
    except (places.OperationFailed, vault.NotForUs, vault.Damaged):
        return None
    if plain is not None:
        key = session.derived_key(b"route")
        starts = _line_starts(plain)
        for pair in dotenv.read(plain):
            value = pair.value.reveal().encode()
            at = _place_of(plain, starts[pair.line - 1], pair.name, value)
            names[pair.name] = None
            if at is not None and place.given is None:
                names[pair.name] = VerbatimValue(at, len(value), route.mark(key, pair.name, value))
    return Vault(place.file, place.identity_file, private, names)


def _line_starts(plain: bytes) -> list[int]:
    starts = [0]
    while (end := plain.find(b"\n", starts[-1])) >= 0:
        starts.append(end + 1)
    return starts


def _place_of(plain: bytes, start: int, name: str, value: bytes) -> int | None:
    """The offset of the value where its line has it verbatim, quoted or bare, or None."""
    if b"\r" in plain:
        return None
    for quote in (b"'", b'"', b""):
        before = name.encode() + b"=" + quote
        if plain.startswith(before + value + quote + b"\n", start):
            return start + len(before)
    return None


def _known_stamps(session: Session) -> _Stamps | None:
    """The stamps of all files that decided something, or None where not all are known."""
    settings = session.settings
    looks: _Stamps = [(route.FILE, _USERS, route.look(route.FILE, _USERS))]
    for seen in settings.files:
        stamp = b"%d %d %d %d %d" % seen.stamp if seen.stamp is not None else b""
        looks.append((route.FILE, seen.path, stamp))
        if seen.stamp is not None:
            looks += _current_stamps(route.LINK, [seen.path])
            looks += _current_stamps(
                route.PLACE, {os.path.dirname(seen.path), os.path.dirname(os.path.realpath(seen.path))}
            )
    looks += [(route.PRESENCE, path, b"1" if there else b"") for path, there in settings.markers]
    looks += _current_stamps(route.LINK, [os.path.join(session.paths.state, "trust")])
    for name in settings.chain:
        paths = _files_of(session, name)
        if paths is None:
            return None
        looks += _current_stamps(route.FILE, paths)
        looks += _current_stamps(route.LINK, paths)
    return list(dict.fromkeys(looks))


def _current_stamps(kind: bytes, paths: Iterable[str]) -> _Stamps:
    return [(kind, path, route.look(kind, path)) for path in sorted(paths)]


def _files_of(session: Session, name: str) -> list[str] | None:
    """The files that decide a backend's target, credential or content, or None where they are not known."""
    section = session.settings.section(name)
    member = session.backend(name)
    files = [] if isinstance(member, Unconfigured) else list(member.credential.files)
    match name:
        case "github" | "fly":
            return files
        case "pulumi":
            if section.get("stack"):
                return None
            if isinstance(member, Unconfigured):
                return files
            from sophia_secrets.backends.pulumi.session import session_directory

            directory = session_directory(session.context)
            return [*files, *([os.path.join(directory, "credentials.json")] if directory else [])]
        case "local":
            from sophia_secrets.backends.local.place import read_place

            place = read_place(section, session.context)
            return [place.file, place.identity_file]
        case "env":
            return [path for _, path in cast("Backend", member).target.parts]
    return None


def _is_racy(looks: _Stamps, began: float) -> bool:
    changed = (
        int(stamp.split()[4]) / 1e9 for kind, _, stamp in looks if kind in (route.FILE, route.LINK) and stamp
    )
    return max(changed, default=0.0) >= began - RACY


def _route(session: Session, looks: _Stamps, members: list[Member]) -> Route:
    settings = session.settings
    actor = recording.actor(session)
    return Route(
        looks,
        members,
        audit=recording.audit_directory(session.state_directory) if settings.is_audited else "",
        sync=settings.audit_sync == "always",
        ttl=settings.cache_ttl,
        stale_for=settings.stale_for,
        user=actor.user,
        ci=actor.ci,
        profile=actor.profile,
        declared=settings.declared,
    )
