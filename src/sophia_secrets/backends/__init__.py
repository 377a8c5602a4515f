"""
The registry: the backends in chain order, each imported when first used.

A plug-in (an entry point in the group `sophia_secrets.backends`) is loaded only when the user's
own settings name it under `[backends] extra`.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from sophia_secrets import errors
from sophia_secrets.backends.base import BackendClass

BUILT_IN = {
    "github": "sophia_secrets.backends.github:GitHubBackend",
    "pulumi": "sophia_secrets.backends.pulumi:PulumiBackend",
    "fly": "sophia_secrets.backends.fly:FlyBackend",
    "local": "sophia_secrets.backends.local:LocalBackend",
    "env": "sophia_secrets.backends.environment:EnvironmentBackend",
}
"""In chain order."""


def backend_class(name: str, extra: tuple[str, ...] = ()) -> BackendClass:
    """The backend of that name. Raises `UsageError` for an unknown one, naming the known ones."""
    where = BUILT_IN.get(name)
    if where is not None:
        module, _, attribute = where.partition(":")
        return cast("BackendClass", getattr(import_module(module), attribute))
    if name in extra:
        return _plug_in(name)
    known = ", ".join((*BUILT_IN, *extra))
    raise errors.UsageError(f"There is no backend `{name}`.", hint=f"The backends are {known}.")


def _plug_in(name: str) -> BackendClass:
    from importlib.metadata import entry_points

    for found in entry_points(group="sophia_secrets.backends", name=name):
        try:
            return cast("BackendClass", found.load())
        except (ImportError, AttributeError) as problem:
            raise errors.BadSettings(
                f"The plug-in backend `{name}` could not be loaded: {problem}",
                hint=f"Reinstall the package that provides `{name}`, or take it out of `[backends] extra`.",
                backend=name,
            ) from problem
    raise errors.BadSettings(
        f"The settings name the backend `{name}`, but no installed package provides it.",
        hint=f"Install the package that provides `{name}`, or take it out of `[backends] extra`.",
        backend=name,
    )
