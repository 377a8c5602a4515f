from __future__ import annotations

import errno
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sophia_secrets import errors
from sophia_secrets.state import aead, keys
from sophia_secrets.state.cache import Cache
from sophia_secrets.state.flight import Lead, SharedFailure, Waiting
from sophia_secrets.state.record import _HEADER, Item, Miss, Record
from tests.faults.children import Child
from tests.faults.soak import examples

KEY = bytes(range(32))
IDENTITY = (b"1", b"github", b"octo/app", b"alice")
Say = Callable[[bytes], None]


def _cache(directory: Path | str, **changes: object) -> Cache:
    options = {"ttl": 300, "stale_for": 86400} | changes
    return Cache(str(directory), KEY, **options)  # type: ignore[arg-type]


def _store(cache: Cache, value: bytes = b"v", identity: tuple[bytes, ...] = IDENTITY) -> str | None:
    lead = cache.lead(identity, newer_than=float("inf"))
    assert isinstance(lead, Lead)
    return lead.store(Record({"NAME": Item("r", value)}, 0.0, label="octo/app"))


def _value(cache: Cache, identity: tuple[bytes, ...] = IDENTITY) -> bytes | None:
    found = cache.read(identity)
    if isinstance(found, Miss):
        return None
    entry = found.find("NAME")
    assert entry is not None
    return entry[1]


# --- single flight -------------------------------------------------------------------------


def _many_processes(directory: Path, size: int, end: Callable[[Lead], object]) -> tuple[list[bytes], int]:
    """
    What each of `size` processes got that miss at once, and how many fetched.

    A leader ends its fetch only when all the others are waiting for it.
    """
    vendor = directory / "calls"
    vendor.touch()
    gate, opener = os.pipe()

    def work(say: Say) -> None:
        os.close(opener)
        answer = _cache(directory / "cache").lead(IDENTITY)
        if isinstance(answer, Waiting):
            answer.poll()
            say(b"waiting.")
            answer = answer.wait(time.monotonic() + 60)
        elif isinstance(answer, Lead):
            say(b"leading.")
            os.read(gate, 1)
        if isinstance(answer, Lead):
            with vendor.open("ab") as calls:
                calls.write(b"x")
            end(answer)
            say(b"led")
        elif isinstance(answer, Record):
            say(b"record " + (answer.find("NAME") or ("", b""))[1])
        elif isinstance(answer, SharedFailure):
            say(b"failure " + answer.kind.encode())
        else:
            say(b"nothing")

    children = [Child(work) for _ in range(size)]
    assert sorted(child.hear(8) for child in children) == [b"leading."] + [b"waiting."] * (size - 1)
    os.close(gate)
    os.close(opener)
    ends = [child.end() for child in children]
    assert {code for code, _ in ends} == {0}, ends
    return [report for _, report in ends], len(vendor.read_bytes())


def test_X1_fifty_processes_that_miss_at_once_make_one_vendor_call(tmp_path: Path) -> None:
    reports, calls = _many_processes(
        tmp_path, 50, lambda lead: lead.store(Record({"NAME": Item("r", b"value")}, 0.0))
    )
    assert calls == 1
    assert sorted(reports) == [b"led"] + [b"record value"] * 49


def test_X1_fifty_processes_share_the_leaders_failure(tmp_path: Path) -> None:
    reports, calls = _many_processes(
        tmp_path, 50, lambda lead: lead.fail("timed_out", "GitHub did not answer.")
    )
    assert calls == 1
    assert sorted(reports) == [b"failure timed_out"] * 49 + [b"led"]


def test_X1_a_leader_who_gives_up_passes_the_turn_on(tmp_path: Path) -> None:
    reports, calls = _many_processes(tmp_path, 5, lambda lead: lead.release())
    assert calls == 5
    assert reports == [b"led"] * 5


