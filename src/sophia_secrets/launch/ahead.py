"""
A vendor's program started while the rest of this program is still being imported.

The hot path starts it where a route says which call will be made. The runner takes it over for that
call; any other call is started as usual.
"""

from __future__ import annotations

import os
import time

from sophia_secrets.launch.inherited import IGNORED_BY_PYTHON
from sophia_secrets.launch.private import PrivateDirectory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable, Mapping
else:
    import _signal as signal  # `signal` itself makes enumerations of it


class Running:
    """
    A program in a session of its own, and our ends of its output.

    `at` is the time of its start (monotonic seconds), `pid` is 0 until it is known. Whoever reaps it and
    closes the streams sets `over`.
    """

    __slots__ = ("at", "over", "pid", "stderr", "stdout")

    def __init__(self, at: float) -> None:
        self.at = at
        self.pid = 0
        self.stdout = self.stderr = -1
        self.over = False

    def kill(self) -> None:
        """Kill its process group, reap it and close the streams; no effect where it is over."""
        if self.over:
            return
        self.over = True
        try:
            if self.pid:
                os.killpg(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        except OSError:
            pass
        for fd in (self.stdout, self.stderr):
            if fd >= 0:
                os.close(fd)


class Plan:
    """
    What is started for a call with empty standard input in an empty directory.

    `scratch` are private directories to create: the variable that names each, and its files.
    """

    __slots__ = ("arguments", "environment", "program", "scratch")

    def __init__(
        self,
        program: str,
        arguments: Iterable[str],
        environment: Mapping[str, str],
        scratch: Iterable[tuple[str, Mapping[str, bytes]]] = (),
    ) -> None:
        self.program = program
        self.arguments = tuple(arguments)
        self.environment = dict(environment)
        self.scratch = tuple((variable, dict(files)) for variable, files in scratch)

    def matches(self, other: Plan) -> bool:
        """Whether both start the same program in the same way."""
        return all(getattr(self, name) == getattr(other, name) for name in Plan.__slots__)


class Ahead:
    """A started plan, with its private directories."""

    __slots__ = ("places", "plan", "private", "running")

    def __init__(self, plan: Plan, parent: str) -> None:
        """Start it; `parent` is where private directories go. Raises OSError and ValueError; then nothing is left."""
        self.plan = plan
        self.private = PrivateDirectory(parent)
        self.places: list[str] = []
        try:
            environment = dict(plan.environment)
            for variable, files in plan.scratch:
                self.places.append(self.private.lay_out(files, {}))
                environment[variable] = self.places[-1]
            self.running = _start([plan.program, *plan.arguments], environment, self.private.empty())
        except BaseException:
            self.private.remove()
            raise

    def drop(self) -> None:
        """End it: no call needs it."""
        self.running.kill()
        self.private.remove()


_under_way: list[Ahead] = []


def begin(plan: Plan, parent: str) -> None:
    """Start a plan and keep it for the runner. Raises OSError and ValueError."""
    _under_way.append(Ahead(plan, parent))


def take() -> Ahead | None:
    """What was started; the caller owns it from now on."""
    return _under_way.pop() if _under_way else None


def drop() -> None:
    """End what was not taken."""
    while (left := take()) is not None:
        left.drop()


def _start(words: list[str], environment: Mapping[str, str], directory: str) -> Running:
    """
    Start a program as `process` does: empty standard input, its own session, none of our descriptors.
    For a process with one thread: the working directory changes for a moment.
    """
    running = Running(time.monotonic())
    actions: list[tuple[int, ...]] = [(os.POSIX_SPAWN_CLOSE, fd) for fd in _inherited()]
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    theirs = [here]
    try:
        stdin, writer = os.pipe()
        theirs.append(stdin)
        os.close(writer)
        running.stdout, stdout = os.pipe()
        theirs.append(stdout)
        running.stderr, stderr = os.pipe()
        theirs.append(stderr)
        actions += [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate((stdin, stdout, stderr))]
        os.chdir(directory)
        try:
            running.pid = os.posix_spawn(
                words[0],
                words,
                environment,
                file_actions=actions,
                setsid=True,
                setsigdef=[getattr(signal, name) for name in IGNORED_BY_PYTHON if hasattr(signal, name)],
            )
        finally:
            os.fchdir(here)
    except BaseException:
        running.kill()
        raise
    finally:
        for fd in theirs:
            os.close(fd)
    return running


def _inherited() -> list[int]:
    """The descriptors from 3 on that a program would inherit."""
    found = []
    for fd in map(int, os.listdir("/dev/fd")):
        try:
            if fd > 2 and os.get_inheritable(fd):
                found.append(fd)
        except OSError:
            continue  # the listing's own
    return found
