"""The sealed record of a rotation: never read without its key, never lost, never mistaken for nothing."""

from __future__ import annotations

import copy
import errno
import gc
import os
import pickle
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.state import files, pending, pending_record
from sophia_secrets.state.pending import Busy, PendingStore
from sophia_secrets.state.pending_record import Holder, Pending
from tests.canary import kept_files, leaks

KEY = bytes(range(32))
VALUE = "canary-sealed-äß-0001"
PARTS = (("host", "github.com"), ("repository", "octo/app"))


def record(name: str = "API_KEY", value: bytes = VALUE.encode()) -> Pending:
    return Pending(
        name, value, "hex:32", 1234.5, [Holder("github", "octo/app", PARTS), Holder("local", "f", ())]
    )


def fields(found: Pending | None) -> object:
    assert found is not None
    holders = [(h.backend, h.target, h.parts, h.holds, h.detail) for h in found.holders]
    return found.name, found.value, found.origin, found.started, holders


@pytest.fixture
def store(tmp_path: Path) -> PendingStore:
    return PendingStore(str(tmp_path / "pending"), KEY)


@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20), st.floats(0, 1e11))
def test_what_is_sealed_opens_as_it_was(value: bytes, target: str, detail: str, started: float) -> None:
    made = Pending(
        "N", value, "given", started, [Holder("fly", target, (("app", target),), "unknown", detail)]
    )
    ident = pending_record.ident_of("N")
    assert fields(pending_record.unseal(KEY, ident, pending_record.seal(KEY, ident, made))) == fields(made)


def test_K1_no_bit_of_a_record_can_be_changed() -> None:
    ident = pending_record.ident_of("API_KEY")
    sealed = pending_record.seal(KEY, ident, record())
    for position in range(len(sealed)):
        for bit in (1, 128):
            altered = bytearray(sealed)
            altered[position] ^= bit
            assert pending_record.unseal(KEY, ident, bytes(altered)) is None
        assert pending_record.unseal(KEY, ident, sealed[:position]) is None
    assert pending_record.unseal(KEY, ident, sealed + b"\0") is None


def test_K6_another_key_or_another_name_opens_nothing() -> None:
    ident = pending_record.ident_of("API_KEY")
    sealed = pending_record.seal(KEY, ident, record())
    assert pending_record.unseal(bytes(32), ident, sealed) is None
    assert pending_record.unseal(KEY, pending_record.ident_of("OTHER"), sealed) is None


def test_the_same_record_is_never_sealed_alike() -> None:
    ident = pending_record.ident_of("API_KEY")
    assert len({pending_record.seal(KEY, ident, record()) for _ in range(50)}) == 50


