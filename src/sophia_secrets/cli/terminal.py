"""The user's terminal while a supervised command has one of its own in front of it."""

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
    The terminal at a descriptor, which is this process's own (its controlling one).

    Made raw only while this process's job is in the foreground, so that nothing here ever takes
    the terminal from the shell.
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
        """Every key goes through as the bytes it is; nothing happens in the background."""
        if self._before is None and self.in_foreground():
            before = termios.tcgetattr(self.fd)
            tty.setraw(self.fd, termios.TCSADRAIN)
            self._before = before

    def leave_raw(self) -> None:
        """The modes as they were, unless the shell has the terminal back already."""
        before, self._before = self._before, None
        if before is not None and self.in_foreground():
            try:
                termios.tcsetattr(self.fd, termios.TCSADRAIN, before)
            except termios.error:  # the terminal is gone
                pass


def is_keyboard_ours() -> bool:
    """Whether this process's job is the one that its terminal's keys for signals reach."""
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

    Unless `processed`, its output passes unchanged, because a terminal that processes it follows.
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
