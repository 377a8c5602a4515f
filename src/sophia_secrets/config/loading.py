"""Filling a configuration model from the chain, in one pass with one vendor call per target."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, NoReturn, TypeVar, get_args, overload

from msgspec import Struct, field
from pydantic.fields import FieldInfo

from sophia_secrets import errors
from sophia_secrets import manager as managing
from sophia_secrets.config.groups import Config
from sophia_secrets.config.model import InvalidConfig, SecretsModel, is_secret, name_of
from sophia_secrets.core.hidden_repr import HiddenRepr
from sophia_secrets.core.model import Resolution, SecretValue, TraceOutcome

M = TypeVar("M", bound=SecretsModel)
Missing = Literal["none", "error"]
logger = logging.getLogger("sophia_secrets")


@overload
async def load_config(
    *, missing: Missing = ..., manager: managing.SecretsManager | None = ..., use_cache: bool = ...
) -> Config: ...


@overload
async def load_config(
    model: type[M],
    *,
    missing: Missing = ...,
    manager: managing.SecretsManager | None = ...,
    use_cache: bool = ...,
) -> M: ...


async def load_config(
    model: type[SecretsModel] = Config,
    *,
    missing: Missing = "none",
    manager: managing.SecretsManager | None = None,
    use_cache: bool = True,
) -> SecretsModel:
    """
    The model, filled from the chain in one pass.

    A field whose secret is in no backend gets its default, or None.

    Raises `NotFound`, naming every missing secret, with `missing="error"` and where a field's type does
    not allow None; if a backend that failed may have the secret, its error instead (a logged warning
    where None is allowed). Raises `BadSettings` for invalid values, without quoting them, and the errors
    of `SecretsManager.resolve`.
    """
    reader = managing.secrets_manager if manager is None else manager
    leaves = list(_leaves(model))
    names = list(dict.fromkeys(leaf.name for leaf in leaves))
    needed = {leaf.name for leaf in leaves if missing == "error" or (leaf.required and not leaf.optional)}
    optional = [name for name in names if name not in needed]
    resolutions = await reader.resolve(names, use_cache=use_cache, optional=optional) if names else []
    found = dict(zip(names, resolutions, strict=True))
    doubtful = [r.name for r in resolutions if r.value is None and r.degraded]
    building = _Building({name: r.value for name, r in found.items() if r.value is not None}, missing)
    made = building.make(model)
    uncertain = [name for name in building.missing if name in doubtful]
    if uncertain:
        await reader.get_secret(uncertain[0], use_cache=use_cache)
        _refuse_uncertain(found[uncertain[0]])
    building.refuse()
    if doubtful:
        logger.warning("load_config: %s may be somewhere, but a backend failed", ", ".join(doubtful))
    assert made is not None
    return made


class _SecretField(Struct, frozen=True):
    """A field that is filled from one secret."""

    field: str
    name: str
    secret: bool
    required: bool
    optional: bool


class _ModelField(Struct, frozen=True):
    """A field that is a nested model."""

    field: str
    model: type[SecretsModel]


@cache
def _plan(model: type[SecretsModel]) -> tuple[_SecretField | _ModelField, ...]:
    return tuple(_field_of(name, field) for name, field in model.model_fields.items())


def _field_of(name: str, field: FieldInfo) -> _SecretField | _ModelField:
    options = (field.annotation, *get_args(field.annotation))
    for option in options:
        if isinstance(option, type) and issubclass(option, SecretsModel):
            return _ModelField(name, option)
    return _SecretField(
        name,
        name_of(name, field),
        secret=is_secret(field),
        required=field.is_required(),
        optional=type(None) in options,
    )


def _leaves(model: type[SecretsModel]) -> Iterator[_SecretField]:
    for part in _plan(model):
        if isinstance(part, _SecretField):
            yield part
        else:
            yield from _leaves(part.model)


class _Building(HiddenRepr, Struct):
    """Builds models, nested ones first, and collects all problems for one error."""

    values: Mapping[str, SecretValue]
    when_missing: Missing
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def make(self, model: type[SecretsModel], path: str = "") -> SecretsModel | None:
        """The model, or None where a value is missing or invalid."""
        given: dict[str, Any] = {}
        incomplete: set[str] = set()
        names: dict[str, str] = {}
        for part in _plan(model):
            if isinstance(part, _ModelField):
                made = self.make(part.model, f"{path}{part.field}.")
                if made is None:
                    incomplete.add(part.field)
                else:
                    given[part.field] = made
                continue
            names[part.field] = part.name
            if part.name in self.values:
                given[part.field] = self.values[part.name]
            elif self._is_missing(part, model):
                self.missing.append(part.name)
                incomplete.add(part.field)
            elif part.required:
                given[part.field] = None
        problems: tuple[tuple[str, str], ...] = ()
        try:
            made = model(**given)
            return None if incomplete else made
        except InvalidConfig as error:
            problems = error.problems
        for place, words in problems:
            if place not in incomplete:
                self.problems.append(f"{names.get(place, place or model.__name__)} ({path}{place}) {words}")
        return None

    def _is_missing(self, leaf: _SecretField, model: type[SecretsModel]) -> bool:
        if leaf.required and not leaf.optional:
            return True
        has_default = not leaf.required and model.model_fields[leaf.field].get_default() is not None
        return leaf.secret and self.when_missing == "error" and not has_default

    def refuse(self) -> None:
        """Raises one error for all missing and invalid values, if there are any."""
        if self.problems:
            missing = [f"{name} is missing" for name in self.missing]
            raise errors.BadSettings(
                f"The configuration cannot be made: {'; '.join([*self.problems, *missing])}.",
                hint="Correct the values; none is shown here.",
            )
        if self.missing:
            plural = len(self.missing) > 1
            raise errors.NotFound(
                f"The configuration needs {', '.join(self.missing)}, which "
                f"{'are' if plural else 'is'} nowhere in the chain.",
                hint=f"See why with `sophia-secrets explain {self.missing[0]}`.",
            )


def _refuse_uncertain(resolution: Resolution) -> NoReturn:
    """Raises for a backend that failed and then answered: the earlier result is not used."""
    failed = [step for step in resolution.trace if step.outcome is TraceOutcome.FAILED]
    reason = failed[0].detail if failed else "a backend failed"
    raise errors.Unavailable(
        f"`{resolution.name}` was not found, and the answer is not certain: {reason}",
        hint="Try again.",
        backend=failed[0].backend if failed else "",
    )
