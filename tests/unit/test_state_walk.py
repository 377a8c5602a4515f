"""A walk along lines of every kind: where it stands afterwards, and what it says was done."""

from __future__ import annotations

import pytest

from sophia_secrets.state import chain
from sophia_secrets.state.walk import Mismatch, Walk, lines_were

KEY, OTHER = b"k" * 32, b"o" * 32
PUT_IN, MOVED, CHANGED = "the line was put in", "the line was moved or repeated", "the line was changed"


def sealed(count: int, key: bytes = KEY, **fields: bytes) -> list[bytes]:
    """So many lines from the origin; `fields` by number, as `_3`, instead of the usual ones."""
    mac, lines = chain.ORIGIN, []
    for number in range(1, count + 1):
        line, mac = chain.seal(key, mac, number, fields.get(f"_{number}", b'"command":"get"'))
        lines.append(line)
    return lines


def walked(lines: list[bytes], *, rest: bytes = b"") -> Walk:
    walk = Walk(KEY, chain.ORIGIN, 0)
    walk.feed(lines)
    walk.end(rest)
    return walk


def mismatch(lines: list[bytes], *, rest: bytes = b"") -> tuple[int, str]:
    """The line that does not fit, and what is said of it."""
    found = walked(lines, rest=rest).mismatch
    assert found is not None
    return found.line, found.reason()


def changed(line: bytes) -> bytes:
    return line.replace(b"get", b"set")


def test_a_count_of_lines_has_its_verb() -> None:
    assert [lines_were(count) for count in (0, 1, 2)] == ["0 lines were", "1 line was", "2 lines were"]


def test_a_walk_stands_at_the_last_line_that_fits() -> None:
    lines = sealed(3)
    walk = walked(lines)
    assert (walk.sequence, walk.mac, walk.events, walk.line) == (3, chain.mac_of(lines[2]), 3, 3)
    assert (walk.mismatch, walk.broken, walk.not_head, walk.unreached) == (None, False, 0, 0)
    walk.next_file()
    line, _ = chain.seal(KEY, walk.mac, 4, b'"command":"get"')
    assert walk.feed([line])
    assert (walk.sequence, walk.events, walk.line) == (4, 4, 1)


def test_a_walk_may_begin_anywhere() -> None:
    lines = sealed(4)
    walk = Walk(KEY, chain.mac_of(lines[1]), 2)
    assert walk.feed(lines[2:])
    assert (walk.sequence, walk.events, walk.line) == (4, 2, 2)


@pytest.mark.parametrize(
    ("order", "line", "reason"),
    [
        ([1, 3, 4], 2, "1 line was removed before this one"),
        ([1, 4], 2, "2 lines were removed before this one"),
        ([1, 4, 5], 2, "2 lines were removed before this one"),
        ([2, 3], 1, "1 line was removed before this one"),
        ([1, 3, 2, 4], 2, MOVED), ([1, 1, 2], 2, MOVED), ([1, 2, 1, 3], 3, MOVED), ([1, 2, 2], 3, MOVED),
        ([1, 2, 1], 3, MOVED), ([1, 4, 2, 3], 2, MOVED), ([1, 4, 3, 2], 2, MOVED),
        ([1, 2, 5, 3], 3, MOVED), ([1, 3, 5], 2, CHANGED), ([1, 5, 3, 2], 2, MOVED),
    ],
)  # fmt: skip
def test_lines_in_another_order(order: list[int], line: int, reason: str) -> None:
    lines = sealed(5)
    assert mismatch([lines[number - 1] for number in order]) == (line, reason)


def test_a_line_that_was_changed() -> None:
    lines = sealed(4)
    for at in range(4):
        assert mismatch([*lines[:at], changed(lines[at]), *lines[at + 1 :]]) == (at + 1, CHANGED)
    assert mismatch([lines[0], b"{}", *lines[2:]]) == (2, CHANGED)
    renumbered = lines[1].replace(b'"seq":2', b'"seq":1')
    assert mismatch([lines[0], renumbered, lines[2]]) == (2, CHANGED)
    assert mismatch([lines[0], renumbered, lines[3]]) == (2, MOVED)


def test_a_line_that_was_put_in() -> None:
    lines, others = sealed(4), sealed(4, OTHER)
    for strange in (others[1], changed(lines[1]), b"{}", b"", b"x" * 9000):
        walk = walked([lines[0], strange, *lines[1:]])
        assert walk.broken
        assert (walk.sequence, walk.events, walk.line) == (1, 1, 2)
        assert walk.mismatch is not None
        assert walk.mismatch.intruder
        assert (walk.mismatch.line, walk.mismatch.reason()) == (2, PUT_IN)
    assert mismatch([lines[0], others[3], *lines[1:]]) == (2, MOVED)


@pytest.mark.parametrize(
    ("kept", "said"),
    [([1], "2 lines were"), ([1, 2], "1 line was"), ([1, 2, 3], "something was")],
)
def test_a_gap_says_that_an_end_was_cut_off(kept: list[int], said: str) -> None:
    lines = sealed(3)
    gap, mac = chain.seal(
        KEY, chain.mac_of(lines[2]) if len(kept) < 3 else chain.ORIGIN, 4, b'"outcome":"gap"'
    )
    after, _ = chain.seal(KEY, mac, 5, b'"command":"get"')
    found = mismatch([*(lines[number - 1] for number in kept), gap, after])
    assert found == (len(kept) + 1, f"{said} cut off here")
    low, _ = chain.seal(KEY, chain.ORIGIN, 1, b'"outcome":"gap"')
    assert mismatch([*lines, low]) == (4, MOVED)