def test_a_record_is_private_and_shows_nothing(store: PendingStore) -> None:
    with store.claim("API_KEY") as claim:
        claim.write(record())
        assert fields(claim.read()) == fields(record())
    directory = Path(store.directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
    assert leaks(VALUE, kept_files(directory)) == []


def test_a_record_is_on_the_disk_before_it_counts(
    store: PendingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(fd: int) -> None:
        steps.append("directory" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file")
        fsync(fd)

    def noted_rename(*arguments: object, **named: object) -> None:
        steps.append("rename")
        rename(*arguments, **named)  # type: ignore[arg-type]

    with store.claim("API_KEY") as claim:
        monkeypatch.setattr(os, "fsync", noted_fsync)
        monkeypatch.setattr(os, "rename", noted_rename)
        claim.write(record())
    assert steps == ["file", "rename", "directory"]


def test_a_record_that_cannot_be_kept_leaves_the_one_before(
    store: PendingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    with store.claim("API_KEY") as claim:
        claim.write(record())
        with monkeypatch.context() as patched:
            patched.setattr(files, "durable", full)
            with pytest.raises(errors.IntegrityFailed, match="No space left"):
                claim.write(record(value=b"another"))
        assert fields(claim.read()) == fields(record())
        assert list(Path(store.directory).glob("*.tmp")) == []


def test_a_record_that_cannot_be_opened_is_an_error_and_can_still_be_dropped(store: PendingStore) -> None:
    with store.claim("API_KEY") as claim:
        claim.write(record())
    other = PendingStore(store.directory, bytes(32))
    assert other.all() == ([], 1)
    with other.claim("API_KEY") as claim:
        with pytest.raises(errors.IntegrityFailed, match="cannot be opened") as caught:
            claim.read()
        assert "--abandon" in caught.value.hint
        assert claim.remove()
        assert claim.read() is None
        assert not claim.remove()
    assert store.all() == ([], 0)


def test_dropping_a_record_also_drops_what_a_killed_writer_left(store: PendingStore) -> None:
    with store.claim("API_KEY") as claim:
        claim.write(record())
        left = Path(store.directory) / f"{pending_record.ident_of('API_KEY')}.0011.tmp"
        foreign = Path(store.directory) / f"{pending_record.ident_of('OTHER')}.0011.tmp"
        for path in (left, foreign):
            path.write_bytes(b"sealed")
        claim.remove()
        assert not left.exists()
        assert foreign.exists()


def test_X9_one_process_at_a_time_has_a_name(store: PendingStore) -> None:
    with store.claim("API_KEY"):
        with pytest.raises(Busy, match="Another process"):
            store.claim("API_KEY")
        store.claim("OTHER").release()
    store.claim("API_KEY").release()


def test_all_are_listed_by_name(store: PendingStore) -> None:
    assert store.all() == ([], 0)
    for name in ("B", "A"):
        with store.claim(name) as claim:
            claim.write(record(name))
    found, damaged = store.all()
    assert ([each.name for each in found], damaged) == (["A", "B"], 0)


def test_L5_a_record_is_never_shown_pickled_or_copied() -> None:
    made = record()
    assert VALUE not in repr(made) + str(made)
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            take(made)


def test_F1_a_link_in_place_of_a_record_is_refused(store: PendingStore, tmp_path: Path) -> None:
    with store.claim("API_KEY") as claim:
        (Path(store.directory) / pending_record.ident_of("API_KEY")).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(errors.UnsafeState):
            claim.read()


def test_F1_a_link_in_place_of_the_lock_is_refused_and_leaves_nothing_open(
    store: PendingStore, tmp_path: Path
) -> None:
    store.claim("API_KEY").release()
    (Path(store.directory) / f"{pending_record.ident_of('API_KEY')}.lock").unlink()
    (Path(store.directory) / f"{pending_record.ident_of('API_KEY')}.lock").symlink_to(tmp_path / "elsewhere")
    gc.collect()
    before = os.listdir("/dev/fd")
    with pytest.raises(errors.UnsafeState):
        store.claim("API_KEY")
    assert os.listdir("/dev/fd") == before
    assert not (tmp_path / "elsewhere").exists()


def test_a_record_larger_than_any_is_damaged_and_can_be_dropped(store: PendingStore) -> None:
    with store.claim("API_KEY") as claim:
        claim.write(record())
        path = Path(store.directory) / pending_record.ident_of("API_KEY")
        with path.open("ab") as file:
            file.truncate(pending._LIMIT + 1)
        assert store.all() == ([], 1)
        with pytest.raises(errors.IntegrityFailed, match="cannot be opened"):
            claim.read()
        assert claim.remove()
    assert store.all() == ([], 0)


def test_a_record_that_is_dropped_while_all_are_listed_is_not_damaged(
    store: PendingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.claim("API_KEY").release()
    monkeypatch.setattr(files, "names", lambda _: [pending_record.ident_of("API_KEY")])
    assert store.all() == ([], 0)


@pytest.mark.parametrize(("verb", "called"), [("read", "read"), ("removed", "remove")])
def test_what_the_disk_refuses_is_said_and_a_claim_is_let_go_of_once(
    store: PendingStore, monkeypatch: pytest.MonkeyPatch, verb: str, called: str
) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with store.claim("API_KEY") as claim:
        claim.write(record())
        with monkeypatch.context() as patched:
            patched.setattr(files, called, broken)
            with pytest.raises(errors.IntegrityFailed) as caught:
                (claim.read if verb == "read" else claim.remove)()
        assert caught.value.message == (
            f"The sealed record of rotating API_KEY cannot be {verb}: Input/output error."
        )
        assert fields(claim.read()) == fields(record())
        claim.release()
    store.claim("API_KEY").release()


def test_a_directory_that_cannot_be_made_is_said_with_what_helps(
    store: PendingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "open_directory", full)
    with pytest.raises(errors.IntegrityFailed) as caught:
        store.claim("API_KEY")
    assert (caught.value.message, caught.value.hint) == (
        f"The pending rotations in {store.directory} cannot be used: No space left on device.",
        "Set SOPHIA_SECRETS_HOME to a directory that you can write.",
    )
