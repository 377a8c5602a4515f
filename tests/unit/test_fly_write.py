"""Storing, removing and asking a Fly app: which calls, and what is told. Recorded output, no process."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TypeVar

import pytest

from sophia_secrets.backends.base import Call, Completed, Context, Ended
from sophia_secrets.backends.fly import FlyBackend
from sophia_secrets.core.model import Change, CheckStatus, FailureKind, Outcome, Receipt, SecretValue

T = TypeVar("T")
STAGED = "staged: run `fly secrets deploy --app my-app`"
DONE, UNKNOWN, FAILED = Outcome.DONE, Outcome.UNKNOWN, Outcome.FAILED
UPDATE = "Error: update secrets: failed to update app secrets: "
OK = Completed(Ended.EXITED, 0, stdout=b"Secrets have been staged, but not set on VMs.\n")
RELEASED = Completed(Ended.EXITED, 0, stdout=b'Updating\n{"id":"r","version":7,"image_ref":"i"}\n')


def _play(steps: Generator[Call, Completed, T], *answers: Completed) -> tuple[T, list[Call]]:
    calls: list[Call] = []
    left = list(answers)
    try:
        call = next(steps)
        while True:
            calls.append(call)
            call = steps.send(left.pop(0))
    except StopIteration as stop:
        assert not left
        return stop.value, calls


def _backend(**section: object) -> FlyBackend:
    context = Context(environ={}, home="/h", cwd="/", state_directory="")
    backend = FlyBackend.configure({"app": "my-app", **section}, context)
    assert isinstance(backend, FlyBackend)
    return backend


def _listed(**digests: str) -> Completed:
    rows = [{"name": name, "digest": digest, "status": "Staged"} for name, digest in digests.items()]
    return Completed(Ended.EXITED, 0, stdout=json.dumps(rows).encode())


def _version(text: str) -> Completed:
    said = {"Name": "flyctl", "Version": text, "BuildDate": "2026-08-20T00:00:00Z"}
    return Completed(Ended.EXITED, 0, stdout=json.dumps(said).encode())


def _failed(stderr: str, code: int = 1) -> Completed:
    return Completed(Ended.EXITED, code, stderr=stderr)


def _changes(**values: str) -> list[Change]:
    return [Change(name, SecretValue(value)) for name, value in values.items()]


def _outcomes(receipt: Receipt) -> dict[str, Outcome]:
    return {result.name: result.outcome for result in receipt.results}


def test_one_value_travels_on_standard_input_of_set() -> None:
    receipt, calls = _play(_backend().write(_changes(A="Zq9")), _listed(A="d1"), OK, _listed(A="d2"))
    assert [call.arguments[:2] for call in calls] == [
        ("secrets", "list"),
        ("secrets", "set"),
        ("secrets", "list"),
    ]
    assert calls[1].arguments == ("secrets", "set", "--app=my-app", "--stage", "--", "A=-")
    assert calls[1].stdin == b"Zq9"
    assert calls[1].secrets == (SecretValue("Zq9"),)
    assert "Zq9" not in repr(calls) + repr(receipt)
    (result,) = receipt.results
    assert (result.outcome, result.verified, result.detail) == (DONE, True, STAGED)
    assert result.entry is not None
    assert (result.entry.digest, result.entry.value) == ("d2", None)
    assert receipt.failure is None


def test_many_values_travel_in_one_import() -> None:
    receipt, calls = _play(
        _backend().write(_changes(A="1", B=" 2\n", C="3")),
        *(_listed(), _version("0.4.87"), OK, _listed(A="a", B="b", C="c")),
    )
    assert calls[2].arguments == ("secrets", "import", "--app=my-app", "--stage")
    assert calls[2].stdin == b'A="1"\nB=""" 2\n"""\nC="3"\n'
    assert set(_outcomes(receipt).values()) == {DONE}
    assert all(result.verified for result in receipt.results)


def test_a_value_with_outer_white_space_travels_by_import() -> None:
    _, calls = _play(
        _backend().write(_changes(A="key\n")), _listed(), _version("2026.1.1-dev"), OK, _listed(A="a")
    )
    assert calls[2].arguments[1] == "import"


def test_what_import_cannot_carry_travels_alone_by_set() -> None:
    _, calls = _play(
        _backend().write(_changes(A="1", CRLF="a\r\nb", C="3")),
        *(_listed(), _version("0.4.14"), OK, OK, _listed(A="a", CRLF="b", C="c")),
    )
    assert [call.arguments[1] for call in calls] == ["list", "--json", "import", "set", "list"]
    assert calls[3].stdin == b"a\r\nb"
    assert SecretValue("a\r\nb") not in calls[2].secrets


def test_I3_an_old_flyctl_is_not_given_an_import() -> None:
    receipt, calls = _play(_backend().write(_changes(A="Zq9", B="Zq9")), _listed(), _version("0.4.13"))
    assert all("Zq9" not in call.stdin.decode() for call in calls)
    assert set(_outcomes(receipt).values()) == {Outcome.NOT_STARTED}
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.CLI_MISSING
    assert "0.4.14" in receipt.failure.message


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Completed(Ended.TIMED_OUT), FailureKind.TIMED_OUT),
        (Completed(Ended.EXITED, 0, stdout=b"7.9.1\n"), FailureKind.BAD_OUTPUT),
    ],
)
def test_I3_a_flyctl_that_does_not_tell_its_version_is_not_given_an_import(
    answer: Completed, kind: FailureKind
) -> None:
    receipt, calls = _play(_backend().write(_changes(A="Zq9", B="Zq9")), _listed(), answer)
    assert all("Zq9" not in call.stdin.decode() for call in calls)
    assert set(_outcomes(receipt).values()) == {Outcome.NOT_STARTED}
    assert receipt.failure is not None
    assert receipt.failure.kind is kind


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        (_changes(A="1", FLY_REGION="x"), "FLY_REGION"),
        (_changes(A="1", B=""), "B"),
        ([*_changes(A="1"), Change("-b", SecretValue("x"))], "-b"),
        (_changes(A="1", B=" a\r\nb"), "B"),
    ],
)
def test_I4_one_refusal_stops_everything_before_the_first_call(changes: list[Change], refused: str) -> None:
    receipt, calls = _play(_backend().write(changes))
    assert calls == []
    assert _outcomes(receipt) == {"A": Outcome.NOT_STARTED, refused: Outcome.REFUSED}


def test_a_name_given_twice_is_refused() -> None:
    receipt, calls = _play(_backend().write([*_changes(A="1"), *_changes(A="2")]))
    assert calls == []
    assert receipt.results[0].outcome is Outcome.REFUSED


def test_nothing_to_write_starts_nothing() -> None:
    assert _play(_backend().write([])) == (Receipt(_backend().target, ()), [])


def test_a_list_that_fails_keeps_the_value_here() -> None:
    receipt, calls = _play(
        _backend().write(_changes(A="Zq9")), _failed("Error: no access token available.\n")
    )
    assert [call.stdin for call in calls] == [b""]
    assert _outcomes(receipt) == {"A": Outcome.NOT_STARTED}
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.NOT_AUTHENTICATED


def test_I3_a_name_that_was_dropped_without_a_word_has_failed() -> None:
    receipt, _ = _play(
        _backend().write(_changes(A="1", B="2")), _listed(), _version("0.4.87"), OK, _listed(A="a")
    )
    assert _outcomes(receipt) == {"A": DONE, "B": FAILED}


def test_a_success_that_no_list_shows_is_unknown() -> None:
    receipt, _ = _play(_backend().write(_changes(A="1")), _listed(), OK, _listed())
    assert _outcomes(receipt) == {"A": UNKNOWN}


def test_a_digest_that_stayed_is_done_but_not_verified() -> None:
    receipt, _ = _play(_backend().write(_changes(A="1")), _listed(A="d"), OK, _listed(A="d"))
    (result,) = receipt.results
    assert (result.outcome, result.verified) == (DONE, False)
    assert "did not move" in result.detail


def test_a_success_without_a_second_list_is_done_but_not_verified() -> None:
    receipt, _ = _play(_backend().write(_changes(A="1")), _listed(), OK, _failed("Error: x\n"))
    (result,) = receipt.results
    assert (result.outcome, result.verified) == (DONE, False)
    assert receipt.failure is None


@pytest.mark.parametrize(
    ("ended", "after", "outcome", "kind"),
    [
        (_failed(UPDATE + "unauthorized\n"), None, FAILED, FailureKind.NOT_PERMITTED),
        (_failed(UPDATE + 'Post "https://x": EOF\n'), _listed(A="d1"), UNKNOWN, FailureKind.UNREACHABLE),
        (_failed(UPDATE + 'Post "https://x": EOF\n'), _listed(A="d2"), DONE, FailureKind.UNREACHABLE),
        (_failed(UPDATE + "boom\n"), _failed("Error: x\n"), UNKNOWN, FailureKind.BAD_OUTPUT),
        (Completed(Ended.TIMED_OUT, 15), _listed(A="d2"), DONE, FailureKind.TIMED_OUT),
        (Completed(Ended.TIMED_OUT, 15), _listed(A="d1"), UNKNOWN, FailureKind.TIMED_OUT),
        (
            _failed("Error: update secrets: error saving config file: x\n"),
            _listed(A="d2"),
            DONE,
            FailureKind.BAD_OUTPUT,
        ),
        (Completed(Ended.NOT_FOUND), None, FAILED, FailureKind.CLI_MISSING),
    ],
)
def test_X5_a_write_that_failed_tells_what_fly_holds(
    ended: Completed, after: Completed | None, outcome: Outcome, kind: FailureKind
) -> None:
    answers = [ended] if after is None else [ended, after]
    receipt, _ = _play(_backend().write(_changes(A="1")), _listed(A="d1"), *answers)
    (result,) = receipt.results
    assert result.outcome is outcome
    assert result.verified is (outcome is DONE)
    assert receipt.failure is not None
    assert receipt.failure.kind is kind


def test_after_a_failed_call_the_next_one_is_not_started() -> None:
    receipt, calls = _play(
        _backend().write(_changes(A="1", B="2", CRLF="a\r\nb")),
        *(_listed(), _version("0.4.87"), _failed(UPDATE + "unauthorized\n")),
    )
    assert len(calls) == 3
    assert _outcomes(receipt) == {"A": FAILED, "B": FAILED, "CRLF": Outcome.NOT_STARTED}


def test_with_deploy_there_is_one_roll_out_for_all_names() -> None:
    receipt, calls = _play(
        _backend(deploy=True).write(_changes(A="1", B="2")),
        *(_listed(), _version("0.4.87"), OK, _listed(A="a", B="b"), RELEASED),
    )
    assert calls[-1].arguments == ("secrets", "deploy", "--app=my-app")
    assert calls[-1].environment["FLY_EMIT_RELEASE_JSON"] == "1"
    assert {result.detail for result in receipt.results} == {"deployed in release v7"}


def test_a_roll_out_that_failed_leaves_the_value_stored_and_says_so() -> None:
    receipt, _ = _play(
        _backend(deploy=True).write(_changes(A="1")),
        *(_listed(), OK, _listed(A="a"), _failed("Error: failed to list VMs: unauthorized\n")),
    )
    assert _outcomes(receipt) == {"A": DONE}
    assert receipt.failure is not None
    assert "is stored" in receipt.failure.message
    assert receipt.failure.hint == "`fly secrets deploy --app my-app`"


def test_a_roll_out_whose_release_is_not_told_is_as_flyctl_says() -> None:
    receipt, _ = _play(_backend(deploy=True).write(_changes(A="1")), *(_listed(), OK, _listed(A="a"), OK))
    assert receipt.failure is None
    assert receipt.results[0].detail == "deployed, as far as flyctl says"


def test_an_app_without_machines_keeps_the_value_for_its_first_deployment() -> None:
    receipt, _ = _play(
        _backend(deploy=True).write(_changes(A="1")),
        *(_listed(), OK, _listed(A="a"), _failed("Error: no machines available to deploy\n'fly secrets\n")),
    )
    assert receipt.failure is None
    assert "no Machine yet" in receipt.results[0].detail


def test_a_write_that_failed_is_not_rolled_out() -> None:
    _, calls = _play(
        _backend(deploy=True).write(_changes(A="1")), _listed(), _failed(UPDATE + "unauthorized\n")
    )
    assert len(calls) == 2


def test_names_are_removed_in_one_call_and_absent_ones_are_not_asked_for() -> None:
    receipt, calls = _play(
        _backend().delete(["B", "GONE", "A", "B"]), _listed(A="a", B="b", C="c"), OK, _listed(C="c")
    )
    assert calls[1].arguments == ("secrets", "unset", "--app=my-app", "--stage", "--", "B", "A")
    assert [(result.name, result.outcome, result.verified) for result in receipt.results] == [
        ("B", DONE, True),
        ("GONE", Outcome.UNCHANGED, True),
        ("A", DONE, True),
    ]
    assert receipt.results[1].detail == "absent"


def test_what_is_not_there_is_not_removed() -> None:
    receipt, calls = _play(_backend().delete(["A"]), _listed())
    assert len(calls) == 1
    assert _outcomes(receipt) == {"A": Outcome.UNCHANGED}


def test_I1_a_name_that_flyctl_may_misread_is_not_removed() -> None:
    receipt, calls = _play(_backend().delete(["--app=other", "A"]))
    assert calls == []
    assert _outcomes(receipt) == {"--app=other": Outcome.REFUSED, "A": Outcome.NOT_STARTED}


def test_a_secret_that_stands_in_for_a_variable_of_fly_can_be_removed() -> None:
    receipt, _ = _play(_backend().delete(["FLY_REGION"]), _listed(FLY_REGION="d"), OK, _listed())
    assert _outcomes(receipt) == {"FLY_REGION": DONE}


@pytest.mark.parametrize(
    ("ended", "after", "outcome"),
    [
        (_failed(UPDATE + "unauthorized\n"), None, FAILED),
        (Completed(Ended.TIMED_OUT, 15), _listed(), DONE),
        (Completed(Ended.TIMED_OUT, 15), _listed(A="a"), UNKNOWN),
        (Completed(Ended.TIMED_OUT, 15), _failed("Error: x\n"), UNKNOWN),
        (OK, _listed(A="a"), UNKNOWN),
        (OK, _failed("Error: x\n"), DONE),
    ],
)
def test_a_removal_tells_what_fly_holds(ended: Completed, after: Completed | None, outcome: Outcome) -> None:
    answers = [ended] if after is None else [ended, after]
    receipt, _ = _play(_backend().delete(["A"]), _listed(A="a"), *answers)
    assert _outcomes(receipt) == {"A": outcome}


WHO = Completed(Ended.EXITED, 0, stdout=b'{"email":"dev@example.com"}')
OK_, WARN, FAIL, SKIP = CheckStatus.OK, CheckStatus.WARN, CheckStatus.FAIL, CheckStatus.SKIP


@pytest.mark.parametrize(
    ("answers", "statuses", "hint"),
    [
        ([_version("0.4.87"), WHO, _listed(A="a")], [OK_, OK_, OK_], ""),
        ([_version("0.4.13"), WHO, _listed()], [WARN, OK_, OK_], "upgrade"),
        ([_version("0.3.177")], [FAIL, SKIP, SKIP], "upgrade"),
        ([Completed(Ended.NOT_FOUND)], [FAIL, SKIP, SKIP], "install"),
        ([Completed(Ended.NOT_RUNNABLE)], [FAIL, SKIP, SKIP], "SOPHIA_SECRETS_FLY"),
        ([_version("0.4.87"), Completed(Ended.EXITED, 0, stdout=b"[]")], [OK_, FAIL, SKIP], ""),
        ([Completed(Ended.EXITED, 0, stdout=b"7.9.1\n")], [FAIL, SKIP, SKIP], "SOPHIA_SECRETS_FLY"),
        ([_failed("error: Unknown command `version'.\n")], [FAIL, SKIP, SKIP], "SOPHIA_SECRETS_FLY"),
        (
            [_version("0.4.87"), _failed("Error: no access token available.\n")],
            [OK_, FAIL, SKIP],
            "fly auth login",
        ),
        (
            [_version("0.4.87"), _failed("Error: failed retrieving current user: unauthorized\n"), _listed()],
            [OK_, WARN, OK_],
            "",
        ),
        (
            [_version("0.4.87"), WHO, _failed("Error: failed to list app secrets: app not found\n")],
            [OK_, OK_, FAIL],
            "fly apps list",
        ),
    ],
)
def test_doctor_is_told_the_program_the_user_and_the_app(
    answers: list[Completed], statuses: list[CheckStatus], hint: str
) -> None:
    checks, _ = _play(_backend().probe(), *answers)
    assert [check.id for check in checks] == ["fly.cli", "fly.auth", "fly.target"]
    assert [check.status for check in checks] == statuses
    assert hint in "".join(check.hint for check in checks)
