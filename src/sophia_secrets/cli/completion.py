"""`completion SHELL`: a script that completes commands, options and names, never by a vendor call."""

from __future__ import annotations

from typing import Annotated

import typer

from sophia_secrets import errors
from sophia_secrets.cli.commands import COMMANDS
from sophia_secrets.cli.opened import console_for, opened
from sophia_secrets.core.text import visible

_NAMED = "get|set|delete|unset|explain|info|copy|move|rotate"

_BASH = """\
_sophia_secrets() {
    local word="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "@COMMANDS@" -- "$word"))
        return
    fi
    if [ "${COMP_WORDS[COMP_CWORD-1]}" = "--backend" ] || [ "${COMP_WORDS[COMP_CWORD-1]}" = "-b" ]; then
        COMPREPLY=($(compgen -W "github pulumi fly local env" -- "$word"))
        return
    fi
    case "${COMP_WORDS[1]}" in
        @NAMED@) COMPREPLY=($(compgen -W "$(sophia-secrets completion --names 2>/dev/null)" -- "$word")) ;;
    esac
}
complete -F _sophia_secrets sophia-secrets
"""

_ZSH = """\
#compdef sophia-secrets
_sophia_secrets() {
    if (( CURRENT == 2 )); then
        compadd -- @COMMANDS@
    elif [[ ${words[CURRENT-1]} == --backend || ${words[CURRENT-1]} == -b ]]; then
        compadd -- github pulumi fly local env
    else
        case ${words[2]} in
            @NAMED@) compadd -- ${(f)"$(sophia-secrets completion --names 2>/dev/null)"} ;;
        esac
    fi
}
compdef _sophia_secrets sophia-secrets
"""

_FISH = """\
complete -c sophia-secrets -f
complete -c sophia-secrets -n __fish_use_subcommand -a "@COMMANDS@"
complete -c sophia-secrets -s b -l backend -x -a "github pulumi fly local env"
complete -c sophia-secrets -n "__fish_seen_subcommand_from @NAMED@" -a "(sophia-secrets completion --names 2>/dev/null)"
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completion(
    ctx: typer.Context,
    shell: Annotated[str | None, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")] = None,
    names: Annotated[bool, typer.Option("--names", hidden=True)] = False,
) -> None:
    """Print a completion script: `eval "$(sophia-secrets completion bash)"`."""
    if names:
        _names(ctx)
        return
    script = _SCRIPTS.get(shell or "")
    if script is None:
        raise errors.UsageError(
            f"There is no completion for `{shell}`." if shell else "Say which shell.",
            hint="Run `sophia-secrets completion bash`, `zsh` or `fish`.",
        )
    named = _NAMED.replace("|", " ") if shell == "fish" else _NAMED
    text = script.replace("@COMMANDS@", " ".join(COMMANDS)).replace("@NAMED@", named)
    console_for(ctx).print(text.rstrip("\n"))


def _names(ctx: typer.Context) -> None:
    """The names that the cache, the local vault and the settings know; no vendor, no audit event."""
    from sophia_secrets.operations.offline import known_names

    with opened(ctx, "completion") as (session, console):
        found = known_names(session)
    if found:
        console.print("\n".join(visible(name) for name in found))
