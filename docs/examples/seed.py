"""
The Python examples of the project's first description, word for word but for the import path.

`python docs/examples/seed.py get` runs one of them, and prints what it came to.
"""

from __future__ import annotations

import asyncio
import sys


async def get() -> None:
    """Getting a secret, with and without the cache."""
    from sophia_secrets.manager import get_secret

    # Get a secret with caching (default)
    api_key = await get_secret("OPENAI_API_KEY")
    print(api_key)

    # Get a secret without caching
    api_key = await get_secret("OPENAI_API_KEY", use_cache=False)
    print(api_key)


async def set_() -> None:
    """Setting a secret."""
    from sophia_secrets.manager import set_secret

    # Set a secret in the preferred backend
    success = await set_secret("NEW_API_KEY", "your-secret-value", backend="github")
    print(success)


async def list_() -> None:
    """Listing secrets."""
    from sophia_secrets.manager import list_secrets

    # List all available secrets
    secret_names = await list_secrets()
    print(*secret_names)


async def debug() -> None:
    """Seeing what the backends do."""
    import logging

    logging.basicConfig(level=logging.DEBUG)

    # This will show detailed backend operations
    from sophia_secrets.manager import secrets_manager

    await secrets_manager.initialize()


async def config() -> None:
    """Typed configuration."""
    from sophia_secrets.config import load_config

    # Automatically loads secrets into typed configuration objects
    config = await load_config()

    # Access configured values
    openai_key = config.llm.openai_api_key
    database_url = config.database.neon_database_url
    print(openai_key, database_url)
    print(config)


EXAMPLES = {"get": get, "set": set_, "list": list_, "debug": debug, "config": config}

if __name__ == "__main__":
    asyncio.run(EXAMPLES[sys.argv[1]]())