def test_X2_the_next_in_line_leads_when_the_leader_is_killed(tmp_path: Path) -> None:
    def lead_for_ever(say: Say) -> None:
        answer = _cache(tmp_path / "cache").lead(IDENTITY)
        say(b"leading" if isinstance(answer, Lead) else b"not so")
        signal.pause()

    for _ in range(10):
        leader = Child(lead_for_ever)
        assert leader.hear(7) == b"leading"
        waiting = _cache(tmp_path / "cache").lead(IDENTITY)
        assert isinstance(waiting, Waiting)
        assert waiting.poll() is None
        leader.kill()
        answer = waiting.wait(time.monotonic() + 10)
        assert isinstance(answer, Lead)
        answer.release()
        assert leader.end()[0] == -signal.SIGKILL


def test_X2_a_child_that_outlives_a_killed_leader_does_not_keep_the_turn(tmp_path: Path) -> None:
    release, hold = os.pipe()

    def lead_and_fork(say: Say) -> None:
        answer = _cache(tmp_path / "cache").lead(IDENTITY)
        assert isinstance(answer, Lead)
        if os.fork() == 0:
            os.close(hold)
            os.read(release, 1)
            os._exit(0)
        say(b"leading")
        signal.pause()

    leader = Child(lead_and_fork)
    assert leader.hear(7) == b"leading"
    waiting = _cache(tmp_path / "cache").lead(IDENTITY)
    assert isinstance(waiting, Waiting)
    leader.kill()
    assert isinstance(waiting.wait(time.monotonic() + 10), Lead)
    os.close(hold)
    os.close(release)
    leader.end()


# --- a fault at every call -----------------------------------------------------------------

CALLS = (
    "open",
    "write",
    "pwrite",
    "ftruncate",
    "fchmod",
    "fsync",
    "rename",
    "unlink",
    "mkdir",
    "stat",
)


@contextmanager
def _at_call(number: int, act: Callable[[], None]) -> Iterator[list[str]]:
    """Run `act` in place of the `number`th call to the system, counting from 1; yields the calls made."""
    made: list[str] = []
    real = {name: getattr(os, name) for name in CALLS}

    def replaced(name: str) -> Callable[..., object]:
        def call(*arguments: object, **more: object) -> object:
            made.append(name)
            if len(made) == number:
                act()
            return real[name](*arguments, **more)

        return call

    for name in CALLS:
        setattr(os, name, replaced(name))
    try:
        yield made
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _session(directory: Path) -> None:
    """Everything a use of the cache does to the disk: a key made, a fetch, a failure, a write, a fetch."""
    master = keys.load(str(directory / "state"), None)
    assert len(master.key) == 32
    cache = _cache(directory / "cache")
    assert _value(cache) in (None, b"before")
    _store(cache, b"one")
    failing = cache.lead(IDENTITY, newer_than=float("inf"))
    assert isinstance(failing, Lead)
    failing.fail("unreachable", "No network.")
    cache.bump(IDENTITY)
    assert _value(cache) is None
    _store(cache, b"two")
    cache.forget(IDENTITY)
    _store(cache, b"three")


def _count(directory: Path, work: Callable[[Path], None]) -> int:
    with _at_call(0, lambda: None) as made:
        work(directory)
    return len(made)


@pytest.mark.parametrize("kept", [False, True], ids=["empty home", "used home"])
def test_X3_a_kill_at_any_call_leaves_a_cache_that_is_read_and_written(tmp_path: Path, kept: bool) -> None:
    def prepare(directory: Path) -> Path:
        directory.mkdir()
        if kept:
            keys.load(str(directory / "state"), None)
            _store(_cache(directory / "cache"), b"before")
        return directory

    total = _count(prepare(tmp_path / "counted"), _session)
    assert total > 50
    for number in range(1, total + 1):
        place = prepare(tmp_path / f"killed-{number}")

        def work(say: Say, number: int = number, place: Path = place) -> None:
            with _at_call(number, _die):
                _session(place)

        assert Child(work).end() == (-signal.SIGKILL, b"")
        survivor = _cache(place / "cache")
        assert _value(survivor) in (None, b"before", b"one", b"two", b"three")
        assert survivor.warnings() == []
        assert len(keys.load(str(place / "state"), None).key) == 32
        assert _store(survivor, b"after") is None
        assert _value(survivor) == b"after"
        assert survivor.bump(IDENTITY) is None
        assert _value(survivor) is None
        shutil.rmtree(place)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EMFILE])
