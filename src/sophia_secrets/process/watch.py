"""Noticing the exit of a child independently of its pipes, which other processes may hold (V2)."""

from __future__ import annotations

import os


class PidfdWatch:
    """`fd` becomes readable at the exit; the child stays a zombie, and its group number in use, until `reap`."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.fd = os.pidfd_open(pid)

    def may_signal(self) -> bool:
        """Whether the process group's number is certainly still the child's."""
        return True

    def reap(self) -> int | None:
        """The wait status; None where other code reaped the child, or it has not exited."""
        try:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
        except ChildProcessError:
            return None
        return status if pid else None

    def close(self) -> None:
        os.close(self.fd)


class ThreadWatch:
    """The same where the system has no process descriptors (macOS): a thread that waits."""

    def __init__(self, pid: int) -> None:
        import threading

        self._pid = pid
        self._status: int | None = None
        self._gone = False
        self.fd, self._writer = os.pipe()
        self._thread = threading.Thread(target=self._wait, name="sophia-secrets-wait", daemon=True)
        self._thread.start()

    def _wait(self) -> None:
        try:
            self._status = os.waitpid(self._pid, 0)[1]
        except ChildProcessError:
            pass
        self._gone = True
        os.close(self._writer)

    def may_signal(self) -> bool:
        """Whether the process group's number is certainly still the child's."""
        return not self._gone

    def reap(self) -> int | None:
        """The wait status; None where other code reaped the child, or it has not exited."""
        return self._status

    def close(self) -> None:
        os.close(self.fd)
        if self._gone:
            self._thread.join()


Watch = PidfdWatch | ThreadWatch


def watch(pid: int) -> Watch:
    """A watch on a child that has not been reaped; raises OSError."""
    if hasattr(os, "pidfd_open"):
        try:
            return PidfdWatch(pid)
        except OSError:  # an old kernel, a seccomp filter or no free descriptor
            pass
    return ThreadWatch(pid)
