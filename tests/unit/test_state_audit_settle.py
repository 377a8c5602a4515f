"""Where a log goes on that is not as its head says, and what is put on record first, word for word."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from sophia_secrets.state import audit_disk, chain, files
from sophia_secrets.state.audit_settle import settle
from tests.written_log import KEY, NEW_CHAIN, Written

OTHER = b"o" * 32
CURRENT = "audit.jsonl"
CUT = ("gap", "the log was cut off or altered at its end", None, "")
NO_HEAD = ("gap", "the head was removed or altered", None, "")
PUT_IN = ("gap", "something was put in that this log's writer did not write", None, "")
TORN = b'{"seq":9,"ti'

Told = tuple[int, int, int, bytes, bool, list[tuple[str, str, int | None, str]]]


@pytest.fixture
def log(tmp_path: Path) -> Written:
    return Written(tmp_path)


@pytest.fixture(autouse=True)
def this_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_disk, "_boot", b"now")


def settled(log: Written, head: chain.Head | None) -> Told:
    """The file, size, sequence and MAC to go on at, whether the end is whole, and each note."""
    directory = files.open_directory(str(log.directory))
    current = files.open_append(directory, CURRENT)
    gc.collect()
    before = len(os.listdir("/dev/fd"))
    try:
        place = settle(directory, KEY, head, current)
        assert len(os.listdir("/dev/fd")) == before
    finally:
        os.close(current)
        os.close(directory)
    assert {note.command for note in place.notes} <= {"audit"}
    notes = [(note.outcome, note.words, note.count, note.digest) for note in place.notes]
    return place.file, place.size, place.sequence, place.mac, place.ended, notes


def head_at(
    log: Written, size: int, *, file: int = 1, synced: int | None = None, boot: bytes = b"now"
) -> chain.Head:
    known = log.sequence if synced is None else synced
    return chain.Head(file, size, log.sequence, log.mac, synced=known, boot=boot)


def size_of(log: Written, name: str = CURRENT) -> int:
    return (log.directory / name).stat().st_size


def hexdigest(*lines: bytes, ended: bool = True) -> str:
    torn = chain.TornBytes(KEY)
    for line in lines[:-1]:
        torn.add(line)
    torn.add(lines[-1], ended=ended)
    return torn.hexdigest()


# A head, and more than it knows


def test_a_log_that_is_as_its_head_says_goes_on(log: Written) -> None:
    log.line()
    log.put(CURRENT)
    assert settled(log, head_at(log, size_of(log))) == (1, size_of(log), 1, log.mac, True, [])


def test_a_head_before_the_first_line_and_an_empty_log(log: Written) -> None:
    assert settled(log, head_at(log, 0)) == (1, 0, 0, chain.ORIGIN, True, [])


@pytest.mark.parametrize(("more", "words"), [(1, "1 line was taken in"), (2, "2 lines were taken in")])
def test_A6_whole_lines_that_the_head_does_not_know_are_taken_in(log: Written, more: int, words: str) -> None:
    size = len(log.line()) + 1
    head = head_at(log, size)
    for _ in range(more):
        log.line()
    log.put(CURRENT)
    notes = [("recovered", words, more, "")]
    assert settled(log, head) == (1, size_of(log), 1 + more, log.mac, True, notes)


def test_A6_a_torn_line_is_ended_and_vouched_for_with_its_newline(log: Written) -> None:
    first = log.line()
    head = head_at(log, len(first) + 1)
    log.put(CURRENT, first + b"\n" + TORN)
    notes = [("recovered", "a torn line was ended; 0 lines were taken in", 0, hexdigest(TORN))]
    assert settled(log, head) == (1, size_of(log), 1, log.mac, False, notes)


def test_A6_a_torn_line_that_has_its_newline_needs_none(log: Written) -> None:
    first = log.line()
    head = head_at(log, len(first) + 1)
    second = log.line()
    log.put(CURRENT, b"\n".join([first, second, TORN, b""]))
    notes = [("recovered", "a torn line was ended; 1 line was taken in", 1, hexdigest(TORN))]
    assert settled(log, head) == (1, size_of(log), 2, log.mac, True, notes)


def test_A6_a_line_that_lacks_only_its_newline_is_taken_in(log: Written) -> None:
    first = log.line()
    head = head_at(log, len(first) + 1)
    log.put(CURRENT, first + b"\n" + log.line())
    notes = [("recovered", "1 line was taken in", 1, "")]
    assert settled(log, head) == (1, size_of(log), 2, log.mac, False, notes)


@pytest.mark.parametrize(
    "rest", ["a line of another key", "the same, torn", "and one of ours", "torn, then ours"]
)
def test_A4_what_another_hand_put_in_is_a_gap(log: Written, rest: str) -> None:
    whole = log.line() + b"\n"
    head = head_at(log, len(whole))
    intruder, _ = chain.seal(OTHER, head.mac, 2, b'"command":"get"')
    ours = log.line() + b"\n"
    put_in = {
        "a line of another key": intruder + b"\n",
        "the same, torn": intruder,
        "and one of ours": intruder + b"\n" + ours,
        "torn, then ours": TORN + b"\n" + ours,
    }[rest]
    log.put(CURRENT, whole + put_in)
    assert settled(log, head) == (1, size_of(log), 1, head.mac, put_in.endswith(b"\n"), [PUT_IN])


def test_A6_a_head_of_a_file_that_was_put_away_takes_in_all_files_after_it(log: Written) -> None:
    log.line()
    log.put("audit.000001.jsonl")
    size = len(log.line()) + 1
    head = head_at(log, size, file=2)
    log.line()
    log.put("audit.000002.jsonl")
    log.line()
    log.put("audit.000003.jsonl")
    log.line()
    log.put(CURRENT)
    notes = [("recovered", "3 lines were taken in", 3, "")]
    assert settled(log, head) == (4, size_of(log), 5, log.mac, True, notes)


def test_A6_a_head_of_the_current_file_looks_at_no_older_one(log: Written) -> None:
    log.put("audit.000001.jsonl", b"anything")
    log.line()
    size = len(log.lines[0]) + 1
    head = head_at(log, size, file=2)
    log.line()
    log.put(CURRENT)
    notes = [("recovered", "1 line was taken in", 1, "")]
    assert settled(log, head) == (2, size_of(log), 2, log.mac, True, notes)


def test_A4_a_full_file_has_no_torn_end_to_be_recovered(log: Written) -> None:
    first = log.line()
    head = head_at(log, len(first) + 1)
    mac = log.mac
    log.put("audit.000001.jsonl", first + b"\n" + TORN)
    log.line()
    log.put(CURRENT)
    assert settled(log, head) == (2, size_of(log), 1, mac, True, [PUT_IN])


def test_a_file_with_a_higher_number_is_never_written_over(log: Written) -> None:
    log.put("audit.000007.jsonl", b"")
    log.line()
    log.put(CURRENT)
    file, *_ = settled(log, head_at(log, size_of(log)))
    assert file == 8


def test_a_head_keeps_its_number_where_the_files_before_it_are_gone(log: Written) -> None:
    log.line()
    log.put(CURRENT)
    file, *_ = settled(log, head_at(log, size_of(log), file=5))
    assert file == 5


# A head, and less than it knows


def test_A5_what_is_cut_off_while_the_machine_runs_is_a_gap(log: Written) -> None:
    first, second = log.line(), log.line()
    head = head_at(log, len(first) + len(second) + 2, synced=0)
    for left in (first + b"\n", first + b"\n" + second[:-1], first + b"\n" + second[:-5] + b"xxxx}\n", b""):
        log.put(CURRENT, left)
        ended = not left or left.endswith(b"\n")
        assert settled(log, head) == (1, len(left), 2, head.mac, ended, [CUT])


def test_A5_what_is_cut_off_a_file_that_was_put_away_is_a_gap(log: Written) -> None:
    first, second = log.line(), log.line()
    head = head_at(log, len(first) + len(second) + 2)
    log.put("audit.000001.jsonl", first + b"\n")
    assert settled(log, head) == (2, 0, 2, head.mac, True, [CUT])


@pytest.mark.parametrize("boots", [(b"before", b"now"), (b"-", b"-"), (b"now", b"-")])
@pytest.mark.parametrize(("kept", "words"), [(2, "2 lines were"), (3, "1 line was")])
def test_X4_lines_that_a_stop_of_the_machine_took_are_recovered(
    log: Written, monkeypatch: pytest.MonkeyPatch, boots: tuple[bytes, bytes], kept: int, words: str
) -> None:
    monkeypatch.setattr(audit_disk, "_boot", boots[1])
    macs = []
    for _ in range(4):
        log.line()
        macs.append(log.mac)
    whole = b"".join(line + b"\n" for line in log.lines)
    head = head_at(log, len(whole), synced=2, boot=boots[0])
    left = b"".join(line + b"\n" for line in log.lines[:kept])
    words = f"{words} lost unsynced when the machine stopped"
    for torn in (b"", TORN, TORN + b"\n", TORN + b"\n" + TORN):
        log.put(CURRENT, left + torn)
        digest = hexdigest(*torn.removesuffix(b"\n").split(b"\n")) if torn else ""
        notes = [("recovered", words, 4 - kept, digest)]
        ended = not torn or torn.endswith(b"\n")
        assert settled(log, head) == (1, len(left + torn), kept, macs[kept - 1], ended, notes)


def test_X4_lines_that_were_synced_are_not_excused(log: Written) -> None:
    first = log.line()
    for _ in range(3):
        log.line()
    head = head_at(log, 4 * len(first) + 4, synced=2, boot=b"before")
    log.put(CURRENT, first + b"\n")
    assert settled(log, head) == (1, len(first) + 1, 4, head.mac, True, [CUT])


def test_X4_a_whole_line_after_the_last_good_one_is_not_what_a_stop_leaves(log: Written) -> None:
    first = log.line()
    second, third = log.line(), log.line()
    head = head_at(log, 3 * len(first) + 3, synced=1, boot=b"before")
    log.put(CURRENT, first + b"\n" + third + b"\n")
    assert settled(log, head) == (1, size_of(log), 3, head.mac, True, [CUT])
    log.put(CURRENT, first + b"\n" + second + b"\n" + third.replace(b"get", b"ge") + b"\n")
    assert settled(log, head) == (1, size_of(log), 3, head.mac, True, [CUT])


def test_X4_a_log_that_holds_its_last_line_lost_none_at_its_end(log: Written) -> None:
    lines = [log.line() for _ in range(4)]
    head = head_at(log, 4 * len(lines[0]) + 4, synced=1, boot=b"before")
    log.put(CURRENT, b"\n".join(lines[1:]) + b"\n")
    assert settled(log, head) == (1, size_of(log), 4, head.mac, True, [CUT])


def test_X4_all_of_a_new_file_may_be_gone(log: Written) -> None:
    log.line()
    log.line()
    log.put("audit.000001.jsonl")
    mac = log.mac
    size = len(log.line()) + 1
    head = head_at(log, size, file=2, synced=2, boot=b"before")
    words = "1 line was lost unsynced when the machine stopped"
    log.put(CURRENT, b"")
    assert settled(log, head) == (2, 0, 2, mac, True, [("recovered", words, 1, "")])
    log.put(CURRENT, TORN)
    assert settled(log, head) == (2, len(TORN), 2, mac, False, [("recovered", words, 1, hexdigest(TORN))])


def test_X4_all_of_the_first_file_may_be_gone(log: Written) -> None:
    size = len(log.line()) + 1
    head = head_at(log, size, synced=0, boot=b"before")
    log.put(CURRENT, b"")
    words = "1 line was lost unsynced when the machine stopped"
    assert settled(log, head) == (1, 0, 0, chain.ORIGIN, True, [("recovered", words, 1, "")])


# No head


def test_a_log_that_was_never_written_begins(log: Written) -> None:
    assert settled(log, None) == (1, 0, 0, chain.ORIGIN, True, [])


def test_A5_a_log_without_its_head_goes_on_with_a_gap_that_no_line_leads_to(log: Written) -> None:
    log.line()
    log.line()
    log.put(CURRENT)
    assert settled(log, None) == (1, size_of(log), 2, chain.ORIGIN, True, [NO_HEAD])
    with (log.directory / CURRENT).open("ab") as file:
        file.write(TORN)
    assert settled(log, None) == (1, size_of(log), 2, chain.ORIGIN, False, [NO_HEAD])


def test_A5_a_log_without_its_head_is_known_by_the_last_file_that_was_put_away(log: Written) -> None:
    log.line()
    log.line()
    log.put("audit.000001.jsonl")
    assert settled(log, None) == (2, 0, 2, chain.ORIGIN, True, [NO_HEAD])
    log.line()
    log.put(CURRENT)
    assert settled(log, None) == (2, size_of(log), 3, chain.ORIGIN, True, [NO_HEAD])


def test_A5_one_line_of_ours_is_enough(log: Written) -> None:
    log.line()
    log.put(CURRENT)
    assert settled(log, None) == (1, size_of(log), 1, chain.ORIGIN, True, [NO_HEAD])
    (log.directory / CURRENT).rename(log.directory / "audit.000001.jsonl")
    assert settled(log, None) == (2, 0, 1, chain.ORIGIN, True, [NO_HEAD])


def new_chain(log: Written, name: str) -> tuple[str, str, None, str]:
    words = "the log so far was written with another key"
    return "new_chain", words, None, log.hash_of(name).decode()


def foreign(log: Written, count: int = 2) -> bytes:
    mac = chain.ORIGIN
    lines = []
    for number in range(1, count + 1):
        line, mac = chain.seal(OTHER, mac, number, b'"command":"get"')
        lines.append(line)
    return b"\n".join(lines) + b"\n"


def test_A7_a_foreign_log_is_put_away_and_a_new_chain_begins(log: Written) -> None:
    log.put(CURRENT, foreign(log))
    told = settled(log, None)
    assert (log.directory / "audit.000001.jsonl").read_bytes() == foreign(log)
    assert told == (2, 0, 0, chain.ORIGIN, True, [new_chain(log, "audit.000001.jsonl")])


def test_A7_a_foreign_log_in_two_files_leads_to_the_third(log: Written) -> None:
    log.put("audit.000004.jsonl", foreign(log))
    log.put(CURRENT, foreign(log, 3))
    told = settled(log, None)
    assert (log.directory / "audit.000005.jsonl").read_bytes() == foreign(log, 3)
    assert told == (6, 0, 0, chain.ORIGIN, True, [new_chain(log, "audit.000005.jsonl")])


def test_A7_a_foreign_log_that_was_just_put_away_stays_where_it_is(log: Written) -> None:
    log.put("audit.000001.jsonl", foreign(log))
    told = settled(log, None)
    assert told == (2, 0, 0, chain.ORIGIN, True, [new_chain(log, "audit.000001.jsonl")])


def test_A7_a_torn_line_alone_is_nobodys(log: Written) -> None:
    log.put(CURRENT, TORN)
    told = settled(log, None)
    assert told == (2, 0, 0, chain.ORIGIN, True, [new_chain(log, "audit.000001.jsonl")])


@pytest.mark.parametrize("ours", [False, True], ids=["another's alone", "with a line of ours"])
def test_A7_a_file_that_another_key_began_after_ours_is_its_own_unless_a_line_of_ours_is_in_it(
    log: Written, tmp_path: Path, *, ours: bool
) -> None:
    log.line()
    log.put("audit.000001.jsonl")
    other = Written(tmp_path, OTHER)
    lines = [other.line(NEW_CHAIN + b',"digest":"%b"' % log.hash_of("audit.000001.jsonl")), TORN]
    if ours:
        log.begin()
        lines.append(log.line())
    log.put(CURRENT, b"\n".join(lines) + b"\n")
    if ours:
        assert settled(log, None) == (2, size_of(log), 1, chain.ORIGIN, True, [NO_HEAD])
    else:
        assert settled(log, None) == (3, 0, 0, chain.ORIGIN, True, [new_chain(log, "audit.000002.jsonl")])


# How far is looked


def long(count: int) -> bytes:
    return b"".join(b"z" * 8191 + b"\n" for _ in range(count))


def test_lines_of_ours_are_looked_for_near_the_end_of_the_current_file_alone(log: Written) -> None:
    """So many bytes, and no more, however long the log is."""
    lines = log.line() + b"\n" + log.line() + b"\n"
    log.put(CURRENT, long(40) + lines + long(31))
    assert settled(log, None)[-1] == [NO_HEAD]
    log.put(CURRENT, lines + long(32))
    assert settled(log, None)[-1] == [new_chain(log, "audit.000001.jsonl")]


def test_X4_a_torn_end_longer_than_what_is_looked_at_is_not_excused(log: Written) -> None:
    first = log.line()
    log.line()
    head = head_at(log, 300 * 8192, synced=1, boot=b"before")
    log.put(CURRENT, first + b"\n" + long(32))
    assert settled(log, head)[-1] == [CUT]
    log.put(CURRENT, first + b"\n" + long(31))
    assert [note[0] for note in settled(log, head)[-1]] == ["recovered"]


def test_the_last_file_that_was_put_away_is_looked_at_near_its_end(log: Written) -> None:
    log.line()
    log.line()
    lines = b"".join(line + b"\n" for line in log.lines)
    log.put("audit.000001.jsonl", long(9) + lines)
    assert settled(log, None) == (2, 0, 2, chain.ORIGIN, True, [NO_HEAD])
    log.put("audit.000001.jsonl", lines + long(9))
    assert settled(log, None)[-1] == [new_chain(log, "audit.000001.jsonl")]
