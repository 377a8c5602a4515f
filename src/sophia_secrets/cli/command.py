"""One command, as its page of help shows it."""

from __future__ import annotations

from typing import Any

import typer.core


class Command(typer.core.TyperCommand):
    """A command whose usage line names what it needs as it is written, and nothing that is hidden."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        pieces = [self.options_metavar] if self.options_metavar else []
        for parameter in self.get_params(ctx):
            if not getattr(parameter, "hidden", False):
                pieces += [_without_braces(piece) for piece in parameter.get_usage_pieces(ctx)]
        return pieces


def _without_braces(piece: str) -> str:
    return piece[1:-1] if piece.startswith("{") and piece.endswith("}") else piece
