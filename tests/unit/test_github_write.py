"""Writing and deleting: what is sent, and what is said of each name when it does not end well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.backends.base import Completed, Ended
from sophia_secrets.core.model import Change, Entry, EntryState, FailureKind, Outcome, Result, SecretValue
from tests.vendors.github_feed import MOMENT, backend, exited, feed, listed

URL = "https://api.github.com/repos/octo/app/actions/secrets"
ENTRY = Entry(EntryState.WRITE_ONLY, updated_at=MOMENT)
OK = exited()


def changes(**values: str) -> list[Change]:
    return [Change(name, SecretValue(value)) for name, value in values.items()]


def put_failed(name: str, status: int) -> str:
    return f'failed to set secret "{name}": HTTP {status}: Words ({URL}/{name})\n'


def outcomes(results: tuple[Result, ...]) -> dict[str, Outcome]:
    return {result.name: result.outcome for result in results}


def test_one_value_goes_bare_and_is_seen_in_the_list() -> None:
    receipt, calls = feed(backend().write(changes(API_KEY="s3cr3t-v")), OK, listed("API_KEY", "OTHER"))
    assert calls[0].arguments == ("secret", "set", "API_KEY", "--repo", "github.com/octo/app")
    assert calls[0].stdin == b"s3cr3t-v"
    assert calls[0].secrets == (SecretValue("s3cr3t-v"),)
    assert receipt.results == (Result("API_KEY", Outcome.DONE, verified=True, entry=ENTRY),)
    assert receipt.failure is None


def test_a_value_with_a_final_line_end_goes_as_a_line() -> None:
    _, calls = feed(backend().write(changes(PEM="a\nb\n")), OK, listed("PEM"))
    assert calls[0].arguments == ("secret", "set", "--env-file", "-", "--repo", "github.com/octo/app")
    assert calls[0].stdin == b'PEM="a\\nb\\n"\n'


def test_many_go_twenty_to_a_call() -> None:
    many = changes(**{f"NAME_{number}": f"value-{number}" for number in range(45)})
    names = [change.name for change in many]
    receipt, calls = feed(backend().write(many), OK, OK, OK, listed(*names))
    assert [len(call.secrets) for call in calls] == [20, 20, 5, 0]
    assert [result.name for result in receipt.results] == names
    assert all(result.verified for result in receipt.results)


def test_what_no_line_carries_goes_bare_beside_the_lines() -> None:
    mixed = changes(A="one", B="it's \\", C="three")
    receipt, calls = feed(backend().write(mixed), OK, OK, listed("A", "B", "C"))
    assert [call.arguments[2] for call in calls] == ["--env-file", "B", "github.com"]
    assert [result.name for result in receipt.results] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("section", "tail"),
    [
        (
            {"repository": "octo/app", "environment": "production"},
            ("--repo", "github.com/octo/app", "--env", "production"),
        ),
        ({"repository": "octo/app", "app": "agents"}, ("--repo", "github.com/octo/app", "--app", "agents")),
        ({"repository": "ghes.test/octo/app"}, ("--repo", "ghes.test/octo/app")),
    ],
)
def test_C3_the_scope_stands_in_every_call(section: dict[str, str], tail: tuple[str, ...]) -> None:
    _, calls = feed(backend(**section).write(changes(A="x")), OK, listed("A"))
    assert calls[0].arguments == ("secret", "set", "A", *tail)
    _, calls = feed(backend(**section).write(changes(A="x", B="y")), OK, listed("A", "B"))
    assert calls[0].arguments == ("secret", "set", "--env-file", "-", *tail)
    _, calls = feed(backend(**section).delete(["A"]), listed("A"), OK)
    assert calls[1].arguments == ("secret", "delete", "A", *tail)


def test_an_organisations_secret_keeps_who_sees_it() -> None:
    made = backend(organization="octo", host="ghes.test")
    before = listed("ALL", visibility="all")
    _, calls = feed(made.write(changes(ALL="x", NEW="y")), before, OK, OK, listed("ALL", "NEW"))
    assert calls[1].arguments == ("secret", "set", "ALL", "--visibility", "all", "--org", "octo")
    assert calls[2].arguments == ("secret", "set", "NEW", "--visibility", "private", "--org", "octo")
    assert all(call.environment["GH_HOST"] == "ghes.test" for call in calls[1:3])


def test_an_organisations_secret_of_selected_repositories_is_not_taken_from_them() -> None:
    made = backend(organization="octo")
    receipt, calls = feed(made.write(changes(A="x", B="y")), listed("A", visibility="selected"))
    assert outcomes(receipt.results) == {"A": Outcome.REFUSED, "B": Outcome.NOT_STARTED}
    assert len(calls) == 1


def test_nothing_is_written_to_an_organisation_that_cannot_be_listed() -> None:
    missing = exited(stderr="gh: Not Found (HTTP 404)", code=1)
    receipt, _ = feed(backend(organization="octo").write(changes(A="x")), missing)
    assert outcomes(receipt.results) == {"A": Outcome.NOT_STARTED}
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.TARGET_NOT_FOUND


def test_one_bad_change_starts_none() -> None:
    receipt, _ = feed(backend().write(changes(GOOD="x", api_key="y", EMPTY="")))
    assert outcomes(receipt.results) == {
        "GOOD": Outcome.NOT_STARTED,
        "api_key": Outcome.REFUSED,
        "EMPTY": Outcome.REFUSED,
    }
    assert "`API_KEY`" in receipt.results[1].detail


def test_a_name_twice_is_refused() -> None:
    receipt, _ = feed(backend().write([*changes(A="x", B="z"), *changes(A="y")]))
    assert outcomes(receipt.results) == {"A": Outcome.REFUSED, "B": Outcome.NOT_STARTED}


def test_no_changes_are_no_calls() -> None:
    assert feed(backend().write([]))[0].results == ()
    assert feed(backend(organization="octo").write([]))[0].results == ()
    assert feed(backend().delete([]))[0].results == ()


@pytest.mark.parametrize(
    ("completed", "outcome", "kind"),
    [
        (Completed(Ended.NOT_FOUND), Outcome.FAILED, FailureKind.CLI_MISSING),
        (Completed(Ended.TIMED_OUT), Outcome.UNKNOWN, FailureKind.TIMED_OUT),
        (Completed(Ended.SIGNALLED, 9), Outcome.UNKNOWN, FailureKind.BAD_OUTPUT),
        (exited(code=4), Outcome.FAILED, FailureKind.NOT_AUTHENTICATED),
        (
            exited(stderr=f"failed to fetch public key: HTTP 404: Not Found ({URL})", code=1),
            Outcome.FAILED,
            FailureKind.TARGET_NOT_FOUND,
        ),
        (
            exited(stderr=f'failed to fetch public key: Get "{URL}": EOF', code=1),
            Outcome.FAILED,
            FailureKind.UNREACHABLE,
        ),
        (exited(stderr=put_failed("A", 422), code=1), Outcome.FAILED, FailureKind.BAD_OUTPUT),
        (exited(stderr=put_failed("A", 403), code=1), Outcome.FAILED, FailureKind.NOT_PERMITTED),
        (exited(stderr=put_failed("A", 502), code=1), Outcome.UNKNOWN, FailureKind.UNREACHABLE),
        (
            exited(stderr=f'failed to set secret "A": Put "{URL}/A": EOF', code=1),
            Outcome.UNKNOWN,
            FailureKind.UNREACHABLE,
        ),
        (
            exited(stderr="error connecting to api.github.com", code=1),
            Outcome.UNKNOWN,
            FailureKind.UNREACHABLE,
        ),
        (exited(code=1), Outcome.UNKNOWN, FailureKind.BAD_OUTPUT),
    ],
)
def test_a_failed_write_is_failed_where_that_is_certain_and_unknown_where_not(
    completed: Completed, outcome: Outcome, kind: FailureKind
) -> None:
    receipt, calls = feed(backend().write(changes(A="value")), completed)
    assert outcomes(receipt.results) == {"A": outcome}
    assert receipt.failure is not None
    assert receipt.failure.kind is kind
    assert len(calls) == 1


@pytest.mark.parametrize("heading", ["", "3 error(s) occurred:\n\t* "])
def test_a_partial_success_is_told_name_by_name(heading: str) -> None:
    lines = [
        put_failed("B", 422),
        put_failed("C", 500),
        f'failed to set secret "D": Put "{URL}/D": EOF\n',
    ]
    stderr = heading + ("\t* " if heading else "").join(lines)
    made = backend()
    receipt, _ = feed(
        made.write(changes(A="v1", B="v2", C="v3", D="v4")), exited(stderr=stderr, code=1), listed("A", "C")
    )
    assert outcomes(receipt.results) == {
        "A": Outcome.DONE,
        "B": Outcome.FAILED,
        "C": Outcome.UNKNOWN,
        "D": Outcome.UNKNOWN,
    }
    assert receipt.results[0].verified
    assert receipt.failure is not None
    assert receipt.failure.words == ""


def test_what_comes_after_a_failed_call_is_not_started() -> None:
    many = changes(**{f"NAME_{number}": f"value-{number}" for number in range(41)})
    slow = exited(stderr="gh: Too many (HTTP 429)", code=1)
    receipt, calls = feed(backend().write(many), OK, slow, listed(*(change.name for change in many[:20])))
    found = outcomes(receipt.results)
    assert [found[change.name] for change in many] == (
        [Outcome.DONE] * 20 + [Outcome.UNKNOWN] * 20 + [Outcome.NOT_STARTED]
    )
    assert len(calls) == 3


@pytest.mark.parametrize(
    "stderr",
    [
        put_failed("<secret>", 422),
        put_failed("A", 422) + put_failed("ANOTHER", 422),
        put_failed("A", 422) + f'<secret> "B": HTTP 422 ({URL})\n',
        "",
        "Put failed",
    ],
)
def test_where_a_failed_name_cannot_be_read_no_name_is_said_to_be_stored(stderr: str) -> None:
    receipt, _ = feed(backend().write(changes(A="v1", B="v2")), exited(stderr=stderr, code=1))
    assert outcomes(receipt.results)["B"] is Outcome.UNKNOWN
    assert Outcome.DONE not in outcomes(receipt.results).values()


def test_V6_success_that_the_list_does_not_show_is_unknown() -> None:
    receipt, _ = feed(backend().write(changes(A="x")), OK, listed("B"))
    assert outcomes(receipt.results) == {"A": Outcome.UNKNOWN}
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.BAD_OUTPUT


def test_a_stored_value_stays_stored_when_the_list_fails() -> None:
    receipt, _ = feed(backend().write(changes(A="x")), OK, exited(stderr="gh: HTTP 502", code=1))
    assert receipt.failure is None
    assert outcomes(receipt.results) == {"A": Outcome.DONE}
    assert not receipt.results[0].verified
    assert "HTTP 502" in receipt.results[0].detail


def test_deleting_lists_first_and_then_removes_what_is_there() -> None:
    receipt, calls = feed(backend().delete(["A", "B", "C", "A"]), listed("A", "C"), OK, OK)
    assert [call.arguments[:3] for call in calls[1:]] == [
        ("secret", "delete", "A"),
        ("secret", "delete", "C"),
    ]
    assert outcomes(receipt.results) == {"A": Outcome.DONE, "B": Outcome.UNCHANGED, "C": Outcome.DONE}
    assert receipt.results[1].detail == "absent"


def test_deleting_from_a_missing_repository_is_not_an_absent_secret() -> None:
    receipt, calls = feed(backend().delete(["A"]), exited(stderr="gh: Not Found (HTTP 404)", code=1))
    assert outcomes(receipt.results) == {"A": Outcome.NOT_STARTED}
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.TARGET_NOT_FOUND
    assert len(calls) == 1


def delete_failed(words: str) -> Completed:
    return exited(stderr=f"failed to delete secret A: {words} ({URL}/A)", code=1)


@pytest.mark.parametrize(
    ("completed", "outcome", "later"),
    [
        (delete_failed("HTTP 404: Not Found"), Outcome.UNCHANGED, Outcome.DONE),
        (delete_failed("HTTP 403: No"), Outcome.FAILED, Outcome.NOT_STARTED),
        (delete_failed("HTTP 500: No"), Outcome.UNKNOWN, Outcome.NOT_STARTED),
        (Completed(Ended.TIMED_OUT), Outcome.UNKNOWN, Outcome.NOT_STARTED),
    ],
)
def test_a_delete_that_fails_stops_and_says_what_is_known(
    completed: Completed, outcome: Outcome, later: Outcome
) -> None:
    answers = [listed("A", "B"), completed, *([OK] if later is Outcome.DONE else [])]
    receipt, _ = feed(backend().delete(["A", "B"]), *answers)
    assert outcomes(receipt.results) == {"A": outcome, "B": later}
    assert (receipt.failure is None) is (later is Outcome.DONE)


@given(st.text(max_size=12), st.text(max_size=12))
def test_I1_only_a_secrets_name_ever_reaches_gh(name: str, value: str) -> None:
    made = backend()
    if made.problem(name, SecretValue(value)) is None:
        _, calls = feed(made.write([Change(name, SecretValue(value))]), OK, listed(name))
        assert name.isascii()
        assert name.replace("_", "A").isalnum()
        assert "SECRETVALUE" not in calls[0].arguments
    else:
        receipt, _ = feed(made.write([Change(name, SecretValue(value))]))
        assert receipt.results[0].outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("-b", "`B`"),
        ("--repo=x", "`REPO_X`"),
        ("api-key", "`API_KEY`"),
        ("api key", "`API_KEY`"),
        ("1A", "`_1A`"),
        ("api_key", "upper case: use `API_KEY`"),
        ("GITHUB_X", "GITHUB_"),
        ("github_x", "GITHUB_"),
        ("", "A-Z"),
        ("A\n", "`A`"),
        ("@f", "`F`"),
        ("Ä", "A-Z"),
        ("A\x1b[31m", "`A_31M`"),
        ("ſ", "A-Z"),
    ],
)
def test_I2_a_name_that_github_does_not_take_is_refused_with_one_that_it_takes(name: str, words: str) -> None:
    reason = backend().problem(name)
    assert reason
    assert words in reason
    assert reason.isprintable()


@pytest.mark.parametrize("environment", ["a/b", "a?b", "a#b", "a%2Fb"])
def test_an_environment_that_gh_may_mistake_is_read_and_not_written(environment: str) -> None:
    made = backend(repository="octo/app", environment=environment)
    assert "environment" in (made.problem("A", SecretValue("x")) or "")
    receipt, _ = feed(made.write(changes(A="x")))
    assert outcomes(receipt.results) == {"A": Outcome.REFUSED}
    receipt, _ = feed(made.delete(["A"]))
    assert outcomes(receipt.results) == {"A": Outcome.REFUSED}
    feed(made.snapshot(), listed("A"))


@given(st.dictionaries(st.sampled_from("ABCDEFGH"), st.text("ab'\"\\\n\r$x", min_size=4), min_size=1))
def test_L1_no_value_is_ever_an_argument_or_in_the_environment(values: dict[str, str]) -> None:
    steps = backend({"HOME": "/h"}).write(changes(**values))
    call = next(steps)
    while call.arguments[0] == "secret":
        for value in values.values():
            assert value not in call.arguments
            assert value not in call.environment.values()
            assert value not in call.label
        call = steps.send(OK)
