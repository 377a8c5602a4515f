"""What is found of declared secrets, from the chain's answers and a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from sophia_secrets.core import policy
from sophia_secrets.core.evidence import Evidence, Group, Policy
from sophia_secrets.core.finding import Finding, Status, exit_code
from sophia_secrets.core.model import Entry, EntryState, Failure, FailureKind, SecretValue, Snapshot, Target
from sophia_secrets.core.resolve import Answer, resolve

NOW = 1_800_000_000.0
DAY = 86400.0


def held(
    backend: str, /, *, complete: bool = True, updated_at: str | None = None, **values: str | None
) -> Answer:
    """A backend's answer; None is a name that is there and gives no value."""
    entries = {
        name: Entry(EntryState.WRITE_ONLY, updated_at=updated_at)
        if value is None
        else Entry(EntryState.READABLE, SecretValue(value), updated_at=updated_at)
        for name, value in values.items()
    }
    target = Target(backend, f"{backend}-target")
    return Answer(backend, target.label, snapshot=Snapshot(target, entries, complete=complete))


def failed(backend: str, kind: FailureKind = FailureKind.TIMED_OUT) -> Answer:
    target = Target(backend, f"{backend}-target")
    return Answer(
        backend, target.label, failure=Failure(kind, target, f"{backend} did not answer.", "Try again.")
    )


def evidence(
    answers: Sequence[Answer],
    names: Sequence[str] = ("A_KEY",),
    *,
    readable: Sequence[str] = ("pulumi", "local", "env"),
    rotated: Mapping[tuple[str, str], float] | None = None,
    chain: int | None = None,
) -> Evidence:
    resolutions = {name: resolve(name, answers[:chain]) for name in names}
    return Evidence(
        answers,
        resolutions,
        frozenset(readable),
        rotated or {},
        NOW,
        hints={"fly": "Set FLY_APP_NAME."},
        outside=frozenset(answer.backend for answer in answers[len(answers) if chain is None else chain :]),
    )


def one(rule: Policy, *answers: Answer, which: str, **more: object) -> Finding:
    judged = policy.judge([rule], [], evidence(answers, **more))  # type: ignore[arg-type]
    (finding,) = [each for each in judged if each.rule == which]
    return finding


def test_a_required_secret_that_no_backend_gives_fails_with_the_next_step() -> None:
    finding = one(
        Policy("A_KEY", required=True, owner="platform"), held("local"), held("env"), which="present"
    )
    assert finding.status is Status.FAIL
    assert finding.message == "is required, and no backend gives it (local: absent, env: absent)"
    assert finding.hint == "Store it with `sophia-secrets set A_KEY --backend local`. Ask platform for it."
    assert exit_code([finding]) == 7


def test_a_value_that_only_a_backend_outside_the_chain_has_is_no_value_of_the_chain() -> None:
    def judged(*answers: Answer, required: bool) -> Finding:
        rule = Policy("A_KEY", required=required, backends=("local", "github"))
        return one(rule, *answers, which="present", chain=1)

    finding = judged(held("pulumi"), held("local", A_KEY="v"), required=True)
    assert finding.status is Status.FAIL
    assert finding.message == (
        "is required, and no backend of the chain gives it: local (local-target) holds it and is not in the chain"
    )
    assert "`chain`" in finding.hint
    assert judged(held("pulumi"), held("local", A_KEY="v"), required=False).status is Status.SKIP
    # Where it must be, no value was to be had: that it is there is enough, in the chain or not.
    assert judged(held("pulumi"), held("github", A_KEY=None), required=True).status is Status.SKIP


def test_a_rotation_that_is_overdue_outside_the_chain_names_every_holder() -> None:
    rule = Policy("A_KEY", rotate_every=10.0, backends=("local",))
    answers = held("fly", A_KEY=None), held("env", A_KEY="v"), held("local", A_KEY="v")
    rotated = {("local", "A_KEY"): NOW - 20, ("fly", "A_KEY"): NOW - 5}
    inside = one(rule, *answers, which="rotation", rotated=rotated)
    assert inside.hint == "Run `sophia-secrets rotate A_KEY`."
    outside = one(rule, *answers, which="rotation", rotated=rotated, chain=2)
    assert outside.status is Status.FAIL
    assert outside.hint == "Run `sophia-secrets rotate A_KEY --backend fly --backend local`."


def test_what_was_not_asked_is_told_in_the_words_of_get() -> None:
    github = Answer("github", "octo/app", skipped="GitHub never gives a value back")
    finding = one(Policy("A_KEY", required=True), github, held("local"), which="present")
    assert finding.message.endswith("(github: not asked, local: absent)")


def test_a_name_that_nothing_can_be_stored_under_is_to_be_declared_otherwise_first() -> None:
    hints = []
    for name in ("api-key", "---"):
        rule = Policy(name, required=True)
        hints.append(one(rule, held("local"), which="present", names=[name]).hint)
    assert hints == [
        "Declare it as `API_KEY`, then store it with `sophia-secrets set API_KEY --backend local`.",
        "Declare it under a name of upper case letters, digits and underscores.",
    ]


