"""The cache's files by name and size, its times to the second, its generations, and what it closes."""

from __future__ import annotations

import errno
import gc
import os
from pathlib import Path

import pytest

from sophia_secrets import errors
from sophia_secrets.state import atomic, files, keys
from sophia_secrets.state.cache import GENERATION, LOCK, RECORD, Cache
from sophia_secrets.state.cache_contents import CacheEntry
from sophia_secrets.state.flight import Lead
from sophia_secrets.state.record import Item, Miss, Record, tag

KEY = bytes(range(32))
OCTO = (b"1", b"github", b"octo/app", b"alice")
BINARY = (b"1", b"\xff", b"octo/app", b"alice")
FLY = (b"1", b"fly", b"my-app", b"alice")
NOW = 1_700_000_000.0


def a_cache(directory: Path, now: float = NOW, *, ttl: float = 300, stale_for: float = 86400) -> Cache:
    return Cache(str(directory / "cache"), KEY, clock=lambda: now, ttl=ttl, stale_for=stale_for)


def keep(directory: Path, identity: tuple[bytes, ...] = OCTO, now: float = NOW) -> None:
    lead = a_cache(directory, now).lead(identity, newer_than=float("inf"))
    assert isinstance(lead, Lead)
    assert lead.store(Record({"NAME": Item("r", b"v")}, 0.0, label="octo/app")) is None


def descriptors() -> int:
    gc.collect()  # what an earlier test's error still holds
    return len(os.listdir("/dev/fd"))


def generation_file(identity: tuple[bytes, ...] = OCTO) -> str:
    return keys.mac(KEY, b"target", *identity[:-1]).hex() + ".generation"


# Files


def test_the_files_of_one_record(tmp_path: Path) -> None:
    keep(tmp_path)
    name = tag(KEY, OCTO).hex()
    assert sorted(os.listdir(tmp_path / "cache")) == sorted(
        [f"{name}.record", f"{name}.lock", generation_file(), "create.lock"]
    )
    raw = (tmp_path / "cache" / generation_file()).read_bytes()
    assert raw[8:] == keys.mac(KEY, b".generation", generation_file().encode(), raw[:8])
    assert a_cache(tmp_path).generation(OCTO) == int.from_bytes(raw[:8], "little")


def test_R2_no_file_is_read_beyond_what_it_may_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path)
    limits: dict[str, set[int]] = {}
    real = files.read

    def read(directory: int, name: str, limit: int) -> bytes | None:
        limits.setdefault(os.path.splitext(name)[1], set()).add(limit)
        return real(directory, name, limit)

    monkeypatch.setattr(files, "read", read)
    cache = a_cache(tmp_path)
    assert isinstance(cache.read(OCTO), Record)
    assert len(cache.entries()) == 1
    assert limits == {".record": {64 * 1024 * 1024}, ".generation": {40}}


def test_what_the_status_holds_of_a_record(tmp_path: Path) -> None:
    keep(tmp_path, BINARY)
    (stored,) = a_cache(tmp_path, NOW + 301).entries()
    assert {field: getattr(stored, field) for field in CacheEntry.__slots__} == {
        "backend": "\ufffd", "target": "octo/app", "fetched_at": NOW, "expires_at": NOW + 300,
        "stale_until": NOW + 86400, "names": 1, "fresh": False,
    }  # fmt: skip


def test_the_status_is_in_order_of_backend_target_and_time(tmp_path: Path) -> None:
    for backend, target, now in ((b"fly", b"b", NOW), (b"fly", b"a", NOW + 1), (b"aws", b"z", NOW)):
        lead = a_cache(tmp_path, now).lead((b"1", backend, target, b"alice"))
        assert isinstance(lead, Lead)
        lead.store(Record({}, 0.0, label=target.decode()))
    for who, now in ((b"carol", NOW + 2), (b"bob", NOW + 1)):
        lead = a_cache(tmp_path, now).lead((b"1", b"fly", b"b", who))
        assert isinstance(lead, Lead)
        lead.store(Record({}, 0.0, label="b"))
    found = [(one.backend, one.target, one.fetched_at - NOW) for one in a_cache(tmp_path, NOW + 3).entries()]
    assert found == [("aws", "z", 0), ("fly", "a", 1), ("fly", "b", 0), ("fly", "b", 1), ("fly", "b", 2)]


