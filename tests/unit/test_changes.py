"""What a plan says before anything is done, on plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.backends.base import Context
from sophia_secrets.backends.fly import FlyBackend
from sophia_secrets.core import changes
from sophia_secrets.core.changes import Act, Destination, Plan
from sophia_secrets.core.compare import LastWrite
from sophia_secrets.core.model import Entry, EntryState, SecretValue, Snapshot, Target
from sophia_secrets.core.resolve import Answer
from sophia_secrets.process import run


def fingerprint(value: SecretValue) -> str:
    return hashlib.sha256(b"key" + value.reveal().encode()).hexdigest()


def no_problem(name: str, value: SecretValue | None) -> str | None:
    return None


def answer(backend: str, entries: Mapping[str, Entry], *, complete: bool = True) -> Answer:
    return Answer(backend, "t", snapshot=Snapshot(Target(backend, "t"), entries, complete=complete))


def readable(value: str, detail: str = "") -> Entry:
    return Entry(EntryState.READABLE, SecretValue(value), detail=detail)


def write_only(digest: str = "d") -> Entry:
    return Entry(EntryState.WRITE_ONLY, digest=digest)


def plan(
    wanted: Mapping[str, str],
    existing: Answer,
    last_writes: Mapping[str, LastWrite] | None = None,
    problem: changes.Problem = no_problem,
) -> dict[str, tuple[Act, str]]:
    values = {name: SecretValue(value) for name, value in wanted.items()}
    actions = changes.plan(values, Destination(existing, last_writes or {}, fingerprint, problem))
    for action in actions:
        assert (action.value is not None) == (action.act is Act.SET)
        if action.value is not None:
            assert action.value == values[action.name]
    return {action.name: (action.act, action.reason) for action in actions}


def test_a_readable_destination_is_compared_by_value() -> None:
    there = answer("local", {"SAME": readable("a"), "OTHER": readable("b"), "GONE": Entry(EntryState.ABSENT)})
    assert plan({"SAME": "a", "OTHER": "a", "GONE": "a", "NEW": "a"}, there) == {
        "SAME": (Act.UNCHANGED, "the same value"),
        "OTHER": (Act.SET, "another value"),
        "GONE": (Act.SET, "new"),
        "NEW": (Act.SET, "new"),
    }


def test_a_write_only_destination_is_compared_by_our_fingerprint_while_its_digest_stands() -> None:
    there = answer("fly", {name: write_only("now") for name in ("SAME", "OTHER", "MOVED", "FOREIGN")})
    last_writes = {
        "SAME": LastWrite(fingerprint(SecretValue("a")), "now"),
        "OTHER": LastWrite(fingerprint(SecretValue("b")), "now"),
        "MOVED": LastWrite(fingerprint(SecretValue("a")), "before"),
    }
    assert plan(dict.fromkeys(("SAME", "OTHER", "MOVED", "FOREIGN"), "a"), there, last_writes) == {
        "SAME": (Act.UNCHANGED, "the same value"),
        "OTHER": (Act.SET, "another value"),
        "MOVED": (Act.SET, "cannot be compared"),
        "FOREIGN": (Act.SET, "cannot be compared"),
    }


def test_a_name_that_an_incomplete_list_lacks_is_not_called_new() -> None:
    assert plan({"A": "a"}, answer("github", {}, complete=False)) == {"A": (Act.SET, "cannot be compared")}


def test_what_the_destination_cannot_hold_is_refused_also_where_it_holds_it() -> None:
    def problem(name: str, value: SecretValue | None) -> str | None:
        return "too long" if name == "A" else None

    there = answer("local", {"A": readable("a")})
    assert plan({"A": "a", "B": "b"}, there, problem=problem) == {
        "A": (Act.REFUSED, "too long"),
        "B": (Act.SET, "new"),
    }


NAMES = st.text(st.sampled_from("ABC_"), min_size=1, max_size=3)
VALUES = st.dictionaries(NAMES, st.text(st.sampled_from("xyz"), max_size=2), max_size=8)


@given(VALUES, VALUES, st.booleans())
def test_carrying_out_a_sync_leaves_nothing_to_do(
    source: dict[str, str], destination: dict[str, str], delete: bool
) -> None:
    def planned(held: dict[str, str]) -> Plan:
        seen = answer("pulumi", {name: readable(value) for name, value in source.items()})
        there = answer("local", {name: readable(value) for name, value in held.items()})
        place = Destination(there, {}, fingerprint, no_problem)
        names = changes.names_to_sync(seen)
        return changes.plan_sync(seen, names, place, source_writes={}, delete=delete)

    first = planned(destination)
    assert len({action.name for action in first.actions}) == len(first.actions)
    after = dict(destination) | {change.name: change.value.reveal() for change in first.changes}
    for name in first.deletions:
        del after[name]
    assert {name: after.get(name) for name in source} == source
    assert set(after) - set(source) == (set() if delete else set(destination) - set(source))
    assert planned(after).is_idle


def test_a_sync_deletes_nothing_outside_its_prefix_and_nothing_that_the_source_holds_unreadably() -> None:
    seen = answer("fly", {"A_ONE": readable("1"), "A_TWO": write_only()})
    there = answer("local", {name: readable("x") for name in ("A_ONE", "A_TWO", "A_OLD", "B_OLD", "a.b")})
    place = Destination(there, {}, fingerprint, no_problem)
    names = changes.names_to_sync(seen, only="A_")
    plan = changes.plan_sync(seen, names, place, source_writes={}, delete=True, only="A_")
    assert {action.name: action.act for action in plan.actions} == {
        "A_ONE": Act.SET,
        "A_TWO": Act.UNKNOWN,
        "A_OLD": Act.DELETE,
    }


def test_a_sync_refuses_to_delete_what_the_destination_cannot() -> None:
    def protected(name: str, value: SecretValue | None) -> str | None:
        return "it is protected" if value is None else None

    there = answer("local", {"A_OLD": readable("x")})
    place = Destination(there, {}, fingerprint, protected)
    plan = changes.plan_sync(answer("fly", {}), (), place, source_writes={}, delete=True)
    assert [(action.name, action.act, action.reason) for action in plan.actions] == [
        ("A_OLD", Act.REFUSED, "it is protected")
    ]


def test_of_a_source_that_did_not_answer_nothing_is_carried() -> None:
    assert changes.names_to_sync(Answer("fly", "my-app")) == ()


def test_an_unreadable_entry_of_the_source_is_compared_where_that_can_be_done() -> None:
    mark = LastWrite(fingerprint(SecretValue("a")), "d")
    seen = answer("fly", {name: write_only() for name in ("SAME", "OTHER", "NOT_THERE")})
    there = answer("local", {"SAME": readable("a"), "OTHER": readable("b")})
    place = Destination(there, {}, fingerprint, no_problem)
    plan = changes.plan_sync(
        seen, changes.names_to_sync(seen), place, source_writes=dict.fromkeys(("SAME", "OTHER"), mark)
    )
    assert {action.name: action.act for action in plan.actions} == {
        "SAME": Act.UNCHANGED,
        "OTHER": Act.REFUSED,
        "NOT_THERE": Act.REFUSED,
    }
    assert plan.is_idle


def test_the_environment_gives_only_what_is_declared_in_its_file_or_asked_for() -> None:
    entries = {
        "PATH": readable("/bin"),
        "API_KEY": readable("k"),
        "OTHER": readable("o"),
        "FROM_FILE": readable("f", "from .env"),
        "NODE_OPTIONS": readable("--x", "from .env"),
    }
    seen = answer("env", entries)
    assert changes.names_to_sync(seen) == ("FROM_FILE",)
    assert changes.names_to_sync(seen, declared={"API_KEY"}) == ("API_KEY", "FROM_FILE")
    assert changes.names_to_sync(seen, only="O") == ("OTHER",)
    assert changes.names_to_sync(seen, only="PA") == ()


def test_a_fly_machine_gives_only_what_is_declared_as_a_secret() -> None:
    environ = {
        "FLY_MACHINE_ID": "m1",
        "FLY_APP_NAME": "my-app",
        "API_KEY": "k",
        "RUBY_MODE": "x",
        "EMPTY": "",
    }
    context = Context(environ=environ, home="/", cwd="/", state_directory="", declared=frozenset({"API_KEY"}))
    backend = FlyBackend.configure({"app": "my-app"}, context)
    assert isinstance(backend, FlyBackend)
    snapshot = run(backend.snapshot(), path="")
    assert isinstance(snapshot, Snapshot)
    assert {"API_KEY", "RUBY_MODE", "EMPTY"} <= set(snapshot.entries)
    seen = Answer("fly", "my-app", snapshot=snapshot)
    assert changes.names_to_sync(seen, declared=context.declared) == ("API_KEY",)


def test_a_plan_shows_no_value() -> None:
    actions = changes.plan(
        {"A": SecretValue("canary-in-a-plan")}, Destination(answer("local", {}), {}, fingerprint, no_problem)
    )
    assert "canary" not in repr(Plan(actions))
