"""Starting a vendor's program: standard streams, session and directory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from subprocess import Popen, SubprocessError
from threading import Thread

from sophia_secrets.backends.base import Call
from sophia_secrets.launch.ahead import Running
from sophia_secrets.process.stdin import FILES, METHODS, readable


def spawn(
    call: Call,
    program: str,
    environment: Mapping[str, str],
    directory: str,
    *,
    private: Callable[[], str],
    register: Callable[[Running], object],
) -> Running:
    """
    Start the program; `private` creates the directory of a file for standard input, where one is needed.

    `register` gets the result before anything is started, so that after an interrupt it can still be
    killed. Raises OSError, and ValueError for arguments that cannot be passed to a program.
    """
    running = Running(time.monotonic())
    register(running)
    try:
        with ExitStack() as theirs:
            stdin = readable(call.stdin, private, FILES if call.stdin_as_file else METHODS)
            theirs.callback(os.close, stdin)
            running.stdout, stdout = os.pipe()
            theirs.callback(os.close, stdout)
            running.stderr, stderr = os.pipe()
            theirs.callback(os.close, stderr)
            _start(
                running,
                lambda: Popen(
                    [program, *call.arguments],
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                    cwd=directory,
                    env=dict(environment),
                    start_new_session=True,
                ),
            )
    except BaseException:
        running.kill()
        raise
    return running


def _start(running: Running, start: Callable[[], Popen[bytes]]) -> None:
    """In a thread of its own, so that no interrupt comes between the fork and storing the process id."""
    problems: list[Exception] = []

    def work() -> None:
        try:
            process = start()
        except Exception as problem:  # noqa: BLE001  it is raised where it is waited for
            problems.append(problem)
        else:
            running.pid = process.pid
            process.returncode = 0  # it is reaped by its id, and not by `Popen` again

    thread = Thread(target=work, name="sophia-secrets-start", daemon=True)
    thread.start()
    try:
        thread.join()
    finally:
        while thread.is_alive():
            time.sleep(0.001)
    for problem in problems:
        if not isinstance(problem, SubprocessError):
            raise problem
        raise ValueError("an argument or a variable cannot be passed to a program") from None
