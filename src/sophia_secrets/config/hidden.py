"""The type for the value of a secret field, and the annotation for such a field."""

from __future__ import annotations

import hmac
from typing import Annotated, Any, NoReturn, TypeVar, final

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from sophia_secrets.core.model import HIDDEN

T = TypeVar("T")


@final
class Hidden:
    """A value of any type that cannot be printed, logged or pickled by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def reveal(self) -> Any:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Hidden):
            return NotImplemented
        if isinstance(self._value, str) and isinstance(other._value, str):
            ours, theirs = (v.encode("utf-8", "surrogatepass") for v in (self._value, other._value))
            return hmac.compare_digest(ours, theirs)
        return bool(self._value == other._value)

    __hash__ = None  # type: ignore[assignment]

    def __deepcopy__(self, memo: object) -> Hidden:
        # The value is immutable, so a copy can share it.
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret value is never pickled")


def _hide(value: object) -> Hidden | None:
    return value if value is None or isinstance(value, Hidden) else Hidden(value)


def _mask(value: object) -> str | None:
    return None if value is None else HIDDEN


@final
class Mark:
    """Makes pydantic wrap the field's value in `Hidden` after validation."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(
            _hide,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(_mask),
        )


Secret = Annotated[T, Mark()]
"""A secret field of a model: `api_key: Secret[str]`, or `Secret[str | None]` where it may be missing."""
