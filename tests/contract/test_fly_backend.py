"""
The Fly backend through whole processes: the stand-in, and the real flyctl before local APIs.

The real one runs where `SOPHIA_TEST_FLY` names it or `PATH` has it. What both pass here is what
the stand-in may be trusted for elsewhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sophia_secrets.backends.base import Context
from sophia_secrets.backends.fly import FlyBackend
from sophia_secrets.core.model import (
    Change,
    CheckStatus,
    EntryState,
    Failure,
    FailureKind,
    Outcome,
    Receipt,
    SecretValue,
    Snapshot,
)
from sophia_secrets.process import Event, run
from tests.vendors.fly_cli import TOKEN
from tests.vendors.fly_vendor import StandIn, Vendor, environment, real_vendor

CANARY = "Zq9canary"
PEM = "-----BEGIN KEY-----\nMIIE+/==\n-----END KEY-----\n"
NASTY = {
    "PLAIN": "value",
    "PEM": PEM,
    "JSON": '{"a": "b", "c": ["#", "\'"]}',
    "OUTER": "  \t both ends \n\n",
    "HASH": "abc#def",
    "QUOTE": '"',
    "APOSTROPHE": "'",
    "ODD": '"a # b',
    "DOLLAR": "$HOME `id` \\n \\",
    "EQUALS": "=a=b=",
    "DASH": "-",
    "UNICODE": "Grüße 🌍 \u2028 \ufffd",
    "INJECTION": "x\nINJECTED=1",
    "CRLF": "a\r\nb",
    "TRIPLE": 'a"""b',
    "INNER": 'a\nb"""\nc',
    "LONG": "x" * 65_000,
    "LONG_LINES": "y" * 60_000 + "\n" + "z" * 60_000,
    "LIMIT": "x" * 65_536,
}


@pytest.fixture(params=["stand-in", "real"])
def vendor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vendor]:
    if request.param == "stand-in":
        yield StandIn(tmp_path / "bin")
        return
    with real_vendor(tmp_path) as real:
        yield real


def _backend(tmp_path: Path, app: str = "my-app", token: str = TOKEN, **section: object) -> FlyBackend:
    environ = {"PATH": "/usr/bin:/bin", **({"FLY_API_TOKEN": token} if token else {})}
    context = Context(environ=environ, home=str(tmp_path), cwd="/", state_directory="")
    backend = FlyBackend.configure({"app": app, **section}, context)
    assert isinstance(backend, FlyBackend)
    return backend


def _write(vendor: Vendor, backend: FlyBackend, values: dict[str, str]) -> dict[str, tuple[Outcome, bool]]:
    changes = [Change(name, SecretValue(value)) for name, value in values.items()]
    receipt = run(backend.write(changes), programs={"fly": vendor.program}, path="")
    return {result.name: (result.outcome, result.verified) for result in receipt.results}


def _snapshot(vendor: Vendor, backend: FlyBackend) -> Snapshot | Failure:
    return run(backend.snapshot(), programs={"fly": vendor.program}, path="")


@pytest.mark.parametrize("name", [name for name in NASTY if name != "LIMIT"])
def test_I4_a_nasty_value_arrives_exactly_or_is_refused(vendor: Vendor, tmp_path: Path, name: str) -> None:
    backend = _backend(tmp_path)
    assert backend.problem(name, SecretValue(NASTY[name])) is None
    assert _write(vendor, backend, {name: NASTY[name]}) == {name: (Outcome.DONE, True)}
    assert vendor.values() == {name: NASTY[name]}


def test_I4_all_nasty_values_arrive_together(vendor: Vendor, tmp_path: Path) -> None:
    told = _write(vendor, _backend(tmp_path), NASTY)
    assert set(told.values()) == {(Outcome.DONE, True)}
    assert vendor.values() == NASTY


def test_a_snapshot_has_the_names_and_no_value(vendor: Vendor, tmp_path: Path) -> None:
    vendor.put(A=CANARY, B="2")
    snapshot = _snapshot(vendor, _backend(tmp_path))
    assert isinstance(snapshot, Snapshot)
    assert set(snapshot.entries) == {"A", "B"}
    assert all(entry.state is EntryState.WRITE_ONLY and entry.digest for entry in snapshot.entries.values())