def test_a_disk_that_fails_at_any_call_never_fails_a_read_and_never_brings_back_the_old(
    tmp_path: Path, code: int
) -> None:
    def fail() -> None:
        raise OSError(code, os.strerror(code))

    def fetch_and_write(directory: Path) -> None:
        cache = _cache(directory)
        assert _value(cache) in (None, b"before")
        lead = cache.lead(IDENTITY, newer_than=float("inf"))
        assert isinstance(lead, Lead)
        lead.store(Record({"NAME": Item("r", b"one")}, 0.0))
        could_not = cache.bump(IDENTITY)
        assert could_not or _value(_cache(directory)) is None
        lead = cache.lead(IDENTITY, newer_than=float("inf"))
        assert isinstance(lead, Lead)
        lead.fail("unreachable", "No network.")

    _store(_cache(tmp_path / "counted"), b"before")
    total = _count(tmp_path / "counted", fetch_and_write)
    descriptors = len(os.listdir("/dev/fd"))
    for number in range(1, total + 1):
        place = tmp_path / f"failed-{number}"
        _store(_cache(place), b"before")
        with _at_call(number, fail):
            fetch_and_write(place)
        assert _store(_cache(place), b"after") is None
        assert _value(_cache(place)) == b"after"
    assert len(os.listdir("/dev/fd")) == descriptors


