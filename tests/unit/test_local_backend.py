"""The vault: what is written is there, for those it is for, and nothing is lost."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyrage
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.backends.base import Context, Steps, Unconfigured
from sophia_secrets.backends.local import LocalBackend, place, vault
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
from sophia_secrets.formats import dotenv
from sophia_secrets.state import atomic, files

T = TypeVar("T")
CANARY = "canary-7f3a"


def run(steps: Steps[T]) -> T:
    """The result of steps that need no call."""
    with pytest.raises(StopIteration) as stopped:
        next(steps)
    result: T = stopped.value.value
    return result


class Machine:
    """A home with a state directory that nothing was written into yet."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / "home" / "state"
        self.environ: dict[str, str] = {}
        (root / "home").mkdir()

    def backend(self, **section: object) -> LocalBackend:
        context = Context(
            environ=self.environ,
            home=str(self.root / "home"),
            cwd=str(self.root),
            state_directory=str(self.state),
            timeout=5,
        )
        made = LocalBackend.configure(section, context)
        assert isinstance(made, LocalBackend)
        return made

    @property
    def file(self) -> Path:
        return self.state / "secrets.env.age"

    @property
    def identity(self) -> Path:
        return self.state / "identity.txt"

    def public(self) -> str:
        return vault.read_identities(self.identity.read_bytes())[0].public


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def write(backend: LocalBackend, **values: str) -> Receipt:
    return run(backend.write([Change(name, SecretValue(value)) for name, value in values.items()]))


def held(backend: LocalBackend) -> dict[str, str]:
    snapshot = run(backend.snapshot())
    assert isinstance(snapshot, Snapshot), snapshot
    assert snapshot.complete
    assert {entry.state for entry in snapshot.entries.values()} <= {EntryState.READABLE}
    return {name: entry.value.reveal() for name, entry in snapshot.entries.items() if entry.value}


def failed(backend: LocalBackend) -> Failure:
    failure = run(backend.snapshot())
    assert isinstance(failure, Failure), failure
    return failure


def outcomes(receipt: Receipt) -> list[Outcome]:
    return [result.outcome for result in receipt.results]


def keys(count: int) -> list[str]:
    return [str(pyrage.x25519.Identity.generate().to_public()) for _ in range(count)]


def test_a_fresh_machine_holds_nothing_and_reading_makes_nothing(machine: Machine) -> None:
    assert held(machine.backend()) == {}
    assert [check.status for check in run(machine.backend().probe())] == [CheckStatus.OK] * 2
    assert not machine.state.exists()


def test_a_machine_without_a_state_directory_says_what_to_set() -> None:
    made = LocalBackend.configure({}, Context(environ={}, home="", cwd="/", state_directory=""))
    assert isinstance(made, Unconfigured)
    assert "SOPHIA_SECRETS_HOME" in made.hint


def test_the_first_write_makes_the_file_and_the_identity_for_the_user_alone(machine: Machine) -> None:
    receipt = write(machine.backend(), A="1", B="two\nlines")
    assert outcomes(receipt) == [Outcome.DONE, Outcome.DONE]
    assert all(result.verified for result in receipt.results)
    assert held(machine.backend()) == {"A": "1", "B": "two\nlines"}
    for path in (machine.file, machine.identity):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(machine.state.stat().st_mode) == 0o700


def test_nothing_on_the_disk_or_in_a_repr_shows_the_value(machine: Machine) -> None:
    backend = machine.backend()
    receipt = write(backend, A=CANARY)
    on_disk = b"".join(path.read_bytes() for path in machine.state.iterdir())
    shown = repr(receipt) + repr(run(backend.snapshot())) + repr(backend) + repr(run(backend.probe()))
    assert CANARY.encode() not in on_disk
    assert CANARY not in shown
    assert "AGE-SECRET-KEY" not in shown
    assert machine.file.read_bytes().startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")


def test_the_target_is_the_file_named_from_home(machine: Machine) -> None:
    target = machine.backend().target
    assert (target.backend, target.label) == ("local", "~/state/secrets.env.age")
    assert target.parts == (("file", str(machine.file)),)
    elsewhere = machine.backend(file="team/secrets.env.age").target
    assert elsewhere.parts == (("file", str(machine.root / "team/secrets.env.age")),)
    assert machine.backend(file="~/s.age").target.label == "~/s.age"


def test_a_write_keeps_every_other_name(machine: Machine) -> None:
    write(machine.backend(), A="1", B="2")
    assert outcomes(write(machine.backend(), B="3", C="4")) == [Outcome.DONE, Outcome.DONE]
    assert held(machine.backend()) == {"A": "1", "B": "3", "C": "4"}


