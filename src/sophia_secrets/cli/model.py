"""`config model`: a typed Python module of the declared secrets."""

import json
import keyword
import os
from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from sophia_secrets import errors
from sophia_secrets.cli.command_session import command_session
from sophia_secrets.core.text import visible
from sophia_secrets.settings.declared import Declared
from sophia_secrets.state import atomic

_TYPES = {
    "port": "Annotated[int, Field(ge=1, le=65535)]",
    "integer": "int",
    "boolean": "bool",
    "uuid": "UUID",
}
_STANDARD = {"port": "from typing import Annotated", "uuid": "from uuid import UUID"}


def model(
    ctx: typer.Context,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write the module there.")
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="CLASS", help="The class's name.")] = "Secrets",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a typed Python module of the declared secrets, for `load_config`. Never a value."""
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
        raise errors.UsageError(f"`{visible(name)}` cannot be a class's name.", hint="Write it as `Secrets`.")
    with command_session(ctx.obj, "config") as (session, console):
        declared = session.settings.declared
        if not declared:
            raise errors.UsageError(
                "No secret is declared, so there is nothing to write.",
                hint="Declare one in sophia-secrets.toml: `[secrets.API_KEY]` and `required = true`.",
            )
        text = module_text(declared, name)
        if output is None:
            if console.json:
                console.answer({"schema": 1, "module": text})
            else:
                console.print(text.rstrip("\n"))
            return
        place = os.path.abspath(output)
        if os.path.lexists(place) and not force:
            raise errors.UsageError(f"{place} is there already.", hint="Add `--force` to replace it.")
        atomic.replace_path(place, text.encode(), 0o644)
        if console.json:
            console.answer({"schema": 1, "written": [place]})
        else:
            console.note(f"Wrote {place}. Use it with `config = await load_config({name})`.")


def module_text(declared: Mapping[str, Declared], name: str) -> str:
    """The module, in the order in which the secrets are declared."""
    fields = field_names(declared)
    body = "\n".join(line for secret in declared.values() for line in _lines(secret, fields[secret.name]))
    types = {secret.type for secret in declared.values()}
    standard = [line for kind, line in _STANDARD.items() if kind in types]
    imports = ["from pydantic import Field", ""] * ("port" in types)
    imports.append("from sophia_secrets.config import Secret, SecretsModel, secret")
    head = '"""The secrets that the project declares. Written by `sophia-secrets config model`."""'
    parts = [head, "from __future__ import annotations"]
    parts += ["\n".join(standard)] if standard else []
    return (
        "\n\n".join([*parts, "\n".join(imports)])
        + f'\n\n\nclass {name}(SecretsModel):\n    """Filled by `await load_config({name})`."""\n\n{body}\n'
    )


def field_names(names: Iterable[str]) -> dict[str, str]:
    """A unique field for each name: a lower-case identifier that is no attribute of a model."""
    from sophia_secrets.config import SecretsModel

    taken: set[str] = set()
    found: dict[str, str] = {}
    for name in names:
        plain = (
            "".join(c if c.isascii() and c.isalnum() else "_" for c in name.lower()).strip("_") or "secret"
        )
        if plain[0].isdigit():
            plain = f"secret_{plain}"
        if keyword.iskeyword(plain) or keyword.issoftkeyword(plain) or hasattr(SecretsModel, plain):
            plain = f"{plain}_"
        field, count = plain, 1
        while field in taken:
            count += 1
            field = f"{plain}_{count}"
        taken.add(field)
        found[name] = field
    return found


def _lines(secret: Declared, field: str) -> list[str]:
    kind = _TYPES.get(secret.type, "str")
    always = secret.required is True
    default = "" if always else ", default=None"
    remarks = [f"    # {visible(line)}" for line in secret.description.splitlines()]
    inner = kind if always else f"{kind} | None"
    return [
        *remarks,
        f"    {field}: Secret[{inner}] = secret({json.dumps(secret.name, ensure_ascii=False)}{default})",
    ]
