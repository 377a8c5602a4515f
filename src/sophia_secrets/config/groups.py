"""
A ready-made configuration of an application with models, stores and business systems.

Each field is filled from the secret with its own name in upper case, unless it names another.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sophia_secrets.config.model import Secret, SecretsModel, secret, setting


class LLM(SecretsModel):
    """Providers of language models."""

    openai_api_key: Secret[str | None] = None
    anthropic_api_key: Secret[str | None] = None
    openrouter_api_key: Secret[str | None] = None
    perplexity_api_key: Secret[str | None] = None
    xai_api_key: Secret[str | None] = None
    default_model: str | None = None
    default_temperature: float = Field(default=0.7, ge=0, le=2)
    default_max_tokens: int = Field(default=4096, ge=1)


class Search(SecretsModel):
    """Providers of web search."""

    tavily_api_key: Secret[str | None] = None
    serper_api_key: Secret[str | None] = None
    brave_api_key: Secret[str | None] = None
    exa_api_key: Secret[str | None] = None
    default_provider: str | None = None


class Business(SecretsModel):
    """
    Business systems.

    The names for the GitHub app are `GH_…`: GitHub refuses secrets whose name begins with `GITHUB_`.
    """

    hubspot_access_token: Secret[str | None] = None
    salesforce_client_id: Secret[str | None] = None
    salesforce_client_secret: Secret[str | None] = None
    gong_access_key: Secret[str | None] = None
    gong_access_key_secret: Secret[str | None] = None
    github_app_id: str | None = setting("GH_APP_ID", default=None)
    github_app_private_key: Secret[str | None] = secret("GH_APP_PRIVATE_KEY", default=None)


class Database(SecretsModel):
    """Databases. A URL may contain a password, so it is a secret too."""

    neon_database_url: Secret[str | None] = None
    qdrant_url: Secret[str | None] = None
    qdrant_api_key: Secret[str | None] = None
    redis_url: Secret[str | None] = None


class Context(SecretsModel):
    """Chunking and embedding of texts; sizes are characters."""

    embed_endpoint: str | None = None
    embed_model: str | None = None
    chunk_size: int = Field(default=1000, ge=1)
    chunk_overlap: int = Field(default=200, ge=0)


class Swarm(SecretsModel):
    """Limits of agents that work together; the timeout is seconds."""

    swarm_max_agents: int = Field(default=4, ge=1)
    swarm_timeout: float = Field(default=300.0, gt=0)


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


Level = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)]


class Security(SecretsModel):
    """Security and logging. `CORS_ORIGINS` is comma-separated."""

    log_level: Level = "INFO"
    cors_origins: tuple[str, ...] = ()
    jwt_secret: Secret[str | None] = None
    encryption_key: Secret[str | None] = None


class Deployment(SecretsModel):
    """Where the application runs."""

    port: int = Field(default=8080, ge=1, le=65535)
    node_env: str = "development"
    debug: bool = False


class Config(SecretsModel):
    """All groups."""

    llm: LLM = Field(default_factory=LLM)
    search: Search = Field(default_factory=Search)
    business: Business = Field(default_factory=Business)
    database: Database = Field(default_factory=Database)
    context: Context = Field(default_factory=Context)
    swarm: Swarm = Field(default_factory=Swarm)
    security: Security = Field(default_factory=Security)
    deployment: Deployment = Field(default_factory=Deployment)
