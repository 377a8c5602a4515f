"""
Typed configuration: `config = await load_config()`, then `config.llm.openai_api_key`.

A secret field is the plain text where it is used, and shows nothing in the `repr`, dump, JSON,
pickle or validation error of the model that holds it.
"""

from sophia_secrets.config.groups import (
    LLM,
    Business,
    Config,
    Context,
    Database,
    Deployment,
    Search,
    Security,
    Swarm,
)
from sophia_secrets.config.loading import load_config
from sophia_secrets.config.model import Secret, SecretsModel, secret, setting

__all__ = [
    "LLM",
    "Business",
    "Config",
    "Context",
    "Database",
    "Deployment",
    "Search",
    "Secret",
    "SecretsModel",
    "Security",
    "Swarm",
    "load_config",
    "secret",
    "setting",
]
