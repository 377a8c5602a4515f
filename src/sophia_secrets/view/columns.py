"""Layout of text in columns, measured in terminal cells. Pure, and fast for many rows."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sophia_secrets.view.styling import Styler

GAP = 2
LEAST = 10


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], styler: Styler, *, err: bool = False) -> str:
    """
    A table fitted to the terminal: long cells are wrapped, never truncated.

    Cells are (already styled) text; an empty row is a blank line. Without a terminal each row is one
    line.
    """
    width = styler.width if styler.is_terminal(err=err) else None
    lines = lay_out([head.upper() for head in heads], rows, width)
    return "\n".join([styler.styled(lines[0], "dim", err=err), *lines[1:]])


def lay_out(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """
    The lines of a table, its heads first; no line is wider than `width` cells, if given.

    The widest column shrinks first; a cell that does not fit is wrapped.
    """
    columns = list(zip(heads, *filter(None, rows), strict=True))
    plain = all(map(_is_plain, columns))
    widths = [max(map(len if plain else cells, column)) for column in columns]
    natural = list(widths)
    if width is not None:
        _fit(widths, width)
    if plain and widths == natural:
        gap = " " * GAP
        return [gap.join(map(str.ljust, row, widths)).rstrip() for row in (heads, *rows)]
    lines = _row(heads, widths)
    for row in rows:
        lines += _row(row, widths) if row else [""]
    return lines


def _is_plain(texts: Sequence[str]) -> bool:
    """Whether each character of these texts is one cell."""
    joined = "".join(texts)
    return joined.isascii() and "\x1b" not in joined


def cells(text: str) -> int:
    """The width of the text in terminal cells, without colour codes."""
    if _is_plain(text):
        return len(text)
    return sum(_width(sign) for sign in _signs(text))


def _signs(text: str) -> list[str]:
    """The text split into characters and whole colour codes."""
    signs: list[str] = []
    at = 0
    while at < len(text):
        end = text.find("m", at) + 1 if text[at] == "\x1b" else at + 1
        signs.append(text[at : end or len(text)])
        at = end or len(text)
    return signs


def _width(sign: str) -> int:
    import unicodedata

    if sign[0] == "\x1b" or unicodedata.combining(sign[0]):
        return 0
    return 2 if unicodedata.east_asian_width(sign[0]) in "WF" else 1


def _fit(widths: list[int], width: int) -> None:
    room = width - GAP * (len(widths) - 1)
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda column: widths[column])
        if widths[widest] <= LEAST:
            return
        widths[widest] -= 1


def _row(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    parts = [wrap(text, width) for text, width in zip(row, widths, strict=True)]
    lines = []
    for number in range(max(len(part) for part in parts)):
        shown = [part[number] if number < len(part) else "" for part in parts]
        padded = [text + " " * (width - cells(text)) for text, width in zip(shown, widths, strict=True)]
        lines.append((" " * GAP).join(padded).rstrip())
    return lines


def wrap(text: str, width: int) -> list[str]:
    """The text wrapped to lines of at most `width` cells, at blanks where possible."""
    if cells(text) <= width:
        return [text]
    lines: list[str] = []
    line: list[str] = []
    used = 0
    style = ""
    for sign in _signs(text):
        if sign[0] == "\x1b":
            style = "" if sign == "\x1b[0m" else sign
        while used and used + _width(sign) > width:
            keep = _last_blank(line)
            rest = line[keep:]
            lines.append("".join(line[:keep]).rstrip(" ") + ("\x1b[0m" if style else ""))
            line = ([style] if style else []) + rest
            used = sum(_width(each) for each in line)
        line.append(sign)
        used += _width(sign)
    return [*lines, "".join(line)]


def _last_blank(line: list[str]) -> int:
    """Where to break: after the last blank that follows a word, else at the line's end."""
    first = next((at for at, sign in enumerate(line) if sign != " " and sign[0] != "\x1b"), len(line))
    for at in range(len(line) - 1, first, -1):
        if line[at] == " ":
            return at + 1
    return len(line)
