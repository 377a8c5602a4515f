"""Private directories for child processes: an empty working directory, and the scratch directories of a call."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PREFIX = "sophia-secrets-"
_ABANDONED = 86400.0
"""Seconds after which a directory is no longer in use: no call may take that long."""


class PrivateDirectory:
    """
    One directory (0700 under any umask) for the files that the children of one run need.

    Created when first needed; `remove()` deletes it with everything in it. It is created in
    `parent`, else the user's runtime directory, `TMPDIR` or `/tmp`.
    """

    def __init__(self, parent: str | None = None) -> None:
        self._parent = parent
        self._root: str | None = None
        self._empty: str | None = None
        self._count = 0
        self._names: dict[str, list[str]] = {}

    def empty(self) -> str:
        """An empty working directory; `/` where none can be created."""
        if self._empty is None:
            try:
                self._empty = _make(os.path.join(self.root(), "empty"))
            except OSError:
                return "/"
        return self._empty

    def lay_out(self, files: Mapping[str, bytes], links: Mapping[str, str]) -> str:
        """
        Create a directory with these `files`, and `links` to those of the absolute paths that exist.

        Raises OSError, and ValueError for an invalid name; then nothing is left of it.
        """
        self._count += 1
        place = _make(os.path.join(self.root(), f"scratch-{self._count}"))
        self._names[place] = [*files, *links]
        try:
            for name, content in files.items():
                _write(os.path.join(place, _plain(name)), content)
            for name, goal in links.items():
                if os.path.lexists(goal):
                    os.symlink(goal, os.path.join(place, _plain(name)))
        except BaseException:
            self.clear(place)
            raise
        return place

    def clear(self, place: str) -> None:
        """Remove a directory of `lay_out`, with everything that a child left in it."""
        # Our own files are removed by name: without a free descriptor the directory cannot be read.
        for name in self._names.pop(place, ()):
            try:
                os.unlink(os.path.join(place, name))
            except (OSError, ValueError):
                pass
        _remove(place)

    def root(self) -> str:
        """The directory itself, created if it was not yet; raises OSError."""
        if self._root is None:
            problem: OSError | None = None
            if self._parent is not None:
                _remove_abandoned(self._parent)
            for parent in _parents(self._parent):
                try:
                    self._root = _make(os.path.join(parent, f"{_PREFIX}{os.urandom(8).hex()}"))
                    break
                except OSError as again:
                    problem = again
            else:
                raise problem or FileNotFoundError("no directory for temporary files")
        return self._root

    def remove(self) -> None:
        """Remove everything; a file that cannot be removed stays in its private directory."""
        for place in list(self._names):
            self.clear(place)
        if self._empty is not None:
            _remove(self._empty)
        if self._root is not None:
            _remove(self._root)
        self._root = self._empty = None


def _remove_abandoned(parent: str) -> None:
    """Remove the directories of processes that were killed: a vendor may have left a credential there."""
    try:
        for name in os.listdir(parent):
            place = os.path.join(parent, name)
            if name.startswith(_PREFIX) and os.lstat(place).st_mtime < time.time() - _ABANDONED:
                _remove(place)
    except OSError:
        pass


def _remove(place: str) -> None:
    """Remove a directory of ours with everything in it, following no link."""
    try:
        os.rmdir(place)
    except OSError:
        try:
            import shutil

            shutil.rmtree(place, ignore_errors=True)
            if os.path.lexists(place):
                _open_up(place)
                shutil.rmtree(place, ignore_errors=True)
        except OSError:  # the import itself needs a descriptor
            pass


def _open_up(place: str) -> None:
    """Restore our access to directories whose modes a child changed."""
    try:
        os.chmod(place, 0o700)
        for directory, names, _ in os.walk(place):
            for name in names:
                inner = os.path.join(directory, name)
                if not os.path.islink(inner):
                    os.chmod(inner, 0o700)
    except OSError:
        pass


def _parents(first: str | None) -> Iterator[str]:
    if first is not None:
        yield first
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime) and _is_ours_alone(runtime):
        yield runtime
    temporary = os.environ.get("TMPDIR", "")
    if os.path.isabs(temporary):
        yield temporary
    yield from ("/tmp", "/var/tmp")  # noqa: S108 - a new 0700 directory with a random name


def _is_ours_alone(directory: str) -> bool:
    try:
        facts = os.stat(directory)
    except OSError:
        return False
    return facts.st_uid == os.geteuid() and not facts.st_mode & 0o077


def _make(place: str) -> str:
    os.mkdir(place, 0o700)
    os.chmod(place, 0o700)
    return place


def _write(place: str, content: bytes) -> None:
    fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        os.fchmod(fd, 0o600)
        file.write(content)


def _plain(name: str) -> str:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError("a scratch file needs a plain name")
    return name
