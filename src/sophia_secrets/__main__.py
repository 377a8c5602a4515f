"""The program: the hot path where it can answer, else the command line."""

import gc
import os
import sys

import sophia_secrets
from sophia_secrets import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def _secure_start() -> None:
    """
    Open descriptors 0 to 2 (F7), remove the current directory from the import path (I10), and disable core
    files (E7; `run` restores the limit for its command).
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            if os.open(os.devnull, os.O_RDONLY if fd != 0 else os.O_WRONLY) != fd:
                os._exit(1)
    here = os.getcwd() if sys.argv[0].endswith("__main__.py") else None
    sys.path[:] = [entry for entry in sys.path if entry not in ("", here)]
    if sys.argv[1:] != ["--version"]:
        import resource

        received = resource.getrlimit(resource.RLIMIT_CORE)
        sophia_secrets.received_core_limit = received
        resource.setrlimit(resource.RLIMIT_CORE, (0, received[1]))


def _answer(arguments: list[str]) -> bytes | None:
    """The output if the full program is not needed, or None."""
    if arguments == ["--version"]:
        return f"sophia-secrets {__version__}\n".encode()
    if arguments == ["completion", "--names"]:
        from sophia_secrets.hot import names

        return names.answer(os.environb)
    if arguments[:1] in (["--help"], ["-h"], ["completion"]):
        from sophia_secrets.view import prebuilt

        return prebuilt.answer(arguments, os.environb)
    if arguments[:1] == ["list"]:
        from sophia_secrets.hot import listing

        return listing.answer(arguments[1:], os.environb)
    if arguments[:2] == ["audit", "log"]:
        from sophia_secrets.hot import audit

        return audit.answer(arguments[2:], os.environb)
    if arguments[:1] != ["get"]:
        return None
    from sophia_secrets import hot

    answer = hot.answer(arguments, os.environb)
    if answer is None:
        from sophia_secrets.hot import missing

        answer = missing.answer(arguments, os.environb)
    return answer


def _run_command(words: list[str]) -> int | None:
    """Become the command, or return the exit code where it could not be started; None if the full program must run."""
    from sophia_secrets.hot.run import prepare
    from sophia_secrets.launch.command import become

    ready = prepare(words, os.environb)
    if ready is None:
        from sophia_secrets.hot import missing

        ready = missing.prepare(words, os.environb)
    if ready is None:
        return None
    try:
        become(ready.command, ready.variables)
    except sophia_secrets.errors.SophiaError as error:
        problem = error
    from sophia_secrets import cli

    return cli.failed(problem)


def _write(data: bytes) -> bytes:
    """Write to standard output; return the rest that could not be written."""
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        pass
    return data


def run() -> int:
    """Run the program and return its exit code."""
    try:
        return _run()
    finally:
        if "sophia_secrets.launch.ahead" in sys.modules:
            from sophia_secrets.launch import ahead

            ahead.drop()


def _run() -> int:
    # Most objects live until the end: collecting garbage would cost a tenth of the start.
    gc.set_threshold(50_000)
    try:
        _secure_start()
    except OSError:
        sys.path[:] = [entry for entry in sys.path if entry]
    if sys.platform == "win32":
        sys.stderr.write("sophia-secrets runs on Linux and macOS; Windows is not supported.\n")
        return 2
    try:
        code = _run_command(sys.argv[3:]) if sys.argv[1:3] == ["run", "--"] else None
        answer = _answer(sys.argv[1:])
        rest = answer and _write(answer)
    except KeyboardInterrupt:
        from sophia_secrets import cli, errors

        return cli.failed(errors.Interrupted("Interrupted."))
    if code is not None:
        return code
    if answer is not None and not rest:
        return 0
    if rest:
        from sophia_secrets import cli

        return cli.deliver(rest)
    from sophia_secrets.launch import termination

    termination.defer()
    from sophia_secrets import cli

    return cli.main()


def main() -> "NoReturn":
    """The entry point of the console script. Exits at once: finalizing Python would take longer than a `get`."""
    code = run()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    if "sophia_secrets.launch.termination" in sys.modules:
        from sophia_secrets.launch import termination

        termination.end_by_signal()
    os._exit(code)


if __name__ == "__main__":
    main()