@pytest.mark.parametrize(
    ("backend", "hint"),
    [
        ("pulumi", "Store a correct one with `sophia-secrets set A_KEY --backend pulumi`."),
        ("env", "Correct the variable `A_KEY`, or the line of the dotenv file."),
    ],
)
def test_a_wrong_value_is_to_be_corrected_where_it_comes_from(backend: str, hint: str) -> None:
    rule = Policy("A_KEY", type="port")
    assert one(rule, held(backend, A_KEY="not a port"), which="type").hint == hint


def test_what_only_the_environment_must_hold_is_a_variable_to_set() -> None:
    rule = Policy("A_KEY", required=True, backends=("env",))
    assert one(rule, held("env"), which="backends").hint == "Set the variable `A_KEY`."


def test_an_optional_secret_may_be_nowhere_also_where_backends_are_named() -> None:
    judged = policy.judge(
        [Policy("A_KEY", backends=("fly",), rotate_every=DAY)], [], evidence([held("fly"), held("local")])
    )
    assert [(each.rule, each.status) for each in judged] == [("present", Status.SKIP)]


def test_a_write_only_copy_is_enough_exactly_where_it_is_declared() -> None:
    github, local = held("github", A_KEY=None), held("local")
    declared = Policy("A_KEY", required=True, backends=("github",))
    assert one(declared, github, local, which="present").status is Status.SKIP
    assert one(declared, github, local, which="backends").status is Status.OK
    undeclared = one(Policy("A_KEY", required=True), github, local, which="present")
    assert undeclared.status is Status.FAIL
    assert 'declare `backends = ["github"]`' in undeclared.hint


@pytest.mark.parametrize(
    ("rule", "value", "status"),
    [
        (Policy("A_KEY", type="url"), "https://example.com", Status.OK),
        (Policy("A_KEY", type="url"), "canary", Status.FAIL),
        (Policy("A_KEY", pattern="^sk-"), "sk-canary", Status.OK),
        (Policy("A_KEY", pattern="^sk-"), "canary", Status.FAIL),
        (Policy("A_KEY", pattern="c"), "canary" * 20_000, Status.FAIL),
    ],
)
def test_a_value_is_held_to_its_type_and_pattern_and_never_quoted(
    rule: Policy, value: str, status: Status
) -> None:
    finding = one(rule, held("local", A_KEY=value), which="type" if rule.type != "text" else "pattern")
    assert finding.status is status
    assert "canary" not in repr(finding)


def test_R3_a_search_that_takes_too_long_fails_and_blames_the_pattern() -> None:
    given = evidence([held("local", A_KEY="v")])
    slow = Evidence(given.answers, given.resolutions, given.readable, {}, NOW, search=lambda *_: None)
    (finding,) = [f for f in policy.judge([Policy("A_KEY", pattern="v")], [], slow) if f.rule == "pattern"]
    assert finding.status is Status.FAIL
    assert "Simplify the pattern" in finding.hint


def test_a_failed_backend_that_could_answer_makes_it_unknown_with_its_exit_code() -> None:
    finding = one(Policy("A_KEY", required=True), failed("pulumi"), held("local"), which="present")
    assert finding.status is Status.UNKNOWN
    assert finding.hint == "Try again."
    assert exit_code([finding]) == 5
    rights = one(Policy("A_KEY"), failed("pulumi", FailureKind.NOT_AUTHENTICATED), which="present")
    assert exit_code([rights]) == 4


def test_a_failed_backend_that_gives_no_values_here_changes_nothing() -> None:
    rule = Policy("A_KEY", required=True, type="port")
    there = policy.judge([rule], [], evidence([failed("github"), held("local", A_KEY="80")]))
    assert {each.status for each in there} == {Status.OK}
    assert exit_code(there) == 0
    nowhere = policy.judge([rule], [], evidence([failed("github"), held("local")]))
    assert exit_code(nowhere) == 7


def test_a_value_below_a_failed_backend_is_there_and_its_type_is_unknown() -> None:
    rule = Policy("A_KEY", required=True, type="port")
    judged = policy.judge([rule], [], evidence([failed("pulumi"), held("local", A_KEY="canary")]))
    assert [(each.rule, each.status) for each in judged] == [("present", Status.OK), ("type", Status.UNKNOWN)]
    assert exit_code(judged) == 5
    above = policy.judge([rule], [], evidence([held("pulumi", A_KEY="80"), failed("local")]))
    assert exit_code(above) == 0


def test_something_that_fails_outweighs_what_is_unknown() -> None:
    rules = [Policy("A_KEY", required=True), Policy("B_KEY", backends=("fly",), required=True)]
    judged = policy.judge(rules, [], evidence([failed("pulumi"), held("fly")], ["A_KEY", "B_KEY"]))
    assert {each.status for each in judged} == {Status.UNKNOWN, Status.FAIL}
    assert exit_code(judged) == 7


