"""A record of the cache that holds many names: every bit of it, and every place to cut it, is a miss (K1; goal 7)."""

from __future__ import annotations

from sophia_secrets.state.record import Item, Miss, Record, seal, unseal

KEY, NONCE, NOW = bytes(range(32)), bytes(range(24)), 1_700_000_000.0
IDENTITY = (b"1", b"pulumi", b"acme/app/production", b"alice")
RECORD = Record(
    {f"SERVICE_{n:02}_KEY": Item("r", f"value {n:02} é\n".encode(), updated_at=f"2026-11-{n:02}") for n in range(24)},
    NOW,
    expires_at=NOW + 300,
    stale_until=NOW + 86400,
    generation=7,
    label="acme/app/production",
    notes=["a note"],
)  # fmt: skip


def test_K1_every_bit_and_every_cut_of_a_record_of_many_names_is_a_miss() -> None:
    sealed = seal(KEY, IDENTITY, RECORD, NONCE)
    assert isinstance(unseal(KEY, IDENTITY, sealed, NOW), Record)
    assert len(sealed) > 1_200
    changed = bytearray(sealed)
    for bit in range(8 * len(sealed)):
        changed[bit // 8] ^= 1 << bit % 8
        assert isinstance(unseal(KEY, IDENTITY, bytes(changed), NOW), Miss), bit
        changed[bit // 8] ^= 1 << bit % 8
    for size in range(len(sealed)):
        assert isinstance(unseal(KEY, IDENTITY, sealed[:size], NOW), Miss), size
        assert isinstance(unseal(KEY, IDENTITY, sealed[size + 1 :], NOW), Miss), size
