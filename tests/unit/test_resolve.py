from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.core import read_errors
from sophia_secrets.core.model import (
    Entry,
    EntryState,
    Failure,
    FailureKind,
    SecretValue,
    Snapshot,
    Target,
    TraceOutcome,
)
from sophia_secrets.core.resolve import (
    Answer,
    find,
    has_value,
    holds,
    is_complete,
    known_names,
    needed,
    resolve,
)

READABLE, WRITE_ONLY, ABSENT = EntryState.READABLE, EntryState.WRITE_ONLY, EntryState.ABSENT


def answer(
    backend: str, *, stale: bool = False, complete: bool = True, **entries: str | EntryState
) -> Answer:
    """An answer that holds these names: a text is a readable value."""
    made = {
        name: Entry(READABLE, SecretValue(value)) if isinstance(value, str) else Entry(value)
        for name, value in entries.items()
    }
    target = Target(backend, f"{backend}-target")
    snapshot = Snapshot(target, made, fetched_at=1.0, complete=complete, stale=stale, cached=stale)
    return Answer(backend, target.label, snapshot=snapshot)


def failed(backend: str, kind: FailureKind = FailureKind.UNREACHABLE) -> Answer:
    target = Target(backend, f"{backend}-target")
    return Answer(backend, target.label, failure=Failure(kind, target, f"{backend} is down.", "Wait."))


def outcomes(answers: Sequence[Answer], name: str = "A") -> list[str]:
    return [step.outcome.value for step in resolve(name, answers).trace]


def test_what_a_backend_holds_gives_and_lists_are_three_questions() -> None:
    seen = answer("github", complete=False, A="one", B=WRITE_ONLY, C=ABSENT)
    assert [name for name in "ABCD" if holds(seen, name)] == ["A", "B"]
    assert [name for name in "ABCD" if has_value(seen, name)] == ["A"]
    assert [is_complete(one) for one in (seen, answer("github"), failed("github"))] == [False, True, False]
    assert not holds(failed("github"), "A")


def test_the_first_readable_entry_answers_and_the_others_stand_in_the_trace() -> None:
    answers = [answer("github", A=WRITE_ONLY), answer("pulumi", A="one"), answer("env", A="two")]
    resolution = resolve("A", answers)
    assert (resolution.backend, resolution.value) == ("pulumi", SecretValue("one"))
    assert outcomes(answers) == ["write_only", "found", "found"]
    assert "not used" in resolution.trace[2].detail
    assert not resolution.degraded


def test_a_failure_above_the_winner_degrades_and_one_below_does_not() -> None:
    assert resolve("A", [failed("pulumi"), answer("env", A="x")]).degraded
    assert not resolve("A", [answer("pulumi", A="x"), failed("env")]).degraded


def test_absent_write_only_and_failed_are_never_confused() -> None:
    assert outcomes([answer("github"), answer("fly", A=WRITE_ONLY), failed("pulumi"), answer("env", A=ABSENT)]) == [
        "absent", "write_only", "failed", "absent",
    ]  # fmt: skip


def test_a_name_that_an_incomplete_snapshot_does_not_list_is_not_absent() -> None:
    assert outcomes([answer("github", complete=False)]) == ["skipped"]


def test_an_empty_value_is_a_value() -> None:
    resolution = resolve("A", [answer("env", A="")])
    assert (resolution.backend, resolution.value) == ("env", SecretValue(""))


def test_github_keeps_upper_case_and_the_environment_the_old_rule() -> None:
    assert resolve("api_key", [answer("github", API_KEY="x")]).backend == "github"
    assert resolve("my-key.name", [answer("env", MY_KEY_NAME="x")]).backend == "env"
    assert resolve("my-key.name", [answer("pulumi", MY_KEY_NAME="x")]).backend is None


def test_a_backend_that_cannot_change_the_answer_is_not_needed() -> None:
    known = answer("local", A="x")
    assert needed(["A"], [None, known, None]) == {0}
    assert needed(["A"], [known, None]) == frozenset()
    assert needed(["A", "B"], [known, None]) == {1}
    assert needed(["A"], [answer("github", A=WRITE_ONLY), None]) == {1}


