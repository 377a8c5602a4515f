from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from sophia_secrets.state import atomic
from sophia_secrets.state.cache import Cache
from sophia_secrets.state.flight import Lead, SharedFailure, Waiting
from sophia_secrets.state.record import Item, Miss, Record, seal

KEY = bytes(range(32))
OCTO = (b"1", b"github", b"octo/app", b"alice")
OCTO_BOB = (b"1", b"github", b"octo/app", b"bob")
FLY = (b"1", b"fly", b"my-app", b"alice")
START = 1_700_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> Cache:
    return Cache(str(tmp_path / "cache"), KEY, clock=clock, ttl=300, stale_for=86400)


def other(cache: Cache, **changes: object) -> Cache:
    """Another process's cache in the same place."""
    settings = {"clock": cache.clock, "ttl": cache.ttl, "stale_for": cache.stale_for} | changes
    return Cache(cache.directory, cache.key, **settings)  # type: ignore[arg-type]


def fetch(
    cache: Cache, identity: tuple[bytes, ...] = OCTO, value: bytes = b"v", **more: object
) -> str | None:
    lead = cache.lead(identity, newer_than=float("inf"))
    assert isinstance(lead, Lead)
    return lead.store(Record({"NAME": Item("r", value)}, 0.0, label=identity[2].decode(), **more))  # type: ignore[arg-type]


def value(cache: Cache, identity: tuple[bytes, ...] = OCTO) -> bytes | str:
    found = cache.read(identity)
    if isinstance(found, Miss):
        return found.reason
    entry = found.find("NAME")
    assert entry is not None
    return entry[1]


def test_making_a_cache_and_reading_an_empty_one_touches_no_disk(cache: Cache) -> None:
    assert value(cache) == "absent"
    assert cache.entries() == []
    assert cache.clear() == 0
    assert cache.bump(OCTO) is None
    assert cache.forget(OCTO) is None
    assert cache.generation(OCTO) is None
    assert not Path(cache.directory).exists()
    assert cache.warnings() == []


def test_what_is_stored_is_read_by_another_process(cache: Cache) -> None:
    assert fetch(cache, complete=False, notes=["a note"]) is None
    found = other(cache).read(OCTO)
    assert isinstance(found, Record)
    assert found.fresh
    assert found.find("NAME") == ("r", b"v")
    assert (found.fetched_at, found.complete, found.notes) == (START, False, ("a note",))


def test_a_record_is_fresh_then_stale_then_gone(cache: Cache, clock: Clock) -> None:
    fetch(cache)
    for later, state in ((299, True), (300, False), (86399, False), (86400, None)):
        clock.now = START + later
        found = cache.read(OCTO)
        assert (found.fresh if isinstance(found, Record) else None) == state
    assert value(cache) == "expired"


def test_shorter_times_now_tighten_what_was_stored_under_longer_ones(cache: Cache, clock: Clock) -> None:
    fetch(cache)
    clock.now += 60
    found = other(cache, ttl=30).read(OCTO)
    assert isinstance(found, Record)
    assert not found.fresh
    assert value(other(cache, ttl=30, stale_for=50)) == "expired"
    longer = other(cache, ttl=1e9, stale_for=1e9)
    clock.now = START + 301
    found = longer.read(OCTO)
    assert isinstance(found, Record)
    assert not found.fresh
    clock.now = START + 86401
    assert value(longer) == "expired"


def test_nothing_is_kept_where_both_times_are_switched_off(cache: Cache) -> None:
    off = other(cache, ttl=0, stale_for=0)
    assert fetch(off) is not None
    assert not Path(cache.directory).exists()
    fetch(cache)
    assert value(off) == "absent"


def test_a_ttl_of_0_keeps_records_only_to_stand_in(cache: Cache) -> None:
    never_fresh = other(cache, ttl=0)
    one, two = never_fresh.lead(OCTO), never_fresh.lead(OCTO)
    assert isinstance(one, Lead)
    assert isinstance(two, Lead)
    assert one.store(Record({"NAME": Item("r", b"v")}, 0.0)) is None
    two.release()
    found = never_fresh.read(OCTO)
    assert isinstance(found, Record)
    assert not found.fresh