# Times


@pytest.mark.parametrize(
    ("ttl", "stale_for", "kept"), [(0.5, 0, True), (0, 0.5, True), (0, 0, False), (-1, -1, False)]
)
def test_a_time_under_a_second_is_a_time(tmp_path: Path, ttl: float, stale_for: float, kept: bool) -> None:
    assert a_cache(tmp_path, ttl=ttl, stale_for=stale_for).keeps(OCTO) is kept
    assert a_cache(tmp_path, ttl=ttl, stale_for=stale_for).keeps((*OCTO[:3], b"")) is False


@pytest.mark.parametrize(("later", "state"), [(29, True), (30, False), (49, False), (50, None)])
def test_tightened_times_end_at_their_second(tmp_path: Path, later: int, state: bool | None) -> None:
    keep(tmp_path)
    found = a_cache(tmp_path, NOW + later, ttl=30, stale_for=50).read(OCTO)
    assert (found.fresh if isinstance(found, Record) else None) is state
    assert isinstance(found, Record) or found.reason == "expired"


def test_a_time_to_live_longer_than_the_time_to_stand_in_counts_alone(tmp_path: Path) -> None:
    keep(tmp_path)
    found = a_cache(tmp_path, NOW + 299, ttl=300, stale_for=10).read(OCTO)
    assert isinstance(found, Record)
    assert found.fresh
    assert found.stale_until == NOW + 300


def test_a_record_of_any_age_will_do_unless_told(tmp_path: Path) -> None:
    keep(tmp_path, now=0.5)
    assert isinstance(a_cache(tmp_path, 0.5).lead(OCTO), Record)


# Generations


def test_asking_for_a_generation_makes_none(tmp_path: Path) -> None:
    cache = a_cache(tmp_path)
    assert cache.generation(OCTO) is None
    os.mkdir(cache.directory, 0o700)
    assert cache.generation(OCTO) is None
    directory = files.open_directory(cache.directory)
    assert cache.generation_in(directory, OCTO) is None
    os.close(directory)
    assert os.listdir(cache.directory) == []


def test_C6_the_generation_of_whoever_was_first_is_everybodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = a_cache(tmp_path)
    directory = files.open_directory(cache.directory)
    first: list[bytes] = []

    def late(dirfd: int, name: str, data: bytes) -> bool:
        atomic.replace(dirfd, name, data)
        first.append(data)
        return False

    monkeypatch.setattr(atomic, "create", late)
    number = cache.generation_in(directory, OCTO, create=True)
    os.close(directory)
    assert number == int.from_bytes(first[0][:8], "little")
    assert (tmp_path / "cache" / generation_file()).read_bytes() == first[0]


@pytest.mark.parametrize("content", [b"", b"x" * 40, b"x" * 41, b"x" * 39])
def test_K7_a_generation_that_is_none_is_drawn_anew(tmp_path: Path, content: bytes) -> None:
    keep(tmp_path)
    path = tmp_path / "cache" / generation_file()
    path.write_bytes(content)
    cache = a_cache(tmp_path)
    assert cache.generation(OCTO) is None
    found = cache.read(OCTO)
    assert isinstance(found, Miss)
    assert (found.reason, found.detail) == ("rolled_back", "")
    keep(tmp_path)
    assert isinstance(cache.read(OCTO), Record)


def test_C6_on_a_full_disk_the_generation_goes_and_with_it_every_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path)
    done: list[str] = []
    remove, sync = files.remove, files.sync_directory

    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def removed(directory: int, name: str) -> bool:
        done.append(os.path.splitext(name)[1])
        return remove(directory, name)

    def synced(directory: int) -> None:
        done.append("synced")
        sync(directory)

    monkeypatch.setattr(atomic, "replace", full)
    monkeypatch.setattr(files, "remove", removed)
    monkeypatch.setattr(files, "sync_directory", synced)
    assert a_cache(tmp_path).bump(OCTO) is None
    assert done == [GENERATION, "synced", RECORD]
    names = os.listdir(tmp_path / "cache")
    assert not [name for name in names if name.endswith((GENERATION, RECORD))]


