"""One fetch for many processes: what the leader leaves behind, what others make of it, and all that fails."""

from __future__ import annotations

import errno
import gc
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sophia_secrets.state import aead, atomic, files, flight
from sophia_secrets.state import cache as cache_module
from sophia_secrets.state.cache import FAILURE, LOCK, RECORD, Cache
from sophia_secrets.state.flight import Lead, SharedFailure, Waiting
from sophia_secrets.state.record import Item, Miss, Record, seal

KEY = bytes(range(32))
OCTO = (b"1", b"github", b"octo/app", b"alice")
NOW = 1_700_000_000.0


def a_cache(place: Path, now: float = NOW, *, ttl: float = 300, stale_for: float = 86400) -> Cache:
    return Cache(str(place / "cache"), KEY, clock=lambda: now, ttl=ttl, stale_for=stale_for)


def leading(cache: Cache, **options: float) -> Lead:
    lead = cache.lead(OCTO, **options)
    assert isinstance(lead, Lead)
    return lead


def waiting_for(cache: Cache, **options: float) -> Waiting:
    waiting = cache.lead(OCTO, **options)
    assert isinstance(waiting, Waiting)
    return waiting


def a_record(value: bytes = b"v", fetched_at: float = 0.0) -> Record:
    return Record({"NAME": Item("r", value)}, fetched_at)


def file_of(cache: Cache, suffix: str) -> Path:
    return Path(cache.directory, cache.file(OCTO, suffix))


def raising(number: int = errno.EIO) -> Callable[..., object]:
    def call(*arguments: object, **options: object) -> object:
        raise OSError(number, os.strerror(number))

    return call


def descriptors() -> int:
    gc.collect()  # what an earlier test's error still holds
    return len(os.listdir("/dev/fd"))


# Leading


def test_a_failure_is_shown_without_what_may_be_long() -> None:
    failure = SharedFailure("timed_out", "No answer.", words="…")
    assert (failure.hint, failure.words) == ("", "…")
    assert SharedFailure("a", "b").words == ""
    assert repr(failure) == "SharedFailure('timed_out', 'No answer.')"


def test_a_leader_is_known_by_the_random_number_in_its_lock(tmp_path: Path) -> None:
    cache = a_cache(tmp_path)
    numbers = set()
    for _ in range(2):
        with leading(cache) as lead:
            number = file_of(cache, LOCK).read_bytes()
            assert len(number) == 16
            numbers.add(number)
            assert (lead.began, lead.problem) == (NOW, "")
        assert file_of(cache, LOCK).read_bytes() == b""
    assert len(numbers) == 2


@pytest.mark.parametrize(
    ("ttl", "stale_for", "stale_until"), [(300, 86400, 86400), (300, 0, 300), (300, 60, 300)]
)
def test_a_record_is_stamped_with_its_times(
    tmp_path: Path, ttl: float, stale_for: float, stale_until: float
) -> None:
    cache = a_cache(tmp_path, ttl=ttl, stale_for=stale_for)
    record = a_record()
    assert leading(cache).store(record) is None
    assert (record.fetched_at, record.expires_at, record.stale_until) == (NOW, NOW + ttl, NOW + stale_until)
    assert record.generation == cache.generation(OCTO)
    earlier = a_record(fetched_at=NOW - 10)
    assert leading(cache, newer_than=NOW + 1).store(earlier) is None
    assert (earlier.fetched_at, earlier.expires_at) == (NOW - 10, NOW - 10 + ttl)


def test_nothing_is_kept_for_a_turn_that_ended(tmp_path: Path) -> None:
    lead = leading(a_cache(tmp_path))
    lead.release()
    assert lead.store(a_record()) == "Nothing is kept for this target."
    assert isinstance(a_cache(tmp_path).read(OCTO), Miss)


def test_an_answer_too_large_for_the_cache_is_said_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = a_cache(tmp_path)
    assert leading(cache).store(a_record()) is None
    size = file_of(cache, RECORD).stat().st_size
    monkeypatch.setattr(cache_module, "LARGEST", size)
    assert leading(cache, newer_than=NOW + 1).store(a_record()) is None
    assert (
        leading(cache, newer_than=NOW + 1).store(a_record(b"vv")) == "The answer is too large for the cache."
    )
    assert cache.warnings() == ["The answer is too large for the cache."]


def test_C6_a_target_that_was_written_to_meanwhile_keeps_nothing(tmp_path: Path) -> None:
    cache = a_cache(tmp_path)
    lead = leading(cache)
    a_cache(tmp_path).bump(OCTO)
    assert lead.store(a_record()) == "The target was written to meanwhile."
    assert not file_of(cache, RECORD).exists()