def test_writing_what_is_there_changes_no_byte(machine: Machine) -> None:
    write(machine.backend(), A="1")
    before = machine.file.read_bytes()
    assert outcomes(write(machine.backend(), A="1")) == [Outcome.UNCHANGED]
    assert machine.file.read_bytes() == before


def test_a_deleted_name_is_gone_and_an_absent_one_is_said_to_be(machine: Machine) -> None:
    write(machine.backend(), A="1", B="2")
    receipt = run(machine.backend().delete(["A", "C"]))
    assert outcomes(receipt) == [Outcome.DONE, Outcome.UNCHANGED]
    assert receipt.results[1].detail == "absent"
    assert receipt.results[0].entry is not None
    assert receipt.results[0].entry.state is EntryState.ABSENT
    assert held(machine.backend()) == {"B": "2"}


def test_one_bad_change_stops_all_of_them(machine: Machine) -> None:
    backend = machine.backend()
    receipt = write(backend, A="1", B=f"{CANARY}\0")
    assert outcomes(receipt) == [Outcome.NOT_STARTED, Outcome.REFUSED]
    assert receipt.results[1].detail == backend.problem("B", SecretValue("\0"))
    assert CANARY not in repr(receipt)
    assert not machine.state.exists()


@pytest.mark.parametrize("name", ["", "-x", "a b", "A=B", "A\n", "1A", "é", "A" * 256])
def test_I2_a_name_that_the_file_cannot_hold_is_refused(machine: Machine, name: str) -> None:
    assert machine.backend().problem(name)
    assert outcomes(run(machine.backend().write([Change(name, SecretValue("x"))]))) == [Outcome.REFUSED]


@given(
    st.dictionaries(
        st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_.-]{0,20}\Z"),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_I4_every_text_comes_back_exactly(machine: Machine, values: dict[str, str]) -> None:
    backend = machine.backend()
    assert all(result.verified for result in write(backend, **values).results)
    assert held(backend).items() >= values.items()


def test_another_identity_is_not_permitted_to_read_or_to_write(machine: Machine) -> None:
    write(machine.backend(), A=CANARY)
    before = machine.file.read_bytes()
    machine.identity.write_bytes(vault.new_identity())
    failure = failed(machine.backend())
    assert failure.kind is FailureKind.NOT_PERMITTED
    assert machine.public() in failure.hint
    receipt = write(machine.backend(), B="2")
    assert outcomes(receipt) == [Outcome.NOT_STARTED]
    assert receipt.failure == failure
    assert machine.file.read_bytes() == before


def test_a_lost_identity_is_not_replaced_by_a_new_one(machine: Machine) -> None:
    write(machine.backend(), A="1")
    machine.identity.unlink()
    assert failed(machine.backend()).kind is FailureKind.NOT_PERMITTED
    receipt = write(machine.backend(), B="2")
    assert receipt.failure is not None
    assert "no identity" in receipt.failure.message
    assert not machine.identity.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"junk",
        lambda data: data[:-40],
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(data[200:201], b"A" if data[200:201] != b"A" else b"B"),
        lambda data: b"A=1\n",
    ],
)
def test_a_damaged_file_is_never_a_value_and_never_overwritten(
    machine: Machine, damage: Callable[[bytes], bytes]
) -> None:
    write(machine.backend(), A="1")
    machine.file.write_bytes(damage(machine.file.read_bytes()))
    before = machine.file.read_bytes()
    assert failed(machine.backend()).kind is FailureKind.BAD_OUTPUT
    assert outcomes(write(machine.backend(), B="2")) == [Outcome.NOT_STARTED]
    assert machine.file.read_bytes() == before
    assert run(machine.backend().probe())[-1].status is CheckStatus.FAIL


def test_a_hand_edited_text_that_is_no_dotenv_names_the_line_and_not_the_value(machine: Machine) -> None:
    write(machine.backend(), A="1")
    machine.file.write_bytes(vault.seal(f"A=1\n{CANARY} {CANARY}\n".encode(), [machine.public()]))
    failure = failed(machine.backend())
    assert failure.kind is FailureKind.BAD_OUTPUT
    assert "Line 2" in failure.message
    assert CANARY not in repr(failure)


