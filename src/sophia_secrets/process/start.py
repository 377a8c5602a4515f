"""Starting a call: its program, its environment and directories, or the kind of failure."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from time import monotonic

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.backends.base import Call, Completed, Ended
from sophia_secrets.launch.ahead import Ahead, Running
from sophia_secrets.launch.private import PrivateDirectory
from sophia_secrets.process.child import Child
from sophia_secrets.process.find import LookupResult, look_up
from sophia_secrets.process.plan import plan
from sophia_secrets.process.spawn import spawn


class StartedCall(Struct, eq=False):
    """A child with its scratch directories; `at` is the start in monotonic seconds."""

    child: Child
    at: float
    scratch: list[str]
    private: PrivateDirectory

    def close(self) -> None:
        """Reap the child and remove its scratch directories."""
        self.child.close()
        for place in self.scratch:
            self.private.clear(place)


class Starter:
    """
    Starts the calls of one run; a command name is looked up once.

    A program started `ahead` is taken over by the call that it was started for. `close` kills what is
    left: a program that no call took over, or one at an interrupt.
    """

    def __init__(
        self,
        programs: Mapping[str, str | None],
        path: str,
        deadline: float | None,
        private: PrivateDirectory,
        ahead: Ahead | None,
    ) -> None:
        self._programs = programs
        self._path = path
        self._deadline = float("inf") if deadline is None else deadline
        self._private = private
        self._ahead = ahead
        self._all = [ahead.running] if ahead is not None else []
        self._found: dict[str, LookupResult] = {}

    def start(self, call: Call) -> StartedCall | Completed:
        """The running child, or why there is none. A failure tells only its kind and a path."""
        now = monotonic()
        if now >= self._deadline:
            return Completed(Ended.TIMED_OUT, detail="no time was left to start it")
        found = self._find(call.program)
        if found.ended is not None:
            return Completed(found.ended, detail=found.detail)
        scratch: list[str] = []
        running: Running | None = None
        child: Child | None = None
        problem: OSError | None = None
        try:
            running = self._taken_over(call, found.path, scratch) or self._spawn(call, found.path, scratch)
            child = Child(call, found.path, running, min(running.at + call.timeout, self._deadline))
        except OSError as error:
            problem = error
        except ValueError:
            pass  # A NUL or a lone surrogate; the error's attributes hold the text it is in.
        finally:
            if child is None:
                if running is not None:
                    running.kill()
                for place in scratch:
                    self._private.clear(place)
        if running is not None and child is not None:
            return StartedCall(child, running.at, scratch, self._private)
        return _not_started(found.path, problem)

    def close(self) -> None:
        """Kill what is still running."""
        for running in self._all:
            running.kill()

    def _find(self, word: str) -> LookupResult:
        if word not in self._found:
            self._found[word] = look_up(word, self._path, self._programs.get(word))
        return self._found[word]

    def _taken_over(self, call: Call, program: str, scratch: list[str]) -> Running | None:
        ahead = self._ahead
        if ahead is None:
            return None
        wanted = plan(program, call)
        if wanted is None or not ahead.plan.matches(wanted):
            return None
        self._ahead = None
        scratch += ahead.places
        return ahead.running

    def _spawn(self, call: Call, program: str, scratch: list[str]) -> Running:
        """Raises OSError and ValueError; `scratch` gets each directory that was laid out."""
        environment = dict(call.environment)
        for one in call.scratch:
            scratch.append(self._private.lay_out(one.files, one.links))
            environment[one.variable] = scratch[-1]
        directory = self._private.empty() if call.directory is None else call.directory
        return spawn(
            call, program, environment, directory, private=self._private.root, register=self._all.append
        )


def _not_started(path: str, problem: OSError | None) -> Completed:
    ended = Ended.NOT_RUNNABLE
    if problem is None:
        detail = "an argument or a variable cannot be passed to a program"
    elif problem.errno == errno.ENOENT and problem.filename == path:
        # The kernel says the same of a script whose interpreter is missing.
        there = os.path.exists(path)
        ended = Ended.NOT_RUNNABLE if there else Ended.NOT_FOUND
        detail = f"the interpreter of {path} does not exist" if there else f"{path} does not exist"
    else:
        reason = errors.reason_of(problem, "it cannot be started")
        where = problem.filename if isinstance(problem.filename, str) else ""
        detail = f"{where}: {reason}" if where else reason
    return Completed(ended, path=path, detail=detail)
