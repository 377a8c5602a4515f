"""What the cache says of a record or a directory that it cannot use, and that it says it once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sophia_secrets.state import files
from sophia_secrets.state.cache import LARGEST, RECORD, Cache
from sophia_secrets.state.flight import Lead
from sophia_secrets.state.record import Item, Miss, Record

KEY = bytes(range(32))
OCTO = (b"1", b"github", b"octo/app", b"alice")
BINARY = (b"1", b"\xff", b"octo/app", b"alice")
NOW = 1_700_000_000.0


def a_cache(directory: Path, now: float = NOW) -> Cache:
    return Cache(str(directory / "cache"), KEY, clock=lambda: now, ttl=300, stale_for=86400)


def kept(directory: Path, identity: tuple[bytes, ...] = OCTO) -> Path:
    """The file of a record that was just fetched."""
    cache = a_cache(directory)
    lead = cache.lead(identity, newer_than=float("inf"))
    assert isinstance(lead, Lead)
    assert lead.store(Record({"NAME": Item("r", b"v")}, 0.0)) is None
    return Path(cache.directory, cache.file(identity, RECORD))


def missed(cache: Cache, identity: tuple[bytes, ...] = OCTO) -> tuple[str, str]:
    found = cache.read(identity)
    assert isinstance(found, Miss)
    return found.reason, found.detail


def test_a_record_too_large_to_be_one_is_damaged(tmp_path: Path) -> None:
    os.truncate(kept(tmp_path), LARGEST + 1)
    cache = a_cache(tmp_path)
    words = "The cached record for github is damaged; it is not used."
    assert missed(cache) == ("corrupt", words)
    assert missed(cache) == ("corrupt", words)
    assert cache.warnings() == [words]
    assert cache.warnings() == []


def test_a_record_of_the_future_asks_after_the_clock(tmp_path: Path) -> None:
    kept(tmp_path)
    assert missed(a_cache(tmp_path, NOW - 3600)) == (
        "future",
        "The cached record for github is of a later time than now, so it is not used. Was the clock set back?",
    )


def test_a_backend_whose_name_is_no_text_is_named_as_well_as_can_be(tmp_path: Path) -> None:
    kept(tmp_path, BINARY).write_bytes(b"")
    assert missed(a_cache(tmp_path), BINARY) == (
        "corrupt",
        "The cached record for \ufffd is damaged; it is not used.",
    )


def test_C1_a_record_of_another_target_is_said_to_be_one(tmp_path: Path) -> None:
    other = (*OCTO[:2], b"octo/other", b"alice")
    kept(tmp_path, other).rename(kept(tmp_path))
    assert missed(a_cache(tmp_path)) == (
        "foreign",
        "The cached record for github was written for something else, or with another key; it is not used.",
    )


def test_F4_a_directory_that_others_may_read_is_said_with_its_mending(tmp_path: Path) -> None:
    kept(tmp_path)
    directory = tmp_path / "cache"
    directory.chmod(0o755)
    cache = a_cache(tmp_path)
    reason, words = missed(cache)
    assert reason == "unreadable"
    assert words.startswith("The cache is not used: ")
    assert words.endswith(f" Mend it with `chmod 700 {directory}`.")
    assert cache.bump(OCTO) == cache.forget(OCTO) == words
    assert cache.generation(OCTO) is None
    assert cache.warnings() == [words]


def test_a_directory_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0o700)
    (tmp_path / "cache").rmdir()
    (tmp_path / "cache").write_text("")
    cache = a_cache(tmp_path)
    reason, words = missed(cache)
    assert reason == "unreadable"
    assert str(tmp_path / "cache") in words


def test_a_record_that_cannot_be_removed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path)
    cache = a_cache(tmp_path)
    words = f"The cache in {cache.directory} cannot be used: Input/output error."

    def broken(*arguments: object) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files, "remove", broken)
    assert cache.bump(OCTO) == words
    assert cache.forget(OCTO) == words
    assert cache.warnings() == [words]


@pytest.mark.parametrize("backend", [None, "github"])
def test_clearing_leaves_no_descriptor_and_no_lock(tmp_path: Path, backend: str | None) -> None:
    kept(tmp_path)
    cache = a_cache(tmp_path)
    before = len(os.listdir("/dev/fd"))
    assert cache.clear(backend) == 1
    assert len(os.listdir("/dev/fd")) == before
    assert isinstance(a_cache(tmp_path).lead(OCTO, newer_than=float("inf")), Lead)


def test_a_cache_shows_its_place_and_not_its_key(tmp_path: Path) -> None:
    assert repr(a_cache(tmp_path)) == f"Cache('{tmp_path}/cache', <secret>)"
