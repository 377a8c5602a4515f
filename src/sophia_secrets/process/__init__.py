"""
The process runner: the one place that runs a vendor's program and reads its output.

A child gets an absolute program path, an environment built from scratch, standard input that is
complete before it starts and never a terminal, a session and a private working directory of its
own, one deadline and bounded output. See `run_all` for what a caller may rely on.
"""

from typing import TYPE_CHECKING

from sophia_secrets.process.cancel import Cancel
from sophia_secrets.process.find import LookupResult, find_program, look_up

if TYPE_CHECKING:
    from sophia_secrets.process.runner import Event, Observe, run, run_all

__all__ = ["Cancel", "Event", "LookupResult", "Observe", "find_program", "look_up", "run", "run_all"]


def __getattr__(name: str) -> object:
    """The runner's names, imported on first use: looking a program up needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sophia_secrets.process import runner

    return getattr(runner, name)
