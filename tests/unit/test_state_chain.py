"""The chain's lines and head, and the walk that judges them: bytes only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.state import chain
from sophia_secrets.state.walk import Walk

KEY = b"k" * 32
OTHER = b"o" * 32


def a_chain(count: int, key: bytes = KEY, word: str = "event") -> list[bytes]:
    lines, mac = [], chain.ORIGIN
    for number in range(1, count + 1):
        line, mac = chain.seal(key, mac, number, f'"name":"{word}{number}"'.encode())
        lines.append(line)
    return lines


def walked(lines: list[bytes], rest: bytes = b"") -> Walk:
    walk = Walk(KEY, chain.ORIGIN, 0)
    walk.feed(lines)
    walk.end(rest)
    return walk


def test_a_line_is_json_with_its_sequence_first_and_its_mac_last() -> None:
    (line,) = a_chain(1)
    assert line.startswith(b'{"seq":1,"name":"event1","mac":"')
    assert line.endswith(b'"}')
    assert chain.sequence_of(line) == 1
    assert len(chain.mac_of(line)) == 64


def test_lines_follow_one_another_for_the_holder_of_the_key_alone() -> None:
    lines = a_chain(5)
    assert chain.follow(KEY, chain.ORIGIN, lines) == (5, chain.mac_of(lines[-1]))
    assert chain.follow(OTHER, chain.ORIGIN, lines) == (0, chain.ORIGIN)


@pytest.mark.parametrize("at", range(0, 180, 1))
def test_A4_no_bit_of_a_line_can_be_changed(at: int) -> None:
    line = a_chain(2, word="a-name-that-is-a-little-longer-than-the-others")[1]
    first = chain.mac_of(a_chain(2, word="a-name-that-is-a-little-longer-than-the-others")[0])
    assert chain.follows(KEY, first, line)
    for bit in range(8):
        changed = bytearray(line)
        changed[at % len(line)] ^= 1 << bit
        assert not chain.follows(KEY, first, bytes(changed))


@given(st.binary(max_size=400))
def test_bytes_that_nobody_sealed_never_follow(data: bytes) -> None:
    assert not chain.follows(KEY, chain.ORIGIN, data)
    assert walked([data]).mismatch is not None


@given(st.integers(0, 300))
def test_A6_no_prefix_of_a_line_has_its_form(length: int) -> None:
    line = a_chain(1)[0]
    assert chain.has_form(line)
    assert not chain.has_form(line[: min(length, len(line) - 1)])


@given(
    st.integers(0, 10**17),
    st.integers(0, 10**17),
    st.integers(1, 999999),
    st.integers(0, 10**17),
    st.sampled_from([b"-", b"0b0ae3c0-1f5c-4cd5-9a3c-0d6d3a5b8c11"]),
)
def test_a_head_is_read_back_and_always_has_one_length(
    sequence: int, size: int, file: int, synced: int, boot: bytes
) -> None:
    head = chain.Head(file, size, sequence, b"a" * 64, synced=synced, boot=boot)
    packed = chain.pack_head(KEY, head)
    assert len(packed) == chain.HEAD_SIZE
    again = chain.unpack_head(KEY, packed)
    assert again is not None
    assert [getattr(again, field) for field in chain.Head.__slots__] == [
        getattr(head, field) for field in chain.Head.__slots__
    ]


def test_no_byte_of_a_head_can_be_changed_cut_or_added() -> None:
    packed = chain.pack_head(KEY, chain.Head(1, 2, 3, b"a" * 64, synced=3, boot=b"-"))
    for at in range(len(packed)):
        changed = bytearray(packed)
        changed[at] ^= 1
        assert chain.unpack_head(KEY, bytes(changed)) is None
        assert chain.unpack_head(KEY, packed[:at]) is None
    assert chain.unpack_head(KEY, packed + b" ") is None
    assert chain.unpack_head(OTHER, packed) is None


@given(st.text(max_size=90))
def test_what_is_no_printed_head_is_refused(text: str) -> None:
    scanned = chain.parse_head(text)
    assert scanned is None or chain.format_head(*scanned) == text.strip()


def test_a_printed_head_is_read_back() -> None:
    assert chain.parse_head(f" {chain.format_head(12, b'0a' * 32)}\n") == (12, b"0a" * 32)
    for wrong in ("", "12", f"12:{'g' * 64}", f"x:{'a' * 64}", f"12:{'a' * 63}", f"-1:{'a' * 64}"):
        assert chain.parse_head(wrong) is None


OPERATIONS = {
    "changed": lambda lines, at: lines[at : at + 1] and [lines[at].replace(b"event", b"Event")],
    "removed": lambda lines, at: [],
    "repeated": lambda lines, at: [lines[at], lines[at]],
    "put in": lambda lines, at: [a_chain(at + 1, OTHER)[at], lines[at]],
}
REASONS = {
    "changed": ("was changed",),
    "removed": ("removed before this one",),
    "repeated": ("was moved or repeated",),
    "put in": ("was put in",),
}


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_A4_the_walk_names_the_first_line_that_does_not_fit_and_why(operation: str) -> None:
    lines = a_chain(9)
    for at in range(8):
        damaged = lines[:at] + OPERATIONS[operation](lines, at) + lines[at + 1 :]
        walk = walked(damaged)
        assert walk.mismatch is not None
        assert walk.mismatch.line == at + 1 + (operation == "repeated")
        assert REASONS[operation][0] in walk.mismatch.reason()
        assert walk.events == at + (operation == "repeated")


def test_A4_swapped_lines_are_found_at_the_first_of_them() -> None:
    lines = a_chain(9)
    for a in range(9):
        for b in range(a + 1, 9):
            damaged = list(lines)
            damaged[a], damaged[b] = damaged[b], damaged[a]
            walk = walked(damaged)
            assert walk.mismatch is not None
            assert walk.mismatch.line == a + 1
            assert "moved" in walk.mismatch.reason()


def a_recovery(lines: list[bytes], torn: bytes) -> bytes:
    vouched = chain.TornBytes(KEY)
    vouched.add(torn)
    fields = f'"outcome":"recovered","digest":"{vouched.hexdigest()}"'.encode()
    return chain.seal(KEY, chain.mac_of(lines[-1]), len(lines) + 1, fields)[0]


def test_A6_torn_bytes_are_no_misfit_where_a_recovery_vouches_for_them() -> None:
    lines = a_chain(3)
    recovery = a_recovery(lines, b'{"seq":4,"na')
    walk = walked([*lines, b'{"seq":4,"na', recovery])
    assert walk.mismatch is None
    assert walk.events == 4
    assert walk.line == 5


@pytest.mark.parametrize("torn", [b'{"seq":4,"nb', b"", b'{"seq":4,"na\0', b'{"seq":4,"na\r'])
def test_A6_a_recovery_vouches_for_exactly_the_bytes_it_saw(torn: bytes) -> None:
    lines = a_chain(3)
    walk = walked([*lines, torn, a_recovery(lines, b'{"seq":4,"na')])
    assert walk.mismatch is not None
    assert walk.mismatch.line == 4
    assert walk.broken


def test_a_line_that_lacks_only_its_newline_is_a_line() -> None:
    lines = a_chain(3)
    walk = walked(lines[:2], rest=lines[2])
    assert walk.mismatch is None
    assert walk.events == 3


@pytest.mark.parametrize("at", [1, 4, 9])
def test_an_expected_line_must_be_met_and_be_that_line(at: int) -> None:
    lines = a_chain(9)
    met = Walk(KEY, chain.ORIGIN, 0)
    assert met.expect(at, chain.mac_of(lines[at - 1]))
    assert met.feed(lines)
    assert met.unreached == 0

    other = Walk(KEY, chain.ORIGIN, 0)
    other.expect(at, b"f" * 64)
    assert not other.feed(lines)
    assert other.not_head == at

    short = Walk(KEY, chain.ORIGIN, 0)
    short.expect(at, chain.mac_of(lines[at - 1]))
    short.feed(lines[: at - 1])
    assert short.unreached == 1


@given(st.lists(st.integers(1, 5), max_size=10))
def test_how_lines_are_handed_over_makes_no_difference(sizes: list[int]) -> None:
    lines = a_chain(20)
    lines[13] = lines[13].replace(b"event", b"Event")
    walk = Walk(KEY, chain.ORIGIN, 0)
    at = 0
    for size in [*sizes, 20]:
        walk.feed(lines[at : at + size])
        at += size
    assert walk.mismatch is not None
    assert (walk.mismatch.line, walk.events) == (14, 13)
    assert "changed" in walk.mismatch.reason()
