"""The installed program in a real pseudo-terminal, and what its screen shows."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import termios
import time
from fcntl import ioctl
from types import TracebackType
from typing import Self

import pyte

from tests.program import PROGRAM, Program


class Terminal:
    """One run of the program as the foreground job of a terminal of its own."""

    def __init__(
        self,
        program: Program,
        *arguments: str,
        columns: int = 80,
        lines: int = 50,
        executable: str = str(PROGRAM),
        **more: str,
    ) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        environment = program.full_environment(TERM="xterm-256color", **more)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(program.cwd)
            os.execve(executable, [executable, *arguments], environment)
        ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.status: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def wait_for(self, text: str, seconds: float = 20) -> None:
        """Until the terminal was sent that text."""
        end = time.monotonic() + seconds
        while text.encode() not in self.raw:
            assert time.monotonic() < end, f"{text!r} did not come; the screen shows:\n{self.screen}"
            self._read(0.1)

    def wait_until_shown(self, text: str, seconds: float = 20) -> None:
        """Until the screen shows that text, whatever was sent to draw it."""
        end = time.monotonic() + seconds
        while text not in self.screen:
            assert time.monotonic() < end, f"{text!r} is not shown; the screen shows:\n{self.screen}"
            self._read(0.1)

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def end(self, seconds: float = 30) -> int:
        """Wait for the end; the exit code, or minus the signal's number."""
        limit = time.monotonic() + seconds
        while True:
            self._read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self._read(0.05):
                    pass
                self.status = os.waitstatus_to_exitcode(status)
                return self.status
            assert time.monotonic() < limit, self.screen

    @property
    def screen(self) -> str:
        """What is on the screen now, without trailing blanks."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    @property
    def cells(self) -> list[list[pyte.screens.Char]]:
        """The screen's cells, row by row, without the empty rows below."""
        rows = [
            [self._screen.buffer[y][x] for x in range(self._screen.columns)]
            for y in range(self._screen.lines)
        ]
        while rows and all(cell.data == " " for cell in rows[-1]):
            rows.pop()
        return rows

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)
