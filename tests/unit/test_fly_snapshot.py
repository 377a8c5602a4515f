"""What a snapshot of a Fly app is: on a Machine, off it, and through one. Recorded output, no process."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from typing import TypeVar

import pytest

from sophia_secrets.backends.base import Call, Completed, Context, Ended, Unconfigured
from sophia_secrets.backends.fly import FlyBackend
from sophia_secrets.core.model import EntryState, Failure, FailureKind, Snapshot

T = TypeVar("T")
LISTED = b'[{"name":"A","digest":"d1","status":"Deployed"},{"name":"B","digest":"d2","status":"Staged"}]'
MACHINES = b'[{"id":"m1","state":"stopped"},{"id":"m2","state":"started"},{"id":"m3","state":"started"}]'


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


def _said(stdout: bytes) -> Completed:
    return Completed(Ended.EXITED, 0, stdout=stdout)


def _failed(stderr: str) -> Completed:
    return Completed(Ended.EXITED, 1, stderr=stderr)


def _backend(
    environ: Mapping[str, str] | None = None,
    declared: frozenset[str] = frozenset(),
    **section: object,
) -> FlyBackend:
    context = Context(environ=environ or {}, home="/h", cwd="/", state_directory="", declared=declared)
    backend = FlyBackend.configure({"app": "my-app", **section}, context)
    assert isinstance(backend, FlyBackend)
    return backend


def _executed(**variables: str) -> Completed:
    text = "".join(f"{name}={value}\0" for name, value in {"FLY_MACHINE_ID": "m2", **variables}.items())
    return _said(json.dumps({"stdout": text}).encode())


@pytest.mark.parametrize("section", [{}, {"app": ""}, {"app": None}])
def test_without_an_app_it_is_not_configured(section: dict[str, object]) -> None:
    context = Context(environ={}, home="", cwd="/", state_directory="")
    told = FlyBackend.configure(section, context)
    assert isinstance(told, Unconfigured)
    assert "FLY_APP_NAME" in told.hint


def test_off_a_machine_one_call_lists_every_name_without_a_value() -> None:
    backend = _backend()
    snapshot, calls = _play(backend.snapshot(), _said(LISTED))
    assert [call.arguments for call in calls] == [("secrets", "list", "--app=my-app", "--json")]
    assert isinstance(snapshot, Snapshot)
    assert snapshot.complete
    assert {name: (entry.state, entry.detail) for name, entry in snapshot.entries.items()} == {
        "A": (EntryState.WRITE_ONLY, "deployed"),
        "B": (EntryState.WRITE_ONLY, "staged"),
    }
    assert not backend.capabilities.readable
    assert backend.capabilities.needs_call
    assert backend.capabilities.note


def test_a_list_that_fails_is_a_failure_of_its_kind() -> None:
    told, _ = _play(_backend().snapshot(), _failed("Error: failed to list app secrets: app not found\n"))
    assert isinstance(told, Failure)
    assert told.kind is FailureKind.TARGET_NOT_FOUND
    assert "my-app" in told.message


@pytest.mark.parametrize("stdout", [b"", b"A new release is out\n", LISTED[:-1]])
def test_V6_exit_0_without_a_list_is_bad_output_and_not_an_empty_app(stdout: bytes) -> None:
    told, _ = _play(_backend().snapshot(), _said(stdout))
    assert isinstance(told, Failure)
    assert told.kind is FailureKind.BAD_OUTPUT


def test_V6_a_list_on_exit_1_is_not_believed() -> None:
    told, _ = _play(_backend().snapshot(), Completed(Ended.EXITED, 1, stdout=LISTED))
    assert isinstance(told, Failure)


HERE = {
    "FLY_MACHINE_ID": "m1",
    "FLY_APP_NAME": "my-app",
    "FLY_REGION": "ams",
    "FLY_API_TOKEN": "t",
    "PRIMARY_REGION": "ams",
    "PATH": "/bin",
    "LC_ALL": "C",
    "SOPHIA_SECRETS_CACHE_KEY": "k",
    "A": "1",
    "OTHER": "2",
    "EMPTY": "",
    "lower.dotted": "3",
    "BYTES": "\udcff",
}


def test_on_a_machine_of_the_app_the_variables_are_the_secrets_and_nothing_is_started() -> None:
    backend = _backend(HERE, frozenset({"A", "EMPTY", "FLY_API_TOKEN", "GONE"}))
    snapshot, calls = _play(backend.snapshot())
    assert calls == []
    assert isinstance(snapshot, Snapshot)
    values = {
        name: entry.value.reveal() for name, entry in snapshot.entries.items() if entry.value is not None
    }
    assert values == {"A": "1", "EMPTY": "", "FLY_API_TOKEN": "t", "OTHER": "2"}
    assert snapshot.entries["A"].detail == "from Machine m1"
    assert snapshot.entries["OTHER"].detail == "from Machine m1, not declared as a secret"
    assert snapshot.entries["EMPTY"].detail == "empty"
    assert not snapshot.complete
    assert snapshot.notes
    assert backend.capabilities.readable
    assert not backend.capabilities.needs_call


def test_on_a_machine_every_name_is_known() -> None:
    environ = {name: value for name, value in HERE.items() if name != "BYTES"}
    snapshot, _ = _play(_backend(environ).snapshot())
    assert isinstance(snapshot, Snapshot)
    assert snapshot.complete


@pytest.mark.parametrize("missing", ["FLY_MACHINE_ID", "FLY_APP_NAME"])
def test_C1_a_process_that_is_not_on_a_machine_of_this_app_asks_fly(missing: str) -> None:
    environ = {name: value for name, value in HERE.items() if name != missing}
    _, calls = _play(_backend(environ).snapshot(), _said(LISTED))
    assert len(calls) == 1
    environ = {**HERE, "FLY_APP_NAME": "another-app"}
    _, calls = _play(_backend(environ).snapshot(), _said(LISTED))
    assert len(calls) == 1


def test_values_come_from_a_started_machine_where_that_is_switched_on() -> None:
    backend = _backend(read_from_machine=True)
    assert backend.capabilities.readable
    snapshot, calls = _play(
        backend.snapshot(), _said(LISTED), _said(MACHINES), _executed(A="1", PATH="/bin", LANG="C")
    )
    assert [call.arguments for call in calls] == [
        ("secrets", "list", "--app=my-app", "--json"),
        ("machine", "list", "--app=my-app", "--json"),
        ("machine", "exec", "m2", "env -0", "--app=my-app", "--json", "--timeout", "20"),
    ]
    assert isinstance(snapshot, Snapshot)
    assert set(snapshot.entries) == {"A", "B"}
    a, b = snapshot.entries["A"], snapshot.entries["B"]
    assert a.value is not None
    assert (a.state, a.value.reveal(), a.digest) == (EntryState.READABLE, "1", "d1")
    assert a.detail == "from Machine m2, deployed"
    assert (b.state, b.detail) == (EntryState.WRITE_ONLY, "not on Machine m2, staged")


def test_a_value_older_than_the_last_write_says_so() -> None:
    steps = _backend(read_from_machine=True).snapshot()
    snapshot, _ = _play(steps, _said(LISTED), _said(MACHINES), _executed(A="1", B="old"))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.entries["B"].state is EntryState.READABLE
    assert snapshot.entries["B"].detail == "from Machine m2, staged"


def test_I4_bytes_that_did_not_come_through_are_no_value() -> None:
    steps = _backend(read_from_machine=True).snapshot()
    snapshot, _ = _play(steps, _said(LISTED), _said(MACHINES), _executed(A="a\ufffd", B="b"))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.entries["A"].value is None
    assert "not exact" in snapshot.entries["A"].detail


@pytest.mark.parametrize(
    "answers",
    [
        [_said(b"[]")],
        [_said(b'[{"id":"m1","state":"stopped"}]')],
        [_said(MACHINES), _said(b'{"exit_code": 127, "stderr": "env: not found"}')],
    ],
)
def test_without_a_machine_to_read_from_the_names_are_still_there_with_a_note(
    answers: list[Completed],
) -> None:
    snapshot, _ = _play(_backend(read_from_machine=True).snapshot(), _said(LISTED), *answers)
    assert isinstance(snapshot, Snapshot)
    assert {entry.state for entry in snapshot.entries.values()} == {EntryState.WRITE_ONLY}
    assert "no value can be read" in snapshot.notes[0]


def test_an_app_without_secrets_needs_no_machine() -> None:
    _, calls = _play(_backend(read_from_machine=True).snapshot(), _said(b"[]"))
    assert len(calls) == 1


def test_a_machine_that_cannot_be_asked_is_a_failure_without_its_words() -> None:
    broken = _failed("Error: could not exec command on machine m2: unauthorized Zq9\n")
    told, _ = _play(_backend(read_from_machine=True).snapshot(), _said(LISTED), _said(MACHINES), broken)
    assert isinstance(told, Failure)
    assert told.kind is FailureKind.NOT_PERMITTED
    assert told.words == ""


@pytest.mark.parametrize(
    "answers",
    [
        [Completed(Ended.TIMED_OUT)],
        [_said(b'[{"id":"../m1","state":"started"}]')],
        [_said(b"{}")],
        [_said(MACHINES), _said(b"[]")],
    ],
)
def test_V4_a_machine_that_cannot_be_asked_is_a_failure_and_no_empty_list(answers: list[Completed]) -> None:
    found, _ = _play(_backend(read_from_machine=True).snapshot(), _said(LISTED), *answers)
    assert isinstance(found, Failure)
    assert found.kind in (FailureKind.TIMED_OUT, FailureKind.BAD_OUTPUT)


def test_V4_an_environment_that_was_cut_off_gives_no_value() -> None:
    cut = _said(json.dumps({"stdout": "A=1\0B=2"}).encode())
    found, _ = _play(_backend(read_from_machine=True).snapshot(), _said(LISTED), _said(MACHINES), cut)
    assert isinstance(found, Snapshot)
    assert {entry.state for entry in found.entries.values()} == {EntryState.WRITE_ONLY}
    assert found.notes == ("Machine m2 has no `env -0`, so no value can be read",)
