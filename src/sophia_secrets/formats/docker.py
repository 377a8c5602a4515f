"""
Docker's `--env-file`, exact for `docker run` and `docker create`
(docker/cli pkg/kvfile/kvfile.go): one variable per line, no quotes, no escapes.

Docker Compose reads its `env_file` as dotenv, which is another format.
"""

from __future__ import annotations

from collections.abc import Sequence

from sophia_secrets.formats import Pair, check_names, refusal, variable_text

_MAX_LINE = 64 * 1024 - 1
"""Bytes of a line without its end: Go's `bufio.MaxScanTokenSize`."""


def write(pairs: Sequence[Pair]) -> bytes:
    """One line `NAME=value` per pair."""
    check_names(pairs, identifier=True)
    return b"".join(_line(pair) for pair in pairs)


def _line(pair: Pair) -> bytes:
    text = variable_text(pair)
    if "\n" in text:
        raise refusal(pair, "it holds a newline, which an env file has no way to write")
    if text.endswith("\r"):
        raise refusal(pair, "it ends with a carriage return, which docker drops")
    line = f"{pair.name}={text}".encode()
    if len(line) > _MAX_LINE:
        raise refusal(pair, f"its line has {len(line)} bytes, and docker reads at most {_MAX_LINE}")
    return line + b"\n"
