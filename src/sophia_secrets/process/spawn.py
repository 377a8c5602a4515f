"""Starting a vendor's program: its standard streams, its session, its directory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from time import monotonic

from sophia_secrets.backends.base import Call
from sophia_secrets.launch.ahead import Running
from sophia_secrets.process.stdin import FILES, WAYS, readable


def spawn(
    call: Call, program: str, environment: Mapping[str, str], directory: str, private: Callable[[], str]
) -> Running:
    """
    Start the program; `private` makes the directory for a file on standard input, if it comes to that.

    Raises OSError, and ValueError for what no program can be given; then nothing is left open.
    """
    from subprocess import Popen, SubprocessError

    with ExitStack() as undo, ExitStack() as theirs:
        stdin = readable(call.stdin, private, FILES if call.stdin_as_file else WAYS)
        theirs.callback(os.close, stdin)
        ours, streams = [], []
        for _ in ("stdout", "stderr"):
            reader, writer = os.pipe()
            undo.callback(os.close, reader)
            theirs.callback(os.close, writer)
            ours.append(reader)
            streams.append(writer)
        at = monotonic()
        try:
            process = Popen(
                [program, *call.arguments],
                stdin=stdin,
                stdout=streams[0],
                stderr=streams[1],
                cwd=directory,
                env=dict(environment),
                start_new_session=True,
            )
        except SubprocessError:
            raise ValueError("an argument or a variable cannot be passed to a program") from None
        process.returncode = 0  # it is waited for by its number, and not by `Popen` again
        undo.pop_all()
        return Running(process.pid, ours[0], ours[1], at)
