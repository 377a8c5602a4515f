"""A command with subcommands: a missing or unknown one is an error of one sentence."""

from __future__ import annotations

from typing import Any

import typer.core

from sophia_secrets import errors


class Group(typer.core.TyperGroup):
    """`audit`, `cache`, `config` and `rotation`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises `UsageError` where no subcommand is given."""
        if not args:
            whole = [f"`{ctx.command_path} {each}`" for each in self.commands]
            raise errors.UsageError(
                f"`{ctx.command_path}` does nothing by itself.",
                hint=f"{'Run' if len(whole) == 1 else 'Its commands are'} {', '.join(whole)}.",
            )
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Raises `UsageError` with the nearest subcommand for an unknown one."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            return found
        from difflib import get_close_matches

        near = get_close_matches(cmd_name, self.commands, n=1)
        path = ctx.command_path
        hint = f"Did you mean `{path} {near[0]}`?" if near else f"See `{path} --help`."
        raise errors.UsageError(f"There is no command `{path} {cmd_name}`.", hint=hint)