@pytest.mark.parametrize(
    ("text", "reason"),
    [(b"", "no identity"), (b"# x\n\n", "no identity"), (f"#\nAGE-SECRET-KEY-1{CANARY}".encode(), "line 2")],
)
def test_an_identity_that_is_none_is_not_quoted(machine: Machine, text: bytes, reason: str) -> None:
    write(machine.backend(), A="1")
    machine.identity.write_bytes(text)
    failure = failed(machine.backend())
    assert failure.kind is FailureKind.NOT_PERMITTED
    assert reason in failure.message
    assert CANARY not in repr(failure)
    assert run(machine.backend().probe())[0].status is CheckStatus.FAIL


def test_F4_an_identity_that_others_can_read_is_refused_with_the_fix(machine: Machine) -> None:
    write(machine.backend(), A="1")
    machine.identity.chmod(0o644)
    failure = failed(machine.backend())
    assert failure.kind is FailureKind.NOT_PERMITTED
    assert failure.hint.startswith("chmod 600 ")


def test_F1_a_link_in_the_place_of_the_file_is_not_followed(machine: Machine) -> None:
    write(machine.backend(), A="1")
    elsewhere = machine.root / "elsewhere"
    machine.file.rename(elsewhere)
    machine.file.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    assert failed(machine.backend()).target == machine.backend().target
    assert outcomes(write(machine.backend(), B="2")) == [Outcome.NOT_STARTED]
    assert elsewhere.read_bytes() == before


def test_the_identity_may_come_from_the_environment(machine: Machine) -> None:
    identity = vault.new_identity()
    machine.environ["SOPHIA_SECRETS_IDENTITY"] = identity.decode().splitlines()[1]
    write(machine.backend(), A="1")
    assert held(machine.backend()) == {"A": "1"}
    assert not machine.identity.exists()
    machine.environ.clear()
    assert failed(machine.backend()).kind is FailureKind.NOT_PERMITTED


def test_an_identity_file_that_the_settings_name_is_never_made_for_them(machine: Machine) -> None:
    receipt = write(machine.backend(identity="keys.txt"), A="1")
    assert receipt.failure is not None
    assert "age-keygen -o " in receipt.failure.hint
    (machine.root / "keys.txt").write_bytes(vault.new_identity())
    (machine.root / "keys.txt").chmod(0o600)
    write(machine.backend(identity="keys.txt"), A="1")
    assert held(machine.backend(identity="keys.txt")) == {"A": "1"}


def test_a_teams_file_opens_for_every_recipient_and_for_nobody_else(machine: Machine, tmp_path: Path) -> None:
    write(machine.backend(), A="own")
    colleague = pyrage.x25519.Identity.generate()
    section = {
        "file": "secrets.env.age",
        "recipients": [machine.public(), str(colleague.to_public())],
    }
    write(machine.backend(**section), A="team")
    shared = (tmp_path / "secrets.env.age").read_bytes()
    assert pyrage.decrypt(shared, [colleague]) == b"A='team'\n"
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(shared, [pyrage.x25519.Identity.generate()])
    assert held(machine.backend(**section)) == {"A": "team"}
    assert held(machine.backend()) == {"A": "own"}


def test_a_file_that_git_checked_out_is_readable(machine: Machine, tmp_path: Path) -> None:
    write(machine.backend(file="secrets.env.age"), A="1")
    (tmp_path / "secrets.env.age").chmod(0o644)
    assert held(machine.backend(file="secrets.env.age")) == {"A": "1"}


def test_writing_is_refused_where_the_settings_recipients_leave_us_out(machine: Machine) -> None:
    section = {"recipients": keys(2)}
    receipt = write(machine.backend(**section), A="1")
    assert outcomes(receipt) == [Outcome.NOT_STARTED]
    assert receipt.failure is not None
    assert receipt.failure.hint == f"Add `{machine.public()}` to `recipients` under `[local]`."
    assert not machine.file.exists()
    statuses = {check.id: check.status for check in run(machine.backend(**section).probe())}
    assert statuses["local.recipients"] is CheckStatus.FAIL


def test_writing_is_refused_where_it_would_shut_other_recipients_out(machine: Machine) -> None:
    write(machine.backend(), A="1")
    both = [machine.public(), *keys(1)]
    write(machine.backend(recipients=both), A="2")
    before = machine.file.read_bytes()
    receipt = write(machine.backend(), A="3")
    assert outcomes(receipt) == [Outcome.NOT_STARTED]
    assert receipt.failure is not None
    assert "2 recipients" in receipt.failure.message
    assert machine.file.read_bytes() == before
    assert outcomes(write(machine.backend(recipients=both), A="3")) == [Outcome.DONE]


