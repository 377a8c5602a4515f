"""Every sentence an error can be, found in the source: what is written there, with its gaps."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sophia_secrets import errors
from sophia_secrets.core.model import FailureKind

SOURCE = Path(errors.__file__).parent
_CLASSES = {
    name
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.SophiaError)
}
_SHORT = {"_CLI", "_AUTH", "_DENIED", "_GONE", "_DOWN", "_LATE", "_BUSY", "_ODD"}
_OTHERS = {"Busy"}
_SENTENCE_AT = {"Failure": 2, "_row": 2, "failure": 1, "failed": 1}


_CHECKS = ("probing.py", "probe.py", "doctor.py", "policy.py")
"""Files whose sentences are those of `doctor` and `check`, which are answers and no errors."""


@dataclass(frozen=True)
class Template:
    """A sentence and the file it stands in; `{}` is where something is filled in."""

    text: str
    file: str

    def matches(self, printed: str) -> bool:
        """Whether a text holds this sentence, however it begins and ends (`cli/report.py`)."""
        parts = [re.escape(part) for part in self.text.rstrip(".").split("{}")]
        pattern = ".*?".join(parts)
        return re.search(pattern, printed, re.IGNORECASE) is not None


def templates() -> list[Template]:
    """The sentences of all errors and failures of the source, each once, in the order of files."""
    found: dict[tuple[str, str], Template] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        file = str(path.relative_to(SOURCE))
        if path.name in _CHECKS:
            continue
        for text in _sentences(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault((file, text), Template(text, file))
    return list(found.values())


def _sentences(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.Tuple):
            yield from _of_row(node)
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "message":
            yield from _literals([node.value])


def _of_call(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    inner = isinstance(node.func, ast.Call) and "error_for" in ast.unparse(node.func)
    if inner or name in _CLASSES | _OTHERS:
        yield from _literals(node.args[:1])
    elif name in _SENTENCE_AT:
        yield from _literals(node.args[_SENTENCE_AT[name] :][:1])


def _of_row(node: ast.Tuple) -> Iterator[str]:
    """A row of a table of failures, or the (kind, message, hint) of one."""
    for at, element in enumerate(node.elts[:-1]):
        if _is_kind(element):
            yield from _literals(node.elts[at + 1 : at + 2])
            return


def _is_kind(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return ast.unparse(node.value) == "FailureKind" and node.attr in FailureKind.__members__
    return isinstance(node, ast.Name) and node.id in _SHORT


def _literals(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        text = _text(node)
        # A text made of gaps alone passes on what another place says.
        if re.search(r"[a-z]{2,} [a-z]", text.replace("{}", "")) or text.endswith("."):
            yield text


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{+\w*\}+", "{}", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(v) if isinstance(v, ast.Constant) else "{}" for v in node.values)
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return "{}"
