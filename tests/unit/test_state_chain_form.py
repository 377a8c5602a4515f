"""The chain's exact bytes: a log that was written yesterday must be readable tomorrow."""

from __future__ import annotations

from hashlib import blake2b

import pytest

from sophia_secrets.state import chain

KEY = b"k" * 32


def keyed(data: bytes) -> str:
    return blake2b(data, key=KEY, digest_size=32).hexdigest()


def test_a_line_is_exactly_this() -> None:
    mac = keyed(b"0" * 64 + b'{"seq":12,"name":"A"')
    line, told = chain.seal(KEY, chain.ORIGIN, 12, b'"name":"A"')
    assert line == b'{"seq":12,"name":"A","mac":"' + mac.encode() + b'"}'
    assert told == mac.encode()


def test_a_head_is_exactly_this() -> None:
    data = chain.pack_head(KEY, chain.Head(7, 4100, 42, b"a" * 64, synced=41, boot=b"boot-1"))
    text = b"sophia-audit-head-1 %018d %018d %06d %018d %b boot-1" % (42, 4100, 7, 41, b"a" * 64)
    body = text.ljust(191)
    assert data == body + keyed(b"head" + body).encode() + b"\n"


@pytest.mark.parametrize("words", [b"other-magic 1 1 1 1 m b", b"sophia-audit-head-1 1 1 1 1 m b more"])
def test_another_kind_of_text_under_our_mac_is_no_head(words: bytes) -> None:
    body = words.ljust(191)
    assert chain.unpack_head(KEY, body + keyed(b"head" + body).encode() + b"\n") is None


def test_a_line_has_its_form_up_to_the_limit_and_not_without_fields() -> None:
    def line(length: int) -> bytes:
        return b'{"seq":' + b"1" * (length - 7 - chain.TAIL) + b',"mac":"' + b"0" * 64 + b'"}'

    assert chain.has_form(line(8192))
    assert not chain.has_form(line(8193))
    assert chain.has_form(line(chain.TAIL + 7))
    assert not chain.has_form(line(chain.TAIL + 7)[-chain.TAIL :])


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (b'{"seq":5,"x"', 5),
        (b'{"seq":' + b"9" * 18 + b",", 999_999_999_999_999_999),
        (b'{"seq":' + b"9" * 19 + b",", -1),
        (b'{"seq":' + b"9" * 18, -1),
        (b'{"seq":5', -1),
        (b'{"seq":,', -1),
        (b'{"seq":-5,', -1),
        (b'{"sec":5,', -1),
        (b"1234567890,", -1),
    ],
)
def test_the_number_that_a_line_claims(line: bytes, number: int) -> None:
    assert chain.sequence_of(line) == number


def test_the_end_of_a_file_is_that_of_its_last_line() -> None:
    line, mac = chain.seal(KEY, chain.ORIGIN, 1, b'"a":1')
    tail = (line + b"\n")[-chain.TAIL - 1 :]
    assert chain.is_end(tail, mac) is True
    assert chain.is_end(tail, b"0" * 64) is False
    assert chain.is_end(tail[:-1], mac) is False


def test_what_vouches_for_torn_bytes() -> None:
    torn = chain.TornBytes(KEY)
    assert torn.hexdigest() == keyed(b"torn")
    assert torn.whole is False
    torn.add(b"half of a line")
    torn.add(b"the rest", ended=False)
    assert torn.hexdigest() == keyed(b"tornhalf of a line\nthe rest")
    assert torn.whole is False
    torn.add(chain.seal(KEY, chain.ORIGIN, 1, b'"a":1')[0])
    torn.add(b"half again")
    assert torn.whole is True


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7:" + "0123456789abcdef" * 4, (7, b"0123456789abcdef" * 4)),
        ("9" * 18 + ":" + "f" * 64, (int("9" * 18), b"f" * 64)),
        ("9" * 19 + ":" + "f" * 64, None),
        ("7:" + "X" * 64, None),
        ("7:" + "f" * 63, None),
    ],
)
def test_a_printed_head(text: str, found: tuple[int, bytes] | None) -> None:
    assert chain.parse_head(text) == found
