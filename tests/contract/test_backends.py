"""
One suite for every backend: what it says it can do, it does; what it cannot carry, it refuses.

GitHub is met through the real gh, which seals for a local API that unseals; Pulumi and Fly through
stand-ins that are themselves held against the real programs (`test_real_pulumi`, `test_real_fly`).
"""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from sophia_secrets import process
from sophia_secrets.backends.base import Backend
from sophia_secrets.core.model import Change, EntryState, Failure, Outcome, SecretValue, Snapshot
from sophia_secrets.operations.opening import open_session
from tests.contract.values import VALUES
from tests.program import Program
from tests.world import ENVIRONMENT, World

WRITABLE = ("github", "pulumi", "fly", "local")
ALL = (*WRITABLE, "env")
Held = Callable[[], dict[str, str]]


class Subject:
    """One backend, and what the vendor really holds."""

    def __init__(self, name: str, sophia: Program, vendors: World) -> None:
        self.session = open_session("test", environ=sophia.full_environment(), cwd=str(sophia.cwd))
        self.backend: Backend = self.session.configured(name)
        self._vendors = vendors

    def run(self, steps: object) -> object:
        settings = self.session.settings
        return process.run(
            steps,  # type: ignore[arg-type]
            programs={word: settings.program(word) for word in ("gh", "pulumi", "fly")},
            path=self.session.environ["PATH"],
        )

    def snapshot(self) -> Snapshot:
        found = self.run(self.backend.snapshot())
        assert isinstance(found, Snapshot), found
        return found

    def held(self) -> dict[str, str]:
        """Names and values, looked up behind the vendor's back."""
        match self.backend.name:
            case "github":
                return {
                    n: v.decode() for n, v in self._vendors.github.store["repos/octo/app/actions"].items()
                }
            case "fly":
                return self._vendors.fly.values()
            case "pulumi":
                with self._vendors.pulumi.service() as service:
                    variables = (
                        service.held(ENVIRONMENT).get("values", {}).get("environmentVariables", {}) or {}
                    )
                return {name: _plain(node) for name, node in variables.items()}
            case _:
                return {
                    n: e.value.reveal() for n, e in self.snapshot().entries.items() if e.value is not None
                }


def _plain(node: object) -> str:
    if isinstance(node, dict) and "fn::secret" in node:
        return _plain(node["fn::secret"])
    if isinstance(node, dict) and "fn::fromBase64" in node:
        return base64.b64decode(_plain(node["fn::fromBase64"])).decode()
    return str(node)


@pytest.fixture
def subject(request: pytest.FixtureRequest, sophia: Program, vendors: World) -> Subject:
    return Subject(request.param, sophia, vendors)


