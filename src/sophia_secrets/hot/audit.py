"""`audit log` on the hot path: the latest events of one secret or of all."""

from __future__ import annotations

import os
import time

from sophia_secrets import hot
from sophia_secrets.state import audit_read, files
from sophia_secrets.view import columns, events, styling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def answer(
    options: Sequence[str], environ: Mapping[bytes, bytes], clock: Callable[[], float] = time.time
) -> bytes | None:
    """
    The output of `audit log OPTIONS` for `--last N` and `--name NAME`; None if the full program must run.

    `environ` is the process's own as bytes, `clock` gives Unix seconds.
    """
    if b"GITHUB_ACTIONS" in environ:
        return None
    try:
        query = _query(options)
        if query is None:
            return None
        context = hot.Context(dict(environ), clock)
        if not context.route.audit:
            return None
        text = _table(context.route.audit, query, styling.of_process(environ))
    except Exception:  # noqa: BLE001  the full program meets the same error and reports it
        return None
    return text.encode() + b"\n"


def _query(options: Sequence[str]) -> audit_read.Query | None:
    name, last = None, None
    words = iter(options)
    for option in words:
        word = next(words, "")
        if option == "--name" and name is None and hot.is_plain(word):
            name = word
        elif option in ("--last", "-n") and last is None and word.isascii() and word.isdigit() and int(word):
            last = int(word)
        else:
            return None
    return audit_read.Query(name=name, last=events.LAST if last is None else last)


def _table(log: str, query: audit_read.Query, shown: styling.Styler) -> str:
    directory = files.open_directory(log, create=False)
    try:
        rows = [events.row(event, shown, _plain) for event in audit_read.read(directory, query)]
    finally:
        os.close(directory)
    if not rows:
        raise hot.NeedsFullProgram
    return columns.table(events.HEADS, rows, shown)


def _plain(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise hot.NeedsFullProgram
    return text
