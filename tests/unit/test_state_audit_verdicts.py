"""What `verify` says word for word, of logs that were begun anew, and of what is no log."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sophia_secrets import errors
from sophia_secrets.state import files
from sophia_secrets.state.audit import Actor, AuditLog, Event

FIRST, SECOND, THIRD = b"1" * 32, b"2" * 32, b"3" * 32
OTHER_KEY = "cannot be verified: written with a key that is not the one in use"


def a_log(directory: Path, key: bytes) -> AuditLog:
    return AuditLog(str(directory / "log"), key, actor=Actor("ada", "engine", 42), sync=False)


def append(directory: Path, key: bytes, count: int) -> None:
    for number in range(count):
        a_log(directory, key).append([Event("get", "found", f"NAME_{number}", "pulumi", "acme/app")])


def test_the_head_of_no_log_is_the_origin(tmp_path: Path) -> None:
    log = a_log(tmp_path, FIRST)
    assert log.head() == "0:" + "0" * 64
    verdict = log.verify()
    assert (verdict.ok, verdict.state, verdict.events, verdict.first_bad, verdict.pending) == (
        True, "ok", 0, None, False,
    )  # fmt: skip
    assert verdict.head == log.head()


def test_what_is_no_head_is_told_with_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError) as caught:
        a_log(tmp_path, FIRST).verify(expect_head="x")
    assert caught.value.message == "That is not a head of an audit log."
    assert caught.value.hint == "print one with `sophia-secrets audit verify --head`"


def test_a_log_that_cannot_be_read_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(tmp_path, FIRST, 3)

    def broken(*arguments: object) -> bytes:
        raise OSError(5, "Input/output error")

    log = a_log(tmp_path, FIRST)
    descriptors = len(os.listdir("/dev/fd"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "pread", broken)
        with pytest.raises(errors.AuditFailed) as caught:
            log.verify()
    assert caught.value.message == "The audit log cannot be read: Input/output error."
    assert caught.value.hint == "See where it is with `sophia-secrets config path`."
    assert caught.value.__context__ is None
    log.close()
    assert len(os.listdir("/dev/fd")) == descriptors


def test_A7_a_whole_log_of_another_key_is_not_called_altered(tmp_path: Path) -> None:
    append(tmp_path, FIRST, 3)
    verdict = a_log(tmp_path, SECOND).verify()
    assert (verdict.state, verdict.events, verdict.first_bad, verdict.pending) == (
        "unverifiable", 0, ("audit.jsonl", 1, OTHER_KEY), False,
    )  # fmt: skip
    assert verdict.head == "0:" + "0" * 64


def test_A7_of_many_chains_the_last_is_walked_and_the_others_are_hashed(tmp_path: Path) -> None:
    for key in (FIRST, SECOND, THIRD):
        append(tmp_path, key, 3)
    log = a_log(tmp_path, THIRD)
    verdict = log.verify()
    assert (verdict.state, verdict.events) == ("unverifiable", 4)
    assert verdict.first_bad == ("audit.000001.jsonl", 1, OTHER_KEY)
    assert verdict.head == log.head()
    older = tmp_path / "log" / "audit.000002.jsonl"
    whole = older.read_bytes()
    older.write_bytes(whole[:-1])
    verdict = log.verify()
    assert (verdict.state, verdict.first_bad) == (
        "altered",
        ("audit.000002.jsonl", 1, "the file is not the one whose hash the next file names"),
    )
    older.unlink()
    assert log.verify().first_bad == ("audit.000002.jsonl", 1, "the file is missing")


def test_A7_what_another_key_wrote_after_ours_cannot_be_verified_and_is_not_called_altered(
    tmp_path: Path,
) -> None:
    for key in (FIRST, SECOND):
        append(tmp_path, key, 3)
    verdict = a_log(tmp_path, FIRST).verify()
    assert (verdict.state, verdict.events, verdict.first_bad) == (
        "unverifiable", 3, ("audit.jsonl", 1, OTHER_KEY),
    )  # fmt: skip
    assert not verdict.pending


def test_A7_a_key_that_comes_back_begins_a_chain_of_its_own(tmp_path: Path) -> None:
    for key in (FIRST, SECOND, FIRST):
        append(tmp_path, key, 3)
    log = a_log(tmp_path, FIRST)
    assert [event["outcome"] for event in log.read()].count("gap") == 0
    verdict = log.verify()
    assert (verdict.state, verdict.events, verdict.first_bad) == (
        "unverifiable", 4, ("audit.000002.jsonl", 1, OTHER_KEY),
    )  # fmt: skip
    assert verdict.head == log.head()
    verdict = a_log(tmp_path, SECOND).verify()
    assert (verdict.state, verdict.first_bad) == ("unverifiable", ("audit.000001.jsonl", 1, OTHER_KEY))
    append(tmp_path, SECOND, 1)
    append(tmp_path, FIRST, 1)
    assert a_log(tmp_path, FIRST).verify().state == "unverifiable"
    assert a_log(tmp_path, SECOND).verify().state == "unverifiable"


@pytest.mark.parametrize("back", [False, True], ids=["another key's", "back to the first"])
@pytest.mark.parametrize("harm", ["edit", "cut"])
def test_A4_what_is_done_to_a_file_before_another_keys_chain_is_found(
    tmp_path: Path, harm: str, *, back: bool
) -> None:
    for key in (FIRST, SECOND, FIRST) if back else (FIRST, SECOND):
        append(tmp_path, key, 3)
    older = tmp_path / "log" / "audit.000001.jsonl"
    lines = older.read_bytes().splitlines(keepends=True)
    older.write_bytes(
        b"".join(lines[:-1]) if harm == "cut" else older.read_bytes().replace(b"NAME_2", b"NAME_9")
    )
    assert a_log(tmp_path, FIRST).verify().state == "altered"


def test_A5_lines_cut_off_before_another_keys_chain_are_shown_by_a_head_kept_elsewhere(
    tmp_path: Path,
) -> None:
    append(tmp_path, FIRST, 3)
    kept = a_log(tmp_path, FIRST).head()
    current = tmp_path / "log" / "audit.jsonl"
    whole = current.read_bytes()
    current.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    append(tmp_path, SECOND, 3)
    assert a_log(tmp_path, FIRST).verify(expect_head=kept).state == "altered"
    assert a_log(tmp_path, FIRST).verify().state == "unverifiable"


@pytest.mark.parametrize("what", ["a line of ours", "no hash of the file before", "no head of another's"])
def test_A4_what_only_looks_like_another_keys_chain_is_called_altered(tmp_path: Path, what: str) -> None:
    for key in (FIRST, SECOND):
        append(tmp_path, key, 3)
    directory = tmp_path / "log"
    current = directory / "audit.jsonl"
    if what == "a line of ours":
        ours = (directory / "audit.000001.jsonl").read_bytes().splitlines(keepends=True)[1:]
        first = (directory / "audit.000001.jsonl").read_bytes().splitlines(keepends=True)[0]
        current.write_bytes(current.read_bytes() + first + b"".join(ours))
    elif what == "no hash of the file before":
        current.write_bytes(current.read_bytes().replace(b'"digest":"', b'"digest":"0'))
    else:
        append(tmp_path / "other", FIRST, 3)
        (directory / "audit.head").write_bytes((tmp_path / "other" / "log" / "audit.head").read_bytes())
    assert a_log(tmp_path, FIRST).verify().state == "altered"
    append(tmp_path, FIRST, 1)
    assert a_log(tmp_path, FIRST).verify().state == "altered"


def test_A6_a_first_line_that_a_crash_tore_is_recovered_and_not_another_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(fd: int, data: bytes) -> None:
        os.write(fd, data[: len(data) // 2])
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(files, "write_all", half)
        with pytest.raises(SystemExit):
            append(tmp_path, FIRST, 1)
    assert (tmp_path / "log" / "audit.head").stat().st_size == 256
    append(tmp_path, FIRST, 1)
    log = a_log(tmp_path, FIRST)
    assert [event["outcome"] for event in log.read()] == ["unreadable", "recovered", "found"]
    assert log.verify().ok


def test_R1_reading_a_verdict_or_a_head_leaves_no_descriptor(tmp_path: Path) -> None:
    for key in (FIRST, SECOND):
        append(tmp_path, key, 3)
    log = a_log(tmp_path, SECOND)
    log.head()
    before = len(os.listdir("/dev/fd"))
    for key in (FIRST, SECOND, THIRD):
        another = a_log(tmp_path, key)
        another.head()
        another.verify()
        another.close()
    assert len(os.listdir("/dev/fd")) == before
