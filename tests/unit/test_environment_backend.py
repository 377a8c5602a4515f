"""The process environment and a dotenv file behind it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import pytest

from sophia_secrets.backends.base import Context, Steps
from sophia_secrets.backends.environment import EnvironmentBackend
from sophia_secrets.core.model import (
    Change,
    CheckStatus,
    Entry,
    EntryState,
    Failure,
    FailureKind,
    Outcome,
    SecretValue,
    Snapshot,
)

T = TypeVar("T")
CANARY = "canary-7f3a"


def run(steps: Steps[T]) -> T:
    """The result of steps that need no call."""
    with pytest.raises(StopIteration) as stopped:
        next(steps)
    result: T = stopped.value.value
    return result


def backend(environ: dict[str, str], cwd: Path | str = "/", **section: object) -> EnvironmentBackend:
    context = Context(environ=environ, home=str(cwd), cwd=str(cwd), state_directory="")
    return EnvironmentBackend.configure(section, context)


def entries(made: EnvironmentBackend) -> dict[str, Entry]:
    snapshot = run(made.snapshot())
    assert isinstance(snapshot, Snapshot), snapshot
    assert snapshot.complete
    return dict(snapshot.entries)


def readable(made: EnvironmentBackend) -> dict[str, str]:
    return {name: entry.value.reveal() for name, entry in entries(made).items() if entry.value}


def failed(made: EnvironmentBackend) -> Failure:
    failure = run(made.snapshot())
    assert isinstance(failure, Failure), failure
    return failure


def test_every_variable_is_an_entry_under_its_own_name() -> None:
    made = backend({"API_KEY": "1", "lower": "2", "a.b-c": "3"})
    assert readable(made) == {"API_KEY": "1", "lower": "2", "a.b-c": "3"}


def test_our_own_variables_are_never_entries(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"SOPHIA_SECRETS_CACHE_KEY={CANARY}\nA=1\n")
    environ = {
        "SOPHIA_SECRETS_CACHE_KEY": CANARY,
        "SOPHIA_SECRETS_IDENTITY": CANARY,
        "SOPHIA_GITHUB_SECRETS_JSON": CANARY,
        "SOPHIA_API_KEY": "an ordinary secret",
    }
    made = backend(environ, tmp_path, file=".env")
    assert readable(made) == {"SOPHIA_API_KEY": "an ordinary secret", "A": "1"}


@pytest.mark.parametrize("name", ["", "-x", "a b", "a\nb", "\udcff", "BASH\x1b"])
def test_I1_I2_a_variable_that_nobody_may_ask_for_is_no_entry(name: str) -> None:
    assert entries(backend({name: "x"})) == {}


def test_an_empty_variable_is_an_empty_value() -> None:
    assert readable(backend({"A": ""})) == {"A": ""}


def test_C8_an_empty_variable_in_a_workflow_is_absent_and_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("B=from the file\n")
    made = backend({"GITHUB_ACTIONS": "true", "A": "", "B": ""}, tmp_path, file=".env")
    found = entries(made)
    assert (found["A"].state, found["A"].value, found["A"].detail) == (EntryState.ABSENT, None, "empty")
    assert readable(made)["B"] == "from the file"


def test_E6_a_value_that_is_not_utf_8_is_absent_and_says_so() -> None:
    found = entries(backend({"A": "x\udcff"}))
    assert (found["A"].state, found["A"].value, found["A"].detail) == (EntryState.ABSENT, None, "not UTF-8")


def test_a_variable_hides_the_file_and_the_file_says_that_it_is_one(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB='two\nlines'\n")
    made = backend({"A": "process"}, tmp_path, file=".env")
    assert readable(made) == {"A": "process", "B": "two\nlines"}
    assert entries(made)["A"].detail == ""
    assert entries(made)["B"].detail == "from .env"
    assert made.target.label == "the environment and `.env`"
    assert made.target.parts == (("file", str(tmp_path / ".env")),)


def test_a_file_is_found_from_home_and_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("A=1\n")
    (tmp_path / ".env").symlink_to("real")
    assert readable(backend({}, tmp_path, file="~/.env")) == {"A": "1"}


def test_a_missing_file_is_a_note_and_no_failure(tmp_path: Path) -> None:
    made = backend({"A": "1"}, tmp_path, file=".env")
    snapshot = run(made.snapshot())
    assert isinstance(snapshot, Snapshot)
    assert snapshot.notes == ("`.env` is not there.",)
    assert run(made.probe())[0].status is CheckStatus.WARN


def test_a_directory_a_pipe_or_a_bad_line_is_a_failure_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "bad").write_text(f"A=1\n{CANARY}\n")
    (tmp_path / "twice").write_text(f"A={CANARY}\nA={CANARY}\n")
    (tmp_path / "latin").write_bytes(b"A=" + CANARY.encode() + b"\xff\n")
    (tmp_path / "huge").write_bytes(b"#" * (16 * 1024 * 1024 + 1))
    (tmp_path / "loop").symlink_to("loop")
    for file in ("directory", "pipe", "bad", "twice", "latin", "huge", "loop", "x" * 300):
        made = backend({}, tmp_path, file=file)
        failure = failed(made)
        assert failure.kind is FailureKind.BAD_OUTPUT
        assert str(tmp_path / file) in failure.message
        assert CANARY not in repr(failure)
        assert run(made.probe())[0].status is CheckStatus.FAIL


def test_nothing_can_be_written_or_deleted_and_the_way_is_told() -> None:
    made = backend({"A": "1"})
    for receipt in (run(made.write([Change("A", SecretValue(CANARY))])), run(made.delete(["A"]))):
        assert [result.outcome for result in receipt.results] == [Outcome.REFUSED]
        assert "--backend local" in receipt.results[0].detail
        assert CANARY not in repr(receipt)
    assert made.problem("A") == run(made.delete(["A"])).results[0].detail
    assert not made.capabilities.writable


def test_a_repr_shows_no_value() -> None:
    made = backend({"A": CANARY})
    assert CANARY not in repr(made) + repr(run(made.snapshot())) + repr(run(made.probe()))
    assert made.target.label == "the environment"


def test_doctor_counts_the_names_of_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=2\n")
    (check,) = run(backend({"C": "3"}, tmp_path, file=".env").probe())
    assert (check.id, check.status, check.message) == (
        "env.file",
        CheckStatus.OK,
        f"{tmp_path}/.env: 2 names",
    )
