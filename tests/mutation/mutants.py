"""One small change at a time in a module's source: what a test of that module must notice."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Change = Callable[[Any], ast.AST]

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_OPERATE: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.LShift: ast.RShift, ast.Div: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A changed source: on which line, and what was done to it."""

    line: int
    what: str
    source: str


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a module, by line. Annotations, docstrings and `__slots__` are left alone."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    left_alone = _left_alone(tree)
    found = []
    for at, node in enumerate(nodes):
        if id(node) not in left_alone:
            found += [
                Mutant(node.lineno, what, _changed(tree, at, change)) for what, change in _changes(node)
            ]  # type: ignore[attr-defined]
    return sorted(found, key=lambda mutant: mutant.line)


def _left_alone(tree: ast.Module) -> set[int]:
    roots: list[ast.AST] = []
    for node in ast.walk(tree):
        roots += [part for name in ("annotation", "returns") if (part := getattr(node, name, None))]
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            roots += [e for e in node.body if isinstance(e, ast.Expr) and isinstance(e.value, ast.Constant)]
        if isinstance(node, ast.ClassDef):
            roots += node.keywords
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id in ("__slots__", "TYPE_CHECKING") for t in node.targets
        ):
            roots.append(node)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            roots.append(node)
    return {id(node) for root in roots for node in ast.walk(root)}


def _changed(tree: ast.Module, at: int, change: Change) -> str:
    changed = copy.deepcopy(tree)
    target = list(ast.walk(changed))[at]

    class Replace(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            return change(node) if node is target else self.generic_visit(node)

    return ast.unparse(ast.fix_missing_locations(Replace().visit(changed)))


def _set(name: str, value: Any) -> Change:
    def change(node: ast.AST) -> ast.AST:
        setattr(node, name, value)
        return node

    return change


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare(ops=ops):
            for at, op in enumerate(ops):
                if type(op) in _COMPARE:
                    others = [*ops[:at], _COMPARE[type(op)](), *ops[at + 1 :]]
                    yield f"{type(op).__name__} turned round", _set("ops", others)
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in _OPERATE:
            yield f"{type(op).__name__} turned round", _set("op", _OPERATE[type(op)]())
        case ast.BoolOp(op=op):
            yield "and, or", _set("op", ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not()):
            yield "no not", lambda found: found.operand
        case ast.Constant(value=bool(value)):
            yield f"{value} turned round", _set("value", not value)
        case ast.Constant(value=int(value) | float(value)):
            yield f"{value} + 1", _set("value", value + 1)
        case ast.Constant(value=str(value)):
            yield f"XX before {value[:20]!r}", _set("value", "XX" + value)
        case ast.Constant(value=bytes(value)):
            yield f"XX before {value[:20]!r}", _set("value", b"XX" + value)
        case ast.Return(value=value) if value and not (
            isinstance(value, ast.Constant) and value.value is None
        ):
            yield "None returned", _set("value", ast.Constant(None))
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            yield "condition turned round", _set("test", ast.UnaryOp(ast.Not(), test))
        case ast.Expr(value=ast.Call()):
            yield "no call", _set("value", ast.Constant(None))
        case ast.Break():
            yield "continue for break", lambda found: ast.copy_location(ast.Continue(), found)
        case ast.Continue():
            yield "break for continue", lambda found: ast.copy_location(ast.Break(), found)
        case ast.Assign(targets=[target], value=ast.Call() | ast.Subscript() | ast.Attribute()) if (
            node.col_offset and not isinstance(target, ast.Tuple)
        ):
            yield "None assigned", _set("value", ast.Constant(None))
        case ast.Call(func=ast.Name(id="min" | "max" as name)):
            yield f"not {name}", _set("func", ast.Name("max" if name == "min" else "min", ast.Load()))
        case _:
            pass