@given(st.data())
def test_asking_only_the_needed_backends_changes_no_answer(data: st.DataObject) -> None:
    kinds = st.sampled_from(["readable", "write_only", "absent", "failed"])
    names = ("A", "B", "C")

    def made(position: int) -> Answer:
        backend = f"b{position}"
        if data.draw(kinds) == "failed":
            return failed(backend)
        states: dict[str, str | EntryState] = {}
        for name in names:
            kind = data.draw(kinds)
            states[name] = (
                f"{backend}{name}" if kind == "readable" else WRITE_ONLY if kind == "write_only" else ABSENT
            )
        return answer(backend, **states)

    everything = [made(i) for i in range(data.draw(st.integers(1, 5)))]
    unknown = [i for i in range(len(everything)) if data.draw(st.booleans())]
    seen = [None if i in unknown else a for i, a in enumerate(everything)]
    asked = needed(names, seen)
    partly = [
        everything[i]
        if a is not None or i in asked
        else Answer(everything[i].backend, "", skipped="not asked")
        for i, a in enumerate(seen)
    ]
    for name in names:
        full, part = resolve(name, everything), resolve(name, partly)
        assert (full.backend, full.value, full.degraded) == (part.backend, part.value, part.degraded)


def test_not_found_names_every_outcome_and_the_nearest_name() -> None:
    answers = [answer("github", OPENAI_API_KEY=WRITE_ONLY), answer("env")]
    error = read_errors.missing(resolve("OPENAI_KEY", answers), answers)
    assert (type(error), error.exit_code) == (errors.NotFound, 3)
    assert error.message == "`OPENAI_KEY` was not found (github: absent, env: absent)."
    assert error.hint == "Did you mean OPENAI_API_KEY (github)?"


@pytest.mark.parametrize("kind", list(FailureKind))
def test_with_a_failure_the_absence_is_not_certain_and_the_code_is_the_failures(kind: FailureKind) -> None:
    answers = [failed("pulumi", kind), answer("env")]
    error = read_errors.missing(resolve("A", answers), answers)
    assert error.kind == kind.value
    assert error.exit_code != 3
    assert "not certain" in error.message


def test_a_name_that_is_only_written_says_where_it_is() -> None:
    answers = [answer("fly", A=WRITE_ONLY)]
    assert "fly (fly-target) holds it" in read_errors.missing(resolve("A", answers), answers).hint


def test_where_it_is_comes_before_a_name_that_is_only_near() -> None:
    answers = [answer("fly", CI_TOKEN=WRITE_ONLY), answer("local"), answer("env", GH_TOKEN="t")]
    hint = read_errors.missing(resolve("CI_TOKEN", answers), answers).hint
    assert "fly (fly-target) holds it" in hint
    assert "GH_TOKEN" not in hint


@pytest.mark.parametrize(
    ("backends", "hint"),
    [
        (("fly", "local", "env"), "Store it with `sophia-secrets set A_KEY --backend local`."),
        (
            ("fly",),
            (
                "Store it with `sophia-secrets set A_KEY --backend fly`, or see who else holds it with "
                "`sophia-secrets explain A_KEY`."
            ),
        ),
        (("env",), "See who holds it with `sophia-secrets explain A_KEY`."),
        (
            ("pulumi", "fly", "env"),
            "Store it with `sophia-secrets set A_KEY --backend B`, where B is pulumi or fly.",
        ),
    ],
)
def test_the_hint_stores_it_where_it_would_be_found(backends: tuple[str, ...], hint: str) -> None:
    answers = [answer(backend) for backend in backends]
    assert read_errors.missing(resolve("A_KEY", answers), answers).hint == hint


def test_a_name_of_which_nothing_is_left_gives_no_command_without_a_name() -> None:
    answers = [answer("local")]
    hint = read_errors.missing(resolve("''", answers), answers).hint
    assert hint == "See the names with `sophia-secrets list --names`."


