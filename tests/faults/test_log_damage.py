"""A log of 200 lines in three files, with every one of its bytes changed (A4, A5; goal 8)."""

from __future__ import annotations

import shutil
from bisect import bisect_right
from pathlib import Path

import pytest

from sophia_secrets.state.audit import Actor, AuditLog, Event
from tests.faults.soak import sample

LINES, FILES = 200, 3


def a_log(directory: Path) -> AuditLog:
    # A file is full at 17,500 bytes, which is some 70 of these lines.
    return AuditLog(str(directory), b"k" * 32, actor=Actor("ada", "engine", 42), max_bytes=17_500, sync=False)


def an_event(number: int) -> Event:
    return Event("get", "found" if number % 3 else "absent", f"NAME_{number % 5}", "pulumi", "acme/app")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("audit") / "log"
    log = a_log(directory)
    for number in range(LINES - (FILES - 1)):  # each new file begins with a line of its own
        log.append([an_event(number)])
    log.close()
    assert min(len(path.read_bytes().splitlines()) for path in files_of(directory)) > 50
    return directory


@pytest.fixture
def copy(kept: Path, tmp_path: Path) -> Path:
    shutil.copytree(kept, tmp_path / "log")
    return tmp_path / "log"


def files_of(directory: Path) -> list[Path]:
    found = [*sorted(directory.glob("audit.0*.jsonl")), directory / "audit.jsonl"]
    assert len(found) == FILES
    return found


def test_A4_whatever_byte_is_changed_its_line_is_named(copy: Path) -> None:
    log = a_log(copy)
    assert log.verify().events == LINES
    every = [(path, at) for path in files_of(copy) for at in range(path.stat().st_size)]
    whole = {path: path.read_bytes() for path in files_of(copy)}
    ends = {path: [at for at, byte in enumerate(data) if byte == 10] for path, data in whole.items()}
    for path, at in sample(every, 1000):
        changed = bytearray(whole[path])
        changed[at] ^= 1 << (at % 8)
        path.write_bytes(changed)
        verdict = log.verify()
        path.write_bytes(whole[path])
        # The newline belongs to the line that it ends.
        line = bisect_right(ends[path], at - 1) + 1
        assert verdict.state == "altered", (path.name, at)
        assert verdict.first_bad is not None
        assert verdict.first_bad[:2] == (path.name, line), (at, verdict.first_bad)
    assert log.verify().ok


def test_A5_wherever_it_is_cut_off_and_goes_on_the_cut_is_named_for_good(copy: Path) -> None:
    path = copy / "audit.jsonl"
    whole, head = path.read_bytes(), (copy / "audit.head").read_bytes()
    for size in sample(range(1, len(whole) - 1), 200):
        path.write_bytes(whole[:size])
        (copy / "audit.head").write_bytes(head)
        log = a_log(copy)
        # A line that lacks nothing but its newline is there.
        line = whole[: size + 1].count(b"\n") + 1
        for appended in range(3):
            verdict = log.verify()
            assert verdict.state == "altered", (size, appended)
            assert verdict.first_bad is not None
            assert verdict.first_bad[:2] == ("audit.jsonl", line), (size, appended, verdict.first_bad)
            log.append([an_event(appended)])
        log.close()
        assert [event["outcome"] for event in log.read()].count("gap") == 1, size
