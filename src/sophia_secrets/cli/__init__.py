"""The command line: arguments in, one answer on standard output, an exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sophia_secrets import errors
from sophia_secrets.cli.chosen import repeated
from sophia_secrets.cli.options import hoist, leading_options

if TYPE_CHECKING:
    from sophia_secrets.cli import report


def answer(arguments: list[str]) -> int:
    """Run one command line and return its exit code; no exception is raised."""
    from sophia_secrets.cli import frequent, report
    from sophia_secrets.launch import termination

    words = _before_dashes(arguments)
    shown = _shown(words, words)
    try:
        termination.release()
        arguments = hoist(arguments)
        front = leading_options(arguments)
        shown = _shown(front, words, repeated(front))
        plain = frequent.plain(arguments)
        return (plain() if plain is not None else _by_typer(arguments)) or 0
    except KeyboardInterrupt:
        return report.failed(errors.Interrupted("Interrupted."), shown)
    except errors.SophiaError as error:
        return report.failed(error, shown)
    except Exception as error:  # noqa: BLE001  the last line of defence: nothing leaves as a traceback
        return report.unexpected(error, shown)


def _shown(options: list[str], words: list[str], chosen: str = "") -> report.OutputMode:
    from sophia_secrets.cli import report

    return report.OutputMode(
        "--json" in options, "--debug" in options, "--no-color" in options, tuple(words), chosen
    )


def _by_typer(arguments: list[str]) -> int:
    import io
    from contextlib import redirect_stdout

    import typer.main

    from sophia_secrets.cli import streams
    from sophia_secrets.cli.app import PROGRAM, app

    command: Any = typer.main.get_command(app)
    # Typer prints pages of help; they are delivered as any answer.
    with redirect_stdout(io.StringIO()) as page:
        code = command.main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    streams.deliver(page.getvalue().encode())
    return code if isinstance(code, int) else 0


def _before_dashes(arguments: list[str]) -> list[str]:
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def failed(error: errors.SophiaError) -> int:
    """Report an error of the hot path, and return its exit code."""
    from sophia_secrets.cli import report

    return report.failed(error, report.OutputMode(json=False, debug=False))


def deliver(rest: bytes) -> int:
    """Print the rest of an answer that standard output did not take at once, and return the exit code."""
    from sophia_secrets.cli import streams

    try:
        streams.deliver(rest)
    except errors.OutputFailed as error:
        return failed(error)
    return 0


def main() -> int:
    """The command line, after the hot path."""
    from sophia_secrets.cli import streams
    from sophia_secrets.launch import termination

    code = answer(sys.argv[1:])
    termination.end_at_once()
    streams.flush_python_streams()
    return code
