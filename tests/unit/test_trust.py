"""Which project files are trusted."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.settings import TrustStore
from sophia_secrets.settings.trust import danger, is_trusted_checkout

CONTENT = b'[github]\nrepository = "octo/app"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    path = tmp_path / "project" / "sophia-secrets.toml"
    path.write_bytes(CONTENT)
    path.chmod(0o644)
    return path


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    return TrustStore(str(tmp_path / "state"))


def test_nothing_is_trusted_at_first(store: TrustStore, file: Path) -> None:
    assert not store.is_trusted(str(file), CONTENT)
    assert not store.revoke(str(file))


def test_asking_makes_no_directory(store: TrustStore, file: Path, tmp_path: Path) -> None:
    store.is_trusted(str(file), CONTENT)
    assert not (tmp_path / "state").exists()


def test_a_recorded_file_is_trusted_until_it_is_revoked(store: TrustStore, file: Path) -> None:
    store.trust(str(file), CONTENT)
    assert store.is_trusted(str(file), CONTENT)
    assert store.revoke(str(file))
    assert not store.is_trusted(str(file), CONTENT)


def test_C9_an_edit_revokes_and_trusting_again_forgets_the_first(store: TrustStore, file: Path) -> None:
    store.trust(str(file), CONTENT)
    edited = CONTENT + b"#"
    assert not store.is_trusted(str(file), edited)
    store.trust(str(file), edited)
    assert not store.is_trusted(str(file), CONTENT)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_C9_only_the_same_content_is_trusted(one: bytes, other: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "x.toml")
        with open(path, "wb") as file:
            file.write(one)
        store = TrustStore(os.path.join(directory, "state"))
        store.trust(path, one)
        assert store.is_trusted(path, other) is (one == other)


def test_C9_a_moved_folder_revokes(store: TrustStore, file: Path, tmp_path: Path) -> None:
    store.trust(str(file), CONTENT)
    moved = file.parent.rename(tmp_path / "moved")
    assert not store.is_trusted(str(moved / file.name), CONTENT)
    os.symlink(moved, tmp_path / "project")
    assert not store.is_trusted(str(file), CONTENT)


def test_C9_a_link_to_a_trusted_file_is_not_trusted(store: TrustStore, file: Path, tmp_path: Path) -> None:
    store.trust(str(file), CONTENT)
    (tmp_path / "clone").mkdir()
    link = tmp_path / "clone" / file.name
    link.symlink_to(file)
    assert not store.is_trusted(str(link), CONTENT)
    with pytest.raises(errors.NotTrusted):
        store.trust(str(link), CONTENT)


def test_C9_a_file_that_every_user_may_write_is_not_trusted(store: TrustStore, file: Path) -> None:
    store.trust(str(file), CONTENT)
    file.chmod(0o666)
    assert not store.is_trusted(str(file), CONTENT)
    with pytest.raises(errors.NotTrusted, match="every user may write to it"):
        store.trust(str(file), CONTENT)
    file.chmod(0o644)
    file.parent.chmod(0o777)
    assert not store.is_trusted(str(file), CONTENT)
    file.parent.chmod(0o1777)
    assert store.is_trusted(str(file), CONTENT)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_C9_a_file_or_directory_of_another_user_is_not_trusted(store: TrustStore, file: Path) -> None:
    store.trust(str(file), CONTENT)
    os.chown(file, 54321, -1)
    assert not store.is_trusted(str(file), CONTENT)
    assert "54321" in danger(str(file))
    os.chown(file, 0, -1)
    os.chown(file.parent, 54321, -1)
    assert not store.is_trusted(str(file), CONTENT)


def test_F4_records_that_others_may_write_are_refused(store: TrustStore, file: Path, tmp_path: Path) -> None:
    store.trust(str(file), CONTENT)
    (tmp_path / "state" / "trust").chmod(0o777)
    with pytest.raises(errors.UnsafeState):
        store.is_trusted(str(file), CONTENT)


def test_F3_what_is_recorded_is_private_in_any_umask(store: TrustStore, file: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store.trust(str(file), CONTENT)
    finally:
        os.umask(before)
    for path in (tmp_path / "state").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_damaged_record_trusts_nothing(store: TrustStore, file: Path, tmp_path: Path) -> None:
    store.trust(str(file), CONTENT)
    (record,) = (tmp_path / "state" / "trust").iterdir()
    whole = record.read_bytes()
    for damaged in (b"", b"1\n", whole[:-1], whole + b"/x", b"2" + whole[1:], b"\xff" * 99, b"1" * 20000):
        record.write_bytes(damaged)
        assert not store.is_trusted(str(file), CONTENT)
    record.write_bytes(whole)
    assert store.is_trusted(str(file), CONTENT)


def test_a_record_put_under_another_files_name_trusts_nothing(
    store: TrustStore, file: Path, tmp_path: Path
) -> None:
    other = file.with_name("other.toml")
    other.write_bytes(CONTENT)
    store.trust(str(other), CONTENT)
    (record,) = (tmp_path / "state" / "trust").iterdir()
    store.trust(str(file), CONTENT)
    (own,) = set((tmp_path / "state" / "trust").iterdir()) - {record}
    own.write_bytes(record.read_bytes())
    assert not store.is_trusted(str(file), CONTENT)


def test_F5_without_a_state_directory_nothing_is_trusted(file: Path) -> None:
    store = TrustStore("")
    assert not store.is_trusted(str(file), CONTENT)
    assert not store.revoke(str(file))
    with pytest.raises(errors.NotTrusted) as refused:
        store.trust(str(file), CONTENT)
    assert "SOPHIA_SECRETS_HOME" in refused.value.hint


def test_a_file_that_is_gone_can_be_revoked(store: TrustStore, file: Path) -> None:
    store.trust(str(file), CONTENT)
    file.unlink()
    assert store.revoke(str(file))


@pytest.mark.parametrize(
    ("environ", "trusted"),
    [
        ({"CI": "true", "SOPHIA_SECRETS_TRUST": "1"}, True),
        ({"CI": "1", "SOPHIA_SECRETS_TRUST": "true"}, True),
        ({"SOPHIA_SECRETS_TRUST": "1"}, False),
        ({"CI": "true"}, False),
        ({"CI": "false", "SOPHIA_SECRETS_TRUST": "1"}, False),
        ({"CI": "true", "SOPHIA_SECRETS_TRUST": "0"}, False),
        ({"CI": "true", "SOPHIA_SECRETS_TRUST": "maybe"}, False),
    ],
)
def test_a_checkout_is_trusted_in_ci_alone(environ: dict[str, str], trusted: bool) -> None:
    assert is_trusted_checkout(environ) is trusted
