"""
Shell: `export NAME='value'` lines, exact for bash and dash (any POSIX shell's single quotes).

Not for untrusted names: evaluating the file sets any variable that it names.
"""

from __future__ import annotations

from collections.abc import Sequence

from sophia_secrets.formats import Pair, check_names, name_refusal, variable_text

# Read-only or computed: assigning to one fails, ends the script, or has another effect.
_THE_SHELLS_OWN = frozenset(
    (
        "_",
        "BASH",
        "BASHOPTS",
        "BASHPID",
        "DIRSTACK",
        "EPOCHREALTIME",
        "EPOCHSECONDS",
        "EUID",
        "FUNCNAME",
        "GROUPS",
        "HISTCMD",
        "LINENO",
        "OPTIND",
        "PIPESTATUS",
        "PPID",
        "RANDOM",
        "SECONDS",
        "SHELLOPTS",
        "SHLVL",
        "SRANDOM",
        "UID",
    )
)


def write(pairs: Sequence[Pair]) -> bytes:
    """A script that exports each pair and nothing else."""
    check_names(pairs, identifier=True)
    return "".join(f"export {pair.name}={_quoted(pair)}\n" for pair in pairs).encode()


def _quoted(pair: Pair) -> str:
    if pair.name in _THE_SHELLS_OWN or pair.name.startswith("BASH_"):
        raise name_refusal(pair, "its name is one of the shell's own variables")
    text = variable_text(pair).replace("'", "'\\''")
    return f"'{text}'"