def test_an_app_without_secrets_is_an_empty_snapshot(vendor: Vendor, tmp_path: Path) -> None:
    snapshot = _snapshot(vendor, _backend(tmp_path))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.entries == {}


def test_values_are_read_from_a_running_machine(vendor: Vendor, tmp_path: Path) -> None:
    vendor.put(A=PEM, B="2")
    vendor.start_machine("m1", A=PEM, LANG="C")
    snapshot = _snapshot(vendor, _backend(tmp_path, read_from_machine=True))
    assert isinstance(snapshot, Snapshot)
    values = {name: entry.value for name, entry in snapshot.entries.items()}
    assert values == {"A": SecretValue(PEM), "B": None}


def test_of_several_machines_a_started_one_is_read(vendor: Vendor, tmp_path: Path) -> None:
    vendor.put(A="1")
    vendor.start_machine("m1", A="of a stopped Machine")
    vendor.start_machine("m2", A="1")
    vendor.stop_machine("m1")
    snapshot = _snapshot(vendor, _backend(tmp_path, read_from_machine=True))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.entries["A"].value == SecretValue("1")
    assert "from Machine m2" in snapshot.entries["A"].detail


@pytest.mark.parametrize(
    ("trouble", "note"),
    [("stop_machine", "no Machine of the app is started"), ("take_env_away", "has no `env")],
)
def test_where_no_machine_can_be_read_a_note_says_why(
    vendor: Vendor, tmp_path: Path, trouble: str, note: str
) -> None:
    vendor.put(A="1")
    vendor.start_machine("m1", A="1")
    getattr(vendor, trouble)("m1")
    snapshot = _snapshot(vendor, _backend(tmp_path, read_from_machine=True))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.entries["A"].state is EntryState.WRITE_ONLY
    assert [note in told for told in snapshot.notes] == [True]


def test_names_are_removed_and_absent_ones_are_told(vendor: Vendor, tmp_path: Path) -> None:
    vendor.put(A="1", B="2", C="3")
    receipt = run(_backend(tmp_path).delete(["A", "GONE", "C"]), programs={"fly": vendor.program}, path="")
    assert [(result.outcome, result.verified) for result in receipt.results] == [
        (Outcome.DONE, True),
        (Outcome.UNCHANGED, True),
        (Outcome.DONE, True),
    ]
    assert vendor.values() == {"B": "2"}


def test_a_roll_out_without_machines_keeps_the_value(vendor: Vendor, tmp_path: Path) -> None:
    backend = _backend(tmp_path, deploy=True)
    changes = [Change("A", SecretValue("1"))]
    receipt = run(backend.write(changes), programs={"fly": vendor.program}, path="")
    assert receipt.failure is None
    assert "no Machine yet" in receipt.results[0].detail
    assert vendor.values() == {"A": "1"}


def _rolled_out(vendor: Vendor, tmp_path: Path, **values: str) -> Receipt:
    changes = [Change(name, SecretValue(value)) for name, value in values.items()]
    backend = _backend(tmp_path, deploy=True)
    receipt = run(backend.write(changes), programs={"fly": vendor.program}, path="")
    assert isinstance(receipt, Receipt)
    return receipt


def test_one_roll_out_takes_all_that_is_staged_to_the_machines(vendor: Vendor, tmp_path: Path) -> None:
    vendor.start_machine("m1")
    vendor.start_machine("m2")
    receipt = _rolled_out(vendor, tmp_path, A=PEM, B="2")
    assert receipt.failure is None
    assert [(result.outcome, result.verified, result.detail) for result in receipt.results] == [
        (Outcome.DONE, True, "deployed in release v2"),
        (Outcome.DONE, True, "deployed in release v2"),
    ]
    assert vendor.environment("m1") == vendor.environment("m2") == {"A": PEM, "B": "2"}
    snapshot = _snapshot(vendor, _backend(tmp_path))
    assert isinstance(snapshot, Snapshot)
    assert {entry.detail for entry in snapshot.entries.values()} == {"deployed"}


