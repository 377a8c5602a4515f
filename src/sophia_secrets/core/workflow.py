"""
The secrets of a GitHub workflow: which it uses, where, and which it passes on. Pure.

The rules are GitHub's, docs.github.com "Contexts", "Evaluate expressions" and "Reuse workflows".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum

from msgspec import Struct

from sophia_secrets import errors
from sophia_secrets.core import yaml_tree
from sophia_secrets.core.yaml_tree import BadYAML, Node, Rows, Table, Text

MAX_BYTES = 512 * 1024
_MOST_NODES = 200_000
_AUTOMATIC = "GITHUB_TOKEN"
"""The secret that every job has (docs.github.com, "Automatic token authentication")."""

_FROM_FORKS = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})

_TOKEN = re.compile(r"'(?:[^']|'')*+'|\}\}|[A-Za-z_][A-Za-z0-9_-]*|\S|\s+")
_STRING = r"'((?:[^']|'')*+)'"


class Kind(Enum):
    NAMED = "named"
    ALL = "all"
    COMPUTED = "computed"


class Use(Struct, frozen=True):
    """
    One place that uses secrets. `name` is upper case, "" unless the kind is named.

    `environment` is that of the job, "" for none and None where an expression decides it.
    """

    kind: Kind
    name: str
    line: int
    environment: str | None


class Call(Struct, frozen=True):
    """
    A job that calls a workflow: `uses` as written. `inherit` passes every secret, `passed` are the names
    (upper case) of secrets passed one by one.
    """

    uses: str
    line: int
    inherit: bool
    passed: frozenset[str]

    @property
    def is_local(self) -> bool:
        return self.uses.startswith("./")


class Workflow(Struct, frozen=True):
    """
    One file. `declared` are the secrets that a caller may pass (upper case), with whether each is required.
    `events` are its triggers.
    """

    uses: tuple[Use, ...]
    calls: tuple[Call, ...]
    events: frozenset[str]
    declared: Mapping[str, bool]

    @property
    def is_only_called(self) -> bool:
        return self.events == {"workflow_call"}

    @property
    def runs_for_forks(self) -> bool:
        """Whether a pull request from a fork can start it; such a run gets no secrets."""
        return not self.events.isdisjoint(_FROM_FORKS)


def read(data: bytes, path: str) -> Workflow:
    """The workflow in a file. Raises `errors.UsageError`, naming the file and line."""
    if len(data) > MAX_BYTES:
        raise errors.UsageError(
            f"{path} is larger than {MAX_BYTES:,} bytes.", hint="A workflow is a file in `.github/workflows`."
        )
    line, reason = 1, "it is not UTF-8"
    try:
        root = yaml_tree.parse(data.decode("utf-8-sig"))
        if isinstance(root, Table) and isinstance(root.get("jobs"), Table):
            return _workflow(root)
        reason = "it has no `jobs`, so it is no workflow"
    except BadYAML as bad:
        line, reason = bad.line, str(bad)
    except UnicodeDecodeError:
        pass
    raise errors.UsageError(
        f"{path}:{line} cannot be read as a workflow: {reason}.",
        hint="Correct it there, or name a file in `.github/workflows`.",
    )


def _workflow(root: Table) -> Workflow:
    budget = [_MOST_NODES]
    uses: list[Use] = []
    calls: list[Call] = []
    for key, value in root.items:
        if key.text != "jobs":
            uses += _uses(value, "", budget)
        elif isinstance(value, Table):
            for _, job in value.items:
                if isinstance(job, Table):
                    uses += _uses(job, _environment(job), budget)
                    calls += _calls(job)
    events, declared = _triggers(root.get("on"))
    return Workflow(tuple(uses), tuple(calls), events, declared)


def _environment(job: Table) -> str | None:
    node = job.get("environment")
    if isinstance(node, Table):
        node = node.get("name")
    if not isinstance(node, Text):
        return ""
    return None if "${{" in node.text else node.text


def _calls(job: Table) -> Iterator[Call]:
    uses, secrets = job.get("uses"), job.get("secrets")
    if isinstance(uses, Text):
        passed = [key.text.upper() for key, _ in secrets.items] if isinstance(secrets, Table) else []
        inherit = isinstance(secrets, Text) and secrets.text == "inherit"
        yield Call(uses.text, uses.line, inherit, frozenset(passed))


def _triggers(node: Node | None) -> tuple[frozenset[str], dict[str, bool]]:
    match node:
        case Text():
            return frozenset({node.text}), {}
        case Rows():
            return frozenset(item.text for item in node.items if isinstance(item, Text)), {}
        case Table():
            call = node.get("workflow_call")
            secrets = call.get("secrets") if isinstance(call, Table) else None
            rows = secrets.items if isinstance(secrets, Table) else []
            return frozenset(key.text for key, _ in node.items), {
                key.text.upper(): _is_required(value) for key, value in rows
            }
        case None:
            return frozenset(), {}


def _is_required(node: Node) -> bool:
    required = node.get("required") if isinstance(node, Table) else None
    return isinstance(required, Text) and required.text.lower() == "true"


def _uses(node: Node, environment: str | None, budget: list[int]) -> Iterator[Use]:
    for text in yaml_tree.texts(node, budget):
        line, counted = text.line_at(0), 0
        for kind, name, offset in references(text.text):
            if text.literal:
                line += text.text.count("\n", counted, offset)
                counted = offset
            if name != _AUTOMATIC:
                yield Use(kind, name, line, environment)


def references(text: str) -> Iterator[tuple[Kind, str, int]]:
    """Every use of the `secrets` context in the text's expressions: its kind, name and offset."""
    position = 0
    while (start := text.find("${{", position)) >= 0:
        tokens: list[tuple[str, int]] = []
        position = start + 3
        for match in _TOKEN.finditer(text, position):
            position = match.end()
            if match.group() == "}}":
                break
            if not match.group().isspace():
                tokens.append((match.group(), match.start()))
        yield from _in_expression(tokens)


def _in_expression(tokens: list[tuple[str, int]]) -> Iterator[tuple[Kind, str, int]]:
    words = [word for word, _ in tokens] + [""] * 3
    for i, (word, offset) in enumerate(tokens):
        if word.lower() != "secrets" or (i and words[i - 1] == "."):
            continue
        following = words[i + 2]
        if words[i + 1] == "." and following != "*":
            yield Kind.NAMED, following.upper(), offset
        elif words[i + 1] == "[" and words[i + 3] == "]" and (string := re.fullmatch(_STRING, following)):
            yield Kind.NAMED, string[1].replace("''", "'").upper(), offset
        elif words[i + 1] == "[":
            yield Kind.COMPUTED, "", offset
        else:
            yield Kind.ALL, "", offset