def test_C2_a_credential_that_nobody_can_identify_is_never_cached(cache: Cache) -> None:
    unknown = (*OCTO[:-1], b"")
    assert fetch(cache, unknown) is not None
    assert value(cache, unknown) == "absent"
    assert not Path(cache.directory).exists()


def test_C1_targets_and_credentials_are_kept_apart(cache: Cache) -> None:
    fetch(cache, OCTO, b"alice's")
    assert value(cache, OCTO_BOB) == "absent"
    assert value(cache, FLY) == "absent"


def test_C1_a_record_in_another_ones_place_is_foreign_and_said_once(cache: Cache) -> None:
    fetch(cache)
    place = Path(cache.directory)
    (place / cache.file(OCTO, ".record")).rename(place / cache.file(FLY, ".record"))
    assert value(cache, FLY) == "foreign"
    assert value(cache, FLY) == "foreign"
    assert len(cache.warnings()) == 1
    assert cache.warnings() == []


def test_K1_a_damaged_record_is_a_miss_and_said_once(cache: Cache) -> None:
    fetch(cache)
    path = Path(cache.directory) / cache.file(OCTO, ".record")
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], b"x" * len(whole), whole + b"x"):
        path.write_bytes(damaged)
        assert value(cache) == "corrupt"
    assert cache.warnings() == ["The cached record for github is damaged; it is not used."]
    fetch(cache, value=b"anew")
    assert value(cache) == b"anew"


def test_C6_a_fetch_that_began_before_a_write_does_not_store(cache: Cache) -> None:
    lead = cache.lead(OCTO)
    assert isinstance(lead, Lead)
    assert other(cache).bump(OCTO_BOB) is None
    assert lead.store(Record({"NAME": Item("r", b"old")}, 0.0)) is not None
    assert value(cache) == "absent"
    fetch(cache, value=b"new")
    assert value(cache) == b"new"


def test_C6_a_write_under_one_credential_counts_for_all_of_them(cache: Cache) -> None:
    fetch(cache, OCTO)
    fetch(cache, OCTO_BOB)
    fetch(cache, FLY)
    cache.bump(OCTO)
    assert value(cache, OCTO) == "absent"
    assert value(cache, OCTO_BOB) == "rolled_back"
    assert value(cache, FLY) == b"v"


def test_C6_a_write_draws_a_generation_that_was_never_there(cache: Cache) -> None:
    fetch(cache)
    seen = {cache.generation(OCTO)}
    for _ in range(20):
        cache.bump(OCTO)
        seen.add(cache.generation(OCTO))
    assert len(seen) == 21
    assert None not in seen


def test_K7_a_record_from_before_a_write_put_back_is_a_miss(cache: Cache) -> None:
    fetch(cache, value=b"old")
    path = Path(cache.directory) / cache.file(OCTO, ".record")
    saved = path.read_bytes()
    cache.bump(OCTO)
    path.write_bytes(saved)
    path.chmod(0o600)
    assert value(cache) == "rolled_back"


@pytest.mark.parametrize("damage", ["lost", "emptied", "edited", "another target's"])
def test_K7_a_generation_that_is_not_ours_makes_every_record_a_miss(cache: Cache, damage: str) -> None:
    fetch(cache)
    (path,) = Path(cache.directory).glob("*.generation")
    if damage == "lost":
        path.unlink()
    elif damage == "emptied":
        path.write_bytes(b"")
    elif damage == "edited":
        path.write_bytes(bytes(8) + path.read_bytes()[8:])
    else:
        fetch(cache, FLY)
        (theirs,) = set(Path(cache.directory).glob("*.generation")) - {path}
        path.write_bytes(theirs.read_bytes())
    assert value(cache) == "rolled_back"
    fetch(cache, value=b"anew")
    assert value(cache) == b"anew"


def test_a_credential_without_rights_loses_its_record_alone(cache: Cache) -> None:
    fetch(cache, OCTO)
    fetch(cache, OCTO_BOB)
    assert cache.forget(OCTO) is None
    assert value(cache, OCTO) == "absent"
    assert value(cache, OCTO_BOB) == b"v"