# What it says, clears and closes


@pytest.mark.parametrize("what", ["record", "generation"])
def test_F4_a_file_that_others_may_read_is_said_with_its_mending(tmp_path: Path, what: str) -> None:
    keep(tmp_path)
    name = tag(KEY, OCTO).hex() + RECORD if what == "record" else generation_file()
    path = tmp_path / "cache" / name
    path.chmod(0o644)
    cache = a_cache(tmp_path)
    found = cache.read(OCTO)
    assert isinstance(found, Miss)
    assert found.reason == "unreadable"
    assert found.detail == (
        f"The cache is not used: {path} is open to other users (mode 0644)."
        f" Mend it with `chmod 600 {path}`."
    )  # fmt: skip
    assert cache.entries() == []
    assert (cache.generation(OCTO) is None) is (what == "generation")
    assert cache.warnings() == [found.detail]


def test_a_record_that_goes_while_they_are_listed_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path)
    names = files.names
    monkeypatch.setattr(files, "names", lambda directory: ["00" * 32 + RECORD, *names(directory)])
    cache = a_cache(tmp_path)
    assert len(cache.entries()) == 1
    assert cache.clear("github") == 1


def test_F4_whoever_asks_for_the_state_of_an_open_directory_is_told(tmp_path: Path) -> None:
    keep(tmp_path)
    (tmp_path / "cache").chmod(0o755)
    for ask in (a_cache(tmp_path).entries, a_cache(tmp_path).clear):
        with pytest.raises(errors.UnsafeState):
            ask()


def test_clearing_counts_records_and_takes_what_is_the_caches_alone(tmp_path: Path) -> None:
    keep(tmp_path)
    keep(tmp_path, FLY)
    directory = tmp_path / "cache"
    for name in ("left.tmp", "left.failure", "of-another-program"):
        (directory / name).touch(0o600)
    assert a_cache(tmp_path).clear("fly") == 1
    assert isinstance(a_cache(tmp_path).read(OCTO), Record)
    keep(tmp_path, FLY)
    assert a_cache(tmp_path).clear() == 2
    assert os.listdir(directory) == ["of-another-program"]


def test_clearing_leaves_the_lock_of_a_fetch_under_way(tmp_path: Path) -> None:
    cache = a_cache(tmp_path)
    lead = cache.lead(OCTO)
    assert isinstance(lead, Lead)
    assert a_cache(tmp_path).clear() == 0
    assert os.listdir(cache.directory) == [tag(KEY, OCTO).hex() + LOCK]
    lead.release()


def test_a_lock_is_let_go_of_before_the_next_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for identity in (OCTO, FLY):
        keep(tmp_path, identity)
    cache = a_cache(tmp_path)
    held: list[files.Lock] = []
    acquire = files.Lock.acquire

    def acquired(lock: files.Lock, deadline: float | None = None, shared: bool = False) -> bool:
        assert not [one for one in held if one.held]
        held.append(lock)
        return acquire(lock, deadline, shared)

    monkeypatch.setattr(files.Lock, "acquire", acquired)
    assert cache.clear() == 2
    assert len(held) == 3
    assert not [one for one in held if one.held]


def test_R1_nothing_leaves_a_descriptor(tmp_path: Path) -> None:
    keep(tmp_path)
    cache = a_cache(tmp_path)
    before = descriptors()
    for ask in (cache.read, cache.generation, cache.forget, cache.bump, cache.read):
        ask(OCTO)
        assert descriptors() == before
    (path,) = Path(cache.directory).glob("*.generation")
    path.chmod(0o644)
    for ask in (cache.read, cache.generation):
        ask(OCTO)
        assert descriptors() == before
    path.chmod(0o600)
    cache.entries()
    assert descriptors() == before
    cache.clear("github")
    assert descriptors() == before
    cache.clear()
    assert descriptors() == before
