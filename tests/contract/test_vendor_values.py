"""
The twenty thousand values of the export formats, on their way to each vendor: exact or refused (I3, I4; goal 11).

What reads them are transcriptions of the parsers of `flyctl` and `gh`. Pulumi and AWS are handed
the value as it is or in JSON, so there is nothing of theirs to transcribe.
"""

from __future__ import annotations

from sophia_secrets.backends.fly import dialect, rules
from sophia_secrets.backends.github import plan
from sophia_secrets.backends.github.rules import value_problem
from sophia_secrets.core.model import Change, SecretValue
from tests.contract.test_format_parsers import COUNT, values
from tests.unit.test_github_dotenv import stored
from tests.vendors.fly_program import SPACE, parse_secrets


def test_I3_I4_a_value_reaches_fly_as_it_is_or_is_refused() -> None:
    imported = set_alone = 0
    for value in values():
        if rules.problem("NAME", SecretValue(value)) is not None:
            continue
        lines = dialect.encode("NAME", value)
        if lines is not None:
            assert parse_secrets(f"X=1\n{lines}Y=2\n".encode()) == {"X": "1", "NAME": value, "Y": "2"}
            imported += 1
        if dialect.settable(value):
            assert value.strip(SPACE) == value
            set_alone += 1
        assert lines is not None or dialect.settable(value), repr(value)
    assert min(imported, set_alone) > COUNT * 0.6


def test_I4_a_value_reaches_github_as_it_is_or_is_refused() -> None:
    arrived = 0
    for value in values():
        if value_problem(SecretValue(value)) is not None:
            continue
        changes = [Change("OTHER", SecretValue("x")), Change("NAME", SecretValue(value))]
        found: dict[str, str] = {}
        for batch in plan.plan(changes):
            found |= stored(batch)
        assert found == {"OTHER": "x", "NAME": value}
        (alone,) = plan.plan(changes[1:])
        assert stored(alone) == {"NAME": value}
        arrived += 1
    assert arrived > COUNT * 0.8
