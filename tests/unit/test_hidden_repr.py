"""What carries values, or a child's environment, shows its type alone (L4)."""

from __future__ import annotations

import importlib
import io
import pkgutil

import msgspec
import pytest
from rich.console import Console

import sophia_secrets
from sophia_secrets.backends.base import Call, Completed, Context, Credential, Ended
from sophia_secrets.core.hidden_repr import HiddenRepr

CANARY = "canary-value-0451"

RAW = ("bytes", "environ", "environment", "variables", "stdin", "stdout")
"""What a field's name or type says when it holds what nobody may see."""

PLAIN = {
    "sophia_secrets.backends.github.scope.Scope",  # a GitHub environment's name
    "sophia_secrets.core.workflow.Use",  # the same, in a workflow file
    "sophia_secrets.cli.monitor.Streams",  # descriptors
}


@pytest.mark.parametrize(
    "value",
    [
        Call("gh", ("secret",), {"GH_TOKEN": CANARY}, stdin=CANARY.encode()),
        Completed(Ended.EXITED, stdout=CANARY.encode()),
        Credential(variables=(("GH_TOKEN", CANARY),)),
        Context({"GH_TOKEN": CANARY}, "/", "/", "/"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_L4_it_is_not_in_its_repr_nor_in_what_rich_shows(value: object) -> None:
    console = Console(file=io.StringIO(), width=200)
    console.print(value, [value])
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert CANARY not in repr(value) + str(value) + shown
    assert type(value).__name__ in repr(value)


def test_L4_every_struct_with_raw_fields_is_quiet() -> None:
    for found in pkgutil.walk_packages(sophia_secrets.__path__, "sophia_secrets."):
        if "__main__" not in found.name:
            importlib.import_module(found.name)
    loud = [
        f"{each.__module__}.{each.__qualname__}"
        for each in structs(msgspec.Struct)
        if each.__module__.startswith("sophia_secrets.")
        and not issubclass(each, HiddenRepr)
        and any(
            name in RAW or spelled(kind).startswith("bytes") for name, kind in each.__annotations__.items()
        )
    ]
    assert set(loud) <= PLAIN, loud


def structs(base: type) -> list[type]:
    below = base.__subclasses__()
    return [*below, *(each for one in below for each in structs(one))]


def spelled(kind: object) -> str:
    """An annotation as it is written, also where it was evaluated."""
    return kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))
