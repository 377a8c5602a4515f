"""`verify` on logs made line by line: several chains, torn ends, power cuts, and foreign lines."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from sophia_secrets.state import audit_disk, chain
from sophia_secrets.state.audit import Actor, AuditLog
from sophia_secrets.state.audit_verify import Verdict
from tests.written_log import GET, KEY, NEW_CHAIN, Written

OTHER, NOBODYS = b"o" * 32, b"n" * 32
OTHER_KEY = "cannot be verified: written with a key that is not the one in use"
NOT_HEAD = "this is not the line that the head names"


def told(verdict: Verdict) -> tuple[str, int, tuple[str, int, str] | None, bool]:
    return verdict.state, verdict.events, verdict.first_bad, verdict.pending


@pytest.fixture
def log(tmp_path: Path) -> Written:
    return Written(tmp_path)


# Several chains


def test_A7_of_two_chains_of_one_key_the_last_is_walked(log: Written) -> None:
    log.line(NEW_CHAIN)
    log.put("audit.000001.jsonl")
    log.begin()
    log.line(NEW_CHAIN + b',"digest":"%b"' % log.hash_of("audit.000001.jsonl"))
    log.line()
    log.put("audit.000002.jsonl")
    log.line()
    log.put("audit.jsonl")
    log.head(file=3)
    assert told(log.verify()) == ("unverifiable", 3, ("audit.000001.jsonl", 1, OTHER_KEY), False)


def test_A7_a_line_that_only_says_so_begins_no_chain(log: Written) -> None:
    log.line()
    log.put("audit.000001.jsonl")
    log.line(NEW_CHAIN)
    log.line()
    log.put("audit.jsonl")
    log.head(file=2)
    assert told(log.verify()) == ("ok", 3, None, False)


def test_A7_a_first_line_of_the_key_that_does_not_say_so_begins_no_chain(log: Written) -> None:
    for name in ("audit.000001.jsonl", "audit.jsonl"):
        log.begin()
        log.line()
        log.put(name)
    log.head(file=2)
    verdict = log.verify()
    assert (verdict.state, verdict.events) == ("altered", 1)
    assert verdict.first_bad is not None
    assert verdict.first_bad[:2] == ("audit.jsonl", 1)


def test_A7_a_new_chain_whose_file_was_just_put_away_names_the_old_files_hash(log: Written) -> None:
    Written(log.directory.parent, OTHER).put("audit.000001.jsonl", b"anything\n")
    log.line(NEW_CHAIN + b',"digest":"%b"' % log.hash_of("audit.000001.jsonl"))
    log.put("audit.000002.jsonl")
    log.head(file=2)
    assert told(log.verify()) == ("unverifiable", 1, ("audit.000001.jsonl", 1, OTHER_KEY), False)
    log.put("audit.000001.jsonl", b"anything else\n")
    assert log.verify().first_bad == (
        "audit.000001.jsonl", 1, "the file is not the one whose hash the next file names",
    )  # fmt: skip


@pytest.mark.parametrize("named", ["its hash", "another", "no text"])
def test_A7_every_older_file_is_held_against_the_hash_that_the_next_names(log: Written, named: str) -> None:
    log.put("audit.000001.jsonl", b"anything\n")
    hashes = {"its hash": log.hash_of("audit.000001.jsonl"), "another": b"f" * 64, "no text": b"\xff"}
    log.put("audit.000002.jsonl", b'{"digest":"%b"}\n' % hashes[named])
    log.line(NEW_CHAIN + b',"digest":"%b"' % log.hash_of("audit.000002.jsonl"))
    log.put("audit.jsonl")
    log.head(file=3)
    other = ("audit.000001.jsonl", 1, "the file is not the one whose hash the next file names")
    assert told(log.verify()) == (
        ("unverifiable", 1, ("audit.000001.jsonl", 1, OTHER_KEY), False)
        if named == "its hash"
        else ("altered", 1, other, False)
    )


# Which files are there


def test_A5_a_missing_file_is_named_wherever_it_stood(log: Written) -> None:
    for number in (1, 2, 3):
        log.line()
        log.put(f"audit.{number:06d}.jsonl")
    log.head(file=4)
    assert told(log.verify()) == ("ok", 3, None, False)
    for number in (1, 2, 3):
        path = log.directory / f"audit.{number:06d}.jsonl"
        whole = path.read_bytes()
        path.unlink()
        assert log.verify().first_bad == (path.name, 1, "the file is missing")
        log.put(path.name, whole)


def test_A5_a_missing_file_is_named_before_another_keys_chain(log: Written, tmp_path: Path) -> None:
    """That chain names the file that is left before it, as whoever took one away can make it do."""
    log.line()
    log.put("audit.000001.jsonl")
    other = Written(tmp_path, OTHER)
    other.line(NEW_CHAIN + b',"digest":"%b"' % log.hash_of("audit.000001.jsonl"))
    other.put("audit.000003.jsonl")
    missing = ("audit.000002.jsonl", 1, "the file is missing")
    assert told(log.verify()) == ("altered", 1, missing, False)


def test_A5_a_full_file_that_was_cut_is_named_at_its_own_end(log: Written) -> None:
    first = log.line()
    log.line()
    log.put("audit.000001.jsonl", first + b"\n")
    log.line(b'"outcome":"rotated"')
    log.put("audit.jsonl")
    log.head(file=2)
    cut = ("audit.000001.jsonl", 2, "1 line was cut off here")
    assert told(log.verify()) == ("altered", 1, cut, False)


# Ends of files


def test_A6_what_a_crash_left_is_said_to_be_pending(log: Written) -> None:
    log.line()
    log.head()
    log.put("audit.jsonl", log.lines[0] + b"\n")
    assert told(log.verify()) == ("ok", 1, None, False)
    whole = (log.directory / "audit.jsonl").read_bytes()
    log.put("audit.jsonl", whole + b'{"seq":2,')
    assert told(log.verify()) == ("ok", 1, None, True)
    log.put("audit.jsonl", whole + b'{"seq":2,\n{"seq":2,')
    assert told(log.verify()) == ("ok", 1, None, True)
    log.put("audit.jsonl", whole + log.line() + b"\n")
    assert told(log.verify()) == ("ok", 2, None, True)
    log.put("audit.jsonl", whole[:-1])
    assert told(log.verify()) == ("ok", 1, None, False)


def test_A6_a_first_line_that_is_torn_is_pending_and_without_a_head_it_is_not(log: Written) -> None:
    log.head()
    log.put("audit.jsonl", b'{"seq":1,')
    assert told(log.verify()) == ("ok", 0, None, True)
    (log.directory / "audit.head").unlink()
    assert log.verify().state == "unverifiable"


def test_A4_a_full_file_has_no_torn_end(log: Written) -> None:
    first = log.line()
    log.put("audit.000001.jsonl", first + b"\n" + b'{"seq":2,')
    log.line()
    log.put("audit.jsonl")
    log.head(file=2)
    assert told(log.verify()) == ("altered", 1, ("audit.000001.jsonl", 2, "the line was changed"), False)


def test_A4_a_torn_line_where_the_head_knows_a_whole_one_was_changed(log: Written) -> None:
    first, second = log.line(), log.line()
    log.head()
    log.put("audit.jsonl", first + b"\n" + second[:50])
    assert told(log.verify()) == ("altered", 1, ("audit.jsonl", 2, "the line was changed"), False)


def test_reading_ends_where_the_damage_is_certain(log: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [log.line(b'"words":"%b"' % (b"x" * 4000)) for _ in range(900)]
    log.head()
    log.put("audit.jsonl", b"\n".join([kept[1], *kept]) + b"\n")
    total = [0]
    real = os.pread

    def pread(fd: int, size: int, offset: int) -> bytes:
        data = real(fd, size, offset)
        total[0] += len(data)
        return data

    monkeypatch.setattr(os, "pread", pread)
    assert log.verify().first_bad == ("audit.jsonl", 1, "the line was moved or repeated")
    assert total[0] < 2 << 20


def test_the_lines_so_far_are_told(log: Written) -> None:
    for name in ("audit.000001.jsonl", "audit.jsonl"):
        log.line()
        log.line()
        log.put(name)
    log.head(file=2)
    counts: list[int] = []
    AuditLog(str(log.directory), KEY, actor=Actor("ada", "engine", 42)).verify(progress=counts.append)
    assert counts == [2, 4]


# A machine that stopped


@pytest.mark.parametrize(
    ("wrote", "now", "excused"), [(b"a", b"b", True), (b"-", b"-", True), (b"a", b"a", False)]
)
def test_X4_lines_that_were_not_synced_may_be_gone_after_another_start(
    log: Written, monkeypatch: pytest.MonkeyPatch, wrote: bytes, now: bytes, excused: bool
) -> None:
    monkeypatch.setattr(audit_disk, "_boot", now)
    log.line()
    first = log.lines[0] + b"\n"
    log.line()
    log.head(synced=1, boot=wrote)
    log.put("audit.jsonl", first)
    cut = ("audit.jsonl", 2, "1 line was cut off here")
    assert told(log.verify()) == (("ok", 1, None, True) if excused else ("altered", 1, cut, False))


def test_X4_lines_that_were_synced_are_never_excused(log: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        log.line()
    kept = log.lines[:1]
    log.head(synced=3, boot=b"another")
    log.put("audit.jsonl", kept[0] + b"\n")
    assert told(log.verify()) == ("altered", 1, ("audit.jsonl", 2, "2 lines were cut off here"), False)


def test_X4_a_head_all_of_whose_lines_are_synced_holds_after_another_start_too(log: Written) -> None:
    log.line(GET)
    log.head(boot=b"another")
    log.begin()
    log.lines = []
    log.line(b'"command":"forged with the key"')
    log.put("audit.jsonl")
    assert told(log.verify()) == ("altered", 1, ("audit.jsonl", 1, NOT_HEAD), False)


# A head kept elsewhere


def test_A5_a_head_kept_elsewhere_names_a_line_that_must_be_there(log: Written) -> None:
    heads = []
    for _ in range(3):
        log.line()
        heads.append(chain.format_head(log.sequence, log.mac))
    log.put("audit.jsonl")
    log.head()
    assert [told(log.verify(expect_head=head)) for head in heads] == [("ok", 3, None, False)] * 3
    other = "f" * 64
    for number, line, reason in ((0, 4, NOT_HEAD), (2, 2, NOT_HEAD), (3, 3, NOT_HEAD),
                                 (5, 4, "2 lines were cut off here")):  # fmt: skip
        assert log.verify(expect_head=f"{number}:{other}").first_bad == ("audit.jsonl", line, reason)


# Lines of nobody here


def test_A7_foreign_lines_under_our_own_head_are_altered(log: Written, tmp_path: Path) -> None:
    log.line()
    log.put("audit.jsonl")
    log.head()
    other = Written(tmp_path, OTHER)
    other.line()
    other.line()
    other.put("audit.jsonl")
    assert log.verify().state == "altered"


def test_A5_one_line_of_ours_without_its_head_is_altered(log: Written) -> None:
    log.line()
    log.put("audit.jsonl")
    assert told(log.verify()) == (
        "altered", 1, ("audit.head", 1, "the head is missing or was changed"), False,
    )  # fmt: skip


def test_A7_a_foreign_log_without_a_current_file_cannot_be_verified(log: Written) -> None:
    log.line()
    log.line()
    log.put("audit.000001.jsonl")
    log.head(file=2)
    assert told(log.verify(OTHER)) == ("unverifiable", 0, ("audit.000001.jsonl", 1, OTHER_KEY), False)


@pytest.mark.parametrize("where", ["the beginning", "the end", "another file"])
def test_A4_a_log_of_ours_whose_first_line_was_changed_is_not_called_foreign(
    log: Written, where: str
) -> None:
    """Its head is gone too: lines near an end of a file still fit one another."""
    lines = [log.line().replace(b"get", b"set"), log.line()]
    strange = b"".join(b"z" * 4000 + b"\n" for _ in range(40))
    mine = b"\n".join(lines) + b"\n"
    if where == "the beginning":
        log.put("audit.jsonl", mine + strange)
    elif where == "the end":
        log.put("audit.jsonl", strange + mine)
    else:
        log.put("audit.000001.jsonl", strange)
        log.put("audit.jsonl", mine)
    assert log.verify().state == "altered"


def test_A7_lines_far_from_both_ends_are_not_looked_for(log: Written) -> None:
    """What is read to tell a foreign log does not grow with it."""
    lines = [log.line(), log.line()]
    strange = b"".join(b"z" * 4000 + b"\n" for _ in range(17))
    assert 8 * chain.LINE_LIMIT < len(strange) < 8.5 * chain.LINE_LIMIT
    log.put("audit.jsonl", strange + b"\n".join(lines) + b"\n" + strange)
    assert log.verify().state == "unverifiable"


def test_R1_no_verdict_leaves_a_descriptor(log: Written) -> None:
    log.line(NEW_CHAIN)
    log.put("audit.000001.jsonl")
    log.line()
    log.put("audit.jsonl")
    log.head(file=2)
    gc.collect()
    before = len(os.listdir("/dev/fd"))
    for key, state in ((KEY, "ok"), (OTHER, "unverifiable"), (NOBODYS, "unverifiable")):
        assert log.verify(key).state == state
        AuditLog(str(log.directory), key, actor=Actor("ada", "engine", 42)).head()
    gc.collect()
    assert len(os.listdir("/dev/fd")) == before
