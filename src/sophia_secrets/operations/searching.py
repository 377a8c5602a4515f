"""Matching a declared pattern in a child process, which is killed when it takes too long (fault R3)."""

from __future__ import annotations

import os
import sys

from sophia_secrets import process
from sophia_secrets.backends.base import Call, Ended, one_call
from sophia_secrets.core import value_types
from sophia_secrets.core.model import SecretValue
from sophia_secrets.operations.session import Session

LONGEST = 2.0
"""Seconds that matching one pattern against one value may take."""

_FOUND, _NOT_FOUND = 0, 3
_PROGRAM = f"""\
import re, sys
size, _, rest = sys.stdin.buffer.read().partition(b"\\n")
pattern, value = (part.decode("utf-8", "surrogatepass") for part in (rest[: int(size)], rest[int(size) :]))
sys.exit({_FOUND} if re.search(pattern, value) else {_NOT_FOUND})
"""
_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def search_in_process(session: Session, pattern: str, value: SecretValue) -> bool | None:
    """
    Whether the pattern matches the value; None where matching takes too long.

    A thread cannot be killed, and one that matches blocks all other Python code, such as the caller's
    event loop. Where Python cannot be started as a child the match is made here.
    """
    asked, text = (part.encode("utf-8", "surrogatepass") for part in (pattern, value.reveal()))
    call = Call(
        "python",
        ("-I", "-S", "-c", _PROGRAM),
        {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        stdin=b"%d\n%b%b" % (len(asked), asked, text),
        timeout=LONGEST,
        secrets=(value,),
        label="a declared pattern",
    )
    done = process.run(one_call(call), programs={"python": sys.executable}, path="", cancel=session.cancel)
    if done.ended is Ended.EXITED and done.code in (_FOUND, _NOT_FOUND):
        return done.code == _FOUND
    if done.ended in (Ended.TIMED_OUT, Ended.CANCELLED, Ended.SIGNALLED):
        return None
    return value_types.matches(pattern, value)
