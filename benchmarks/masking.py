"""`run --mask`: what looking for 100 values costs, against passing the bytes on."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.pairs import Row, called
from sophia_secrets.core.redact import Masker

CHUNK = 65536
MEGABYTES = 16


def rows() -> Iterator[Row]:
    """Ordinary output, in which a value stands every hundred lines."""
    values = [f"secret-value-{number:03}-{number * 7919 % 1000003:06}" for number in range(100)]
    lines = [
        f"2026-11-24 12:00:00 INFO request {n} served in {n % 97} ms from 10.0.0.{n % 250}"
        for n in range(2000)
    ]
    for number in range(0, len(lines), 100):
        lines[number] += f" token={values[number // 20]}"
    block = ("\n".join(lines) + "\n").encode()
    text = (block * (MEGABYTES * 2**20 // len(block) + 1))[: MEGABYTES * 2**20]
    chunks = [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)]

    def masked() -> int:
        masker = Masker(values)
        return sum(len(masker.feed(chunk)) for chunk in chunks) + len(masker.flush())

    ratio, seconds = called(masked, lambda: b"".join(bytes(bytearray(chunk)) for chunk in chunks), rounds=5)
    yield Row(
        "--mask, 100 values", ratio, "copying it twice", None, f"{MEGABYTES / seconds:,.0f} MB/s (goal 80)"
    )
