"""Regular expressions of declared secrets: none with exponential matching time (R3)."""

from __future__ import annotations

import re

MAX_LENGTH = 512
_FEW = 9

_PIECE = r"""(?sx)\\.                                 # an escape
    | \[\^?\]?(?:\\.|[^\]\\])*\]            # a class
    | \(\?[A-Za-z-]*[:)]                    # flags: `(?:` and `(?i:` open a group, `(?i)` does not
    | \((?:\?(?:P?<[^>=!]*>|P=|<?[=!]|>|\#|\())?
    | [)|.]
    | [*+?][+?]?
    | \{[0-9]*(?:,[0-9]*)?\}[+?]?
    | ."""


def problem(pattern: str) -> str | None:
    """
    Why the pattern is not accepted, or None.

    Refused: what does not compile, what is longer than 512 characters, and repetitions of a group that
    can match in more than one way, as in `(a+)+`, whose matching time can double with every character
    of the value. Adjacent repetitions are accepted: their time is polynomial in the value's length,
    which the caller bounds.
    """
    if len(pattern) > MAX_LENGTH:
        return f"has more than {MAX_LENGTH} characters"
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError, Warning):
        return "is not a regular expression"
    if _can_explode(pattern):
        return "repeats a group that can itself match in several ways, which may take for ever"
    return None


def _can_explode(pattern: str) -> bool:
    # For each open group: whether it can match in more than one way, and whether it is atomic.
    loose, atomic = [False], [False]
    last = False
    for found in re.finditer(_PIECE, pattern):
        piece = found.group()
        if piece == "(?(" or (piece.startswith("(?") and "x" in piece.partition("<")[0]):
            # A condition is no plain group; in verbose mode white space may stand before a repetition.
            return True
        if piece.startswith("(") and not piece.endswith(")"):
            loose.append(False)
            atomic.append(piece == "(?>")
            last = False
        elif piece == ")" and len(loose) > 1:
            last = loose.pop() and not atomic.pop()
            loose[-1] = loose[-1] or last
        elif piece == "|":
            loose[-1] = True
            last = False
        elif (most := _most(piece)) is not None:
            if last and most > _FEW:
                return True
            if not _is_exact(piece):
                loose[-1] = True
        else:
            last = False
    return False


def _most(piece: str) -> float | None:
    """The maximum of a repetition, or None where the piece is not one."""
    if piece[0] in "*+?":
        return 1 if piece[0] == "?" else float("inf")
    if piece[0] != "{" or len(piece) < 3:
        return None
    high = piece.rstrip("}+?").lstrip("{").rpartition(",")[2]
    return float(high) if high else float("inf")


def _is_exact(piece: str) -> bool:
    """Whether the repetition never backtracks: possessive, or of one fixed count."""
    if len(piece) > 1 and piece.endswith("+"):
        return True
    low, comma, high = piece.rstrip("}+?").lstrip("{").partition(",")
    return piece[0] == "{" and (not comma or low == high)
