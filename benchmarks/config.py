"""`load_config()` in a running program, against one `get_secret` there; both answered by the cache."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from benchmarks.homes import NAME, home
from benchmarks.pairs import Row, called
from sophia_secrets.config import SecretsModel, load_config
from sophia_secrets.manager import SecretsManager

COUNT = 28


def rows() -> Iterator[Row]:
    """A model of twenty-eight fields, all of them there."""
    fields = [f"service_{number}_key" for number in range(COUNT)]
    model = type("Model", (SecretsModel,), {"__annotations__": dict.fromkeys(fields, str)})
    with home(100, [name.upper() for name in fields]) as where:
        manager = SecretsManager(environ=where.environ, cwd=str(where.cwd))

        async def load() -> object:
            return await load_config(model, missing="error", manager=manager)

        async def get() -> object:
            return await manager.get_secret(NAME)

        ratio, _ = called(lambda: asyncio.run(load()), lambda: asyncio.run(get()), rounds=41)
        yield Row(f"`load_config`, {COUNT} names, warm", ratio, "one `get_secret`", 2.0)
