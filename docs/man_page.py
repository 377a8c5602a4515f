"""The manual page `sophia-secrets(1)`, made from the program in man(7): what `man sophia-secrets` shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import typer.main

from docs.reference_pages import PROGRAM, _is_option, _shown, _unwrapped, _usage
from sophia_secrets import __version__
from sophia_secrets.cli.app import app
from sophia_secrets.cli.commands import ALIASES, COMMANDS
from sophia_secrets.cli.help import EXIT_CODES
from sophia_secrets.settings.table import ROWS, SPECIAL_VARIABLES, TABLES

FILES = (
    ("~/.config/sophia-secrets/config.toml", "Your settings. Must not be writable by others."),
    ("sophia-secrets.toml", "The project's settings, looked for as far up as the repository's root."),
    ("pyproject.toml", "The project's settings too, under `[tool.sophia-secrets]`."),
    ("sophia-secrets.local.toml", "The project's settings of this checkout alone, not committed."),
    ("~/.local/state/sophia-secrets/key", "The key of the cache and the audit log."),
    ("~/.local/state/sophia-secrets/secrets.env.age", "The local vault, encrypted."),
    ("~/.local/state/sophia-secrets/identity.txt", "The age identity that opens it."),
    ("~/.local/state/sophia-secrets/audit/", "The audit log, its head, counters and facts. No values."),
    ("~/.local/state/sophia-secrets/pending/", "The sealed new values of interrupted rotations."),
    ("~/.local/state/sophia-secrets/trust/", "Which settings files of projects you trust."),
    ("~/.local/state/sophia-secrets/*.lock", "Empty; held while a file beside them is changed."),
    ("~/.cache/sophia-secrets/", "Encrypted records of vendors' answers; compiled routes."),
)  # fmt: skip

EXAMPLES = (
    ("Store a secret in the local vault, from a hidden prompt:", "set API_KEY --backend local"),
    ("Run a command with the declared secrets in its environment:", "run -- ./deploy.sh"),
    ("See who answers for a name, and who else holds it:", "explain API_KEY"),
)


def man_page() -> str:
    """The whole page. It has no date: the version says what it describes, and the page changes with nothing else."""
    root: Any = typer.main.get_command(app)
    context = root.make_context(PROGRAM, ["help"], resilient_parsing=True)
    lines = [
        '.\\" Made by docs/build.py from the program: edit the program, then run `make docs`.',
        f'.TH SOPHIA\\-SECRETS 1 "" "sophia\\-secrets {__version__}" "User Commands"',
        ".SH NAME",
        f"{roff(PROGRAM)} \\- {roff('the right secret from the right place, and why')}",
        ".SH SYNOPSIS",
        ".nf",
        f"\\fB{roff(PROGRAM)}\\fP [\\fIOPTIONS\\fP] \\fICOMMAND\\fP [\\fIARGUMENTS\\fP]",
        ".fi",
        ".SH DESCRIPTION",
        *_paragraphs(_unwrapped(root.help or "").partition("\n\n")[2]),
        ".PP",
        roff("A value is never an argument: `set` takes it from a hidden prompt or from standard input."),
        ".SH OPTIONS",
        roff("These may stand anywhere before `--`, with every command."),
        *_options(root),
        ".SH COMMANDS",
    ]
    for name in COMMANDS:
        found = root.get_command(context, name)
        children = getattr(found, "commands", None)
        for path, command in (
            [(name, found)] if children is None else [(f"{name} {each}", children[each]) for each in children]
        ):
            lines += _command(path, command, [alias for alias, real in ALIASES.items() if real == name])
    lines += [".SH EXIT STATUS", *_exit_status(), ".SH ENVIRONMENT", *_environment(), ".SH FILES"]
    lines += _list(FILES)
    lines += [
        ".PP",
        roff("With `SOPHIA_SECRETS_HOME`, or the XDG variables, or on macOS, the directories are others: "
             "`sophia-secrets config path` prints them."),
        ".SH EXAMPLES",
    ]  # fmt: skip
    for number, (about, command) in enumerate(EXAMPLES):
        lines += [
            *[".PP"] * bool(number),
            roff(about),
            ".PP",
            ".RS 4",
            ".nf",
            roff(f"$ {PROGRAM} {command}"),
            ".fi",
            ".RE",
        ]
    lines += [".SH SEE ALSO", "\\fBage\\fP(1), \\fBgh\\fP(1), \\fBflyctl\\fP(1), \\fBpulumi\\fP(1)"]
    return "\n".join(lines) + "\n"


def roff(text: str) -> str:
    """Plain text as man(7): nothing in it acts, `code` is bold, and every character is ASCII."""
    out = "".join(_character(each) for each in " ".join(text.split()))
    out = re.sub(r"`([^`]*)`", r"\\fB\1\\fP", out)
    return f"\\&{out}" if out.startswith((".", "'")) else out


def _character(one: str) -> str:
    known = {"\\": "\\e", "-": "\\-", '"': "\\(dq", "'": "\\(aq", "^": "\\(ha", "~": "\\(ti"}
    return known.get(one) or (one if one.isascii() else f"\\[u{ord(one):04X}]")


def _paragraphs(text: str) -> Iterator[str]:
    for number, part in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield roff(part)


def _command(path: str, command: Any, aliases: list[str]) -> Iterator[str]:
    yield f".SS {roff(path)}"
    yield f"\\fB{roff(f'{PROGRAM} {path}')}\\fP {roff(' '.join(_usage(command)))}".rstrip()
    yield ".PP"
    yield from _paragraphs(_unwrapped(command.help or ""))
    if aliases:
        yield ".PP"
        yield roff(f"Also called {' and '.join(f'`{each}`' for each in aliases)}.")
    yield from _options(command)


def _options(command: Any) -> Iterator[str]:
    for each in _shown(command):
        about = each.help or ""
        if _is_option(each):
            value = "" if each.is_flag else f" \\fI{roff(each.metavar or each.type.name.upper())}\\fP"
            names = ", ".join(f"\\fB{roff(name)}\\fP" for name in [*each.opts, *each.secondary_opts])
            needed = " Required." if each.required else ""
            more = " May be given again." if each.multiple and "again" not in about else ""
            yield from (".TP", f"{names}{value}", roff(f"{about}{needed}{more}"))
        elif about:
            yield from (".TP", f"\\fI{roff(each.metavar or each.name.upper())}\\fP", roff(about))


def _exit_status() -> Iterator[str]:
    codes, _, rest = EXIT_CODES.partition("\n\n")
    yield from _list(tuple(line.split(None, 1)) for line in codes.splitlines())
    yield ".PP"
    yield roff(rest)


def _environment() -> Iterator[str]:
    """The variables that are no settings, then each setting's own."""
    yield from _list(SPECIAL_VARIABLES.items())
    for table in ("", *TABLES):
        for row in ROWS:
            if row.table == table and row.variables:
                yield ".TP"
                yield ", ".join(f"\\fB{roff(name)}\\fP" for name in row.variables)
                key = f"{table}.{row.name}" if table else row.name
                yield roff(f"{row.about} The setting `{key}`.")


def _list(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for word, about in rows:
        yield from (".TP", f"\\fB{roff(word)}\\fP", roff(about))
