"""Files that people hand over: read exactly and written back, or refused without a word of them."""

from __future__ import annotations

import io
import json as json_module
import math
import os
import re
from collections.abc import Callable, Sequence

from dotenv import dotenv_values

from sophia_secrets import errors
from sophia_secrets.core import strict_json as strict
from sophia_secrets.formats import Pair
from sophia_secrets.formats import dotenv as dotenv_format
from sophia_secrets.formats import json as json_format
from sophia_secrets.formats import yaml as yaml_format
from sophia_secrets.settings import checking, document
from tests.fuzz.canary import unsaid

_STATUS = os.stat(os.devnull)
_WORLD = checking.ValidationContext(
    "/home/me", "/home/me/.config/sophia-secrets/config.toml", ("env", "github", "fly", "local")
)

# A name may be quoted in a message, and these formats take any text for one: `"…": `, `? …`, `…: `.
_IS_NAMED = re.compile(rb"""cAn~ArY.*?["']?\s*[:{}\[\]]|\?.*cAn~ArY""", re.DOTALL)


def _values(pairs: Sequence[Pair]) -> dict[str, str]:
    return {pair.name: pair.value.reveal() for pair in pairs}


def _comes_back(
    data: bytes, read: Callable[[bytes], list[Pair]], write: Callable[[Sequence[Pair]], bytes]
) -> list[Pair]:
    """What was read, once it was written and read again; nothing where the reader refused."""
    try:
        pairs = read(data)
    except errors.UsageError as error:
        if not _IS_NAMED.search(data):
            unsaid(error)
        return []
    assert len(_values(pairs)) == len(pairs)
    try:
        written = write(pairs)
    except (errors.BadName, errors.BadValue) as error:
        if not _IS_NAMED.search(data):
            unsaid(error)
        return pairs
    assert _values(read(written)) == _values(pairs)
    return pairs


def dotenv(data: bytes) -> None:
    found = _values(_comes_back(data, dotenv_format.read, dotenv_format.write_for_us))
    if found:
        text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig").read()
        assert dotenv_values(stream=io.StringIO(text), interpolate=False) == found


def json(data: bytes) -> None:
    _comes_back(data, json_format.read, json_format.write)


def yaml(data: bytes) -> None:
    _comes_back(data, yaml_format.read, yaml_format.write)


def settings(data: bytes) -> None:
    for path in ("/srv/app/sophia-secrets.toml", "/home/me/.config/sophia-secrets/config.toml"):
        try:
            found = document.parse(path, data, _STATUS)
            checking.check(found, _WORLD, is_user=path.startswith("/home"))
        except errors.BadSettings as error:
            # An unknown key is named, and a canary within quotes can be a key.
            assert error.message.startswith(path)  # noqa: PT017
            unsaid_value(error, data)


def unsaid_value(error: errors.BadSettings, data: bytes) -> None:
    """No canary that the file has as a value: a key may be named, and so may what should be a backend."""
    keys_are_plain = (
        all(b"~" not in line.partition(b"=")[0] for line in data.splitlines()) and b"{" not in data
    )
    if keys_are_plain and "which is not a backend" not in error.message:
        unsaid(error)


_REASONS = {
    "more than one document", "no document", "not UTF-8", "it is not JSON", "nested too deeply",
    "a key is there twice", "NaN or Infinity", "a lone surrogate",
}  # fmt: skip


def strict_json(data: bytes) -> None:
    try:
        found = strict.loads(data)
    except strict.BadJSON as error:
        assert str(error) in _REASONS  # noqa: PT017
        return unsaid(error)
    usual = json_module.loads(data, parse_int=strict.Number, parse_float=strict.Number)
    assert found == usual
    assert strict.stream(data + b"\n" + data) == [found, found]
    _numbers(found)
    return None


def _numbers(value: object) -> None:
    if isinstance(value, dict):
        for each in value.values():
            _numbers(each)
    elif isinstance(value, list):
        for each in value:
            _numbers(each)
    elif isinstance(value, strict.Number):
        assert not math.isnan(float(value.text))
        assert repr(value) == "<number>"
