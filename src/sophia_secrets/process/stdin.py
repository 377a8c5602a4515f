"""
A child's standard input, complete before the child starts (X5).

Whenever our process dies, the child has all of it or was never started: a vendor never stores half
of a value.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable

PIPE = 65536
"""Bytes that an ordinary pipe holds without a reader."""
LARGE_PIPE = 1024 * 1024
"""The usual `/proc/sys/fs/pipe-max-size`."""

Method = Callable[[bytes, Callable[[], str]], int | None]


def in_pipe(content: bytes, _private: Callable[[], str]) -> int | None:
    """In a pipe whose writing end is closed, or None where it does not fit."""
    if len(content) > LARGE_PIPE:
        return None
    reader, writer = os.pipe()
    fits = False
    try:
        if len(content) > PIPE and hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, len(content))
        os.set_blocking(writer, False)
        # A user with many large pipes gets small new ones (`pipe-user-pages-soft`): count.
        fits = not content or os.write(writer, content) == len(content)
    except OSError:
        pass
    finally:
        os.close(writer)
        if not fits:
            os.close(reader)
    return reader if fits else None


def in_memory(content: bytes, _private: Callable[[], str]) -> int | None:
    """In an anonymous memory file, or None where the system has none."""
    if not hasattr(os, "memfd_create"):
        return None
    try:
        fd = os.memfd_create("stdin", os.MFD_CLOEXEC)
    except OSError:
        return None
    return _filled(fd, content)


def in_file(content: bytes, private: Callable[[], str]) -> int | None:
    """In a 0600 file without a name, made in a private directory; raises OSError."""
    place = os.path.join(private(), f"stdin-{os.urandom(8).hex()}")
    fd = os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.unlink(place)
    return _filled(fd, content)


FILES: tuple[Method, ...] = (in_memory, in_file)
"""Those that a program can read by opening `/dev/stdin` itself, more than once (Linux)."""
METHODS: tuple[Method, ...] = (in_pipe, *FILES)


def readable(content: bytes, private: Callable[[], str], ways: tuple[Method, ...] = METHODS) -> int:
    """
    A descriptor that gives exactly `content` and then the end of file; the caller closes it.

    Never a character device, not even for empty content: flyctl takes one for a terminal
    (superfly/flyctl helpers/stdin.go). Raises OSError.
    """
    for way in ways:
        fd = way(content, private)
        if fd is not None:
            return fd
    raise OSError("standard input cannot be prepared")


def _filled(fd: int, content: bytes) -> int:
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(fd, left) :]
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return fd
