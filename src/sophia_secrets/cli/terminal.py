"""The user's terminal while a supervised command has its own pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import termios
import tty
from collections.abc import Sequence
from typing import Any

_NO_SIZE = bytes(8)


class Terminal:
    """
    The controlling terminal of this process, at a descriptor.

    It is in raw mode only while this process's job is in the foreground, so that it is never taken from
    the shell.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._before: list[Any] | None = None

    @property
    def is_raw(self) -> bool:
        return self._before is not None

    def in_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self.fd) == os.getpgrp()
        except OSError:
            return False

    def enter_raw(self) -> None:
        """Switch to raw mode; no effect in the background."""
        if self._before is None and self.in_foreground():
            before = termios.tcgetattr(self.fd)
            tty.setraw(self.fd, termios.TCSADRAIN)
            self._before = before

    def leave_raw(self) -> None:
        """Restore the modes, unless the shell has taken the terminal back."""
        before, self._before = self._before, None
        if before is not None and self.in_foreground():
            try:
                termios.tcsetattr(self.fd, termios.TCSADRAIN, before)
            except termios.error:  # the terminal is gone
                pass


def is_keyboard_ours() -> bool:
    """Whether this process's job is in the foreground, so that keyboard signals reach it."""
    try:
        controlling = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return Terminal(controlling).in_foreground()
    finally:
        os.close(controlling)


def is_controlling(fd: int) -> bool:
    """Whether the descriptor is this process's controlling terminal."""
    try:
        os.tcgetpgrp(fd)
    except OSError:
        return False
    return True


def open_like(fd: int, *, processed: bool) -> tuple[int, int]:
    """
    A new pseudo-terminal (master, slave) with the modes and the size of the terminal at `fd`.

    Unless `processed`, its output is unchanged, because it is processed by another terminal after it.
    Raises OSError.
    """
    master, slave = os.openpty()
    try:
        modes = termios.tcgetattr(fd)
        if not processed:
            modes[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        copy_size(fd, master)
    except termios.error:
        pass
    return master, slave


def copy_size(source: int, goal: int) -> None:
    """Give one terminal the window size of another."""
    try:
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, _NO_SIZE)
        fcntl.ioctl(goal, termios.TIOCSWINSZ, size)
    except OSError:
        pass


def first_terminal(fds: Sequence[int]) -> int | None:
    """The first of the descriptors that is a terminal."""
    return next((fd for fd in fds if os.isatty(fd)), None)
