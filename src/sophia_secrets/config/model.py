"""The base class of configuration models, and the names of their secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeVar, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from sophia_secrets import errors
from sophia_secrets.config.hidden import Hidden, Mark, Secret
from sophia_secrets.core.model import SecretValue

__all__ = ["Secret", "SecretsModel", "secret", "setting"]

_NAME = "secret_name"
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of the model",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "string_too_short": "is too short",
    "string_too_long": "is too long",
    "string_pattern_mismatch": "does not match its pattern",
    "literal_error": "is none of the values allowed",
    "enum": "is none of the values allowed",
    "greater_than": "is too small",
    "greater_than_equal": "is too small",
    "less_than": "is too large",
    "less_than_equal": "is too large",
    "url_parsing": "must be a URL",
    "url_scheme": "has a scheme that is not allowed",
    "json_invalid": "must be JSON",
    "value_error": "is not accepted",
}


def secret(name: str, *, default: Any = ..., description: str = "") -> Any:
    """
    Names the secret that fills a field: `api_key: Secret[str] = secret("PAYMENTS_API_KEY")`.

    Without it the secret's name is the field's own in upper case. A field without a default is
    required, unless its type allows None.
    """
    return setting(name, default=default, description=description)


def setting(name: str, *, default: Any = ..., description: str = "", **rules: Any) -> Any:
    """
    As `secret`, for a field that is not secret: `port: int = setting("HTTP_PORT", default=8080, ge=1)`.

    `rules` are those of pydantic's `Field`.
    """
    return Field(default=default, description=description or None, json_schema_extra={_NAME: name}, **rules)


class InvalidConfig(errors.BadSettings):
    """Invalid values for a model. `problems` are pairs of a field and what is wrong, never a value."""

    problems: tuple[tuple[str, str], ...] = ()


class SecretsModel(BaseModel):
    """
    A model whose fields `load_config` fills from the chain of backends.

    Fields marked `Secret[...]` are plain values as attributes and hidden where the model is shown, dumped,
    compared or copied; pickling is refused. A value is validated by the field's type, a list from
    comma-separated text or JSON; an invalid one raises `errors.BadSettings`, which names fields and never
    a value. Instances are immutable.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True, protected_namespaces=()
    )

    if not TYPE_CHECKING:

        def __getattribute__(self, name: str) -> object:
            value = super().__getattribute__(name)
            return value.reveal() if type(value) is Hidden else value

        def __setattr__(self, name: str, value: object) -> None:
            if not name.startswith("_"):
                raise AttributeError(f"{type(self).__name__} does not change: {name} cannot be set")
            super().__setattr__(name, value)

    @field_validator("*", mode="before")
    @classmethod
    def _from_text(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, Hidden | SecretValue):
            value = value.reveal()
        field = cls.model_fields.get(info.field_name or "")
        if isinstance(value, str) and field is not None:
            return _members(value, field.annotation)
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _without_values_in_errors(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            problems = _problems(cls, error)
        # Outside the `except`: pydantic's error contains the values.
        raise _invalid(cls, problems)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **more: Any) -> Self:
        """As `BaseModel.model_validate_json`; raises `errors.BadSettings`."""
        try:
            return super().model_validate_json(json_data, **more)
        except ValidationError as error:
            problems = _problems(cls, error)
        raise _invalid(cls, problems)

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:
        """As `BaseModel.model_construct`, without validation; secrets are hidden nevertheless."""
        return _hidden_in(super().model_construct(_fields_set, **values))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As `BaseModel.model_copy`; secrets stay hidden."""
        return _hidden_in(super().model_copy(update=update, deep=deep))


M = TypeVar("M", bound=SecretsModel)


def is_secret(field: FieldInfo) -> bool:
    """Whether the field is marked as a secret."""
    return any(isinstance(each, Mark) for each in field.metadata) or _has_mark(field.annotation)


def _has_mark(annotation: object) -> bool:
    return isinstance(annotation, Mark) or any(_has_mark(each) for each in get_args(annotation))


def name_of(field_name: str, field: FieldInfo) -> str:
    """The name of the field's secret."""
    extra = field.json_schema_extra
    found = extra.get(_NAME) if isinstance(extra, dict) else None
    return found if isinstance(found, str) else field_name.upper()


@cache
def _secret_fields(model: type[SecretsModel]) -> tuple[str, ...]:
    return tuple(name for name, field in model.model_fields.items() if is_secret(field))


def _hidden_in(model: M) -> M:
    for name in _secret_fields(type(model)):
        value = model.__dict__.get(name)
        if value is not None and not isinstance(value, Hidden):
            model.__dict__[name] = Hidden(value)
    return model


def _members(text: str, annotation: object) -> object:
    """The items of a text for a field that is a collection, else the text itself."""
    options = [annotation, *get_args(annotation)]
    if not any((get_origin(each) or each) in (list, tuple, set, frozenset, dict) for each in options):
        return text
    if text.lstrip().startswith(("[", "{")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _problems(model: type[BaseModel], error: ValidationError) -> tuple[tuple[str, str], ...]:
    """The fields and problems of pydantic's error, which itself contains the values."""
    found: dict[tuple[str, str], None] = {}
    for row in error.errors(include_url=False, include_context=False, include_input=False):
        place = row["loc"][0] if row["loc"] else ""
        # A place that is not a field comes from the data, and may be anything.
        field = place if isinstance(place, str) and place in model.model_fields else ""
        found[field, _WORDS.get(row["type"], f"is not valid ({row['type']})")] = None
    return tuple(found)


def _invalid(model: type[BaseModel], problems: tuple[tuple[str, str], ...]) -> InvalidConfig:
    details = "; ".join(
        f"{f'`{field}`' if field else 'something given'} {words}" for field, words in problems
    )
    error = InvalidConfig(
        f"{model.__name__} cannot be made: {details}.", hint="Correct the values; none is shown here."
    )
    error.problems = problems
    return error