def test_each_backend_that_must_hold_it_is_looked_at() -> None:
    rule = Policy("A_KEY", required=True, backends=("github", "fly", "pulumi", "local", "vault"))
    answers = [
        held("github", A_KEY=None),
        Answer("fly", "", unconfigured="no app is named"),
        failed("pulumi"),
        held("local"),
    ]
    judged = policy.judge([rule], [], evidence(answers))
    by_backend = {f.message.split()[0]: f for f in judged if f.rule == "backends"}
    assert {name: f.status for name, f in by_backend.items()} == {
        "github": Status.OK,
        "fly": Status.FAIL,
        "pulumi": Status.UNKNOWN,
        "local": Status.FAIL,
        "vault": Status.FAIL,
    }
    assert by_backend["fly"].message == "fly must hold it and is not configured: no app is named"
    assert by_backend["fly"].hint == "Set FLY_APP_NAME."
    assert by_backend["local"].hint == "Store it with `sophia-secrets set A_KEY --backend local`."


def test_a_backend_that_cannot_list_its_names_is_a_warning() -> None:
    rule = Policy("A_KEY", backends=("github",), required=True)
    finding = one(rule, held("github", complete=False), held("local", A_KEY="v"), which="backends")
    assert finding.status is Status.WARN


@pytest.mark.parametrize(
    ("age", "status"),
    [(0.0, Status.OK), (90 * DAY, Status.OK), (90 * DAY + 1, Status.FAIL), (-50.0, Status.OK)],
)
def test_an_age_is_held_against_its_limit(age: float, status: Status) -> None:
    rule = Policy("A_KEY", rotate_every=90 * DAY)
    finding = one(rule, held("local", A_KEY="v"), rotated={("local", "A_KEY"): NOW - age}, which="rotation")
    assert finding.status is status
    if status is Status.FAIL:
        assert finding.message == "local (local-target): last changed 90 days ago, and due every 90 days"
        assert finding.hint == "Run `sophia-secrets rotate A_KEY`."


def test_the_vendors_own_moment_counts_and_the_oldest_copy_decides() -> None:
    rule = Policy("A_KEY", rotate_every=DAY)
    github = held("github", A_KEY=None, updated_at="2020-01-01T00:00:00Z")
    local = held("local", A_KEY="v")
    fresh = {("local", "A_KEY"): NOW}
    assert one(rule, github, local, rotated=fresh, which="rotation").status is Status.FAIL
    newer = {**fresh, ("github", "A_KEY"): NOW - 10}
    assert one(rule, github, local, rotated=newer, which="rotation").status is Status.OK


def test_a_secret_that_was_never_seen_to_change_is_a_warning_only_under_a_policy() -> None:
    local = held("local", A_KEY="v")
    assert one(Policy("A_KEY", rotate_every=DAY), local, which="rotation").status is Status.WARN
    fresh = {("local", "A_KEY"): NOW - 1}
    found = one(Policy("A_KEY", rotate_every=DAY), local, failed("pulumi"), rotated=fresh, which="rotation")
    assert (found.status, found.message) == (Status.UNKNOWN, "may be overdue: pulumi did not answer.")
    old = {("local", "A_KEY"): NOW - 2 * DAY}
    assert (
        one(Policy("A_KEY", rotate_every=DAY), local, failed("pulumi"), rotated=old, which="rotation").status
        is Status.FAIL
    )
    judged = policy.judge([Policy("A_KEY")], [], evidence([local]))
    assert [each.rule for each in judged] == ["present"]
    odd = held("local", A_KEY="v", updated_at="yesterday")
    assert one(Policy("A_KEY", rotate_every=DAY), odd, which="rotation").status is Status.WARN


@pytest.mark.parametrize(
    ("exactly", "values", "fails", "status"),
    [
        (False, {}, False, Status.FAIL),
        (False, {"A": "1"}, False, Status.OK),
        (False, {"A": "1", "B": "2"}, False, Status.OK),
        (False, {}, True, Status.UNKNOWN),
        (False, {"A": "1"}, True, Status.OK),
        (True, {}, False, Status.FAIL),
        (True, {"A": "1"}, False, Status.OK),
        (True, {"A": "1", "B": "2"}, False, Status.FAIL),
        (True, {"A": "1"}, True, Status.UNKNOWN),
        (True, {"A": "1", "B": "2"}, True, Status.FAIL),
    ],
)
def test_a_group_counts_what_is_there(
    exactly: bool, values: dict[str, str], fails: bool, status: Status
) -> None:
    answers = [*([failed("pulumi")] if fails else []), held("local", **values)]
    (finding,) = policy.judge([], [Group("llm", exactly, ("A", "B"))], evidence(answers, ["A", "B"]))
    assert (finding.name, finding.rule, finding.status) == ("llm", "group", status)


def test_a_write_only_copy_counts_in_a_group_where_it_is_declared() -> None:
    rules = [Policy("A", backends=("github",)), Policy("B")]
    given = evidence([held("github", A=None, B=None), held("local")], ["A", "B"])
    finding = policy.judge(rules, [Group("g", True, ("A", "B"))], given)[-1]
    assert (finding.status, finding.message) == (Status.OK, "A is there")