def every(names: tuple[str, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("subject", names, indirect=True)


@every(WRITABLE)
def test_a_fresh_target_is_a_complete_and_empty_snapshot(subject: Subject) -> None:
    snapshot = subject.snapshot()
    assert snapshot.complete
    assert {name: e for name, e in snapshot.entries.items() if e.state is not EntryState.ABSENT} == {}


@every(WRITABLE)
def test_nasty_values_are_stored_exactly_or_refused_before_anything_starts(subject: Subject) -> None:
    changes = [Change(name, SecretValue(value)) for name, value in VALUES.items()]
    fit = [change for change in changes if subject.backend.problem(change.name, change.value) is None]
    refused = [change.name for change in changes if change not in fit]
    assert {"NUL"} <= set(refused)
    assert len(fit) >= 33, refused
    receipt = subject.run(subject.backend.write(fit))
    assert [r.name for r in receipt.results if r.outcome is not Outcome.DONE] == []  # type: ignore[attr-defined]
    held = subject.held()
    assert {name: held[name] for name in held} == {c.name: c.value.reveal() for c in fit}


@every(WRITABLE)
def test_one_value_alone_is_stored_exactly(subject: Subject) -> None:
    for name in ("PEM_NEWLINE", "DOLLAR", "LEADING", "CRLF", "HASH_QUOTE", "EMOJI", "DASHES"):
        change = Change(name, SecretValue(VALUES[name]))
        if subject.backend.problem(name, change.value) is not None:
            continue
        receipt = subject.run(subject.backend.write([change]))
        assert receipt.results[0].outcome is Outcome.DONE, name  # type: ignore[attr-defined]
        assert subject.held()[name] == VALUES[name], name


@every(WRITABLE)
def test_what_problem_refuses_the_write_refuses_and_starts_nothing(subject: Subject) -> None:
    bad = Change("BAD_VALUE", SecretValue("a\0b"))
    good = Change("GOOD_VALUE", SecretValue("fine"))
    with_reason = subject.backend.problem(bad.name, bad.value)
    assert with_reason
    receipt = subject.run(subject.backend.write([good, bad]))
    outcomes = {r.name: r.outcome for r in receipt.results}  # type: ignore[attr-defined]
    assert outcomes["BAD_VALUE"] is Outcome.REFUSED
    assert outcomes["GOOD_VALUE"] in (Outcome.NOT_STARTED, Outcome.REFUSED)
    assert subject.held() == {}


@every(WRITABLE)
def test_a_written_name_is_readable_exactly_where_the_backend_says_it_can_read(subject: Subject) -> None:
    subject.run(subject.backend.write([Change("API_KEY", SecretValue("v"))]))
    entry = subject.snapshot().entries["API_KEY"]
    if subject.backend.capabilities.readable:
        assert (entry.state, entry.value) == (EntryState.READABLE, SecretValue("v"))
    else:
        assert (entry.state, entry.value) == (EntryState.WRITE_ONLY, None)
    if subject.backend.capabilities.digests:
        assert entry.digest
    if subject.backend.capabilities.versions:
        assert entry.updated_at or entry.version


@every(WRITABLE)
def test_deleting_removes_and_says_what_was_not_there(subject: Subject) -> None:
    subject.run(
        subject.backend.write([Change("API_KEY", SecretValue("v")), Change("OTHER", SecretValue("w"))])
    )
    receipt = subject.run(subject.backend.delete(["API_KEY", "NOT_THERE"]))
    outcomes = {r.name: r.outcome for r in receipt.results}  # type: ignore[attr-defined]
    assert outcomes == {"API_KEY": Outcome.DONE, "NOT_THERE": Outcome.UNCHANGED}
    assert set(subject.held()) == {"OTHER"}


@every(ALL)
def test_probing_changes_nothing_and_every_check_says_something(subject: Subject) -> None:
    before = subject.held() if subject.backend.name != "env" else {}
    checks = subject.run(subject.backend.probe())
    assert checks
    assert all(check.id.startswith(f"{subject.backend.name}.") and check.message for check in checks)  # type: ignore[attr-defined]
    assert all(check.hint for check in checks if check.status.value == "fail")  # type: ignore[attr-defined]
    if subject.backend.name != "env":
        assert subject.held() == before


@every(ALL)
def test_nothing_that_is_shown_of_a_backend_holds_a_credential(subject: Subject) -> None:
    shown = (
        repr(subject.backend.target) + repr(subject.backend.credential) + repr(subject.backend.capabilities)
    )
    for name in ("GH_TOKEN", "FLY_API_TOKEN", "PULUMI_ACCESS_TOKEN"):
        assert subject.session.environ[name] not in shown


@pytest.mark.parametrize("subject", ["github", "pulumi", "fly"], indirect=True)
def test_a_missing_program_is_a_failure_of_its_kind_with_a_fix(subject: Subject) -> None:
    failure = process.run(
        subject.backend.snapshot(),
        programs=dict.fromkeys(("gh", "pulumi", "fly"), "/no/such/program"),
        path="",
    )
    assert isinstance(failure, Failure)
    assert failure.kind.value == "cli_missing"
    assert failure.hint
