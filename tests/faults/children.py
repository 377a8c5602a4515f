"""Light child processes: forked, told what to do by a function, heard through a pipe."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable


class Child:
    """A forked process that runs `work`, which is given a `say` for its report, and then exits."""

    def __init__(self, work: Callable[[Callable[[bytes], None]], object]) -> None:
        self._reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 70
            try:
                os.close(self._reader)
                work(lambda report: _say(writer, report))
                code = 0
            except BaseException:
                _say(writer, traceback.format_exc().encode())
            finally:
                os._exit(code)
        os.close(writer)

    def hear(self, size: int) -> bytes:
        """Exactly `size` bytes of the report, or what there was when it ended."""
        heard = b""
        while len(heard) < size and (part := os.read(self._reader, size - len(heard))):
            heard += part
        return heard

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> tuple[int, bytes]:
        """Wait for it: its exit status (negative for a signal) and the rest of its report."""
        report = self.hear(1 << 24)
        os.close(self._reader)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), report


def _say(writer: int, report: bytes) -> None:
    while report:
        report = report[os.write(writer, report) :]


def in_child(work: Callable[[Callable[[bytes], None]], object]) -> bytes:
    """What `work` reported from a process of its own, which must end well."""
    code, report = Child(work).end()
    assert code == 0, report.decode("utf-8", "replace")
    return report
