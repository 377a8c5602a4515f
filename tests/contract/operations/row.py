"""An operation of a vendor's program, as it is started, and how its output is read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """
    An operation: `read` turns its standard output into what must equal `said`.

    `stdin` is all that it is given. `met` names the test (`file::function`) that goes this way
    through the product; where it is empty, `unused` says why nobody does. `code` and `err` are
    its exit code and whole standard error; `older_err` is what older releases say instead.
    """

    program: str
    operation: str
    arguments: tuple[str, ...]
    read: Callable[[bytes], Any]
    said: Any
    met: str = ""
    unused: str = ""
    stdin: bytes = b""
    code: int = 0
    err: str = ""
    older_err: str = ""

    @property
    def id(self) -> str:
        return f"{self.program}: {self.operation}"


def text(out: bytes) -> str:
    return out.decode()


def matches(pattern: str) -> Callable[[bytes], bool]:
    return lambda out: re.fullmatch(pattern, out.decode(), re.DOTALL) is not None


def document(out: bytes) -> Any:
    return json.loads(out)