def test_the_end_of_the_file_before_is_told_by_the_line_that_says_it_was_put_away() -> None:
    lines = sealed(4, _4=b'"outcome":"rotated"')
    for first, end, reason in (
        (3, True, "2 lines were cut off here"), (2, False, "1 line was removed before this one"),
    ):  # fmt: skip
        walk = Walk(KEY, chain.mac_of(lines[0]), 1)
        walk.feed([lines[first]])
        assert walk.mismatch is not None
        assert walk.mismatch.is_end_of_previous is end
        assert walk.mismatch.reason() == reason
    walk = Walk(KEY, chain.mac_of(lines[1]), 2)
    walk.feed([lines[3]])
    assert walk.mismatch is not None
    assert (walk.mismatch.is_end_of_previous, walk.mismatch.reason()) == (True, "1 line was cut off here")
    for after in (lines[1], changed(lines[1])):
        walk = Walk(KEY, chain.mac_of(lines[0]), 1)
        walk.feed([lines[3], after])
        assert walk.mismatch is not None
        assert (walk.mismatch.missing, walk.mismatch.is_end_of_previous) == (0, False)
        assert walk.mismatch.reason() == MOVED
    walk = Walk(KEY, chain.mac_of(lines[2]), 3)
    walk.feed([lines[3].replace(b'"seq":4', b'"seq":3')])
    assert walk.mismatch is not None
    assert not walk.mismatch.is_end_of_previous
    walk = walked([lines[0], lines[3]])
    assert walk.mismatch is not None
    assert not walk.mismatch.is_end_of_previous


# Torn lines, and those that vouch for them


def hexdigest(*torn: bytes, ended: bool = True) -> bytes:
    held = chain.TornBytes(KEY)
    for line in torn[:-1]:
        held.add(line)
    held.add(torn[-1], ended=ended)
    return b'"outcome":"recovered","digest":"%b"' % held.hexdigest().encode()


def test_A6_torn_lines_that_a_later_one_vouches_for_are_no_misfit() -> None:
    (first,) = sealed(1)
    mac = chain.mac_of(first)
    for torn in ([b"{torn"], [b"{torn", b"again"]):
        vouches, after = chain.seal(KEY, mac, 2, hexdigest(*torn))
        last, _ = chain.seal(KEY, after, 3, b'"command":"get"')
        walk = walked([first, *torn, vouches, last])
        assert (walk.mismatch, walk.broken, walk.sequence, walk.line) == (None, False, 3, 3 + len(torn))


@pytest.mark.parametrize(
    "fields",
    [hexdigest(b"{other"), hexdigest(b"{torn").replace(b"recovered", b"found"), b'"outcome":"recovered"'],
)
def test_A6_whoever_vouches_for_something_else_vouches_for_nothing(fields: bytes) -> None:
    (first,) = sealed(1)
    line, _ = chain.seal(KEY, chain.mac_of(first), 2, fields)
    walk = walked([first, b"{torn", line])
    assert walk.broken
    assert walk.mismatch is not None
    assert (walk.mismatch.line, walk.sequence) == (2, 1)
    assert walk.feed([line]) is False


def test_an_end_without_its_newline() -> None:
    lines = sealed(2)
    walk = walked(lines[:1], rest=lines[1])
    assert (walk.sequence, walk.line, walk.mismatch) == (2, 2, None)
    walk = walked(lines[:1], rest=lines[1][:-1])
    assert walk.mismatch is not None
    assert (walk.sequence, walk.line, walk.mismatch.line, walk.mismatch.torn.whole) == (1, 2, 2, False)
    torn = chain.TornBytes(KEY)
    torn.add(lines[1][:-1], ended=False)
    assert walk.mismatch.torn.hexdigest() == torn.hexdigest()
    walk = walked([*lines[:1], b"torn"], rest=b"again")
    assert walk.mismatch is not None
    assert (walk.mismatch.line, walk.line) == (2, 3)
    assert walked(lines).mismatch is None
    for number, reason in ((3, "1 line was removed before this one"), (1, MOVED)):
        assert mismatch(sealed(3)[:1], rest=sealed(3)[number - 1]) == (2, reason)
    broken = walked([lines[0], b"x", lines[1]], rest=b"rest")
    assert broken.mismatch is not None
    assert broken.line == 2


# Lines that must be there


def test_a_line_that_is_expected() -> None:
    lines = sealed(4)
    macs = [chain.mac_of(line) for line in lines]
    for number in (1, 2, 3, 4):
        walk = Walk(KEY, chain.ORIGIN, 0)
        assert walk.expect(number, macs[number - 1])
        assert walk.unreached == number
        assert walk.feed(lines[:2])
        assert walk.unreached == max(0, number - 2)
        assert walk.feed(lines[2:])
        assert (walk.unreached, walk.not_head, walk.broken, walk.sequence) == (0, 0, False, 4)
        wrong = Walk(KEY, chain.ORIGIN, 0)
        wrong.next_file()
        wrong.expect(number, OTHER)
        assert not wrong.feed(lines)
        assert (wrong.not_head, wrong.broken) == (number, True)


def test_what_is_expected_of_the_place_where_the_walk_stands_is_known_at_once() -> None:
    walk = Walk(KEY, chain.ORIGIN, 0)
    assert walk.expect(0, chain.ORIGIN)
    assert not walk.expect(0, OTHER)
    assert walk.unreached == 0
    assert walk.expect(2, OTHER)
    assert walk.expect(2, OTHER)
    assert not walk.expect(2, KEY)
    assert walk.unreached == 2


def test_a_misfit_knows_nothing_of_what_follows() -> None:
    found = Mismatch(KEY, 7, 3, b"first")
    assert (found.line, found.expected, found.first, found.second) == (7, 3, b"first", 0)
    assert (found.intruder, found.expected_later, found.missing) == (False, False, 0)