def test_neither_a_record_nor_a_failure_is_waited_for_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = a_cache(tmp_path)
    synced: list[tuple[str, object]] = []
    replace = atomic.replace

    def replaced(directory: int, name: str, data: bytes, **options: bool) -> None:
        synced.append((os.path.splitext(name)[1], options.get("sync")))
        replace(directory, name, data, **options)

    leading(cache).release()
    monkeypatch.setattr(atomic, "replace", replaced)
    leading(cache).store(a_record())
    leading(cache, newer_than=NOW + 1).fail("k", "m")
    assert synced == [(RECORD, False), (FAILURE, False)]


@pytest.mark.parametrize("name", ["replace", "read"])
def test_a_disk_that_fails_is_said_once_and_ends_the_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    cache = a_cache(tmp_path)
    leading(cache).release()
    before = descriptors()
    lead = leading(cache)
    words = f"The cache in {cache.directory} cannot be used: Input/output error."
    with monkeypatch.context() as patched:
        patched.setattr(files if name == "read" else atomic, name, raising())
        assert lead.store(a_record()) == words
    assert descriptors() == before
    assert isinstance(a_cache(tmp_path).lead(OCTO), Lead)


def test_F4_a_turn_whose_generation_is_open_to_others_keeps_nothing(tmp_path: Path) -> None:
    cache = a_cache(tmp_path)
    leading(cache).release()
    (generation,) = Path(cache.directory).glob("*.generation")
    generation.chmod(0o644)
    lead = leading(cache)
    assert lead.problem.startswith(f"The cache is not used: {generation} is open to other users")
    assert lead.store(a_record()) == lead.problem
    assert not file_of(cache, RECORD).exists()


def test_a_record_takes_the_failure_before_it_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = a_cache(tmp_path)
    leading(cache).fail("k", "m")
    assert file_of(cache, FAILURE).exists()
    with monkeypatch.context() as patched:
        patched.setattr(files, "remove", raising())
        assert leading(cache).store(a_record()) is None
    assert file_of(cache, FAILURE).exists()
    assert leading(cache, newer_than=NOW + 1).store(a_record()) is None
    assert not file_of(cache, FAILURE).exists()