@pytest.mark.parametrize("recipient", ["", "age1canary", "AGE-SECRET-KEY-1CANARY", "age1" + "q" * 58])
def test_a_recipient_that_is_none_is_a_settings_error_that_does_not_quote_it(
    machine: Machine, recipient: str
) -> None:
    with pytest.raises(errors.BadSettings) as caught:
        machine.backend(recipients=[*keys(1), recipient])
    assert "Recipient 2" in caught.value.message
    assert "canary" not in caught.value.message.lower()


def test_a_missing_directory_of_the_users_choice_is_named(machine: Machine) -> None:
    receipt = write(machine.backend(file="nowhere/secrets.env.age"), A="1")
    assert outcomes(receipt) == [Outcome.NOT_STARTED]
    assert receipt.failure is not None
    assert receipt.failure.hint.startswith("mkdir -p ")


def test_X3_a_write_that_the_disk_refuses_leaves_the_old_file(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(machine.backend(), A="1")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "durable", full)
        receipt = write(machine.backend(), A="2")
    assert outcomes(receipt) == [Outcome.FAILED]
    assert receipt.failure is not None
    assert "No space left" in receipt.failure.message
    directory = machine.state
    assert receipt.failure.hint == (
        f"Free some space in {directory} (`df -h {directory}` shows how much there is) and try again."
    )
    assert held(machine.backend()) == {"A": "1"}

    with monkeypatch.context() as patch:
        patch.setattr(files, "sync_directory", full)
        receipt = write(machine.backend(), A="3")
    assert outcomes(receipt) == [Outcome.UNKNOWN]
    assert held(machine.backend()) == {"A": "3"}


def test_X3_what_was_written_and_cannot_be_read_again_is_unknown(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(machine.backend(), A="1")
    really = files.read_path
    reads: list[str] = []

    def once(path: str, limit: int, private: bool = True, follow: bool = False) -> bytes | None:
        if path == str(machine.file):
            reads.append(path)
            if len(reads) > 1:
                raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return really(path, limit, private, follow)

    with monkeypatch.context() as patch:
        patch.setattr(files, "read_path", once)
        receipt = write(machine.backend(), A="2")
    assert outcomes(receipt) == [Outcome.UNKNOWN]
    assert receipt.failure is not None
    assert receipt.failure.message == f"{machine.file}: Input/output error."
    assert held(machine.backend()) == {"A": "2"}


def test_X3_a_failed_write_after_which_the_file_cannot_be_read_is_unknown(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(machine.backend(), A="1")

    def lost(*_: object, **__: object) -> None:
        machine.file.unlink()
        machine.file.mkdir()
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(atomic, "replace_path", lost)
    assert outcomes(write(machine.backend(), A="2")) == [Outcome.UNKNOWN]


def test_X9_a_value_that_another_program_replaced_at_once_is_unknown(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(machine.backend(), A="1")
    before = machine.file.read_bytes()
    really = atomic.replace_path

    def undone(path: str, data: bytes, mode: int = 0o600) -> None:
        really(path, data, mode)
        machine.file.write_bytes(before)

    monkeypatch.setattr(atomic, "replace_path", undone)
    (result,) = write(machine.backend(), A="2").results
    assert (result.outcome, result.detail) == (Outcome.UNKNOWN, "it did not read back as it was written")


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "Free some space in {0} (`df -h {0}` shows how much there is) and try again."),
        (errno.EDQUOT, "Free some space in {0} (`df -h {0}` shows how much there is) and try again."),
        (errno.EROFS, "Make {0} writable, or set `SOPHIA_SECRETS_HOME` to a directory that is."),
        (errno.EMFILE, "Allow more open files (see `ulimit -n`) and try again."),
        (errno.EFBIG, "Allow larger files (see `ulimit -f`) and try again."),
        (errno.EIO, "Try again; where it stays so, see to the disk that holds {0}."),
        (errno.ENOEXEC, ""),
    ],
)
def test_what_the_system_refuses_has_the_hint_that_mends_it(number: int, hint: str) -> None:
    assert place.hint_of(OSError(number, os.strerror(number)), "/state") == hint.format("/state")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_a_file_that_cannot_be_read_is_said_with_its_path(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    write(machine.backend(), A="1")

    def refused(path: str, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(files, "read_path", refused)
    found = run(machine.backend().snapshot())
    assert isinstance(found, Failure)
    assert found.message == f"{machine.file}: {os.strerror(number)}."
    denied = number == errno.EACCES
    assert found.kind is (FailureKind.NOT_PERMITTED if denied else FailureKind.BAD_OUTPUT)
    assert ("`ls -ld " in found.hint, "Try again" in found.hint) == (denied, not denied)
    assert not denied or found.hint.endswith(f" {machine.file}`.")
    (check,) = run(machine.backend().probe())
    assert (check.id, check.status, check.message) == ("local.file", CheckStatus.FAIL, found.message)


def test_a_file_too_large_to_be_the_vault_is_not_read(machine: Machine) -> None:
    write(machine.backend(), A="1")
    with machine.file.open("ab") as file:
        file.truncate(1 << 30)
    found = run(machine.backend().snapshot())
    assert isinstance(found, Failure)
    assert found.message == f"{machine.backend().target.label} is too large to be a file of secrets."


def test_doctor_says_whether_this_identity_is_among_the_recipients(machine: Machine) -> None:
    write(machine.backend(), A="1")
    section = {"recipients": [machine.public(), *keys(1)]}
    checks = {check.id: check for check in run(machine.backend(**section).probe())}
    assert checks["local.recipients"].status is CheckStatus.OK
    assert checks["local.recipients"].message == "2 recipients, this identity among them"


def test_doctor_says_that_a_named_identity_which_is_not_there_opens_nothing(machine: Machine) -> None:
    write(machine.backend(), A="1")
    checks = run(machine.backend(identity="elsewhere.txt").probe())
    assert [(check.id, check.status) for check in checks] == [("local.file", CheckStatus.FAIL)]


def test_a_lock_that_is_never_let_go_is_a_timeout(machine: Machine) -> None:
    write(machine.backend(), A="1")
    backend = LocalBackend(place.read_place({}, Context({}, "", "/", str(machine.state), timeout=0.05)))
    with backend._place.locked():
        receipt = write(backend, B="2")
    assert outcomes(receipt) == [Outcome.NOT_STARTED]
    assert receipt.failure is not None
    assert receipt.failure.kind is FailureKind.TIMED_OUT


WRITER = """
import sys
from sophia_secrets.backends.base import Context
from sophia_secrets.backends.local import LocalBackend
from sophia_secrets.core.model import Change, SecretValue
state, who = sys.argv[1:]
backend = LocalBackend.configure({}, Context({}, "", "/", state))
for turn in range(5):
    try:
        next(backend.write([Change(f"W{who}_{turn}", SecretValue(who))]))
    except StopIteration as stopped:
        assert stopped.value.results[0].verified, stopped.value
"""


def test_X9_writers_at_once_lose_nothing_and_make_one_identity(machine: Machine) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(machine.state), str(who)]) for who in range(6)
    ]
    assert [writer.wait(60) for writer in writers] == [0] * 6
    assert held(machine.backend()) == {f"W{who}_{turn}": str(who) for who in range(6) for turn in range(5)}


