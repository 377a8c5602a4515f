"""Every regular expression of the program takes linear time (fault R3): found by scan, none by list."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import re._constants as sre
import re._parser as parser
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import sophia_secrets
from sophia_secrets.backends.fly import failures as fly_failures
from sophia_secrets.formats import dotenv
from sophia_secrets.process.child import STDERR_LIMIT
from tests.faults.soak import SOAK

SOURCE = Path(sophia_secrets.__file__).parent
SIZE = 1_000_000 if SOAK else 250_000
SECONDS = 1.0 if SOAK else 0.5
METHODS = ("compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn")
MATCHING = ("search", "match", "fullmatch")

# Where the pattern is not written at the call: what it can be, or why that needs no test here.
ELSEWHERE: dict[str, list[str] | str] = {
    "backends/fly/failures.py: search(pattern)": [row[0] for row in fly_failures._ROWS],
    "backends/pulumi/vocabulary.py: compile(pattern)": "the rows are compiled patterns of the module",
    "core/value_types.py: search(pattern)": "declared by the user and accepted by `settings.pattern` alone",
    "settings/pattern.py: compile(pattern)": "the guard for such patterns itself; it only compiles",
}
# What can be no longer than that, whoever wrote it.
CAPS = {
    "backends/fly/failures.py": STDERR_LIMIT,
    "backends/github/failures.py": STDERR_LIMIT,
    "backends/github/writing.py": STDERR_LIMIT,
    "backends/pulumi/failures.py": STDERR_LIMIT,
    "backends/pulumi/vocabulary.py": STDERR_LIMIT,
}


@dataclass(frozen=True)
class Use:
    """A pattern, where it stands, and how it is applied there."""

    place: str
    pattern: re.Pattern[Any]
    methods: tuple[str, ...]

    @property
    def cap(self) -> int:
        return min(SIZE, CAPS.get(self.place.partition(":")[0], SIZE))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr in METHODS
        ):
            yield node


def _evaluated(node: ast.expr, module: ModuleType) -> Any:
    return eval(compile(ast.Expression(node), "<pattern>", "eval"), vars(module))


def _flags(call: ast.Call, module: ModuleType) -> int:
    after = {"compile": 1, "search": 2, "match": 2, "fullmatch": 2, "split": 3, "findall": 2, "finditer": 2}
    place = after.get(call.func.attr, 4)  # type: ignore[attr-defined]
    given = [k.value for k in call.keywords if k.arg == "flags"] + call.args[place : place + 1]
    return int(_evaluated(given[0], module)) if given else 0


def _applied(name: str, text: str) -> tuple[str, ...]:
    """How a name is used in a file: `fullmatch` and the like; all ways where that cannot be seen."""
    used = set(re.findall(rf"\b{name}\.(\w+)\(", text)) & set(METHODS)
    used |= {"fullmatch"} if f"{name}.fullmatch" in text else set()
    ways = {"fullmatch" if way == "fullmatch" else "match" if way == "match" else "search" for way in used}
    return tuple(sorted(ways)) or MATCHING


def uses() -> tuple[list[Use], list[str]]:
    """Every use in the source, and the calls whose pattern could not be found."""
    found: list[Use] = []
    unknown: list[str] = []
    for path in sorted(SOURCE.rglob("*.py")):
        relative = path.relative_to(SOURCE).as_posix()
        text = path.read_text()
        if "import re\n" not in text and "from re " not in text:
            continue
        module = importlib.import_module(
            "sophia_secrets." + relative.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        )
        tree = ast.parse(text)
        named = {
            id(node.value): target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in _calls(tree):
            how = call.func.attr  # type: ignore[attr-defined]
            place = f"{relative}:{call.lineno}"
            ways = (how,) if how in MATCHING else ("search",)
            if how == "compile":
                ways = _applied(named[id(call)], text) if id(call) in named else MATCHING
            try:
                pattern = _evaluated(call.args[0], module)
            except NameError:
                key = f"{relative}: {how}({ast.unparse(call.args[0])})"
                known = ELSEWHERE.get(key)
                if known is None:
                    unknown.append(key)
                elif isinstance(known, list):
                    found += [Use(place, re.compile(each), ways) for each in known]
                continue
            found.append(Use(place, re.compile(pattern, _flags(call, module)), ways))
        found += [Use(f"{relative}:{name}", pattern, MATCHING) for name, pattern in _rows(module)]
    return found, unknown


def _rows(module: ModuleType) -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Compiled patterns inside the module's tables."""
    for name, value in vars(module).items():
        for row in value if isinstance(value, tuple) else ():
            for part in getattr(type(row), "__slots__", ()):
                if isinstance(pattern := getattr(row, part), re.Pattern):
                    yield name, pattern