def test_a_full_disk_fails_no_read_and_no_store(tmp_path: Path) -> None:
    """The last test's ENOSPC from the first write on, as a disk that stays full gives it."""
    bob = (*IDENTITY[:-1], b"bob")
    _store(_cache(tmp_path / "c"), b"before")
    _store(_cache(tmp_path / "c"), b"before", bob)
    cache = _cache(tmp_path / "c")
    write = os.write

    def full(*arguments: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    os.write = full  # type: ignore[assignment]
    try:
        reason = _store(cache, b"one")
        assert cache.bump(IDENTITY) is None
    finally:
        os.write = write
    assert reason == f"The cache in {tmp_path}/c cannot be used: No space left on device."
    assert cache.warnings() == [reason]
    assert _value(cache) is None
    assert _value(cache, bob) is None


# --- planted files -------------------------------------------------------------------------

KINDS = ("symlink", "hard link", "fifo", "directory", "loose mode")


def _plant(kind: str, path: Path, goal: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if kind == "symlink":
        path.symlink_to(goal)
    elif kind == "hard link":
        os.link(goal, path)
    elif kind == "fifo":
        os.mkfifo(path, 0o600)
    elif kind == "directory":
        path.mkdir(mode=0o700)
    else:
        path.write_bytes(goal.read_bytes())
        path.chmod(0o644)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["record", "generation", "lock", "failure", "create.lock"])
def test_F1_something_planted_at_any_path_of_the_cache_fails_no_fetch(
    tmp_path: Path, kind: str, name: str
) -> None:
    cache = _cache(tmp_path / "cache")
    _store(cache, b"before")
    lead = cache.lead(IDENTITY, newer_than=float("inf"))
    assert isinstance(lead, Lead)
    lead.fail("unreachable", "No network.")
    goal = tmp_path / "goal"
    goal.write_bytes(b"untouched")
    goal.chmod(0o600)
    place = tmp_path / "cache"
    paths = [place / "create.lock"] if name == "create.lock" else list(place.glob(f"*.{name}"))
    for path in paths:
        if path.name != "create.lock" or name == "create.lock":
            _plant(kind, path, goal)
    if name == "create.lock":
        for generation in place.glob("*.generation"):
            generation.unlink()

    assert _value(cache) in (None, b"before")
    answer = cache.lead(IDENTITY, newer_than=float("inf"))
    assert isinstance(answer, Lead)
    reason = answer.store(Record({"NAME": Item("r", b"new")}, 0.0))
    found = _value(cache)
    assert found == b"new" if reason is None else found != b"new"
    if reason is not None:
        assert str(place) in reason
        assert reason in cache.warnings()
    cache.bump(IDENTITY)
    assert _value(cache) is None
    assert goal.read_bytes() == b"untouched"


@pytest.mark.parametrize("kind", KINDS)
def test_F1_a_cache_directory_that_is_not_ours_alone_is_not_used_and_said_once(
    tmp_path: Path, kind: str
) -> None:
    place, goal = tmp_path / "cache", tmp_path / "goal"
    if kind in ("hard link", "fifo"):
        os.mkfifo(place)
    elif kind == "directory":
        place.write_bytes(b"")
    elif kind == "symlink":
        goal.mkdir(mode=0o700)
        place.symlink_to(goal)
    else:
        place.mkdir()
        place.chmod(0o755)
    cache = _cache(place)
    assert _value(cache) is None
    reason = _store(cache)
    assert reason is not None
    assert _value(cache) is None
    assert cache.bump(IDENTITY) == cache.forget(IDENTITY) == reason
    assert cache.warnings() == [reason]
    for ask in (cache.entries, cache.clear):
        with pytest.raises(errors.UnsafeState):
            ask()
    assert not goal.exists() or list(goal.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become a user whom modes bind")
def test_F5_a_read_only_cache_is_read_and_fails_nothing() -> None:
    place = Path(tempfile.mkdtemp())
    os.chown(place, 54321, 54321)

    def work(say: Say) -> None:
        os.setgroups([])
        os.setresgid(54321, 54321, 54321)
        os.setresuid(54321, 54321, 54321)
        _store(_cache(place / "cache"), b"kept")
        (place / "cache").chmod(0o500)
        cache = _cache(place / "cache")
        assert _value(cache) == b"kept"
        say((_store(cache, b"new") or "").encode())
        assert _value(cache) == b"kept"
        assert cache.bump(IDENTITY) is not None
        unmade = _cache(place / "cache" / "deeper")
        assert _store(unmade) is not None
        assert _value(unmade) is None

    try:
        code, report = Child(work).end()
        assert code == 0, report.decode()
        assert report.endswith(b"Permission denied.")
    finally:
        shutil.rmtree(place)


# --- nonces --------------------------------------------------------------------------------


def test_K3_records_from_forks_never_share_a_nonce(tmp_path: Path) -> None:
    cache = _cache(tmp_path / "cache")
    _store(cache)

    def work(say: Say) -> None:
        own = (b"1", b"github", str(os.getpid()).encode(), b"alice")
        path = tmp_path / "cache" / cache.file(own, ".record")
        for _ in range(40):
            assert _store(cache, identity=own) is None
            say(path.read_bytes()[_HEADER.size : _HEADER.size + aead.NONCE])

    children = [Child(work) for _ in range(50)]
    ends = [child.end() for child in children]
    assert {code for code, _ in ends} == {0}, ends
    nonces = [report[at : at + aead.NONCE] for _, report in ends for at in range(0, len(report), aead.NONCE)]
    assert len(nonces) == 50 * 40
    assert len(set(nonces)) == len(nonces)


# --- all of it against a dictionary ---------------------------------------------------------

TARGETS = ((b"1", b"github", b"octo/app"), (b"1", b"fly", b"my-app"))
CREDENTIALS = (b"alice", b"bob")
IDENTITIES = [(*target, credential) for target in TARGETS for credential in CREDENTIALS]
TTL, STALE_FOR = 300.0, 3600.0


class CacheModel(RuleBasedStateMachine):
    """
    Fetches that overlap with writes, switched credentials, a clock that jumps, old records put
    back. What the cache answers is always what that target holds now, seen by that credential.
    """

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.now = 1_700_000_000.0
        self.cache = Cache(
            str(self.place / "cache"), KEY, clock=lambda: self.now, ttl=TTL, stale_for=STALE_FOR
        )
        self.held = dict.fromkeys(TARGETS, 0)
        self.latest: dict[tuple[bytes, ...], float] = {}
        self.forgotten: set[tuple[bytes, ...]] = set()
        self.leads: dict[tuple[bytes, ...], tuple[Lead, bytes]] = {}
        self.saved: list[tuple[tuple[bytes, ...], bytes]] = []

    def teardown(self) -> None:
        for lead, _ in self.leads.values():
            lead.release()
        shutil.rmtree(self.place)

    def _truth(self, identity: tuple[bytes, ...]) -> bytes:
        return b"%s sees %d of %s" % (identity[-1], self.held[identity[:-1]], identity[2])

    @rule(identity=st.sampled_from(IDENTITIES))
    def begin(self, identity: tuple[bytes, ...]) -> None:
        answer = self.cache.lead(identity)
        if isinstance(answer, Record):
            assert answer.find("NAME") == ("r", self._truth(identity))
        elif isinstance(answer, Waiting):
            assert identity in self.leads
            answer.close()
        else:
            assert isinstance(answer, Lead)
            assert identity not in self.leads
            self.leads[identity] = (answer, self._truth(identity))

    @precondition(lambda self: self.leads)
    @rule(pick=st.integers(min_value=0))
    def finish(self, pick: int) -> None:
        identity = sorted(self.leads)[pick % len(self.leads)]
        lead, seen = self.leads.pop(identity)
        began = lead.began
        if lead.store(Record({"NAME": Item("r", seen)}, 0.0, label="a label")) is None:
            assert seen == self._truth(identity)
            self.latest[identity] = began
            self.forgotten.discard(identity)
        else:
            assert seen != self._truth(identity) or self.cleared

    cleared = False

    @precondition(lambda self: self.leads)
    @rule(pick=st.integers(min_value=0))
    def fail(self, pick: int) -> None:
        identity = sorted(self.leads)[pick % len(self.leads)]
        self.leads.pop(identity)[0].fail("unreachable", "No network.")

    @rule(identity=st.sampled_from(IDENTITIES))
    def write(self, identity: tuple[bytes, ...]) -> None:
        assert self.cache.bump(identity) is None
        self.held[identity[:-1]] += 1
        assert self.cache.bump(identity) is None
        assert isinstance(self.cache.read(identity), Miss)

    @rule(identity=st.sampled_from(IDENTITIES))
    def lose_rights(self, identity: tuple[bytes, ...]) -> None:
        assert self.cache.forget(identity) is None
        self.forgotten.add(identity)

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.cleared = True
        self.latest.clear()

    @rule(seconds=st.sampled_from([1.0, 60.0, TTL, STALE_FOR, 86400.0 * 3650]))
    def later(self, seconds: float) -> None:
        self.now += seconds

    @rule(seconds=st.sampled_from([1.0, 59.0, 61.0, 3600.0, 86400.0 * 3650]))
    def clock_set_back(self, seconds: float) -> None:
        self.now -= seconds

    @rule(identity=st.sampled_from(IDENTITIES))
    def save(self, identity: tuple[bytes, ...]) -> None:
        path = self.place / "cache" / self.cache.file(identity, ".record")
        if path.exists():
            self.saved.append((identity, path.read_bytes()))

    @precondition(lambda self: self.saved)
    @rule(pick=st.integers(min_value=0), onto=st.none() | st.sampled_from(IDENTITIES))
    def put_back(self, pick: int, onto: tuple[bytes, ...] | None) -> None:
        identity, blob = self.saved[pick % len(self.saved)]
        path = self.place / "cache" / self.cache.file(onto or identity, ".record")
        if path.parent.exists():
            path.write_bytes(blob)
            path.chmod(0o600)
            self.forgotten.discard(onto or identity)

    @invariant()
    def answers_are_true(self) -> None:
        for identity in IDENTITIES:
            found = self.cache.read(identity)
            if isinstance(found, Miss):
                continue
            assert identity not in self.forgotten
            assert found.find("NAME") == ("r", self._truth(identity))
            assert -60 <= self.now - found.fetched_at < STALE_FOR
            assert found.fresh == (self.now - found.fetched_at < TTL)
            assert found.age(self.now) >= 0

    @invariant()
    def status_agrees(self) -> None:
        readable = sum(isinstance(self.cache.read(identity), Record) for identity in IDENTITIES)
        assert len(self.cache.entries()) == readable


CacheModel.TestCase.settings = settings(
    max_examples=examples(60, 2000),
    stateful_step_count=examples(40, 50),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class TestC2C6C7K7CacheAgainstADictionary(CacheModel.TestCase):
    """C2, C6, C7, K7: see `CacheModel`."""

    def test_C2_C6_C7_K7_the_cache_never_answers_what_is_not_so(self) -> None:
        self.runTest()
