"""
YAML as a tree of texts with their lines, without tags and types.

Built from the parser's events, so that a document that is too deep, or whose aliases multiply, is an
error instead of exhausting the memory (R3).
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from msgspec import Struct, field

MAX_DEPTH = 64
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class BadYAML(ValueError):
    """An invalid or unsupported YAML document. `line` counts from 1; the text is one of a few fixed reasons."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


class Text(Struct, frozen=True):
    """A scalar. `line` is where it begins; a `literal` one (`|`) has its own lines below that."""

    text: str
    line: int
    literal: bool = False

    def line_at(self, offset: int) -> int:
        """The line of an offset in the text; for folded text the line where it begins."""
        return self.line + 1 + self.text.count("\n", 0, offset) if self.literal else self.line


class Table(Struct, frozen=True):
    """A mapping, in order; keys that are not scalars are left out."""

    line: int
    items: list[tuple[Text, Node]] = field(default_factory=list)

    def get(self, key: str) -> Node | None:
        """The first value under the key."""
        return next((value for name, value in self.items if name.text == key), None)


class Rows(Struct, frozen=True):
    """A sequence."""

    line: int
    items: list[Node] = field(default_factory=list)


Node = Text | Table | Rows


def parse(text: str) -> Node | None:
    """The one document in the text, None for an empty one. Raises `BadYAML`. Aliases share their node."""
    line = 1
    try:
        return _build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = int(mark.line) + 1 if mark else 1
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
    # Outside the `except`: the parser's error contains the text around it.
    raise BadYAML("it is not YAML", line)


class _Open(Struct):
    """A collection that is not complete yet. In a table `key` is the key whose value comes next."""

    node: Table | Rows
    anchor: str | None
    key: Node | None = None

    def put(self, child: Node) -> None:
        if isinstance(self.node, Rows):
            self.node.items.append(child)
        elif self.key is None:
            self.key = child
        else:
            if isinstance(self.key, Text):
                self.node.items.append((self.key, child))
            self.key = None


def _build(events: Iterator[yaml.Event]) -> Node | None:
    root: Node | None = None
    anchors: dict[str, Node] = {}
    stack: list[_Open] = []
    for event in events:
        line = int(event.start_mark.line) + 1 if event.start_mark else 1
        done: Node
        anchor: str | None = None
        match event:
            case yaml.DocumentStartEvent() if root is not None:
                raise BadYAML("a second document begins here", line)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                if len(stack) == MAX_DEPTH:
                    raise BadYAML("it is nested too deeply", line)
                made = Table(line) if isinstance(event, yaml.MappingStartEvent) else Rows(line)
                stack.append(_Open(made, event.anchor))
                continue
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                ended = stack.pop()
                done, anchor = ended.node, ended.anchor
            case yaml.ScalarEvent():
                done, anchor = Text(event.value, line, event.style == "|"), event.anchor
            case yaml.AliasEvent():
                if event.anchor not in anchors:
                    raise BadYAML("an alias has no anchor before it", line)
                done = anchors[event.anchor]
            case _:
                continue
        if anchor is not None:
            anchors[anchor] = done
        if stack:
            stack[-1].put(done)
        else:
            root = done
    return root


def texts(node: Node, budget: list[int]) -> Iterator[Text]:
    """
    All scalar values, in order; those of an alias at each of its uses.

    `budget` is the number of nodes that may still be visited; raises `BadYAML` where it is used up.
    """
    waiting = [node]
    while waiting:
        budget[0] -= 1
        here = waiting.pop()
        if budget[0] < 0:
            raise BadYAML("its aliases make it too large", here.line)
        match here:
            case Text():
                yield here
            case Table():
                waiting.extend(value for _, value in reversed(here.items))
            case Rows():
                waiting.extend(reversed(here.items))
