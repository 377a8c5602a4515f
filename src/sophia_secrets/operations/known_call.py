"""The vendor call that a compiled route keeps, so that the program can be started early."""

from __future__ import annotations

import os
from collections.abc import Mapping

from sophia_secrets.backends.base import Backend
from sophia_secrets.operations.session import Session
from sophia_secrets.process.find import NAMES, look_up
from sophia_secrets.process.plan import plan
from sophia_secrets.state import route, route_call


def known_call(session: Session, member: Backend, key: bytes, environ: Mapping[bytes, bytes]) -> bytes:
    """The first call of the backend's snapshot, encoded by `route_call`; empty where it is not known in advance."""
    steps = member.snapshot()
    call = next(steps, None)
    steps.close()
    if call is None or session.options.offline:
        return b""
    path = session.environ.get("PATH", "")
    explicit = session.settings.programs.get(call.program)
    program = look_up(call.program, path, explicit).path
    planned = plan(program, call) if program else None
    if planned is None:
        return b""
    before = () if explicit is not None else _searched_before(call.program, path, program)
    looks = [(route.FILE, each, route.look(route.FILE, each)) for each in (*before, program)]
    goal = os.path.realpath(program)
    looks += [(route.LINK, each, route.look(route.LINK, each)) for each in sorted({program, goal})]
    directories = sorted({os.path.dirname(program), os.path.dirname(goal)})
    looks += [(route.PLACE, each, route.look(route.PLACE, each)) for each in directories]
    return route_call.encode(planned, key, environ, looks)


def _searched_before(word: str, path: str, program: str) -> list[str]:
    """The paths that were searched before the one where the program was found."""
    places = [
        os.path.join(element, name)
        for name in NAMES.get(word, (word,))
        for element in path.split(os.pathsep)
        if os.path.isabs(element)
    ]
    return places[: places.index(program)]
