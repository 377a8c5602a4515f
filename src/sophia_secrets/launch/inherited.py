"""
What this process inherited, restored for the command that it becomes (E3, E7).

Python and this program change three things: Python ignores SIGPIPE and SIGXFSZ,
and sets `LC_CTYPE` where the locale is "C"; this program wants no core file with values in it.
Whether SIGPIPE was ignored before cannot be known once Python runs: it is restored to the default.
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
    """Restore the signal dispositions and the core limit, just before an exec."""
    for name in IGNORED_BY_PYTHON:
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, signal.SIG_DFL)
    if sophia_secrets.received_core_limit is not None:
        resource.setrlimit(resource.RLIMIT_CORE, sophia_secrets.received_core_limit)


def environment() -> dict[bytes, bytes]:
    """
    The variables as they were inherited, as bytes.

    Without `/proc`, an `LC_CTYPE` that Python set (PEP 538) counts as inherited.
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
