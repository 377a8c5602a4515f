"""Counters and facts: indexes of the audit log that never say anything else than it does."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.state import atomic, counters, files
from sophia_secrets.state import facts as facts_module
from sophia_secrets.state.audit import Actor, AuditLog, Event
from sophia_secrets.state.audit_read import Query
from sophia_secrets.state.counters import Counters
from sophia_secrets.state.fact import Fact, fold_all
from sophia_secrets.state.facts import Facts
from tests import whole_log

KEY = b"k" * 32
METADATA_KEY = b"m" * 32
NOON = 1_800_000_000.0


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_log(directory: Path, clock: Clock, *, key: bytes = METADATA_KEY) -> AuditLog:
    return AuditLog(
        str(directory / "log"),
        KEY,
        actor=Actor("ada", "engine", 1),
        clock=clock,
        max_bytes=20_000,
        sync=False,
        counters=Counters(key),
    )


@pytest.fixture
def log(tmp_path: Path, clock: Clock) -> AuditLog:
    return a_log(tmp_path, clock)


@pytest.fixture
def facts(tmp_path: Path, log: AuditLog) -> Facts:
    return Facts(str(tmp_path / "facts"), METADATA_KEY, log)


def refused(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def found(name: str) -> Event:
    return Event("get", "found", name, "pulumi", "acme/app")


def shown(log: AuditLog, names: list[str]) -> dict[str, tuple[int, float]]:
    return {name: (count.times, count.last) for name, count in log.counts(names).items()}


def rebuilt(log: AuditLog) -> dict[str, tuple[int, float]]:
    return {name: (count.times, count.last) for name, count in whole_log.rebuild(log).counts.items()}


# Counters


def test_an_access_counts_and_nothing_else_does(log: AuditLog, clock: Clock) -> None:
    log.append([found("A"), found("A"), found("B")])
    clock.now += 60.25
    log.append(
        [found("A"), Event("get", "absent", "B"), Event("set", "done", "B"), Event("get", "failed", "C")]
    )
    assert shown(log, ["A", "B", "C", "D"]) == {"A": (3, NOON + 60.25), "B": (1, NOON)}


def test_last_accessed_does_not_go_back_with_the_clock(log: AuditLog, clock: Clock) -> None:
    log.append([found("A")])
    clock.now -= 3600
    log.append([found("A")])
    assert shown(log, ["A"]) == rebuilt(log) == {"A": (2, NOON)}


def test_counting_needs_no_rebuilding_as_the_table_grows(log: AuditLog, tmp_path: Path) -> None:
    names = [f"NAME_{number}" for number in range(1500)]
    for start in range(0, 1500, 100):
        log.append([found(name) for name in names[start : start + 100]])
        log.append([found("NAME_0")])
    before = (tmp_path / "log" / "counters").read_bytes()
    counts = shown(log, names)
    assert (tmp_path / "log" / "counters").read_bytes() == before
    assert counts == rebuilt(log)
    assert counts["NAME_0"][0] == 16
    assert len(counts) == 1500


@settings(max_examples=40, deadline=None)
@given(batches=st.lists(st.lists(st.text(min_size=1, max_size=30), max_size=6), max_size=8))
def test_any_names_are_counted_as_the_log_would_count_them(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]]
) -> None:
    log = a_log(tmp_path_factory.mktemp("any"), Clock())
    for batch in batches:
        log.append([found(name) for name in batch])
    expected = Counter(name for batch in batches for name in batch)
    assert {name: times for name, (times, _) in shown(log, list(expected)).items()} == expected


@pytest.mark.parametrize("at", [0, 20, 100, 200, 300, "slots", "zeroed", "cut", "gone"])
def test_damaged_counters_are_made_anew_from_the_log(log: AuditLog, tmp_path: Path, at: int | str) -> None:
    names = [f"NAME_{number}" for number in range(30)]
    log.append([found(name) for name in names for _ in range(3)])
    expected = shown(log, names)
    path = tmp_path / "log" / "counters"
    whole = path.read_bytes()
    if at == "gone":
        path.unlink()
    elif at == "cut":
        path.write_bytes(whole[:5000])
    elif at == "slots":
        path.write_bytes(whole[:4096] + bytes(byte ^ (byte and 1) for byte in whole[4096:]))
    elif at == "zeroed":
        path.write_bytes(whole[:4096].ljust(len(whole), b"\0"))
    else:
        path.write_bytes(whole[: int(at)] + bytes([whole[int(at)] ^ 1]) + whole[int(at) + 1 :])
    log.append([found("NAME_0")])
    expected["NAME_0"] = (4, NOON)
    assert shown(log, names) == expected == rebuilt(log)
    log.append([found("NAME_1")])
    assert shown(log, ["NAME_1"]) == {"NAME_1": (4, NOON)}


def test_old_counters_put_back_are_not_believed(log: AuditLog, tmp_path: Path) -> None:
    path = tmp_path / "log" / "counters"
    log.append([found("A")])
    old = path.read_bytes()
    log.append([found("A")])
    path.write_bytes(old)
    log.append([found("A")])
    assert shown(log, ["A"]) == {"A": (3, NOON)}


@pytest.mark.parametrize("lost", ["slots", "header"])
def test_X4_counters_of_which_a_power_cut_took_a_part_are_made_anew(
    log: AuditLog, tmp_path: Path, lost: str
) -> None:
    path = tmp_path / "log" / "counters"
    log.append([found("A"), found("B")])
    old = path.read_bytes()
    log.append([found("A")])
    new = path.read_bytes()
    path.write_bytes(new[:4096] + old[4096:] if lost == "slots" else old[:4096] + new[4096:])
    log.append([found("B")])
    assert shown(log, ["A", "B"]) == {"A": (2, NOON), "B": (2, NOON)}


def test_with_another_key_the_counts_are_still_the_logs(log: AuditLog, tmp_path: Path, clock: Clock) -> None:
    log.append([found("A")])
    other = a_log(tmp_path, clock, key=b"n" * 32)
    other.append([found("A")])
    assert shown(other, ["A"]) == {"A": (2, NOON)}


def test_counters_that_cannot_be_written_never_fail_an_append(log: AuditLog, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir(mode=0o700)
    (tmp_path / "log" / "counters").mkdir()
    log.append([found("A")])
    (tmp_path / "log" / "counters").rmdir()
    assert shown(log, ["A"]) == {"A": (1, NOON)}


def test_counters_that_cannot_be_kept_are_told_all_the_same(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append([found("A"), found("A")])
    (tmp_path / "log" / "counters").unlink()
    monkeypatch.setattr(atomic, "replace", refused)
    assert shown(log, ["A"]) == {"A": (2, NOON)}
    assert not (tmp_path / "log" / "counters").exists()


def test_counters_are_not_read_while_the_log_is_held(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append([found("A")])
    monkeypatch.setattr(counters, "_WAIT", 0.0)
    directory = files.open_directory(str(tmp_path / "log"))
    try:
        with (
            files.Lock(directory, "audit.head"),
            pytest.raises(errors.AuditFailed, match="locked by another process"),
        ):
            log.counts(["A"])
    finally:
        os.close(directory)
    assert shown(log, ["A"]) == {"A": (1, NOON)}


def test_no_name_stands_in_the_counters(log: AuditLog, tmp_path: Path) -> None:
    log.append([found("OPENAI_API_KEY")])
    assert b"OPENAI" not in (tmp_path / "log" / "counters").read_bytes()


# Facts


def done(name: str, **fields: str) -> Event:
    return Event("set", "done", name, **fields)  # type: ignore[arg-type]


def test_a_write_is_a_version_and_a_rotation_of_ours(facts: Facts, log: AuditLog, clock: Clock) -> None:
    facts.record("fly", "app", [done("A", fingerprint="f1", digest="d1", updated_at="u1")])
    clock.now += 10.5
    after = facts.record("fly", "app", [done("A", fingerprint="f2", digest="d2", updated_at="u2")])
    assert after == facts.load("fly", "app")
    assert after["A"] == Fact(
        2, NOON + 10.5, fingerprint="f2", digest="d2", updated_at="u2", written_by_us=True
    )
    assert [event["version"] for event in log.read(Query(outcome="done"))] == [1, 2]


@pytest.mark.parametrize("outcome", ["failed", "unknown", "refused", "intent"])
def test_a_write_that_was_not_done_is_logged_and_changes_nothing(
    facts: Facts, log: AuditLog, outcome: str
) -> None:
    before = facts.record("fly", "app", [done("A", digest="d1")])
    facts.record("fly", "app", [Event("set", outcome, "A", digest="d2")])
    assert facts.load("fly", "app") == before
    assert len(list(log.read(Query(outcome=outcome, backend="fly", target="app")))) == 1


def test_a_mark_moved_by_another_hand_is_a_new_version_not_ours(facts: Facts, clock: Clock) -> None:
    facts.record("fly", "app", [done("A", fingerprint="f1", digest="d1")])
    clock.now += 99
    after = facts.observe("fly", "app", {"A": ("d2", "")})
    assert after["A"] == Fact(2, NOON + 99, digest="d2", written_by_us=False)
    assert after == facts.load("fly", "app")


def test_a_mark_of_our_own_write_is_no_change(facts: Facts, log: AuditLog) -> None:
    before = facts.record("fly", "app", [done("A", fingerprint="f1", digest="d1", updated_at="u1")])
    size = len(list(log.read()))
    assert facts.observe("fly", "app", {"A": ("d1", "u1")}) == before
    assert facts.observe("fly", "app", {"A": ("", "")}) == before
    assert len(list(log.read())) == size


def test_a_mark_that_was_not_known_yet_is_noted_and_is_no_change(facts: Facts) -> None:
    facts.record("fly", "app", [done("A", fingerprint="f1")])
    after = facts.observe("fly", "app", {"A": ("d1", "")})
    assert after["A"] == Fact(1, NOON, fingerprint="f1", digest="d1", written_by_us=True)
    after = facts.observe("fly", "app", {"A": ("d1", "u1")})
    assert (after["A"].version, after["A"].updated_at) == (1, "u1")
    after = facts.observe("fly", "app", {"A": ("d1", "u2")})
    assert (after["A"].version, after["A"].written_by_us) == (2, False)


def test_a_name_first_seen_at_the_vendor_has_a_version_and_no_known_rotation(facts: Facts) -> None:
    after = facts.observe("github", "octo/app", {"A": ("", "u1")})
    assert after["A"] == Fact(1, None, updated_at="u1")


def test_a_deleted_name_keeps_its_version_and_comes_back_with_the_next(facts: Facts) -> None:
    facts.record("fly", "app", [done("A", digest="d1"), done("A", digest="d2")])
    after = facts.record("fly", "app", [Event("delete", "done", "A")])
    assert (after["A"].version, after["A"].deleted) == (3, True)
    after = facts.observe("fly", "app", {"A": ("d1", "")})
    assert (after["A"].version, after["A"].deleted, after["A"].written_by_us) == (4, False, False)


def test_each_target_has_facts_of_its_own(facts: Facts) -> None:
    facts.record("fly", "app", [done("A")])
    facts.record("fly", "app", [done("A")])
    facts.record("fly", "ap", [done("A")])
    facts.record("flya", "pp", [done("B")])
    assert facts.load("fly", "app")["A"].version == 2
    assert facts.load("fly", "ap")["A"].version == 1
    assert list(facts.load("flya", "pp")) == ["B"]
    assert facts.load("github", "app") == {}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["set", "delete", "observe", "failed", "get"]),
        st.sampled_from(["A", "B", 'q"\\', "ö"]),
        st.sampled_from(["", "d1", "d2"]),
        st.sampled_from(["", "u1", "u2"]),
        st.sampled_from(["app", "other"]),
    ),
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_whatever_happened_what_is_rebuilt_is_what_is_kept(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str, str, str]]
) -> None:
    clock = Clock()
    directory = tmp_path_factory.mktemp("steps")
    log = a_log(directory, clock)
    facts = Facts(str(directory / "facts"), METADATA_KEY, log)
    versions: dict[tuple[str, str], int] = {}
    for what, name, digest, updated_at, target in steps:
        clock.now += 0.125
        if what == "get":
            log.append([found(name)])
            continue
        if what == "observe":
            after = facts.observe("fly", target, {name: (digest, updated_at)})
        else:
            outcome = "failed" if what == "failed" else "done"
            command = "delete" if what == "delete" else "set"
            event = Event(command, outcome, name, digest=digest, updated_at=updated_at)
            after = facts.record("fly", target, [event])
            if outcome == "done":
                assert after[name].version > versions.get((target, name), 0)
        if name in after:
            assert after[name].version >= versions.get((target, name), 0)
            versions[target, name] = after[name].version
    whole = whole_log.rebuild(log)
    for target in ("app", "other"):
        assert whole.facts.get(("fly", target), {}) == facts.load("fly", target)
        assert fold_all(log.read(Query(backend="fly", target=target))) == facts.load("fly", target)
    assert rebuilt(log) == shown(log, ["A", "B", 'q"\\', "ö"])
    assert log.verify().ok


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied", "gone", "other target's"])
def test_damaged_facts_are_made_anew_from_the_log(facts: Facts, tmp_path: Path, damage: str) -> None:
    expected = facts.record("fly", "app", [done("A", digest="d1"), done("B", fingerprint="f")])
    facts.record("fly", "other", [done("C")])
    files = sorted(path for path in (tmp_path / "facts").iterdir() if not path.suffix)
    by_content = {b"C" in path.read_bytes(): path for path in files}
    path = by_content[False]
    whole = path.read_bytes()
    if damage == "flipped":
        path.write_bytes(whole.replace(b"d1", b"d9"))
    elif damage == "cut":
        path.write_bytes(whole[:-40])
    elif damage == "emptied":
        path.write_bytes(b"")
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes(by_content[True].read_bytes())
    assert facts.load("fly", "app") == expected
    assert path.read_bytes() == whole


@pytest.mark.parametrize("called", ["open_directory", "remove"])
def test_A1_facts_that_cannot_be_used_fail_before_anything_is_logged(
    facts: Facts, log: AuditLog, monkeypatch: pytest.MonkeyPatch, called: str
) -> None:
    before = facts.record("fly", "app", [done("A")])
    with monkeypatch.context() as patched:
        patched.setattr(files, called, refused)
        with pytest.raises(errors.AuditFailed) as caught:
            facts.record("fly", "app", [done("A")])
    assert (caught.value.message, caught.value.hint) == (
        f"The metadata in {facts.directory} cannot be used: No space left on device.",
        "Set SOPHIA_SECRETS_HOME to a directory that you can write.",
    )
    assert facts.load("fly", "app") == before
    assert len(list(log.read())) == 1


@pytest.mark.parametrize("why", ["held", "no locks"])
def test_A2_facts_that_cannot_be_locked_are_said_to_be_so(
    facts: Facts, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    def no_locks(*_: object) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(facts_module, "_WAIT", 0.0)
    with facts_module._LockedFacts(facts, "fly", "app"):
        if why == "no locks":
            monkeypatch.setattr(files.Lock, "acquire", no_locks)
        with pytest.raises(errors.AuditFailed) as caught:
            facts.load("fly", "app")
    said = "it is locked by another process" if why == "held" else "No locks available"
    assert caught.value.message == f"The metadata in {facts.directory} cannot be used: {said}."
    monkeypatch.undo()
    assert facts.load("fly", "app") == {}


def test_facts_are_let_go_of_where_the_log_cannot_be_read(
    facts: Facts, log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise errors.AuditFailed("The audit log cannot be read.")

    with monkeypatch.context() as patched:
        patched.setattr(AuditLog, "read", unreadable)
        with pytest.raises(errors.AuditFailed):
            facts.load("fly", "app")
    monkeypatch.setattr(facts_module, "_WAIT", 0.0)
    assert facts.load("fly", "app") == {}


@pytest.mark.parametrize("called", ["read", "replace"])
def test_facts_that_cannot_be_read_or_kept_are_those_of_the_log(
    facts: Facts, monkeypatch: pytest.MonkeyPatch, called: str
) -> None:
    facts.record("fly", "app", [done("A", digest="d1")])
    with monkeypatch.context() as patched:
        patched.setattr(files if called == "read" else atomic, called, refused)
        told = facts.record("fly", "app", [done("A", digest="d2")])
    assert (told["A"].version, told["A"].digest) == (2, "d2")
    assert facts.load("fly", "app") == told


def test_no_target_stands_in_a_file_name_and_files_are_private(facts: Facts, tmp_path: Path) -> None:
    facts.record("fly", "my-secret-app", [done("A")])
    paths = list((tmp_path / "facts").iterdir())
    assert not [path for path in paths if "secret" in path.name or "fly" in path.name]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}


def test_an_audited_and_counted_access_imports_nothing_that_costs(tmp_path: Path) -> None:
    program = (
        "import sys, os\n"
        "before = set(sys.modules)\n"
        "from sophia_secrets.state import audit, counters\n"
        "log = audit.AuditLog(sys.argv[1], b'k' * 32, actor=audit.Actor('u', 'h', 1),"
        " counters=counters.Counters(b'm' * 32))\n"
        "log.append([audit.Event('get', 'found', 'A')])\n"
        "print('\\n'.join(sorted(set(sys.modules) - before)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", program, str(tmp_path / "log")],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    heavy = {
        "typing",
        "re",
        "enum",
        "dataclasses",
        "json",
        "pathlib",
        "subprocess",
        "logging",
        "datetime",
        "hashlib",
        "hmac",
        "contextlib",
        "calendar",
        "threading",
        "struct",
    }
    assert not heavy & set(ran.stdout.split())
    assert "sophia_secrets.state.audit_verify" not in ran.stdout
