"""
The part of Pulumi ESC that the tests need: definitions are checked, sealed and evaluated.

Shared by the local Pulumi Cloud (for the real `pulumi`) and by the stand-in program. It knows
plain values, `fn::secret`, `fn::fromBase64`, references and imports, and complains in the words of
sdk/go/common/esc/eval.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

Properties = dict[str, Any]
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]*")


@dataclass(frozen=True)
class Diagnostic:
    """`line` and `column` count from 1."""

    environment: str
    line: int
    column: int
    summary: str

    def json(self) -> dict[str, Any]:
        place = {"line": self.line, "column": self.column, "byte": 0}
        return {
            "summary": self.summary,
            "range": {"environment": self.environment, "begin": place, "end": place},
        }

    def __str__(self) -> str:
        return f"{self.environment}:{self.line}:{self.column}: {self.summary}"


class Rejected(Exception):
    """A definition that cannot be kept or opened."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__(str(diagnostics[0]))
        self.diagnostics = diagnostics


def parse(text: str) -> yaml.MappingNode:
    """A definition as a tree of YAML nodes."""
    node = yaml.compose(text or "{}", Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise Rejected([Diagnostic("", 1, 1, "an environment must be an object")])
    return node


def write(node: yaml.Node) -> str:
    text: str = yaml.serialize(node, Dumper=yaml.SafeDumper, allow_unicode=False)
    return text


def get(node: yaml.Node, key: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key]
    return None


def text_node(text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style='"')


def mapping_node(pairs: Mapping[str, yaml.Node]) -> yaml.MappingNode:
    return yaml.MappingNode("tag:yaml.org,2002:map", [(text_node(k), v) for k, v in pairs.items()])


def seal(name: str, text: str, load: Callable[[str], str | None]) -> str:
    """The definition as the service keeps it, every secret encrypted; raises `Rejected`."""
    evaluate(name, text, load)
    node = parse(text)
    _walk_secrets(node, _sealed)
    return write(node)


def unseal(text: str) -> dict[str, Any]:
    """What a definition holds, every secret in plain text, as Python values."""
    node = parse(text)
    _walk_secrets(node, _unsealed)
    held: dict[str, Any] = yaml.safe_load(write(node))
    return held


def evaluate(name: str, text: str, load: Callable[[str], str | None]) -> Properties:
    """What the environment opens to: property nodes as the service gives them; raises `Rejected`."""
    return _Evaluation(name, text, load).run()


class _Evaluation:
    def __init__(self, name: str, text: str, load: Callable[[str], str | None]) -> None:
        self.name = name
        self.root = parse(text)
        self.load = load
        self.diagnostics: list[Diagnostic] = []

    def run(self) -> Properties:
        imported: Properties = {}
        for item in getattr(get(self.root, "imports"), "value", []):
            text = self.load(item.value)
            if text is None:
                self.complain(item, f"unknown environment {item.value!r}")
            else:
                imported = _over(imported, evaluate(item.value, text, self.load))
        values = get(self.root, "values")
        own = self.value(values)["value"] if isinstance(values, yaml.MappingNode) else {}
        if self.diagnostics:
            raise Rejected(self.diagnostics)
        return _over(imported, own)

    def complain(self, node: yaml.Node, summary: str) -> None:
        mark = node.start_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        self.diagnostics.append(Diagnostic(self.name, line, column, summary))

    def value(self, node: yaml.Node) -> dict[str, Any]:
        made: dict[str, Any] = {"value": None, "trace": {"def": self.place(node)}}
        if isinstance(node, yaml.ScalarNode):
            made["value"], secret = self.scalar(node)
            if secret:
                made["secret"] = True
        elif isinstance(node, yaml.SequenceNode):
            made["value"] = [self.value(item) for item in node.value]
        elif (secret_argument := get(node, "fn::secret")) is not None:
            made["value"], made["secret"] = self.secret(secret_argument), True
        elif (encoded := get(node, "fn::fromBase64")) is not None:
            inner = self.value(encoded)
            made["value"] = base64.b64decode(str(inner["value"])).decode()
            made |= {"secret": True} if inner.get("secret") else {}
        else:
            made["value"] = {key.value: self.value(value) for key, value in node.value}
        return made

    def place(self, node: yaml.Node) -> dict[str, Any]:
        begin, end = node.start_mark, node.end_mark
        return {
            "environment": self.name,
            "begin": {"line": begin.line + 1, "column": begin.column + 1, "byte": begin.index},
            "end": {"line": end.line + 1, "column": end.column + 1, "byte": end.index},
        }

    def secret(self, argument: yaml.Node) -> str:
        cipher = get(argument, "ciphertext")
        if cipher is not None:
            return base64.b64decode(str(cipher.value)).decode()
        text = str(argument.value)
        if "${" in text.replace("$$", ""):
            self.complain(argument, "secret values must be string literals")
        return text

    def scalar(self, node: yaml.ScalarNode) -> tuple[Any, bool]:
        text, plain = node.value, node.style is None
        if plain and text in {"null", "~", ""}:
            return None, False
        if plain and text in {"true", "false"}:
            return text == "true", False
        if plain and _INT.fullmatch(text):
            return int(text), False
        if plain and _FLOAT.fullmatch(text):
            return float(text), False
        secret = False

        def referenced(match: re.Match[str]) -> str:
            nonlocal secret
            found: yaml.Node | None = get(self.root, "values")
            for key in match.group(1).split("."):
                found = get(found, key) if found is not None else None
            if found is None:
                self.complain(node, f'unknown property "{match.group(1)}"')
                return ""
            value = self.value(found)
            secret = secret or bool(value.get("secret"))
            return str(value["value"])

        parts = text.split("$$")
        return "$".join(_REFERENCE.sub(referenced, part) for part in parts), secret


def _over(base: Properties, top: Properties) -> Properties:
    merged = dict(base)
    for key, node in top.items():
        under = merged.get(key)
        if under is None:
            merged[key] = node
        elif isinstance(node["value"], dict) and isinstance(under["value"], dict):
            merged[key] = {**node, "value": _over(under["value"], node["value"])}
        else:
            merged[key] = {**node, "trace": {**node["trace"], "base": under}}
    return merged


def _walk_secrets(node: yaml.Node, change: Callable[[yaml.Node], yaml.Node]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _walk_secrets(item, change)
    elif isinstance(node, yaml.MappingNode):
        node.value = [
            (key, change(value) if key.value == "fn::secret" else value) for key, value in node.value
        ]
        for _, value in node.value:
            _walk_secrets(value, change)


def _sealed(argument: yaml.Node) -> yaml.Node:
    if isinstance(argument, yaml.MappingNode):
        return argument
    cipher = base64.b64encode(argument.value.encode("utf-8")).decode()
    return mapping_node({"ciphertext": text_node(cipher)})


def _unsealed(argument: yaml.Node) -> yaml.Node:
    cipher = get(argument, "ciphertext")
    return argument if cipher is None else text_node(base64.b64decode(cipher.value).decode("utf-8"))
