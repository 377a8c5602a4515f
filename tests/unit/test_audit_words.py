"""Every word that the program writes into its log is one that can be asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from sophia_secrets import state
from sophia_secrets.core.audit_report import FAILED
from sophia_secrets.core.audit_words import COMMANDS, OUTCOMES
from sophia_secrets.core.model import Outcome

ROOT = Path(state.__file__).parent.parent


def literals() -> Iterator[tuple[str, str]]:
    """The (command, outcome) of each event that is made in the source, "" for what is no literal."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Event" and len(node.args) > 1:
                command, outcome = (e.value if isinstance(e, ast.Constant) else "" for e in node.args[:2])
                yield str(command), str(outcome)


def test_every_event_of_the_source_has_known_words() -> None:
    found = list(literals())
    assert ("audit", "gap") in found
    assert ("rotate", "abandoned") in found
    assert {command for command, _ in found} - {""} <= set(COMMANDS)
    assert {outcome for _, outcome in found} - {""} <= OUTCOMES.keys()


def test_every_outcome_of_a_write_and_of_a_report_is_known() -> None:
    assert {each.value for each in Outcome} <= OUTCOMES.keys()
    assert OUTCOMES.keys() >= FAILED
