"""Making foreign text safe for a terminal, and for the log of a workflow."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Printable by Unicode's tables and yet invisible, or absorbed by the neighbouring character:
# combining joiner, Hangul and Khmer fillers, Mongolian and other variation selectors, Braille blank.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0").union(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
_SUSPECT = r"[^ -~\u00a1-\u024f]|\u00ad"
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

# ECMA-48: control strings (OSC, DCS, SOS, PM, APC), control sequences, and the two-byte escapes.
_CONTROLS = (
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
)


def visible(text: str) -> str:
    r"""
    The text with everything escaped that could act on a terminal, or hide in it.

    Control characters, escapes, bidirectional controls, zero-width and other invisible
    characters and lone surrogates become `\x1b`, `\u202e` and so on, a newline and a tab `\n`
    and `\t`. The result is one line, safe to print, and encodes as UTF-8.
    """

    if text.isprintable() and (text.isascii() or _UNSEEN.isdisjoint(text)):
        return text

    def spell(match: re.Match[str]) -> str:
        sign = match.group()
        if sign.isprintable() and sign not in _UNSEEN:
            return sign
        return _SHORT.get(sign) or _escape(ord(sign))

    return re.sub(_SUSPECT, spell, text)


def listed(texts: Sequence[str], most: int | None = None) -> str:
    """The texts, made `visible` and joined by commas; only the first `most`, with the number of others."""
    shown = ", ".join(visible(text) for text in texts[:most])
    left_out = 0 if most is None else len(texts) - most
    return f"{shown} and {left_out} more" if left_out > 0 else shown


def without_controls(text: str) -> str:
    """The text without terminal sequences (colours, titles, links, cursor moves), in one pass."""
    return re.sub(_CONTROLS, "", text)


def is_workflow_command(line: str) -> bool:
    """
    Whether the runner of a GitHub workflow would execute this line of a job's log (fault G2).

    It looks for `::` after any Unicode white space, and for `##[` anywhere (actions/runner
    src/Runner.Common/ActionCommand.cs).
    """
    return line.lstrip().startswith("::") or "##[" in line


def first_workflow_command(output: bytes) -> int:
    """The number of the first line of this output that is a workflow command, or 0 for none."""
    lines = output.decode("utf-8", "replace").replace("\r", "\n").split("\n")
    return next((number for number, line in enumerate(lines, 1) if is_workflow_command(line)), 0)


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_NAMES = frozenset(
    {"gh", "git", "pulumi", "fly", "flyctl", "github", "local", "env", "age", "aws", "sophia-secrets"}
)
"""Words that stay lower case at the beginning of a sentence."""
_COMMANDS = frozenset({"chmod", "chown", "cp", "export", "keyring", "mkdir", "mv", "rm", "sudo"})
"""Words that begin a bare command line."""


def sentence(text: str) -> str:
    """
    The text as a sentence: with a capital letter, unless it begins with a name, and a full stop.

    A bare command becomes an instruction: `rm x` gives "Run `rm x`."
    """
    text = text.strip()
    if not text:
        return ""
    first = text.split(maxsplit=1)[0].rstrip(":,")
    if first in _COMMANDS:
        return f"Run `{text}`."
    if text[0] == text[-1] == "`" and text.count("`") == 2:
        return f"Run {text}."
    if first.isalpha() and first.islower() and first not in _NAMES:
        text = text[0].upper() + text[1:]
    return text if text[-1] in ".?!" and not text.endswith("..") else text.rstrip(".") + "."
