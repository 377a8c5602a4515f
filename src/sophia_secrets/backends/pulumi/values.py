"""
Parsing of `pulumi env open --format detailed` and `pulumi config --json` to values by name.

Pure and strict: anything but the documented shape raises `Unreadable`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from sophia_secrets.core import strict_json
from sophia_secrets.core.model import SecretValue

Path = tuple[str | int, ...]
UNKNOWN = "[unknown]"
_SECTIONS = frozenset({"environmentVariables", "pulumiConfig", "files"})


class Unreadable(Exception):
    """Output that is not of the documented shape. Contains nothing of it."""


class Leaf(Struct, frozen=True):
    """One scalar: its path, and its text or None where Pulumi does not know it yet."""

    path: Path
    value: SecretValue | None


class _Node(Struct, frozen=True):
    value: object
    unknown: bool


def environment(stdout: bytes, namespace: str) -> dict[str, Leaf]:
    """
    The names of an opened environment.

    A name is looked up under `environmentVariables`, at the top level, under `pulumiConfig` (without the
    project's own namespace) and under `files`, whose value is the file's content; the first one wins.
    Nested values have a dotted path (`db.password`, `servers[0].host`) and never shadow a direct name.
    Only scalars are values.

    `stdout` is that of an open without file projection, which would replace every variable that is also
    in `files` by a path (pkg/cmd/esc/cli/env_open.go).
    """
    top = _object(_node(_parsed(stdout)))
    own = f"{namespace}:" if namespace else ""
    sections: list[list[tuple[str, Path, _Node]]] = []
    for section in ("environmentVariables", "", "pulumiConfig", "files"):
        if section:
            children = _children(top.get(section))
        else:
            children = {k: v for k, v in top.items() if k not in _SECTIONS}
        path: Path = (section,) if section else ()
        prefix = own if section == "pulumiConfig" else ""
        named = [((key.removeprefix(prefix) or key), (*path, key), node) for key, node in children.items()]
        sections.append(sorted(named, key=lambda item: item[0] != item[1][-1]))
    found: dict[str, Leaf] = {}
    for section_items in sections:
        for name, path, node in section_items:
            if not isinstance(node.value, dict | list) or node.unknown:
                found.setdefault(name, _leaf(path, node))
    for section_items in sections:
        for name, path, node in section_items:
            for nested, leaf in _leaves(name, path, node):
                found.setdefault(nested, leaf)
    return found


def configuration(stdout: bytes, namespace: str) -> dict[str, Leaf]:
    """
    The names of a stack's configuration: without the project's own namespace, with any other.

    An object's value is its JSON text, as `pulumi config get` prints it; its members have dotted paths.
    """
    document = _parsed(stdout)
    if not isinstance(document, dict):
        raise Unreadable("not an object")
    found: dict[str, Leaf] = {}
    nested: list[tuple[str, Leaf]] = []
    for key, entry in document.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("secret"), bool):
            raise Unreadable("not a configuration entry")
        value = entry.get("value")
        if not isinstance(value, str) and (value is not None or not entry["secret"]):
            raise Unreadable("a value that is not text")
        name = key.removeprefix(f"{namespace}:") or key
        known = value is not None and value != UNKNOWN
        found[name] = Leaf((key,), SecretValue(value) if known and value is not None else None)
        if "objectValue" in entry:
            nested += list(_plain(name, (key,), entry["objectValue"]))
    for name, leaf in nested:
        found.setdefault(name, leaf)
    return found


def property_path(path: Path) -> str | None:
    """
    A path as `pulumi env` parses it, or None for a key that its grammar cannot express
    (sdk/go/common/resource/properties_path.go: within quotes only a quote is escaped).
    """
    written = ""
    for step in path:
        if isinstance(step, int):
            written += f"[{step}]"
        elif not step or step.endswith("\\"):
            return None
        elif step.isascii() and step.replace("_", "a").isalnum():
            written += f".{step}" if written else step
        else:
            written += '["' + step.replace('"', '\\"') + '"]'
    return written


def _parsed(stdout: bytes) -> object:
    try:
        return strict_json.loads(stdout)
    except strict_json.BadJSON:
        pass
    raise Unreadable("not one JSON document")


def _node(raw: object) -> _Node:
    if not isinstance(raw, dict) or not {"value", "trace", "unknown"} & raw.keys():
        raise Unreadable("not a value with its trace")
    unknown = raw.get("unknown", False)
    if not isinstance(unknown, bool) or not isinstance(raw.get("secret", False), bool):
        raise Unreadable("a flag that is neither true nor false")
    return _Node(raw.get("value"), unknown)


def _object(node: _Node) -> dict[str, _Node]:
    if node.value is None:
        return {}
    if not isinstance(node.value, dict):
        raise Unreadable("not an object")
    return {key: _node(child) for key, child in node.value.items()}


def _children(section: _Node | None) -> dict[str, _Node]:
    return _object(section) if section is not None and isinstance(section.value, dict) else {}


def _leaf(path: Path, node: _Node) -> Leaf:
    return Leaf(path, None if node.unknown else SecretValue(_text(node.value)))


def _leaves(name: str, path: Path, node: _Node) -> Iterator[tuple[str, Leaf]]:
    if isinstance(node.value, dict) and not node.unknown:
        for key, child in node.value.items():
            yield from _leaves(f"{name}.{key}", (*path, key), _node(child))
    elif isinstance(node.value, list) and not node.unknown:
        for index, child in enumerate(node.value):
            yield from _leaves(f"{name}[{index}]", (*path, index), _node(child))
    else:
        yield name, _leaf(path, node)


def _plain(name: str, path: Path, value: object) -> Iterator[tuple[str, Leaf]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _plain(f"{name}.{key}", (*path, key), child)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _plain(f"{name}[{index}]", (*path, index), child)
    else:
        yield name, Leaf(path, SecretValue(_text(value)))


def _text(scalar: object) -> str:
    """A scalar as text, as in a variable of `pulumi env run` (sdk/go/common/esc/value.go, ToString)."""
    if isinstance(scalar, str):
        return scalar
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    if isinstance(scalar, strict_json.Number):
        return scalar.text
    return ""
