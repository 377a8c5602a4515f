"""What a type checker sees of the public names: read by mypy, never run."""

from __future__ import annotations

from typing import assert_type

import sophia_secrets
from sophia_secrets import SecretsManager, get_secret, load_config, set_secret
from sophia_secrets.config import Config, Secret, SecretsModel, secret, setting
from sophia_secrets.config import load_config as from_config


class Payments(SecretsModel):
    api_key: Secret[str] = secret("PAYMENTS_API_KEY")
    pin: Secret[int | None] = None
    port: int = setting("PAYMENTS_PORT", default=8080)


async def main() -> None:
    config = await load_config()
    assert_type(config, Config)
    assert_type(config.llm.openai_api_key, str | None)
    assert_type(config.database.neon_database_url, str | None)
    assert_type(config.deployment.port, int)
    print(config.llm.nope)  # type: ignore[attr-defined]

    own = await from_config(Payments, missing="error", use_cache=False, manager=SecretsManager())
    assert_type(own, Payments)
    assert_type(own.api_key, str)
    assert_type(own.pin, int | None)

    assert_type(await get_secret("API_KEY"), str | None)
    assert_type(await set_secret("API_KEY", "v", backend="local"), bool)
    assert_type(await sophia_secrets.list_secrets(), list[str])
    assert_type(sophia_secrets.errors.NotFound("x").exit_code, int)
