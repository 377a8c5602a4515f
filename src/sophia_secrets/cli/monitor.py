"""
The process between a supervisor and a command with its own terminal.

It is the session leader of that terminal, as a login shell would be, so that the command is an ordinary
job: the keys for interrupt and suspend reach the command's group from its own terminal, and a stopped
command is not in an orphaned process group, which the kernel would refuse to stop. It reports each
change to the supervisor over a pipe, and exits when the supervisor says so or is gone.
"""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

from msgspec import Struct

from sophia_secrets.launch.command import Command

_MESSAGE = struct.Struct("=ii")
_STARTED, _FAILED, _CHANGED = range(3)
_GO_ON, _WAIT = b"!", b"?"


class Streams(Struct, frozen=True):
    """The command's standard descriptors; None means the inherited one."""

    stdin: int | None
    stdout: int | None
    stderr: int | None


def spawn(
    command: Command,
    variables: Mapping[bytes, bytes],
    streams: Streams,
    prepare: Callable[[], None],
) -> int:
    """
    Start the command with these streams and every inherited descriptor; its process id.

    `prepare` is called in the new process just before. Raises OSError.
    """

    def popen(path: str, arguments: Sequence[bytes]) -> int:
        process = subprocess.Popen(
            arguments,
            executable=path,
            env=dict(variables),
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
            close_fds=False,
            preexec_fn=prepare,  # noqa: PLW1509 - there is one thread only
        )
        # It is waited for with WUNTRACED elsewhere; `Popen` must not reap it.
        process.returncode = 0
        return process.pid

    return command.start(popen)


def drop_inherited() -> None:
    """
    Close inherited descriptors that only the command needs.

    Readers that wait for the end of a pipe must not wait for us. Our own descriptors are the
    non-inheritable ones (PEP 446).
    """
    _close(os.get_inheritable)


def _close(which: Callable[[int], bool]) -> None:
    try:
        numbers = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        return
    for fd in numbers:
        with suppress(OSError):
            if fd > 2 and which(fd):
                os.close(fd)


class Monitor:
    """The supervisor's side of the monitor."""

    def __init__(self, start: Callable[[], int], slave: int) -> None:
        """Start it. Raises OSError where the command cannot be started."""
        self._reader, their_writer = os.pipe()
        their_reader, self._writer = os.pipe()
        self.pid = 0
        self._leader = os.fork()
        if self._leader == 0:
            os.close(self._reader)
            os.close(self._writer)
            _lead(start, slave, their_reader, their_writer)
        os.close(their_reader)
        os.close(their_writer)
        kind, number = self._receive() or (_FAILED, 0)
        if kind == _FAILED:
            self.close()
            raise OSError(number, os.strerror(number))
        self.pid = number

    def fileno(self) -> int:
        """Readable when the command has stopped or ended."""
        return self._reader

    def change(self) -> int | None:
        """The next wait status; None where the monitor itself is gone."""
        message = self._receive()
        return message[1] if message is not None else None

    def resume(self) -> None:
        """Continue the stopped command, in the foreground of its terminal."""
        self._answer(_GO_ON)

    def wait(self) -> None:
        """Leave the command stopped."""
        self._answer(_WAIT)

    def _answer(self, word: bytes) -> None:
        with suppress(BrokenPipeError):
            os.write(self._writer, word)

    def close(self) -> None:
        """End the monitor, and reap it."""
        os.close(self._writer)
        os.close(self._reader)
        os.waitpid(self._leader, 0)

    def _receive(self) -> tuple[int, int] | None:
        message = os.read(self._reader, _MESSAGE.size)
        return _MESSAGE.unpack(message) if len(message) == _MESSAGE.size else None


def _lead(start: Callable[[], int], slave: int, reader: int, writer: int) -> NoReturn:
    def send(kind: int, number: int) -> None:
        os.write(writer, _MESSAGE.pack(kind, number))

    try:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        try:
            pid = start()
        except OSError as problem:
            send(_FAILED, problem.errno or 0)
            os._exit(1)
        send(_STARTED, pid)
        # Also the supervisor's descriptors: if it dies, the terminal must hang up.
        _close(lambda fd: fd not in (slave, reader, writer))
        nothing = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(nothing, fd)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        # SIGHUP goes to the session leader only, and its exit sends it to the command.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        _follow(pid, slave, reader, send)
    finally:
        os._exit(0)


def _follow(pid: int, slave: int, reader: int, send: Callable[[int, int], None]) -> None:
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        over = not os.WIFSTOPPED(status)
        if over:
            # Without it the supervisor sees the end of the output as soon as there is one, and
            # may hang up before it has read this.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
            os.close(slave)
        send(_CHANGED, status)
        # The answer, or the end of the pipe: the supervisor has all output, or is gone.
        answer = os.read(reader, 1)
        if not answer or over:
            return
        if answer == _GO_ON:
            with suppress(OSError):
                os.tcsetpgrp(slave, pid)
            with suppress(OSError):
                os.killpg(pid, signal.SIGCONT)
