"""The contract suite: the tests that every backend must pass."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from sophia_secrets import process
from sophia_secrets.backends.base import Completed, Ended
from sophia_secrets.core.model import (
    Change,
    EntryState,
    Failure,
    FailureKind,
    Outcome,
    SecretValue,
    Snapshot,
)
from sophia_secrets.testing.subject import Subject, answered
from sophia_secrets.testing.values import CANARY, VALUES


class _EveryBackend:
    """The tests that every backend must pass, writable or not."""

    @pytest.fixture
    def subject(self) -> Subject | Generator[Subject, None, None]:
        """The backend under test; every class overrides it."""
        raise NotImplementedError("override the fixture `subject`")

    def test_probing_changes_nothing_and_every_check_says_something(self, subject: Subject) -> None:
        watched = subject.backend.capabilities.writable
        before = subject.stored() if watched else {}
        checks = subject.run(subject.backend.probe())
        assert checks
        assert all(check.id.startswith(f"{subject.backend.name}.") and check.message for check in checks)
        assert all(check.hint for check in checks if check.status.value == "fail")
        if watched:
            assert subject.stored() == before

    def test_nothing_that_is_shown_of_a_backend_holds_a_credential(self, subject: Subject) -> None:
        backend = subject.backend
        subject.run(backend.snapshot())
        shown = [repr(each) for each in (backend.target, backend.credential, backend.capabilities)]
        shown += [repr(call) for call in subject.calls] + [str(backend.target)]
        assert [text for text in shown if any(secret in text for secret in subject.credentials)] == []
        credential = repr(backend.credential)
        assert [name for name, value in backend.credential.variables if value and value in credential] == []

    def test_a_missing_program_is_a_failure_of_its_kind_with_a_fix(self, subject: Subject) -> None:
        found = process.run(subject.backend.snapshot(), programs={}, path="")
        if not subject.backend.capabilities.needs_call:
            assert isinstance(found, Snapshot), "it says that it needs no program"
            return
        assert isinstance(found, Failure)
        assert found.kind is FailureKind.CLI_MISSING
        assert found.message
        assert found.hint

    @pytest.mark.parametrize(
        ("completed", "outage"),
        [
            (Completed(Ended.TIMED_OUT), True),
            (Completed(Ended.TOO_MUCH_OUTPUT, stdout=CANARY.encode()), False),
            (Completed(Ended.SIGNALLED, 9, stdout=CANARY.encode()), False),
            (Completed(Ended.CANCELLED), False),
            (Completed(Ended.EXITED, 17, stdout=CANARY.encode(), stderr="something new\n"), False),
            (Completed(Ended.EXITED, 0, stdout=f'{{"a": "{CANARY}'.encode()), False),
            (Completed(Ended.EXITED, 0, stdout=b"\xff\xfe" + CANARY.encode()), False),
        ],
        ids=["timed-out", "too-much", "killed", "cancelled", "unknown-error", "half-a-json", "not-text"],
    )
    def test_a_call_that_ends_badly_is_a_failure_and_an_outage_only_where_it_is_known_to_be(
        self, subject: Subject, completed: Completed, outage: bool
    ) -> None:
        if not subject.backend.capabilities.needs_call:
            return
        found = answered(subject.backend.snapshot(), completed)
        assert isinstance(found, Failure)
        assert found.kind.is_outage is outage
        assert found.message
        assert CANARY not in found.message + found.hint + found.words, "standard output may hold values"


class ReadOnlyContract(_EveryBackend):
    """The tests of a backend that cannot be written here; its target need not be empty."""

    def test_every_write_and_delete_is_refused_with_the_reason(self, subject: Subject) -> None:
        backend = subject.backend
        assert not backend.capabilities.writable
        reason = backend.problem("API_KEY", SecretValue(CANARY))
        assert reason
        for receipt in (subject.write({"API_KEY": CANARY}), subject.run(backend.delete(["API_KEY"]))):
            (result,) = receipt.results
            assert (result.name, result.outcome) == ("API_KEY", Outcome.REFUSED)
            assert result.detail
        assert subject.calls == []


class BackendContract(_EveryBackend):
    """
    The tests of a backend that can be written.

    `least` is how many of `VALUES` it must be able to store; lower it only for values that the
    vendor really cannot hold and that `problem` refuses.
    """

    least = 33

    def test_a_fresh_target_is_a_complete_and_empty_snapshot(self, subject: Subject) -> None:
        snapshot = subject.snapshot()
        assert snapshot.complete
        assert snapshot.target == subject.backend.target
        assert [n for n, e in snapshot.entries.items() if e.state is not EntryState.ABSENT] == []

    def test_nasty_values_are_stored_exactly_or_refused_before_anything_starts(
        self, subject: Subject
    ) -> None:
        problem = subject.backend.problem
        refused = {n: why for n, v in VALUES.items() if (why := problem(n, SecretValue(v))) is not None}
        fit = {name: value for name, value in VALUES.items() if name not in refused}
        assert "NUL" in refused, "no process can be handed a value with a NUL"
        assert len(fit) >= self.least, refused
        receipt = subject.write(fit)
        assert [r for r in receipt.results if r.outcome is not Outcome.DONE] == []
        assert [r.name for r in receipt.results] == list(fit)
        assert subject.stored() == fit

    @pytest.mark.parametrize(
        "name", ["PEM_NEWLINE", "DOLLAR", "LEADING", "CRLF", "HASH_QUOTE", "EMOJI", "DASHES"]
    )
    def test_one_value_alone_is_stored_exactly_or_refused(self, subject: Subject, name: str) -> None:
        if subject.backend.problem(name, SecretValue(VALUES[name])) is not None:
            assert subject.write({name: VALUES[name]}).results[0].outcome is Outcome.REFUSED
            assert subject.stored() == {}
            return
        assert subject.write({name: VALUES[name]}).results[0].outcome is Outcome.DONE
        assert subject.stored() == {name: VALUES[name]}

    def test_a_value_is_replaced(self, subject: Subject) -> None:
        assert subject.write({"API_KEY": "before"}).results[0].outcome is Outcome.DONE
        assert subject.write({"API_KEY": CANARY}).results[0].outcome is Outcome.DONE
        assert subject.stored() == {"API_KEY": CANARY}

    def test_what_problem_refuses_the_write_refuses_and_starts_nothing(self, subject: Subject) -> None:
        bad, good = VALUES["NUL"], "fine"
        assert subject.backend.problem("BAD_VALUE", SecretValue(bad))
        receipt = subject.write({"GOOD_VALUE": good, "BAD_VALUE": bad})
        outcomes = {result.name: result.outcome for result in receipt.results}
        assert outcomes["BAD_VALUE"] is Outcome.REFUSED
        assert outcomes["GOOD_VALUE"] in (Outcome.NOT_STARTED, Outcome.REFUSED)
        assert subject.calls == []
        assert subject.stored() == {}

    def test_a_problem_never_quotes_the_value(self, subject: Subject) -> None:
        for value in (f"{CANARY}\0", f"{CANARY}\n", f'\n"{CANARY}\r\n', CANARY * 100_000):
            assert CANARY not in (subject.backend.problem("API_KEY", SecretValue(value)) or "")

    def test_a_value_is_in_no_argument_no_variable_and_no_repr_of_a_call(self, subject: Subject) -> None:
        receipt = subject.write({"API_KEY": CANARY})
        assert CANARY not in repr(receipt)
        for call in subject.calls:
            assert not any(CANARY in argument for argument in call.arguments)
            assert not any(CANARY in value for value in call.environment.values())
            assert CANARY not in repr(call)
            if CANARY.encode() in call.stdin:
                assert SecretValue(CANARY) in call.secrets, "its error text would not be redacted"

    def test_a_written_name_is_readable_exactly_where_the_backend_says_it_can_read(
        self, subject: Subject
    ) -> None:
        subject.write({"API_KEY": CANARY})
        snapshot = subject.snapshot()
        entry = snapshot.entries["API_KEY"]
        assert CANARY not in repr(snapshot)
        if subject.backend.capabilities.readable:
            assert (entry.state, entry.value) == (EntryState.READABLE, SecretValue(CANARY))
        else:
            assert (entry.state, entry.value) == (EntryState.WRITE_ONLY, None)
        if subject.backend.capabilities.digests:
            assert entry.digest
        if subject.backend.capabilities.versions:
            assert entry.updated_at or entry.version

    def test_deleting_removes_and_says_what_was_not_there(self, subject: Subject) -> None:
        subject.write({"API_KEY": CANARY, "OTHER": "w"})
        receipt = subject.run(subject.backend.delete(["API_KEY", "NOT_THERE"]))
        outcomes = {result.name: result.outcome for result in receipt.results}
        assert outcomes == {"API_KEY": Outcome.DONE, "NOT_THERE": Outcome.UNCHANGED}
        assert subject.stored() == {"OTHER": "w"}

    @pytest.mark.parametrize("ended", [Ended.TIMED_OUT, Ended.SIGNALLED, Ended.CANCELLED])
    def test_a_write_whose_end_was_not_seen_is_never_told_as_done_or_as_failed(
        self, subject: Subject, ended: Ended
    ) -> None:
        if not subject.backend.capabilities.needs_call:
            return
        receipt = answered(
            subject.backend.write([Change("API_KEY", SecretValue(CANARY))]), Completed(ended, 9)
        )
        (result,) = receipt.results
        assert result.outcome in (Outcome.UNKNOWN, Outcome.NOT_STARTED)
        assert not result.verified
        assert receipt.failure is not None
