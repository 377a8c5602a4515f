"""The clipboard, through the desktop's own program; the value goes through its standard input."""

from __future__ import annotations

from collections.abc import Mapping

from sophia_secrets import errors, process
from sophia_secrets.backends.base import Call, one_call
from sophia_secrets.core.model import SecretValue

_PROGRAMS = (
    ("pbcopy", ()),
    ("wl-copy", ()),
    ("xclip", ("-selection", "clipboard")),
    ("xsel", ("--clipboard", "--input")),
)
_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "HOME", "PATH", "LANG")


def put(value: SecretValue, environ: Mapping[str, str]) -> None:
    """Put the value on the clipboard. Raises `CliMissing` where no program for it works."""
    path = environ.get("PATH", "")
    environment = {name: environ[name] for name in _VARIABLES if name in environ}
    data = value.reveal().encode("utf-8", "surrogateescape")
    for program, arguments in _PROGRAMS:
        if process.find_program(program, path) is None:
            continue
        call = Call(program, arguments, environment, stdin=data, timeout=5.0, secrets=(value,), label=program)
        if process.run(one_call(call), path=path).ok:
            return
    raise errors.CliMissing(
        "No clipboard program works here.",
        hint="Install one of pbcopy, wl-copy, xclip or xsel, or leave out `--clip`.",
    )