def test_a_failure_that_cannot_be_told_makes_others_ask_for_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = a_cache(tmp_path)
    lead, waiting = leading(cache), waiting_for(a_cache(tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr(atomic, "replace", raising(errno.ENOSPC))
        lead.fail("k", "m")
    assert isinstance(waiting.poll(), Lead)


def test_a_turn_that_ended_tells_no_failure(tmp_path: Path) -> None:
    cache = a_cache(tmp_path)
    lead = leading(cache)
    lead.release()
    lead.fail("k", "m")
    assert not file_of(cache, FAILURE).exists()


@pytest.mark.parametrize("where", ["write", "release"])
def test_R1_a_turn_is_given_up_whatever_the_disk_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    cache = a_cache(tmp_path)
    leading(cache).release()
    before = descriptors()
    lead = leading(cache)
    with monkeypatch.context() as patched:
        if where == "write":
            patched.setattr(files.Lock, "write", raising())
        lead.release()
        lead.release()
    assert descriptors() == before
    assert isinstance(a_cache(tmp_path).lead(OCTO), Lead)


# Where there is nothing to share


def test_what_is_not_kept_is_fetched_by_everyone(tmp_path: Path) -> None:
    cache = a_cache(tmp_path, ttl=0, stale_for=0)
    lead = leading(cache)
    assert (lead.problem, lead.store(a_record())) == ("", "Nothing is kept for this target.")
    assert not Path(cache.directory).exists()


def test_F4_an_open_directory_is_said_and_everyone_fetches(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0o755)
    lead = leading(a_cache(tmp_path))
    assert lead.problem.startswith("The cache is not used: ")
    assert lead.store(a_record()) == lead.problem


@pytest.mark.parametrize("ttl", [0, -1])
def test_records_that_only_stand_in_need_no_lock(tmp_path: Path, ttl: float) -> None:
    cache = a_cache(tmp_path, ttl=ttl)
    one, two = leading(cache), leading(cache)
    assert one.store(a_record()) is None
    two.fail("k", "m")
    names = os.listdir(cache.directory)
    assert not [name for name in names if name.endswith(FAILURE)]
    assert [name for name in names if name.endswith(LOCK)] == ["create.lock"]
    shorter = a_cache(tmp_path, ttl=0.5)
    with leading(shorter, newer_than=NOW + 1):
        assert isinstance(shorter.lead(OCTO, newer_than=NOW + 1), Waiting)


# Waiting


@pytest.mark.parametrize(("newer_than", "kind"), [(NOW, Record), (NOW + 0.5, Lead)])
def test_a_record_of_that_moment_will_do(tmp_path: Path, newer_than: float, kind: type) -> None:
    cache = a_cache(tmp_path)
    leading(cache).store(a_record())
    assert isinstance(cache.lead(OCTO, newer_than=newer_than), kind)


def test_a_record_that_is_no_longer_fresh_will_not_do(tmp_path: Path) -> None:
    leading(a_cache(tmp_path)).store(a_record())
    assert isinstance(a_cache(tmp_path, NOW + 300).lead(OCTO), Lead)
    assert isinstance(a_cache(tmp_path, NOW + 299).lead(OCTO), Record)


def test_a_record_is_looked_at_again_only_where_its_file_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = a_cache(tmp_path)
    leading(cache).store(a_record())
    lead = leading(cache, newer_than=NOW + 1)
    waiting = waiting_for(cache, newer_than=NOW + 1)
    reads: list[str] = []
    read_in = Cache.read_in

    def counted(self: Cache, directory: int, identity: tuple[bytes, ...]) -> Record | Miss:
        reads.append("read")
        return read_in(self, directory, identity)

    monkeypatch.setattr(Cache, "read_in", counted)
    assert waiting.poll() is None
    assert waiting.poll() is None
    assert reads == []
    lead.store(a_record(b"w", NOW + 2))
    found = waiting.poll()
    assert isinstance(found, Record)
    assert found.fetched_at == NOW + 2
    assert reads == ["read"]


def test_a_record_in_another_file_will_do_while_the_turn_is_still_held(tmp_path: Path) -> None:
    cache = a_cache(tmp_path)
    leading(cache).store(a_record())
    lead = leading(cache, newer_than=NOW + 1)
    waiting = waiting_for(cache, newer_than=NOW + 1)
    newer = Record({}, NOW + 2, expires_at=NOW + 300, stale_until=NOW + 300)
    newer.generation = cache.generation(OCTO) or 0
    path = file_of(cache, RECORD)
    path.with_suffix(".tmp").write_bytes(seal(KEY, OCTO, newer, bytes(24)))
    path.with_suffix(".tmp").chmod(0o600)
    path.with_suffix(".tmp").rename(path)
    found = waiting.poll()
    assert isinstance(found, Record)
    assert found.fetched_at == NOW + 2
    lead.release()


@pytest.mark.parametrize("content", [b"", b"x" * 15, b"x" * 17])
def test_a_lock_that_names_no_flight_leads_to_no_failure(tmp_path: Path, content: bytes) -> None:
    cache = a_cache(tmp_path)
    lead = leading(cache)
    number = file_of(cache, LOCK).read_bytes()
    file_of(cache, LOCK).write_bytes(content)
    waiting = waiting_for(cache)
    assert waiting._seen == set()
    file_of(cache, LOCK).write_bytes(number)
    assert waiting.poll() is None
    assert waiting._seen == {number}
    lead.release()


def test_without_a_flight_seen_no_failure_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = a_cache(tmp_path)
    leading(cache).fail("k", "m")
    names: list[str] = []
    read = files.read

    def told(directory: int, name: str, limit: int) -> bytes | None:
        names.append(os.path.splitext(name)[1])
        return read(directory, name, limit)

    monkeypatch.setattr(files, "read", told)
    leading(cache).release()
    assert FAILURE not in names


@pytest.mark.parametrize("size", [0, 10, 23, 24, 40, (1 << 16), (1 << 16) + 1])
def test_what_is_no_failure_of_ours_is_none(tmp_path: Path, size: int) -> None:
    cache = a_cache(tmp_path)
    lead, waiting = leading(cache), waiting_for(a_cache(tmp_path))
    file_of(cache, FAILURE).write_bytes(b"x" * size)
    file_of(cache, FAILURE).chmod(0o600)
    assert waiting.poll() is None
    lead.release()
    assert isinstance(waiting.poll(), Lead)


def test_R2_a_failure_is_read_up_to_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = a_cache(tmp_path)
    lead, waiting = leading(cache), waiting_for(a_cache(tmp_path))
    limits: dict[str, int] = {}
    read = files.read

    def told(directory: int, name: str, limit: int) -> bytes | None:
        limits[os.path.splitext(name)[1]] = limit
        return read(directory, name, limit)

    monkeypatch.setattr(files, "read", told)
    waiting.poll()
    assert limits == {LOCK: 16, FAILURE: 65536}
    lead.release()


def test_the_words_of_a_failure_are_bounded_and_hold_no_nul(tmp_path: Path) -> None:
    cache = a_cache(tmp_path)
    lead, waiting = leading(cache), waiting_for(a_cache(tmp_path))
    lead.fail("k\0k", "m" * 4000, "h" * 4001, "\udcff")
    found = waiting.poll()
    assert isinstance(found, SharedFailure)
    assert (found.kind, found.message, found.hint, found.words) == ("k k", "m" * 4000, "h" * 4000, "\udcff")


def test_a_failure_of_no_more_words_has_none(tmp_path: Path) -> None:
    cache = a_cache(tmp_path)
    lead, waiting = leading(cache), waiting_for(a_cache(tmp_path))
    lead.fail("k", "m")
    found = waiting.poll()
    assert isinstance(found, SharedFailure)
    assert (found.kind, found.message, found.hint, found.words) == ("k", "m", "", "")


def test_a_failure_is_sealed_with_a_nonce_of_its_own(tmp_path: Path) -> None:
    one, two = (flight._seal_failure(KEY, OCTO, b"f" * 16, ("k", "m", "", "")) for _ in range(2))
    assert one[: aead.NONCE] != two[: aead.NONCE]
    assert flight._unseal_failure(KEY, OCTO, b"f" * 16, one) == ["k", "m", "", ""]
    for blob in (
        one[:-1],
        one[: aead.NONCE],
        one[: aead.NONCE - 1],
        b"",
        two[: aead.NONCE] + one[aead.NONCE :],
    ):
        assert flight._unseal_failure(KEY, OCTO, b"f" * 16, blob) is None
    assert flight._unseal_failure(KEY, OCTO, b"g" * 16, one) is None
    assert flight._unseal_failure(KEY, (*OCTO[:3], b"bob"), b"f" * 16, one) is None


def test_a_disk_that_fails_while_waiting_makes_the_waiter_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = a_cache(tmp_path)
    lead = leading(cache)
    before = descriptors()
    waiting = waiting_for(cache)
    with monkeypatch.context() as patched:
        patched.setattr(files, "read", raising())
        found = waiting.poll()
    assert isinstance(found, Lead)
    assert found.problem == f"The cache in {cache.directory} cannot be used: Input/output error."
    assert descriptors() == before
    lead.release()


def test_R1_a_waiter_closes_what_it_opened(tmp_path: Path) -> None:
    cache = a_cache(tmp_path)
    leading(cache).release()
    before = descriptors()
    lead = leading(cache)
    for waiting in (waiting_for(cache), waiting_for(cache)):
        assert waiting.poll() is None
        waiting.close()
        waiting.close()
    dropped = waiting_for(cache)
    del dropped
    waiting = waiting_for(cache)
    lead.store(a_record())
    assert isinstance(waiting.poll(), Record)
    assert descriptors() == before


def test_a_waiter_pauses_longer_each_time_up_to_a_fiftieth_of_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = a_cache(tmp_path)
    lead, waiting = leading(cache), waiting_for(a_cache(tmp_path))
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 10:
            lead.store(a_record())

    monkeypatch.setattr(time, "sleep", sleep)
    assert isinstance(waiting.wait(), Record)
    expected = [0.001]
    while len(expected) < 10:
        expected.append(min(expected[-1] * 1.5, 0.02))
    assert pauses == expected
    assert pauses[-1] == 0.02


def test_a_waiter_ends_at_its_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = a_cache(tmp_path)
    lead = leading(cache)
    now = [100.0]
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(round(seconds, 6))
        now[0] += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    waiting = waiting_for(cache, wait_until=100.002)
    assert pauses == [0.001, 0.001]
    assert waiting.wait(100.002) is None
    assert pauses == [0.001, 0.001]
    lead.release()


def test_what_was_waited_for_before_is_taken_over_once_and_by_nobody_else(tmp_path: Path) -> None:
    cache = a_cache(tmp_path)
    lead = leading(cache)
    flight.leave(cache, OCTO, lead)
    other = cache.lead((b"1", b"github", b"octo/other", b"alice"))
    assert isinstance(other, Lead)
    assert other is not lead
    other.release()
    assert cache.lead(OCTO) is lead
    lead.release()
    again = leading(cache)
    assert again is not lead
    again.release()
    failure = SharedFailure("timed_out", "github did not answer.", "Try again.", "")
    flight.leave(cache, OCTO, failure)
    assert cache.lead(OCTO) is failure
    leading(cache).release()
