"""
The compiled route: what a full run learned about the chain, so that the hot path can repeat it.

A route belongs to one working directory, user, host and set of relevant variables (these determine its
file's name), and is valid only while every file that decided something, absent ones too, is
unchanged. It has a keyed MAC and holds no value. Without it the next start is a full run.
"""

from __future__ import annotations

import os
import sys

import sophia_secrets
from sophia_secrets.state import files, keys
from sophia_secrets.state.route_form import Route, decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DIRECTORY = "routes"
SUFFIX = ".route"
LIMIT = 1 << 20
MOST = 256
"""The most routes stored; the older half is removed when there are more."""

PREFIXES = (
    b"SOPHIA_",
    b"GITHUB_",
    b"GH_",
    b"FLY_",
    b"PULUMI_",
    b"AWS_",
    b"AZURE_",
    b"GOOGLE_",
    b"VAULT_",
    b"XDG_",
)
NAMES = frozenset((b"HOME", b"CI", b"CI_JOB_URL", b"BUILD_URL"))
"""With `PREFIXES`: the variables that can change a setting, a target, a credential or the actor."""

FILE, LINK, PRESENCE, PLACE = b"f", b"l", b"e", b"d"
"""What is stamped: a file, a path itself (link or not), whether a path exists, a directory's owner and mode."""


def directories(environ: Mapping[bytes, bytes]) -> tuple[str, str] | None:
    """The state and the cache directory, as in `settings.paths`, or None in unusual cases."""
    chosen = os.fsdecode(environ.get(b"SOPHIA_SECRETS_HOME", b""))
    if chosen.strip():
        if not os.path.isabs(chosen):
            return None
        chosen = os.path.normpath(chosen)
        return os.path.join(chosen, "state"), os.path.join(chosen, "cache")
    home = os.fsdecode(environ.get(b"HOME", b""))
    if not os.path.isabs(home):
        return None
    home = os.path.normpath(home)
    if sys.platform == "darwin":
        library = os.path.join(home, "Library")
        support = os.path.join(library, "Application Support", "sophia-secrets")
        return os.path.join(support, "state"), os.path.join(library, "Caches", "sophia-secrets")
    found = []
    for variable, below in ((b"XDG_STATE_HOME", ".local/state"), (b"XDG_CACHE_HOME", ".cache")):
        base = os.fsdecode(environ.get(variable, b""))
        found.append(
            os.path.join(base if os.path.isabs(base) else os.path.join(home, below), "sophia-secrets")
        )
    return found[0], found[1]


def tag(key: bytes, cwd: str, environ: Mapping[bytes, bytes]) -> bytes:
    """The key of a route, 32 bytes: this version, user, host, directory and variables."""
    fields = [
        sophia_secrets.__version__.encode(),
        str(os.geteuid()).encode(),
        os.fsencode(os.uname().nodename),
        os.fsencode(cwd),
    ]
    for name in sorted(name for name in environ if name.startswith(PREFIXES) or name in NAMES):
        fields += (name, environ[name])
    return keys.mac(key, b"tag", *fields)


def look(kind: bytes, path: str) -> bytes:
    """The stamp of a path, as bytes; empty where it does not exist."""
    try:
        seen = os.stat(path) if kind in (FILE, PLACE) else os.lstat(path)
    except OSError:
        return b""
    if kind == PRESENCE:
        return b"1"
    if kind == PLACE:
        return b"%d %d %d %d" % (seen.st_dev, seen.st_ino, seen.st_mode, seen.st_uid)
    return b"%d %d %d %d %d" % (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


def holds(route: Route) -> bool:
    """Whether everything that the route depends on is unchanged."""
    return all(look(kind, path) == stamp for kind, path, stamp in route.looks)


def load(cache: str, key: bytes, marked: bytes) -> Route | None:
    """
    The route of that tag in a cache directory, valid or not, or None.

    Raises `errors.UnsafeState`, `OSError` and `files.TooLarge`.
    """
    try:
        directory = files.open_directory(os.path.join(cache, DIRECTORY), create=False)
    except FileNotFoundError:
        return None
    try:
        raw = files.read(directory, marked.hex() + SUFFIX, LIMIT)
    finally:
        os.close(directory)
    if raw is None or not keys.equal(raw[: keys.SIZE], keys.mac(key, b"route", marked, raw[keys.SIZE :])):
        return None
    return decode(raw[keys.SIZE :])


def store(cache: str, key: bytes, marked: bytes, route: Route) -> None:
    """
    Store a route; nothing is written where the same one exists.

    Raises `errors.UnsafeState` and `OSError`.
    """
    from sophia_secrets.state import atomic

    body = encode(route)
    raw = keys.mac(key, b"route", marked, body) + body
    if len(raw) > LIMIT:
        return
    name = marked.hex() + SUFFIX
    directory = files.open_directory(os.path.join(cache, DIRECTORY))
    try:
        try:
            if files.read(directory, name, LIMIT) == raw:
                return
        except (sophia_secrets.errors.UnsafeState, files.TooLarge):
            pass
        _make_room(directory)
        atomic.replace(directory, name, raw, sync=False)
    finally:
        os.close(directory)


def _make_room(directory: int) -> None:
    kept = files.names(directory)
    if len(kept) < MOST:
        return
    aged = sorted((os.stat(each, dir_fd=directory, follow_symlinks=False).st_mtime_ns, each) for each in kept)
    for _, each in aged[: MOST // 2]:
        files.remove(directory, each)


def mark(key: bytes, name: str, value: bytes) -> bytes:
    """The keyed MAC by which a verbatim value in the vault is recognised."""
    return keys.mac(key, b"value", name.encode(), value)
