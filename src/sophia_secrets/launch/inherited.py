"""
What this process received from whoever started it, given on to a command as it came (E3, E7).

Python and this program change three things for themselves: Python ignores SIGPIPE and SIGXFSZ,
and sets `LC_CTYPE` where the locale is "C"; this program wants no core file with values in it.
Whether SIGPIPE was ignored already cannot be known once Python runs: it is given on as default.
"""

from __future__ import annotations

import os
import resource

import sophia_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal  # `signal` itself makes enumerations of it

IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ", "SIGXFZ")
_OWN_ENVIRONMENT = "/proc/self/environ"


def restore() -> None:
    """The signal dispositions and the core limit as they were received: just before an exec."""
    for name in IGNORED_BY_PYTHON:
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, signal.SIG_DFL)
    if sophia_secrets.received_core_limit is not None:
        resource.setrlimit(resource.RLIMIT_CORE, sophia_secrets.received_core_limit)


def environment() -> dict[bytes, bytes]:
    """
    The variables as they were received, as bytes.

    Without a `/proc`, an `LC_CTYPE` that Python set (PEP 538) is taken for a received one.
    """
    received = dict(os.environb)
    if b"LC_CTYPE" in received:
        try:
            with open(_OWN_ENVIRONMENT, "rb") as file:
                at_start = file.read()
        except OSError:
            return received
        if at_start and not any(each.startswith(b"LC_CTYPE=") for each in at_start.split(b"\0")):
            del received[b"LC_CTYPE"]
    return received
