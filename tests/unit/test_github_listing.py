"""Outside a workflow: the list is believed whole or not at all (V4, V5, V6)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.backends.github.listing import BadList, parse
from sophia_secrets.core.model import Entry, EntryState, Failure, FailureKind, Snapshot
from tests.vendors.github_feed import MOMENT, backend, exited, feed, listed, page


def test_every_entry_is_write_only_with_the_vendors_time() -> None:
    made = backend()
    snapshot, calls = feed(made.snapshot(), listed("API_KEY", "lower_case"))
    entry = Entry(EntryState.WRITE_ONLY, updated_at=MOMENT)
    assert snapshot == Snapshot(made.target, {"API_KEY": entry, "LOWER_CASE": entry})
    assert len(calls) == 1
    assert calls[0].program == "gh"
    assert calls[0].stdin == b""
    assert not made.capabilities.readable
    assert made.capabilities.needs_call
    assert made.capabilities.note


@pytest.mark.parametrize("between", [b"", b"\n"])
def test_pages_follow_each_other_without_anything_between(between: bytes) -> None:
    names = [f"NAME_{number}" for number in range(250)]
    pages = [page(*names[start : start + 100], total=250) for start in (0, 100, 200)]
    snapshot, _ = feed(backend().snapshot(), exited(between.join(pages)))
    assert isinstance(snapshot, Snapshot)
    assert sorted(snapshot.entries) == sorted(names)


def test_no_secrets_are_a_complete_answer() -> None:
    snapshot, _ = feed(backend().snapshot(), listed())
    assert isinstance(snapshot, Snapshot)
    assert snapshot.complete
    assert not snapshot.entries


def _row(**changes: object) -> bytes:
    row = {"name": "A", "updated_at": MOMENT, **changes}
    return json.dumps({"total_count": 1, "secrets": [row]}).encode()


BAD = {
    "empty": b"",
    "blank": b" \n",
    "a sign-in page": b"<!DOCTYPE html><title>Sign in</title>",
    "an error body": b'{"message": "Not Found"}',
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "secrets null": b'{"total_count": 0, "secrets": null}',
    "secrets an object": b'{"total_count": 0, "secrets": {}}',
    "a row that is text": b'{"total_count": 1, "secrets": ["A"]}',
    "no count": b'{"secrets": []}',
    "a count that is text": b'{"total_count": "0", "secrets": []}',
    "a count that is true": b'{"total_count": true, "secrets": []}',
    "a count that is not whole": b'{"total_count": 0.0, "secrets": []}',
    "fewer names than counted": page("A", total=2),
    "more names than counted": page("A", "B", total=1),
    "a page that counts otherwise": page("A", total=2) + page("B", total=3),
    "a page lost": page("A", total=101),
    "a name twice": page("A", "A"),
    "a name twice over pages": page("A", total=2) + page("A", total=2),
    "a name twice in other letters": page("A", "a"),
    "a name that is empty": _row(name=""),
    "a name with a line end": _row(name="A\n"),
    "a name with an escape": _row(name="A\x1b[0m"),
    "a name that is a flag": _row(name="-A"),
    "a name that is none": _row(name=None),
    "a name that is a number": _row(name=1),
    "no time": _row(updated_at=None),
    "a time that is a number": _row(updated_at=1),
    "a time with more": _row(updated_at=MOMENT + "\x1b[0m"),
    "equal keys": b'{"total_count": 0, "total_count": 0, "secrets": []}',
    "text after": page("A") + b"\nA new release of gh is available",
    "byte order mark": b"\xef\xbb\xbf" + page("A"),
    "UTF-16": page("A").decode().encode("utf-16"),
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("stdout", BAD.values(), ids=BAD.keys())
def test_V6_exit_zero_with_anything_but_a_whole_list_is_bad_output(stdout: bytes) -> None:
    failure, _ = feed(backend().snapshot(), exited(stdout))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.BAD_OUTPUT
    assert "octo/app" in failure.message
    assert failure.words == ""


def test_V4_no_prefix_of_an_answer_is_believed() -> None:
    whole = page("A", "B", total=3) + page("C", total=3)
    parse(whole)
    for end in range(len(whole)):
        with pytest.raises(BadList) as caught:
            parse(whole[:end])
        assert caught.value.__context__ is None


@given(st.binary(max_size=80))
def test_V4_garbage_is_bad_output_and_nothing_else(stdout: bytes) -> None:
    failure, _ = feed(backend().snapshot(), exited(stdout))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.BAD_OUTPUT


def test_V6_a_good_list_does_not_excuse_an_exit_code() -> None:
    failure, _ = feed(backend().snapshot(), exited(page("A"), "gh: Server Error (HTTP 500)", code=1))
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.UNREACHABLE


def test_V6_words_on_the_error_stream_do_not_spoil_a_good_list() -> None:
    snapshot, _ = feed(backend().snapshot(), exited(page("A"), "warning: HTTP 500"))
    assert isinstance(snapshot, Snapshot)


@pytest.mark.parametrize(
    "moment", ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123Z", "2026-01-02T03:04:05+02:00"]
)
def test_times_are_kept_as_the_vendor_wrote_them(moment: str) -> None:
    assert parse(_row(updated_at=moment)).entries["A"].updated_at == moment
