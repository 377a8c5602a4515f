"""Reading a value from a hidden prompt or from standard input (fault L10)."""

from __future__ import annotations

import os
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from sophia_secrets import errors
from sophia_secrets.cli import streams
from sophia_secrets.core.model import SecretValue

LIMIT = 1024 * 1024
_ENDINGS = (signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)


def ask_value(label: str, *, allow_empty: bool = False) -> SecretValue:
    """
    Ask twice on the terminal, without echo.

    Raises `UsageError` where there is no terminal or the two entries differ, `BadValue` where nothing is
    entered; echo is restored however the prompt ends.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        raise errors.UsageError(
            "There is no terminal to ask for the value.",
            hint="Give the value on standard input or with `--from-file FILE`.",
        ) from None
    try:
        with _no_echo(terminal):
            first = _line(terminal, f"{label}: ")
            if not first and not allow_empty:
                raise errors.BadValue(
                    "Nothing was entered, so nothing was stored.",
                    hint="Run the command again and type the value.",
                )
            second = _line(terminal, "Again, to be sure: ")
    finally:
        os.close(terminal)
    if first != second:
        raise errors.UsageError(
            "The two entries differ, so nothing was stored.", hint="Run the command again."
        )
    return text_value(first)


def text_value(data: bytes) -> SecretValue:
    """The bytes as a value. Raises `BadValue` where they are not UTF-8 text."""
    try:
        return SecretValue(data.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    raise errors.BadValue(
        "The value is not UTF-8 text.", hint="Encode binary values first, for instance with `base64`."
    )


def piped_value(*, raw: bool) -> SecretValue:
    """The value from standard input; one final newline is dropped unless `raw`."""
    data = streams.read_input(LIMIT)
    if not raw:
        data = data.removesuffix(b"\n")
        data = data.removesuffix(b"\r") if data.endswith(b"\r") and b"\n" not in data else data
    return text_value(data)


def _line(terminal: int, label: str) -> bytes:
    os.write(terminal, label.encode())
    typed = bytearray()
    try:
        while not typed.endswith(b"\n"):
            chunk = os.read(terminal, 4096)
            if not chunk:
                break
            typed += chunk
    finally:
        os.write(terminal, b"\n")
    return bytes(typed.removesuffix(b"\n"))


@contextmanager
def _no_echo(terminal: int) -> Iterator[None]:
    before = termios.tcgetattr(terminal)
    no_echo = termios.tcgetattr(terminal)
    no_echo[3] &= ~termios.ECHO

    def leave(number: int, _frame: object) -> None:
        termios.tcsetattr(terminal, termios.TCSANOW, before)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        if number == signal.SIGTSTP:
            signal.signal(number, leave)
            termios.tcsetattr(terminal, termios.TCSAFLUSH, no_echo)

    handlers = {number: signal.signal(number, leave) for number in _ENDINGS}
    termios.tcsetattr(terminal, termios.TCSAFLUSH, no_echo)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
