"""Reporting errors as text or JSON, with their exit code."""

from __future__ import annotations

import os

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.cli import streams
from sophia_secrets.cli.chosen import with_options
from sophia_secrets.cli.console import Console
from sophia_secrets.core.text import sentence


class OutputMode(Struct, frozen=True):
    """How this start of the program speaks; `chosen` are the options that chose the settings."""

    json: bool
    debug: bool
    no_color: bool = False
    words: tuple[str, ...] = ()
    chosen: str = ""


def failed(error: errors.SophiaError, shown: OutputMode) -> int:
    """Report an error and return its exit code."""
    if shown.debug and error.__traceback__ is not None:
        _traceback(error)
    console = Console(json=shown.json, no_color=shown.no_color, environ=os.environ, chosen=shown.chosen)
    message, hint = sentence(error.message), sentence(error.hint)
    if shown.json:
        shape = {
            "schema": 1,
            "error": {
                "kind": error.kind,
                "message": with_options(message, shown.chosen),
                "hint": with_options(hint, shown.chosen),
                "backend": error.backend or None,
                "target": error.target or None,
            },
        }
        try:
            import json

            streams.deliver((json.dumps(shape, ensure_ascii=True) + "\n").encode())
        except errors.OutputFailed as problem:
            console.error(problem.message, problem.hint)
    else:
        console.error(message, hint)
    return error.exit_code


def unexpected(error: Exception, shown: OutputMode) -> int:
    """
    Report any other exception: a usage error of Typer, or a bug.

    Of a bug only its class and place are shown, because its text may hold a value.
    """
    if callable(getattr(error, "format_message", None)):
        from sophia_secrets.cli.usage_errors import as_usage_error

        return failed(as_usage_error(error, shown.words), shown)
    if isinstance(error, BrokenPipeError):
        streams.die_by_sigpipe()
    if isinstance(error, FileNotFoundError) and _is_directory_gone():
        return failed(
            errors.UsageError(
                "The working directory is gone.", hint="Change to one that is there, such as with `cd ~`."
            ),
            shown,
        )
    if type(error).__name__ == "Abort":
        return failed(errors.Interrupted("Interrupted."), shown)
    if shown.debug:
        _traceback(error)
    return failed(
        errors.SophiaError(
            f"Something went wrong that should not have ({type(error).__name__} at {_place(error)}).",
            hint="Run it again with `--debug` and report what it shows; values are redacted there.",
        ),
        shown,
    )


def _is_directory_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"


def _traceback(error: BaseException) -> None:
    """The position of each frame, without locals and the texts of exceptions."""
    lines = ["traceback, outermost first:"]
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        lines.append(f"  {code.co_filename}:{trace.tb_lineno} in {code.co_name}")
        trace = trace.tb_next
    streams.say("\n".join(lines) + "\n")