def _sample(tree: Any, choice: int) -> list[str]:
    """The characters of one text that the pattern takes, more or less."""
    out: list[str] = []
    for op, av in tree:
        if op is sre.LITERAL:
            out.append(chr(av))
        elif op is sre.NOT_LITERAL:
            out.append("x" if av != ord("x") else "y")
        elif op is sre.ANY:
            out.append("x")
        elif op is sre.IN:
            out.append(_member(av, choice))
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            least, _, inner = av
            out += _sample(inner, choice) * max(1, min(least, 40))
        elif op is sre.SUBPATTERN:
            out += _sample(av[3], choice)
        elif op is sre.ATOMIC_GROUP:
            out += _sample(av, choice)
        elif op is sre.BRANCH:
            out += _sample(av[1][choice % len(av[1])], choice)
    return out


def _member(members: list[Any], choice: int) -> str:
    negated = members[0][0] is sre.NEGATE
    kinds = {sre.CATEGORY_DIGIT: "7", sre.CATEGORY_SPACE: " ", sre.CATEGORY_WORD: "w"}
    options = []
    for op, av in members:
        if op is sre.LITERAL:
            options.append(chr(av))
        elif op is sre.RANGE:
            options.append(chr(av[0]))
        elif op is sre.CATEGORY:
            options.append(kinds.get(av, "!"))
    if negated:
        return next(c for c in "x y\t-7=\n" if c not in options)
    return options[choice % len(options)]


def hostile(pattern: re.Pattern[Any], size: int) -> Iterator[str]:
    """Texts of that size, made of what the pattern takes, that end so that it does not."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
    samples = ["".join(_sample(tree, choice)) for choice in range(3)]
    for sample in dict.fromkeys(samples):
        if not sample:
            continue
        for piece in (sample, sample[:-1] or sample, sample[1:] or sample, sample + " "):
            yield (piece * (size // len(piece) + 1))[:size]
        for atom in list(dict.fromkeys(sample))[:5]:
            yield sample[:-1] + atom * size + "\0"
            yield sample[:1] + atom * size + "\n\0"
            yield " " * 3 + atom * size + "\0"


class _TooLong(Exception):
    pass


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Give up on a match that is still at it; the engine looks for signals now and then."""

    def stop(number: int, frame: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


FOUND, UNKNOWN = uses()


def test_R3_every_pattern_in_the_source_is_known() -> None:
    assert UNKNOWN == [], "say in ELSEWHERE what these can be"
    assert len(FOUND) > 80


@pytest.mark.parametrize("use", FOUND, ids=[f"{use.place} {use.pattern.pattern[:30]!r}" for use in FOUND])
def test_R3_hostile_text_is_matched_in_no_time(use: Use) -> None:
    binary = isinstance(use.pattern.pattern, bytes)
    for text in hostile(use.pattern, use.cap):
        given = text.encode("utf-8", "replace") if binary else text
        for way in use.methods:
            began = time.process_time()
            try:
                with limit(SECONDS * 8):
                    getattr(use.pattern, way)(given)
            except _TooLong:
                pass
            took = time.process_time() - began
            assert took < SECONDS, f"{way} took {took:.2f} s on {text[:60]!r}…"


def test_R3_what_python_dotenv_expands_is_seen_in_linear_time() -> None:
    """The product's pattern is another than python-dotenv's, which takes quadratic time."""
    original = re.compile(r"\$\{[^}:]*(?::-[^}]*)?\}")
    pieces = ("${", "$", "{", "}", ":", "-", ":-", "x")
    for length in range(6):
        for parts in itertools.product(pieces, repeat=length):
            text = "".join(parts)
            assert dotenv.is_expanded(text) == (original.search(text) is not None), text
    for piece in ("${", "${x:-", "${:", "$", "${x:-$"):
        for end in ("", ":x}", "}", "x:-}"):
            began = time.process_time()
            dotenv.is_expanded(piece * (1_000_000 // len(piece)) + end)
            assert time.process_time() - began < 1.0