def test_an_unarmored_file_is_read_and_its_recipients_are_counted() -> None:
    identity = pyrage.x25519.Identity.generate()
    recipients = [identity.to_public(), *map(pyrage.x25519.Recipient.from_str, keys(2))]
    for armored in (True, False):
        data = pyrage.encrypt(b"A=1\n", recipients, armored=armored)
        assert vault.recipient_count(data) == 3
        assert vault.unseal(data, vault.read_identities(str(identity).encode())) == b"A=1\n"
    assert vault.recipient_count(b"junk") == 0
    damaged = b"-----BEGIN AGE ENCRYPTED FILE-----\nA\n-----END AGE ENCRYPTED FILE-----\n"
    assert vault.recipient_count(damaged) == 0


def test_age_itself_opens_the_file(machine: Machine) -> None:
    age = shutil.which("age")
    if age is None:
        pytest.skip("age is not installed")
    write(machine.backend(), A="two\nlines", B="don't")
    opened = subprocess.run(
        [age, "-d", "-i", machine.identity, machine.file], capture_output=True, check=True
    )
    assert [(p.name, p.value.reveal()) for p in dotenv.read(opened.stdout)] == [
        ("A", "two\nlines"),
        ("B", "don't"),
    ]


def test_what_age_encrypted_by_hand_is_read(machine: Machine) -> None:
    write(machine.backend(), A="1")
    machine.file.write_bytes(vault.seal(b"# by hand\nexport A=1\nB = 'two'\n", [machine.public()]))
    assert held(machine.backend()) == {"A": "1", "B": "two"}


def test_a_file_that_would_be_too_large_is_refused(machine: Machine) -> None:
    receipt = write(machine.backend(), A="x" * (16 * 1024 * 1024))
    assert outcomes(receipt) == [Outcome.REFUSED]
    assert not machine.file.exists()
