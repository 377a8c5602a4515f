"""Failing, shortening or dying at the n-th call that touches the disk."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

CALLS = (
    (os, "open"),
    (os, "write"),
    (os, "pwrite"),
    (os, "fsync"),
    (os, "rename"),
    (os, "ftruncate"),
    (os, "unlink"),
)
Act = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


@contextmanager
def each_call(act: Act | None, at: int, *, locks: bool = False) -> Iterator[list[int]]:
    """Count the calls; let `act` stand in for the `at`-th, counted from 1."""
    count = [0]
    real = [(module, name, getattr(module, name)) for module, name in CALLS]
    if locks:
        real.append((fcntl, "flock", fcntl.flock))

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            count[0] += 1
            if count[0] == at and act is not None:
                return act(function, args, kwargs)
            return function(*args, **kwargs)

        return call

    for module, name, function in real:
        setattr(module, name, counted(function))
    try:
        yield count
    finally:
        for module, name, function in real:
            setattr(module, name, function)


def failing(number: int) -> Act:
    """The call fails with that error number and does nothing."""

    def act(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise OSError(number, os.strerror(number))

    return act


# A write in place is done or not done: the kernel copies a page of it at a time, and nothing that
# is written in place here (the head, a page of counters) crosses a page's edge.


def half_and_full(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A write puts down half of what it was given, and then the disk is full; other calls fail."""
    if function.__name__ == "write":
        function(args[0], bytes(args[1])[: len(args[1]) // 2])
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def dying(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The process is killed just before the call."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying_halfway(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The process is killed with half of a write done, or just after any other call."""
    if function.__name__ == "write":
        function(args[0], bytes(args[1])[: len(args[1]) // 2])
    else:
        function(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)


def in_a_child(work: Callable[[Callable[[int], None]], None]) -> tuple[list[int], int]:
    """
    Run `work` in a forked process, which may die. It is handed a function that acknowledges a
    number (below 256); gives the numbers acknowledged, and how the child ended (`waitpid` status).
    """
    reader, writer = os.pipe()
    real_write, real_exit = os.write, os._exit
    pid = os.fork()
    if not pid:
        try:
            os.close(reader)
            work(lambda number: (real_write(writer, bytes([number])), None)[1])
            real_exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            real_exit(1)
    os.close(writer)
    told = b""
    while piece := os.read(reader, 4096):
        told += piece
    os.close(reader)
    return list(told), os.waitpid(pid, 0)[1]


def in_children(count: int, work: Callable[[int], None]) -> None:
    """Run `work(0)`, … side by side in processes of their own; all must end well."""
    pids = []
    for number in range(count):
        pid = os.fork()
        if not pid:
            code = 1
            try:
                work(number)
                code = 0
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(code)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * count