def test_the_status_tells_what_is_cached_and_no_value(cache: Cache, clock: Clock) -> None:
    fetch(cache, OCTO, b"canary")
    clock.now += 301
    fetch(cache, FLY, b"canary")
    (Path(cache.directory) / "junk.record").write_bytes(b"")
    entries = cache.entries()
    assert [(e.backend, e.target, e.names, e.fresh, e.fetched_at, e.expires_at) for e in entries] == [
        ("fly", "my-app", 1, True, START + 301, START + 601),
        ("github", "octo/app", 1, False, START, START + 300),
    ]
    assert "canary" not in repr(entries) + repr(cache)
    for path in Path(cache.directory).iterdir():
        assert b"canary" not in path.read_bytes()
        assert b"octo" not in path.read_bytes()


def test_the_status_shows_only_what_would_still_answer(cache: Cache, clock: Clock) -> None:
    fetch(cache, OCTO)
    fetch(cache, OCTO_BOB)
    fetch(cache, FLY)
    cache.bump(OCTO)
    assert [e.backend for e in cache.entries()] == ["fly"]
    clock.now += 86400
    assert cache.entries() == []


def test_clearing_one_backend_leaves_the_others(cache: Cache, clock: Clock) -> None:
    fetch(cache, OCTO)
    fetch(cache, OCTO_BOB)
    fetch(cache, FLY)
    clock.now += 1e6
    assert cache.clear("github") == 2
    clock.now -= 1e6
    assert value(cache, OCTO) == "absent"
    assert value(cache, FLY) == b"v"


def test_clearing_takes_everything_and_stops_a_fetch_under_way_from_storing(cache: Cache) -> None:
    fetch(cache, FLY)
    lead = cache.lead(OCTO)
    assert isinstance(lead, Lead)
    (Path(cache.directory) / "left.0123.tmp").write_bytes(b"")
    assert other(cache).clear() == 1
    assert lead.store(Record({"NAME": Item("r", b"v")}, 0.0)) is not None
    assert value(cache) == "absent"
    assert other(cache).clear() == 0
    assert os.listdir(cache.directory) == []
    fetch(cache)
    assert value(cache) == b"v"


def test_clearing_one_backend_stops_its_fetch_under_way_from_storing(cache: Cache) -> None:
    fetch(cache)
    lead = cache.lead(OCTO, newer_than=START + 1)
    assert isinstance(lead, Lead)
    assert other(cache).clear("github") == 1
    assert lead.store(Record({"NAME": Item("r", b"v")}, 0.0)) is not None
    assert value(cache) == "absent"


def test_G5_a_cache_copied_to_another_home_is_no_answer_there(cache: Cache) -> None:
    fetch(cache)
    stranger = Cache(cache.directory, bytes(32), clock=cache.clock, ttl=300, stale_for=300)
    assert value(stranger) == "absent"
    place = Path(cache.directory)
    (place / cache.file(OCTO, ".record")).rename(place / stranger.file(OCTO, ".record"))
    assert value(stranger) == "foreign"
    assert stranger.entries() == []


def test_while_one_fetches_others_wait_and_then_have_the_record(cache: Cache) -> None:
    lead, waiting = cache.lead(OCTO), other(cache).lead(OCTO)
    assert isinstance(lead, Lead)
    assert isinstance(waiting, Waiting)
    assert waiting.poll() is None
    assert isinstance(cache.lead(FLY), Lead)
    lead.store(Record({"NAME": Item("r", b"v")}, 0.0))
    found = waiting.poll()
    assert isinstance(found, Record)
    assert found.find("NAME") == ("r", b"v")


def test_the_turn_is_not_given_where_a_fresh_record_is_there_already(cache: Cache, clock: Clock) -> None:
    fetch(cache)
    assert isinstance(cache.lead(OCTO), Record)
    assert isinstance(cache.lead(OCTO, newer_than=START + 1), Lead)
    clock.now += 300
    assert isinstance(cache.lead(OCTO), Lead)


