"""The contract suite finds what is wrong: each broken backend fails the test that is about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from sophia_secrets.backends.base import Call, Completed, Context, Steps
from sophia_secrets.core.model import (
    Change,
    Failure,
    FailureKind,
    Outcome,
    Receipt,
    Result,
    SecretValue,
    Snapshot,
)
from sophia_secrets.testing import BackendContract, Subject
from tests.plugin_example import cabinet, cabinet_program


class Trimming(cabinet.CabinetBackend):
    def write(self, changes: Sequence[Change]) -> Steps[Receipt]:
        trimmed = [Change(each.name, SecretValue(each.value.reveal().strip(" \n"))) for each in changes]
        return (yield from super().write(trimmed))


class Forgetful(cabinet.CabinetBackend):
    def _failure(self, done: Completed) -> Failure:
        return Failure(FailureKind.UNREACHABLE, self.target, "cabinet did not answer.")


class Hopeful(cabinet.CabinetBackend):
    def _not_done(self, done: Completed, names: Sequence[str]) -> Receipt:
        return Receipt(
            self.target, tuple(Result(name, Outcome.FAILED) for name in names), self._failure(done)
        )


class Silent(cabinet.CabinetBackend):
    def snapshot(self) -> Steps[Snapshot | Failure]:
        found = yield from super().snapshot()
        return Snapshot(self.target) if isinstance(found, Failure) else found


class Quoting(cabinet.CabinetBackend):
    def problem(self, name: str, value: SecretValue | None = None) -> str | None:
        found = super().problem(name, value)
        return f"{found}: {value.reveal()}" if found and value else found


class Unredacted(cabinet.CabinetBackend):
    def _call(self, *words: str, **more: object) -> Call:
        return replace(super()._call(*words, **more), secrets=())  # type: ignore[arg-type]


class Careless(cabinet.CabinetBackend):
    def write(self, changes: Sequence[Change]) -> Steps[Receipt]:
        yield self._call("put", *(each.value.reveal() for each in changes))
        return Receipt(self.target, tuple(Result(each.name, Outcome.DONE) for each in changes))


class Timid(cabinet.CabinetBackend):
    def problem(self, name: str, value: SecretValue | None = None) -> str | None:
        text = value.reveal() if value else "a"
        return super().problem(name, value) or (None if text.isalnum() else "it is not simple")


def subject_of(kind: type[cabinet.CabinetBackend], tmp_path: Path) -> Subject:
    drawer = tmp_path / "app.json"
    drawer.write_text("{}")
    environ = {"CABINET_TOKEN": cabinet_program.TOKEN, "CABINET_HOME": str(tmp_path)}
    context = Context(environ, home="", cwd=str(tmp_path), state_directory=str(tmp_path))
    return Subject(
        kind("app", context),
        programs={"cabinet": str(cabinet_program.install(tmp_path / "bin"))},
        held=lambda: {name: each["value"] for name, each in json.loads(drawer.read_text()).items()},
    )


@pytest.mark.parametrize(
    ("kind", "contract", "arguments"),
    [
        (Trimming, "nasty_values_are_stored_exactly_or_refused_before_anything_starts", {}),
        (Timid, "nasty_values_are_stored_exactly_or_refused_before_anything_starts", {}),
        (Trimming, "one_value_alone_is_stored_exactly_or_refused", {"name": "LEADING"}),
        (Quoting, "a_problem_never_quotes_the_value", {}),
        (Careless, "a_value_is_in_no_argument_no_variable_and_no_repr_of_a_call", {}),
        (Unredacted, "a_value_is_in_no_argument_no_variable_and_no_repr_of_a_call", {}),
        (Careless, "what_problem_refuses_the_write_refuses_and_starts_nothing", {}),
        (Forgetful, "a_missing_program_is_a_failure_of_its_kind_with_a_fix", {}),
        (Silent, "a_missing_program_is_a_failure_of_its_kind_with_a_fix", {}),
        *(
            (
                kind,
                "a_call_that_ends_badly_is_a_failure_and_an_outage_only_where_it_is_known_to_be",
                {"completed": Completed(ended, 17), "outage": False},
            )
            for kind in (Forgetful, Silent)
            for ended in (cabinet.Ended.EXITED, cabinet.Ended.SIGNALLED)
        ),
        (
            Hopeful,
            "a_write_whose_end_was_not_seen_is_never_told_as_done_or_as_failed",
            {"ended": cabinet.Ended.TIMED_OUT},
        ),
    ],
)
def test_a_broken_backend_fails(
    kind: type[cabinet.CabinetBackend], contract: str, arguments: dict[str, object], tmp_path: Path
) -> None:
    check = getattr(BackendContract(), f"test_{contract}")
    check(subject_of(cabinet.CabinetBackend, tmp_path), **arguments)
    with pytest.raises(AssertionError):
        check(subject_of(kind, tmp_path), **arguments)
