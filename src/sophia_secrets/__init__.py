"""One chain over GitHub Actions, Pulumi ESC, Fly.io and the environment."""

__version__ = "0.1.0"

received_core_limit: "tuple[int, int] | None" = None
"""The inherited limits of core files (soft, hard, in bytes), which the command line lowers (E7)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sophia_secrets import errors as errors
    from sophia_secrets.config import load_config as load_config
    from sophia_secrets.manager import SecretsManager as SecretsManager
    from sophia_secrets.manager import delete_secret as delete_secret
    from sophia_secrets.manager import get_secret as get_secret
    from sophia_secrets.manager import list_secrets as list_secrets
    from sophia_secrets.manager import secrets_manager as secrets_manager
    from sophia_secrets.manager import set_secret as set_secret

__all__ = [
    "SecretsManager",
    "delete_secret",
    "errors",
    "get_secret",
    "list_secrets",
    "load_config",
    "secrets_manager",
    "set_secret",
]
_ELSEWHERE = {"errors": "errors", "load_config": "config"}


def __getattr__(name: str) -> object:
    """Import each public name when first used, so that importing the package is cheap."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    where = _ELSEWHERE.get(name, "manager")
    # Not `importlib`: `from sophia_secrets import errors` calls this in every start.
    module = __import__(f"{__name__}.{where}", fromlist=(where,))
    found = module if name == where else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