def test_a_removal_is_rolled_out_too(vendor: Vendor, tmp_path: Path) -> None:
    vendor.put(A="1", B="2")
    vendor.start_machine("m1", A="1", B="2")
    steps = _backend(tmp_path, deploy=True).delete(["A"])
    receipt = run(steps, programs={"fly": vendor.program}, path="")
    assert receipt.failure is None
    assert [(result.outcome, result.detail) for result in receipt.results] == [
        (Outcome.DONE, "deployed in release v2")
    ]
    assert vendor.environment("m1") == {"B": "2"}


def test_without_deploy_the_machines_are_left_alone(vendor: Vendor, tmp_path: Path) -> None:
    vendor.start_machine("m1", A="old")
    assert _write(vendor, _backend(tmp_path), {"A": "1"}) == {"A": (Outcome.DONE, True)}
    assert vendor.environment("m1") == {"A": "old"}
    snapshot = _snapshot(vendor, _backend(tmp_path))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.entries["A"].detail == "staged"


def test_X5_a_roll_out_that_fails_leaves_the_value_stored_and_is_told(vendor: Vendor, tmp_path: Path) -> None:
    vendor.start_machine("m1")
    vendor.refuse_the_roll_out()
    receipt = _rolled_out(vendor, tmp_path, A="1", B="2")
    assert [(result.outcome, result.verified) for result in receipt.results] == [(Outcome.DONE, True)] * 2
    assert all(result.detail.startswith("stored, not rolled out") for result in receipt.results)
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.UNREACHABLE
    assert receipt.failure.message.startswith("the change is stored, but its roll-out did not end well")
    assert receipt.failure.hint == "`fly secrets deploy --app my-app`"
    assert vendor.values() == {"A": "1", "B": "2"}
    assert vendor.environment("m1") == {}


def test_L7_what_a_crashing_app_logs_is_not_told(vendor: Vendor, tmp_path: Path) -> None:
    vendor.start_machine("m1")
    vendor.crash(f"connecting with {CANARY}", "Error: another-secret")
    receipt = _rolled_out(vendor, tmp_path, A=CANARY)
    assert receipt.results[0].outcome is Outcome.DONE
    assert receipt.failure is not None
    assert "does not stay up" in receipt.failure.message
    assert receipt.failure.words == "Error: smoke checks for m1 failed: the app appears to be crashing"
    assert CANARY not in repr(receipt)


def test_X5_an_answer_that_was_lost_is_found_in_the_list(vendor: Vendor, tmp_path: Path) -> None:
    vendor.lose_the_answer_to_a_write()
    changes = [Change("A", SecretValue("1"))]
    receipt = run(_backend(tmp_path).write(changes), programs={"fly": vendor.program}, path="")
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.UNREACHABLE
    assert receipt.results[0].outcome is Outcome.DONE
    assert receipt.results[0].verified


def test_I3_a_name_that_fly_drops_without_a_word_is_noticed(vendor: Vendor, tmp_path: Path) -> None:
    vendor.drop("B")
    told = _write(vendor, _backend(tmp_path), {"A": "1", "B": "2"})
    assert told == {"A": (Outcome.DONE, True), "B": (Outcome.FAILED, False)}


def test_an_app_that_is_not_there_is_target_not_found(vendor: Vendor, tmp_path: Path) -> None:
    told = _snapshot(vendor, _backend(tmp_path, app="another-app"))
    assert isinstance(told, Failure)
    assert told.kind is FailureKind.TARGET_NOT_FOUND


def test_no_right_is_not_permitted(vendor: Vendor, tmp_path: Path) -> None:
    vendor.forbid()
    told = _snapshot(vendor, _backend(tmp_path))
    assert isinstance(told, Failure)
    assert told.kind is FailureKind.NOT_PERMITTED


def test_without_token_and_session_it_is_not_authenticated(vendor: Vendor, tmp_path: Path) -> None:
    told = _snapshot(vendor, _backend(tmp_path, token=""))
    assert isinstance(told, Failure)
    assert told.kind is FailureKind.NOT_AUTHENTICATED
    assert "fly auth login" in told.hint


def test_doctor_sees_program_user_and_app(vendor: Vendor, tmp_path: Path) -> None:
    vendor.put(A="1")
    checks = run(_backend(tmp_path).probe(), programs={"fly": vendor.program}, path="")
    assert [(check.id, check.status) for check in checks] == [
        ("fly.cli", CheckStatus.OK),
        ("fly.auth", CheckStatus.OK),
        ("fly.target", CheckStatus.OK),
    ]
    assert "dev@example.com" in checks[1].message


