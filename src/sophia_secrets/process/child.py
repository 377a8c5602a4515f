"""One running child process: its output and its end."""

from __future__ import annotations

import os
import signal
from enum import Enum

from sophia_secrets.backends.base import Call, Completed, Ended
from sophia_secrets.launch.ahead import Running
from sophia_secrets.process.watch import watch

GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL."""
GIVE_UP = 1.0
"""Seconds after SIGKILL at which a child that does not die is given up."""
DRAIN = 0.25
"""Seconds after a child's exit for its own children to close the pipes (V2)."""
STDERR_LIMIT = 65536
CHUNK = 65536
STATUS_LOST = 255
"""The exit code reported where other code reaped the child: no vendor's failure has it."""


class Phase(Enum):
    RUNNING = "running"
    ENDING = "ending"
    KILLED = "killed"
    DRAINING = "draining"
    OVER = "over"


class Child:
    """
    A running vendor's program, in a session of its own.

    The loop calls `read`, `on_exit` and `on_alarm` when a descriptor is ready or the `alarm`
    (monotonic seconds) is due, until the phase is `OVER`; then `close` and `completed`.
    """

    def __init__(self, call: Call, program: str, running: Running, deadline: float) -> None:
        """Take over what was started. Raises OSError; then nothing was changed."""
        self.call = call
        self.program = program
        self.alarm = deadline
        self.phase = Phase.RUNNING
        self._reason: Ended | None = None
        self._status: int | None = None
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._cut = False
        self.gone = False
        self._running = running
        self.stdout, self.stderr = running.stdout, running.stderr
        # The vendor's program runs already, so this import costs no time.
        from sophia_secrets.process.error_text import showable

        self._showable = showable(call)
        os.set_blocking(self.stdout, False)
        os.set_blocking(self.stderr, False)
        self._watch = watch(running.pid)

    @property
    def exit_fd(self) -> int:
        """Readable once the child has exited."""
        return self._watch.fd

    def open_fds(self) -> list[int]:
        """The descriptors to wait on."""
        exit_fd = -1 if self.gone else self._watch.fd
        return [fd for fd in (self.stdout, self.stderr, exit_fd) if fd >= 0]

    def read(self, fd: int, now: float) -> None:
        """Read what a stream has; too much standard output ends the child."""
        try:
            chunk = os.read(fd, CHUNK)
        except BlockingIOError:
            return
        if not chunk:
            self._close_stream(fd)
        elif fd == self.stderr:
            room = STDERR_LIMIT - len(self._stderr)
            self._cut = self._cut or len(chunk) > room
            self._stderr += chunk[:room]
        elif len(self._stdout) + len(chunk) <= self.call.output_limit:
            self._stdout += chunk
        else:
            self._stdout.clear()
            self._close_stream(fd)
            self.end(Ended.TOO_MUCH_OUTPUT, now)
        if self.phase is Phase.DRAINING and self.stdout < 0 and self.stderr < 0:
            self.phase = Phase.OVER

    def on_exit(self, now: float) -> None:
        """The child has exited; processes that it left behind may hold the pipes for a moment only."""
        self.gone = True
        if self._reason is not None:
            self.signal(signal.SIGKILL)
        self.phase = Phase.DRAINING if self.stdout >= 0 or self.stderr >= 0 else Phase.OVER
        self.alarm = now + DRAIN

    def on_alarm(self, now: float) -> None:
        """The alarm is due."""
        match self.phase:
            case Phase.RUNNING:
                self.end(Ended.TIMED_OUT, now)
            case Phase.ENDING:
                self.signal(signal.SIGKILL)
                self.phase = Phase.KILLED
                self.alarm = now + GIVE_UP
            case _:
                self.phase = Phase.OVER

    def end(self, reason: Ended, now: float) -> None:
        """Ask the whole group to end, for this reason."""
        if self._reason is None:
            self._reason = reason
        if self.phase is Phase.RUNNING:
            self.signal(signal.SIGTERM)
            self.phase = Phase.ENDING
            self.alarm = now + GRACE

    def signal(self, number: int) -> None:
        """Signal the child's process group, as long as the number is certainly still that group's."""
        if self._watch.may_signal():
            try:
                os.killpg(self._running.pid, number)
            except OSError:
                pass

    def close(self) -> None:
        """Reap the child and close everything; may be called again."""
        if self._running.over:
            return
        self._running.over = True
        self._cut = self._cut or self.stderr >= 0
        for fd in (self.stdout, self.stderr):
            self._close_stream(fd)
        self._status = self._watch.reap()
        self._watch.close()

    def completed(self) -> Completed:
        """The result; after `close`."""
        from sophia_secrets.process.error_text import error_text

        ended, code, detail = self._outcome()
        return Completed(
            ended,
            code,
            stdout=bytes(self._stdout),
            stderr=error_text(bytes(self._stderr), self.call, cut=self._cut or ended is not Ended.EXITED),
            path=self.program,
            showable=self._showable,
            detail=detail,
        )

    def _outcome(self) -> tuple[Ended, int, str]:
        if self._reason is Ended.TIMED_OUT:
            return self._reason, 0, "it did not end in time"
        if self._reason is not None:
            return self._reason, 0, f"more than {self.call.output_limit} bytes of output"
        if self._status is None:
            return Ended.EXITED, STATUS_LOST, "its exit status was taken by other code of this process"
        code = os.waitstatus_to_exitcode(self._status)
        return (Ended.SIGNALLED, -code, "") if code < 0 else (Ended.EXITED, code, "")

    def _close_stream(self, fd: int) -> None:
        if fd >= 0:
            os.close(fd)
            if fd == self.stdout:
                self.stdout = -1
            else:
                self.stderr = -1
