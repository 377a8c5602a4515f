"""
`run --mask`: run the command as a child of this process, with secret values masked in its output.

With `run` and `monitor` this is the one place of the command line that starts a program. Where
standard output or error was a terminal the command has a pseudo-terminal; elsewhere a pipe for
each, or one for both where they are one file. Where standard input and output are the terminal,
the pseudo-terminal is the command's whole terminal (a session of its own, keys passed on as they
are); else the command stays in this job and keeps its standard input.

This prevents accidents. What the command writes elsewhere, and values that it encodes in its own way
(letter by letter, encrypted, with colour codes inside), are not masked. A tail of the output that could
be the start of a value is held back until that is decided. Processes that the command leaves running
lose these outputs a quarter of a second after its end.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import NoReturn

from sophia_secrets.cli.monitor import Monitor, Streams, drop_inherited, spawn
from sophia_secrets.cli.relay import Relay
from sophia_secrets.cli.terminal import (
    Terminal,
    copy_size,
    first_terminal,
    is_controlling,
    is_keyboard_ours,
    open_like,
)
from sophia_secrets.core.redact import Masker
from sophia_secrets.launch import inherited
from sophia_secrets.launch.command import Command, not_started

_LOOK = 0.5
"""Seconds between two checks whether the shell has brought this job to the foreground."""
_FORWARDED = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_FROM_KEYS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)
_JOB_STOPS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_WATCHED = (*_FORWARDED, signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH, signal.SIGCHLD)


def supervise(command: Command, variables: Mapping[bytes, bytes], values: Iterable[str]) -> NoReturn:
    """
    Run the command and end as it did: with its exit code, or by the signal that killed it.

    Raises the error of `launch.command.not_started` where the system does not start it.
    """
    known = list(values)
    _end_as(Supervisor(command, variables, lambda: Masker(known)).run())


class Supervisor:
    """One supervised command, from its start to its wait status."""

    def __init__(
        self, command: Command, variables: Mapping[bytes, bytes], masker: Callable[[], Masker]
    ) -> None:
        """Start the command. Raises `errors.SophiaError` where it cannot be started."""
        self._relay = Relay(masker)
        self._keys = b""
        self._master = -1
        self._shown = -1
        self._terminal: Terminal | None = None
        self._monitor: Monitor | None = None
        self._status: int | None = None
        self._wake, waker = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(waker, False)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        problem: OSError | None = None
        try:
            self._pid = self._start(command, variables, mask)
        except OSError as error:
            problem = error
        if problem is None:
            signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
            for number in _WATCHED:
                # Signals that were ignored at the start stay ignored, for us and for the command.
                if signal.getsignal(number) != signal.SIG_IGN:
                    signal.signal(number, self._signalled)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if problem is not None:
            raise not_started(command, problem)
        drop_inherited()

    def _start(self, command: Command, variables: Mapping[bytes, bytes], mask: Iterable[int]) -> int:
        shown = first_terminal((1, 2))
        # In a pipeline another program, such as a pager, may read the keys.
        whole = shown == 1 and first_terminal((0,)) == 0 and is_controlling(0)
        slave = -1
        if shown is not None:
            try:
                self._master, slave = open_like(shown, processed=whole)
                self._shown = shown
            except OSError:  # no pseudo-terminals here: pipes do, without colour
                whole = False
        theirs = self._ends(slave)
        streams = Streams(slave if whole else None, theirs.get(1), theirs.get(2))
        # Where it is ignored, children cannot be waited for.
        children = signal.signal(signal.SIGCHLD, signal.SIG_DFL)

        def prepare() -> None:
            signal.signal(signal.SIGCHLD, children)
            if whole:
                os.setpgid(0, 0)
                before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
                os.tcsetpgrp(slave, os.getpid())
                signal.signal(signal.SIGTTOU, before)
            if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
                signal.signal(signal.SIGINT, signal.SIG_DFL)
            inherited.restore()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

        def start() -> int:
            return spawn(command, variables, streams, prepare)

        try:
            if whole:
                self._monitor = Monitor(start, slave)
                self._terminal = Terminal(0)
                return self._monitor.pid
            pid = start()
        finally:
            for fd in {*theirs.values(), *([slave] if slave >= 0 else [])}:
                os.close(fd)
        # Only the command keeps standard input, so that its other end sees when the command closes it.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        return pid

    def _ends(self, slave: int) -> dict[int, int]:
        """The command's ends of its outputs, by descriptor number; our ends go to the relay."""
        theirs: dict[int, int] = {}
        for fd in (1, 2):
            if slave >= 0 and first_terminal((fd,)) == fd:
                theirs[fd] = slave
            elif fd == 2 and theirs.get(1, slave) != slave and os.path.sameopenfile(1, 2):
                theirs[2] = theirs[1]
            elif os.get_inheritable(fd):  # else it was closed when we received it (F7)
                reader, theirs[fd] = os.pipe()
                self._relay.add(reader, fd)
        if slave >= 0:
            os.set_blocking(self._master, False)
            self._relay.add(self._master, self._shown)
        return theirs

    def run(self) -> int:
        """Relay everything until the command's end; its wait status."""
        try:
            while self._status is None:
                self._poll()
            self._relay.finish()
        finally:
            if self._terminal is not None:
                self._terminal.leave_raw()
        if self._monitor is not None:
            self._monitor.close()
        return self._status

    def _poll(self) -> None:
        reading = [*self._relay.sources(), self._wake]
        timeout = None
        if self._monitor is not None:
            reading.append(self._monitor.fileno())
        if self._terminal is not None and self._master in self._relay:
            self._terminal.enter_raw()
            if not self._terminal.is_raw:
                timeout = _LOOK
            elif not self._keys:
                reading.append(self._terminal.fd)
        writing = [self._master] if self._keys else []
        ready, writable, _ = select.select(reading, writing, [], timeout)
        if self._wake in ready:
            with suppress(BlockingIOError):
                os.read(self._wake, 4096)
        if self._terminal is not None and self._terminal.fd in ready:
            self._read_keys(self._terminal)
        elif writable:
            self._send_keys()
        for source in ready:
            if source in self._relay:
                self._relay.pass_on(source)
        if self._keys and self._master not in self._relay:
            self._keys = b""
        self._check_command(ready)

    def _check_command(self, ready: Iterable[int]) -> None:
        if self._monitor is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG | os.WUNTRACED)
            if pid:
                self._changed(status)
        elif self._monitor.fileno() in ready:
            change = self._monitor.change()
            # Without its monitor the command has lost its terminal, and its end is unknown.
            self._changed(signal.SIGHUP if change is None else change)

    def _changed(self, status: int) -> None:
        if not os.WIFSTOPPED(status):
            self._status = status
        elif os.WSTOPSIG(status) in _JOB_STOPS:
            self._stop_too()
        elif self._monitor is not None:
            self._monitor.wait()

    def _stop_too(self) -> None:
        """Stop as the command did, so that the shell sees one job; returns when the shell continues us."""
        self._relay.pass_on_ready()
        if self._monitor is None:
            # The command is stopped in this same job: only this process is left to stop.
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        if self._terminal is not None:
            self._terminal.leave_raw()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.killpg(0, signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)
        if self._terminal is not None:
            self._terminal.enter_raw()
        self._resize()
        self._monitor.resume()

    def _read_keys(self, terminal: Terminal) -> None:
        try:
            self._keys = os.read(terminal.fd, 4096)
        except OSError:
            self._keys = b""
        if self._keys:
            self._send_keys()
        else:  # hung up
            terminal.leave_raw()
            self._terminal = None

    def _send_keys(self) -> None:
        try:
            self._keys = self._keys[os.write(self._master, self._keys) :]
        except BlockingIOError:
            pass
        except OSError:
            self._keys = b""

    def _resize(self) -> None:
        if self._master in self._relay:
            copy_size(self._shown, self._master)

    def _signalled(self, number: int, _frame: object) -> None:
        if number == signal.SIGWINCH:
            self._resize()
        elif number == signal.SIGCONT and self._terminal is not None:
            self._terminal.leave_raw()
            self._terminal.enter_raw()
        if number == signal.SIGTSTP and self._monitor is not None:
            with suppress(OSError):
                os.killpg(self._pid, number)
        elif number in _FORWARDED or self._monitor is None:
            # A command in this job has received a signal from the keyboard already.
            heard = number in _FROM_KEYS and self._monitor is None and is_keyboard_ours()
            if number != signal.SIGCHLD and not heard and self._status is None:
                with suppress(OSError):
                    os.kill(self._pid, number)


def _end_as(status: int) -> NoReturn:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        code = 128 - code
    os._exit(code)