def test_C3_a_fly_toml_where_the_user_stands_changes_nothing(
    vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = tmp_path / "repository"
    hostile.mkdir()
    (hostile / "fly.toml").write_text("= =\n")
    monkeypatch.chdir(hostile)
    monkeypatch.setenv("FLY_APP", "another-app")
    assert _write(vendor, _backend(tmp_path), {"A": "1"}) == {"A": (Outcome.DONE, True)}


def test_the_users_session_is_used_and_kept(vendor: Vendor, tmp_path: Path) -> None:
    session = tmp_path / ".fly"
    session.mkdir()
    config = session / "config.yml"
    config.write_text(f"access_token: {TOKEN}\nlast_login: {datetime.now(UTC).isoformat()}\n")
    (session / "flyctl.config.lock").touch()
    assert _write(vendor, _backend(tmp_path, token=""), {"A": CANARY}) == {"A": (Outcome.DONE, True)}
    assert f"access_token: {TOKEN}" in config.read_text()
    assert sorted(path.name for path in session.iterdir()) == ["config.yml", "flyctl.config.lock"]


class _Keeper:
    """Copies each call's private directories when it ends, before they are taken away."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seen: list[tuple[str, bytes]] = []
        self.ended: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.ended.append(event)
        for directory, _, names in os.walk(self.root):
            for name in names:
                path = Path(directory, name)
                if path.is_file():
                    self.seen.append((str(path), path.read_bytes()))


def test_L3_no_value_is_in_any_file_that_flyctl_leaves(vendor: Vendor, tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    keeper = _Keeper(private)
    vendor.start_machine("m1", A=CANARY)
    for steps in (
        _backend(tmp_path).write([Change("A", SecretValue(CANARY))]),
        _backend(tmp_path).write([Change("A", SecretValue(CANARY + "\n")), Change("B", SecretValue(CANARY))]),
        _backend(tmp_path, read_from_machine=True).snapshot(),
    ):
        run(steps, programs={"fly": vendor.program}, path="", observe=keeper, parent=str(private))
    assert any(path.endswith("/logs") for path, _ in keeper.seen)
    assert [path for path, content in keeper.seen if CANARY.encode() in content] == []
    assert list(private.iterdir()) == []


def test_L7_a_line_that_flyctl_echoes_is_in_nothing_that_is_told(tmp_path: Path) -> None:
    vendor = StandIn(tmp_path / "bin")
    words = f'Error: Failed to parse secrets from stdin: Secrets must be NAME=VALUE pairs (A="{CANARY}" is)\n'
    vendor.cli.update(faults=[{"on": "secrets import", "stderr": words}])
    changes = [Change("A", SecretValue(f"first\n{CANARY}\nlast")), Change("B", SecretValue(CANARY + "\n"))]
    receipt = run(_backend(tmp_path).write(changes), programs={"fly": vendor.program}, path="")
    assert receipt.failure is not None
    assert "Failed to parse" in receipt.failure.words
    assert CANARY not in receipt.failure.words + receipt.failure.message + repr(receipt)
    assert {result.outcome for result in receipt.results} == {Outcome.FAILED}


def test_L2_flyctl_stands_alone_in_an_empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = StandIn(tmp_path / "bin")
    for name in ("FLY_APP", "FLY_FLAPS_BASE_URL", "GITHUB_TOKEN", "PULUMI_ACCESS_TOKEN", "LOG_LEVEL"):
        monkeypatch.setenv(name, "hostile")
    _write(vendor, _backend(tmp_path), {"A": CANARY})
    assert vendor.cli.commands() == ["secrets list", "secrets set", "secrets list"]
    for call in vendor.cli.calls:
        wanted = {*environment(tmp_path), *("PWD", "_", "SHLVL", "OLDPWD", "LC_CTYPE")}
        assert set(call["environment"]) <= wanted
        assert call["directory"] == []
        assert call["config"] == ["logs"]
        assert CANARY not in json.dumps(call["arguments"]) + json.dumps(call["environment"])