def test_strict_refuses_a_failure_at_or_above_the_winner_alone() -> None:
    answers = [failed("pulumi"), answer("env", A="x")]
    refused = read_errors.refused_by_strict(resolve("A", answers), answers)
    assert refused is not None
    assert refused.kind == "unreachable"
    below = [answer("pulumi", A="x"), failed("env")]
    assert read_errors.refused_by_strict(resolve("A", below), below) is None


def test_the_trace_has_a_step_for_each_backend_in_order() -> None:
    answers = [
        Answer("github", "", unconfigured="no repository"),
        Answer("fly", "app", skipped="not asked"),
        answer("env"),
    ]
    trace = resolve("A", answers).trace
    assert [(step.backend, step.outcome) for step in trace] == [
        ("github", TraceOutcome.NOT_CONFIGURED),
        ("fly", TraceOutcome.SKIPPED),
        ("env", TraceOutcome.ABSENT),
    ]


def test_a_spelling_that_is_there_goes_before_one_that_is_known_to_be_absent() -> None:
    """`my-key` is `MY_KEY` to the environment, and both names may be in its snapshot."""
    held = answer("env", **{"my-key": ABSENT, "MY_KEY": "x"})
    assert find(held, "my-key") == Entry(READABLE, SecretValue("x"))
    gone = answer("env", **{"my-key": ABSENT})
    assert find(gone, "my-key") == Entry(ABSENT)
    assert find(answer("env", MY_KEY=ABSENT), "my-key") == Entry(ABSENT)
    assert find(answer("env"), "my-key") is None
    assert find(failed("env"), "my-key") is None


def test_a_name_that_nobody_holds_has_no_value_and_no_age() -> None:
    none = resolve("A", [answer("pulumi", stale=True)])
    assert (none.name, none.value, none.backend, none.target) == ("A", None, None, None)
    assert (none.cached, none.stale, none.degraded, none.fetched_at) == (False, False, False, 0.0)


def test_what_is_told_of_an_answer_is_that_of_the_backend_that_gave_it() -> None:
    found = resolve("A", [answer("github"), answer("pulumi", stale=True, A="x")])
    assert (found.name, found.backend, found.target) == ("A", "pulumi", "pulumi-target")
    assert (found.cached, found.stale, found.fetched_at) == (True, True, 1.0)


def test_a_step_says_what_the_vendor_and_the_cache_add() -> None:
    snapshot = Snapshot(Target("fly", "fly-target"), {"A": Entry(WRITE_ONLY, detail="staged")}, cached=True)
    steps = [
        Answer("fly", "t", snapshot=snapshot),
        answer("pulumi", A="x"),
        answer("local", stale=True, A="y"),
        answer("env", stale=True, B="z"),
        answer("github", complete=False),
        failed("aws"),
        Answer("vault", "", unconfigured="no address"),
        Answer("other", "", skipped="it is offline"),
    ]
    assert [(step.outcome.value, step.detail) for step in resolve("A", steps).trace] == [
        ("write_only", "staged, cached"),
        ("found", ""),
        ("found", "stale, not used: an earlier backend answers"),
        ("absent", "stale"),
        ("skipped", "its names cannot be listed here"),
        ("failed", "aws is down."),
        ("not_configured", "no address"),
        ("skipped", "it is offline"),
    ]


def test_names_are_known_from_the_first_backend_that_holds_them() -> None:
    answers = [failed("github"), answer("pulumi", A="x", C=ABSENT), answer("env", A="y", B=WRITE_ONLY)]
    assert known_names(answers) == {"A": "pulumi", "B": "env"}


def test_a_write_only_entry_leaves_the_later_backends_needed() -> None:
    assert needed(["A"], [answer("fly", A=WRITE_ONLY), None, answer("env", A="x"), None]) == {1}
    assert needed(["A", "B"], [answer("fly", A="x"), None]) == {1}