def test_X1_a_failure_is_shared_with_those_who_waited_for_it_and_no_one_else(cache: Cache) -> None:
    lead, waiting, idle = cache.lead(OCTO), other(cache).lead(OCTO), other(cache).lead(OCTO)
    assert isinstance(lead, Lead)
    assert isinstance(waiting, Waiting)
    assert isinstance(idle, Waiting)
    lead.fail("timed_out", "GitHub did not answer.", "gh auth status", "words")
    late = cache.lead(OCTO)
    assert isinstance(late, Lead)
    shared = waiting.poll()
    assert isinstance(shared, SharedFailure)
    assert (shared.kind, shared.message, shared.hint, shared.words) == (
        "timed_out", "GitHub did not answer.", "gh auth status", "words",
    )  # fmt: skip
    later = other(cache).lead(OCTO)
    assert isinstance(later, Waiting)
    assert later.poll() is None
    late.release()
    assert isinstance(later.poll(), Lead)
    assert isinstance(idle.poll(), SharedFailure)


def test_X1_an_old_failure_is_never_taken_for_that_of_a_leader_who_gave_up(cache: Cache) -> None:
    first = cache.lead(OCTO)
    assert isinstance(first, Lead)
    first.fail("unreachable", "No network.")
    second, waiting = cache.lead(OCTO), other(cache).lead(OCTO)
    assert isinstance(second, Lead)
    assert isinstance(waiting, Waiting)
    second.release()
    assert isinstance(waiting.poll(), Lead)


def test_X1_a_failure_is_sealed_for_its_own_target(cache: Cache) -> None:
    lead, waiting = cache.lead(OCTO), other(cache).lead(OCTO)
    lead_fly, waiting_fly = cache.lead(FLY), other(cache).lead(FLY)
    assert isinstance(lead, Lead)
    assert isinstance(lead_fly, Lead)
    assert isinstance(waiting, Waiting)
    assert isinstance(waiting_fly, Waiting)
    lead.fail("unreachable", "canary")
    place = Path(cache.directory)
    failure = (place / cache.file(OCTO, ".failure")).read_bytes()
    assert b"canary" not in failure
    (place / cache.file(FLY, ".failure")).write_bytes(failure)
    (place / cache.file(FLY, ".failure")).chmod(0o600)
    assert waiting_fly.poll() is None
    lead_fly.release()
    assert isinstance(waiting_fly.poll(), Lead)
    assert isinstance(waiting.poll(), SharedFailure)


def test_X1_who_comes_after_the_failure_but_before_the_turn_ends_does_not_share_it(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = cache.lead(OCTO)
    assert isinstance(lead, Lead)
    late = []
    replace = atomic.replace

    def write_and_let_another_come(*arguments: Any, **more: Any) -> None:
        replace(*arguments, **more)
        late.append(other(cache).lead(OCTO))

    monkeypatch.setattr(atomic, "replace", write_and_let_another_come)
    lead.fail("unreachable", "No network.")
    (waiting,) = late
    assert isinstance(waiting, Waiting)
    assert isinstance(waiting.poll(), Lead)


def test_who_gets_the_turn_looks_at_the_record_again_even_if_its_file_looks_the_same(
    cache: Cache, clock: Clock
) -> None:
    fetch(cache)
    path = Path(cache.directory) / cache.file(OCTO, ".record")
    before = path.stat()
    clock.now += 10
    lead, waiting = cache.lead(OCTO, newer_than=START + 1), cache.lead(OCTO, newer_than=START + 1)
    assert isinstance(lead, Lead)
    assert isinstance(waiting, Waiting)
    assert waiting.poll() is None
    newer = Record({"NAME": Item("r", b"newer")}, START + 5, expires_at=START + 300, stale_until=START + 300)
    newer.generation = cache.generation(OCTO) or 0
    path.write_bytes(seal(KEY, OCTO, newer, bytes(24)))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert waiting.poll() is None
    lead.release()
    found = waiting.poll()
    assert isinstance(found, Record)
    assert found.find("NAME") == ("r", b"newer")


def test_a_record_is_as_old_as_the_moment_its_fetch_began(cache: Cache, clock: Clock) -> None:
    lead = cache.lead(OCTO)
    assert isinstance(lead, Lead)
    clock.now += 20
    lead.store(Record({}, 0.0))
    found = cache.read(OCTO)
    assert isinstance(found, Record)
    assert found.fetched_at == START


def test_waiting_ends_at_its_deadline(cache: Cache) -> None:
    lead = cache.lead(OCTO)
    waiting = other(cache).lead(OCTO, wait_until=0.0)
    assert isinstance(waiting, Waiting)
    assert waiting.wait(0.0) is None
    waiting.close()
    assert isinstance(lead, Lead)


def test_a_write_while_others_wait_makes_one_of_them_fetch(cache: Cache) -> None:
    lead, waiting = cache.lead(OCTO), other(cache).lead(OCTO)
    assert isinstance(lead, Lead)
    assert isinstance(waiting, Waiting)
    cache.bump(OCTO)
    lead.store(Record({"NAME": Item("r", b"old")}, 0.0))
    assert isinstance(waiting.poll(), Lead)


def test_a_turn_ends_once_and_leaves_no_descriptor(cache: Cache) -> None:
    fetch(cache)
    before = len(os.listdir("/dev/fd"))
    for end in ("store", "fail", "release", "drop"):
        lead = cache.lead(OCTO, newer_than=float("inf"))
        waiting = cache.lead(OCTO, newer_than=float("inf"))
        assert isinstance(lead, Lead)
        assert isinstance(waiting, Waiting)
        if end == "store":
            lead.store(Record({}, 0.0))
        elif end == "fail":
            lead.fail("unreachable", "x")
        elif end == "release":
            lead.release()
        lead.release() if end != "drop" else None
        assert lead.store(Record({}, 0.0)) is not None or end == "drop"
        del lead, waiting
    assert len(os.listdir("/dev/fd")) == before


FORBIDDEN = {
    "typing", "re", "enum", "dataclasses", "json", "pathlib", "subprocess", "logging", "tomllib", "hashlib",
    "hmac", "datetime", "contextlib", "collections", "functools", "argparse", "asyncio", "threading",
    "random", "weakref", "secrets", "base64", "shutil", "tempfile", "nacl.bindings", "inspect",
    "importlib.metadata",
}  # fmt: skip

WARM_READ = {
    "__future__", "_blake2", "_cffi_backend", "_operator", "_sodium", "_sodium.lib", "_struct", "errno",
    "fcntl", "nacl", "nacl._sodium", "sophia_secrets", "sophia_secrets.errors", "sophia_secrets.state",
    "sophia_secrets.state.aead", "sophia_secrets.state.cache", "sophia_secrets.state.files",
    "sophia_secrets.state.keys", "sophia_secrets.state.opening", "sophia_secrets.state.record",
}  # fmt: skip


def test_a_warm_read_imports_these_modules_and_no_more(tmp_path: Path) -> None:
    program = """
import os, sys
sys.path[:0] = sys.argv[1:3]
before = set(sys.modules)
from sophia_secrets.state import keys
from sophia_secrets.state.cache import Cache
key = keys.derive(keys.load(sys.argv[3] + "/state", None).key, b"cache")
cache = Cache(sys.argv[3] + "/cache", key, ttl=60, stale_for=60)
print(cache.read((b"1", b"fly", b"app", b"who")).find("NAME")[1].decode())
print(*sorted(set(sys.modules) - before))
"""
    from sophia_secrets.state import keys

    key = keys.derive(keys.load(str(tmp_path / "state"), None).key, b"cache")
    fetch(Cache(str(tmp_path / "cache"), key, ttl=60, stale_for=60), (b"1", b"fly", b"app", b"who"))
    source = Path(sys.modules["sophia_secrets"].__file__ or "").parents[1]
    libraries = sysconfig.get_paths()["platlib"]
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(source), libraries, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    value_line, modules = ran.stdout.splitlines()
    assert value_line == "v"
    assert FORBIDDEN.isdisjoint(modules.split())
    assert set(modules.split()) <= WARM_READ
