from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sophia_secrets.state import aead, record
from sophia_secrets.state.record import Item, Miss, Record, find, seal, unseal

KEY = bytes(range(32))
NONCE = bytes(range(24))
IDENTITY = (b"1", b"github", b"github.com", b"octo/app", b"credential")
NOW = 1_700_000_000.0

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
WORD = st.none() | TEXT
ITEM = st.builds(
    Item,
    st.sampled_from("rwa"),
    st.binary(max_size=40),
    updated_at=WORD,
    digest=WORD,
    version=WORD,
    detail=TEXT,
)


def _fields(item: Item) -> tuple[object, ...]:
    return (item.state, item.value, item.updated_at, item.digest, item.version, item.detail)


def _record(entries: dict[str, Item], **more: object) -> Record:
    times = {"expires_at": NOW + 300, "stale_until": NOW + 86400, "generation": 7} | more
    return Record(entries, NOW, **times)  # type: ignore[arg-type]


GOLDEN = bytes.fromhex(
    "534f504849415201cf3c2fb82f7633018b2d3c93962543d9ff27297d02cb36ea8dc278e5112d59bd00000040fc54d941"
    "0000008bfc54d941000000a05055d9410700000000000000000102030405060708090a0b0c0d0e0f1011121314151617"
    "67b398acdca58fc2722c26c88707145d4c5d0e5f329426bb2810fd0c97de247ac95bc92e438998ad4a708a402cda7927"
    "f24f0290cf7a41c4d27a877a80685fdb292c20dbeba58898c058d8ed0c8bb85a2e3761cee080e61dba72e0e92405a965"
    "116c876047108f753d497dfd2ffc933014d0d0156ef0dae1a59d40f1e5c000663a44be3e445ebce47bbea41e51ddde40"
    "cc10ba7b2cd230a268f7ddb84cddb6450d0403d6c7a187786e6b8c293d7187502a693b8350b956897caacecc4b4f102f"
    "33f32bdd02ba0e5c911a7d3999628badae9a4e88bf729df9ea62996666944d05a6ef6f22340dff6b42102340d8db4377"
    "bb"
)

SIZES = {
    "empty": _record({}),
    "one": _record({"A": Item("r", b"v")}, label="octo/app"),
    "several": _record(
        {
            "API_KEY": Item("r", "sch\u00f6n\n".encode(), updated_at="2024-01-01T00:00:00Z", detail="staged"),
            "TOKEN": Item("w", digest="abc"),
            "GONE": Item("a"),
        },
        label="octo/app",
        notes=["one", "two"],
    ),
}


@pytest.fixture(autouse=True)
def chosen_anew() -> Iterator[None]:
    aead._chosen = None
    yield
    aead._chosen = None


@pytest.fixture(params=["compiled", "public"])
def pair(request: pytest.FixtureRequest) -> tuple[aead.Seal, aead.Open]:
    found: tuple[aead.Seal, aead.Open] | None = getattr(aead, request.param)()
    assert found is not None
    return found


def test_sealing_gives_the_known_answer_of_the_xchacha_draft(pair: tuple[aead.Seal, aead.Open]) -> None:
    # draft-irtf-cfrg-xchacha-03, appendix A.3.1
    key, nonce = bytes(range(0x80, 0xA0)), bytes(range(0x40, 0x58))
    associated = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        b"sunscreen would be it."
    )
    sealed = bytes.fromhex(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
        "21f9664c97637da9768812f615c68b13b52e"
        "c0875924c1c7987947deafd8780acf49"
    )
    assert pair[0](key, nonce, text, associated) == sealed
    assert pair[1](key, nonce, sealed, associated) == text
    assert pair[1](key, nonce, sealed, associated + b"x") is None
    assert pair[1](key, nonce, sealed[:-1] + b"\0", associated) is None


@given(st.binary(max_size=100), st.binary(max_size=50))
def test_both_ways_to_libsodium_give_the_same_bytes(text: bytes, associated: bytes) -> None:
    fast, plain = aead.compiled(), aead.public()
    assert fast is not None
    sealed = fast[0](KEY, NONCE, text, associated)
    assert sealed == plain[0](KEY, NONCE, text, associated)
    assert fast[1](KEY, NONCE, sealed, associated) == plain[1](KEY, NONCE, sealed, associated) == text


def test_the_compiled_module_is_used_where_it_answers_rightly() -> None:
    assert aead._choose()[0].__qualname__.startswith("compiled.")


def test_the_public_bindings_are_used_where_the_compiled_module_is_gone_or_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sealed = aead.seal(KEY, NONCE, b"text", b"")
    true = aead.compiled()
    assert true is not None
    wrong_answers = [
        None,
        (lambda *a: true[0](*a)[:-1] + b"\0", true[1]),
        (true[0], lambda *a: b"known"),
        (true[0], lambda *a: None),
    ]
    for wrong in wrong_answers:
        aead._chosen = None
        monkeypatch.setattr(aead, "compiled", lambda wrong=wrong: wrong)
        assert aead.seal(KEY, NONCE, b"text", b"") == sealed
        assert aead._choose()[0].__qualname__.startswith("public.")


def test_a_key_or_nonce_of_another_size_never_reaches_libsodium() -> None:
    for key, nonce in ((KEY[:-1], NONCE), (KEY + b"x", NONCE), (KEY, NONCE[:-1]), (KEY, NONCE + b"x")):
        with pytest.raises(ValueError, match="32 bytes"):
            aead.seal(key, nonce, b"", b"")
        with pytest.raises(ValueError, match="32 bytes"):
            aead.unseal(key, nonce, bytes(16), b"")


@given(
    st.dictionaries(TEXT, ITEM, max_size=6),
    st.lists(TEXT, max_size=3),
    st.booleans(),
    TEXT,
    TEXT,
)
@example(
    {"": Item("r", b""), "\n\t\\": Item("w"), "\\n": Item("a"), "\udc80": Item("r", b"x")}, [], True, "", ""
)
def test_a_record_gives_back_what_was_sealed(
    entries: dict[str, Item], notes: list[str], complete: bool, label: str, other: str
) -> None:
    sealed = seal(KEY, IDENTITY, _record(entries, notes=notes, complete=complete, label=label), NONCE)
    for lazily in (True, False):
        opened = unseal(KEY, IDENTITY, sealed, NOW + 1)
        assert isinstance(opened, Record)
        if not lazily:
            assert opened.label == label
        for name in {*entries, other}:
            item = entries.get(name)
            assert opened.find(name) == (None if item is None else (item.state, item.value))
        assert opened.names() == list(entries)
    assert {name: _fields(item) for name, item in opened.entries.items()} == {
        name: _fields(item) for name, item in entries.items()
    }
    assert (opened.notes, opened.complete, opened.label) == (tuple(notes), complete, label)
    assert opened.identity == IDENTITY
    times = (opened.fetched_at, opened.expires_at, opened.stale_until, opened.generation)
    assert times == (NOW, NOW + 300, NOW + 86400, 7)


def test_a_value_a_note_or_a_word_never_poses_as_a_name() -> None:
    posing = "\nOTHER\tr\t0\t1\n"
    entries = {"A": Item("r", posing.encode(), detail=posing, version=posing), "B": Item("r", b"b")}
    sealed = seal(KEY, IDENTITY, _record(entries, notes=[posing], label=posing), NONCE)
    opened = unseal(KEY, IDENTITY, sealed, NOW)
    assert isinstance(opened, Record)
    assert opened.find("OTHER") is None
    assert opened.find("A") == ("r", posing.encode())
    for name in ("", "A\tr", "\nA", "A\tr\t0", "B\n", "r"):
        assert opened.find(name) is None


def test_a_name_is_found_in_the_plain_text_of_the_index_alone() -> None:
    index = b"\nA\tr\t0\t9\nB\tw\t9\t0\n"
    plain = struct.pack("<II", len(index), 9) + index + b"\nC\tr\t0\t1"
    assert find(plain, "A") == ("r", b"\nC\tr\t0\t1")
    assert find(plain, "B") == ("w", b"")
    assert find(plain, "C") is None


def test_nothing_of_a_value_is_shown() -> None:
    item = Item("r", b"canary", digest="canary")
    opened = Record({"canary": item}, NOW)
    assert "canary" not in repr(item) + repr(opened) + repr(Miss("corrupt"))


def test_an_item_in_no_known_state_is_not_sealed() -> None:
    with pytest.raises(ValueError, match="readable"):
        seal(KEY, IDENTITY, _record({"A": Item("x")}), NONCE)


@pytest.mark.parametrize("size", SIZES)
def test_K1_every_flipped_bit_is_a_miss(size: str) -> None:
    sealed = seal(KEY, IDENTITY, SIZES[size], NONCE)
    assert isinstance(unseal(KEY, IDENTITY, sealed, NOW), Record)
    changed = bytearray(sealed)
    for position in range(len(sealed)):
        for bit in range(8):
            changed[position] ^= 1 << bit
            assert isinstance(unseal(KEY, IDENTITY, bytes(changed), NOW), Miss), (position, bit)
            changed[position] ^= 1 << bit


@pytest.mark.parametrize("size", SIZES)
def test_K1_every_truncation_and_inserted_byte_is_a_miss(size: str) -> None:
    sealed = seal(KEY, IDENTITY, SIZES[size], NONCE)
    for position in range(len(sealed)):
        assert isinstance(unseal(KEY, IDENTITY, sealed[:position], NOW), Miss)
        assert isinstance(unseal(KEY, IDENTITY, sealed[position + 1 :], NOW), Miss)
    for position in range(len(sealed) + 1):
        for byte in (b"\0", b"\xff", sealed[position : position + 1]):
            if byte:
                inserted = sealed[:position] + byte + sealed[position:]
                assert isinstance(unseal(KEY, IDENTITY, inserted, NOW), Miss)


@given(st.binary(max_size=300))
def test_K1_other_bytes_are_a_miss(blob: bytes) -> None:
    assert isinstance(unseal(KEY, IDENTITY, blob, NOW), Miss)
    assert isinstance(unseal(KEY, IDENTITY, record.MAGIC + b"\1" + blob, NOW), Miss)


def test_K1_a_record_of_today_can_be_read_tomorrow() -> None:
    # Sealed by the first version of this format: it must open for as long as VERSION stands.
    opened = unseal(KEY, IDENTITY, GOLDEN, NOW)
    assert isinstance(opened, Record)
    assert {name: _fields(item) for name, item in opened.entries.items()} == {
        name: _fields(item) for name, item in SIZES["several"].entries.items()
    }


def _header(sealed: bytes, **changes: object) -> bytes:
    words = ("magic", "version", "tag", "fetched_at", "expires_at", "stale_until", "generation")
    fields = dict(zip(words, record._HEADER.unpack_from(sealed), strict=True)) | changes
    return record._HEADER.pack(*fields.values()) + sealed[record._HEADER.size :]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"magic": b"SOPHIAX"}, "corrupt"),
        ({"version": 0}, "version"),
        ({"version": 2}, "version"),
        ({"tag": bytes(32)}, "foreign"),
        ({"fetched_at": NOW + 1}, "corrupt"),
        ({"expires_at": NOW + 1e9}, "corrupt"),
        ({"stale_until": NOW + 1e9}, "corrupt"),
        ({"stale_until": float("inf")}, "corrupt"),
        ({"expires_at": float("nan")}, "corrupt"),
        ({"generation": 8}, "corrupt"),
        ({"generation": 2**64 - 1}, "corrupt"),
    ],
)
def test_K2_an_edited_header_is_a_miss_before_it_is_obeyed(change: dict[str, object], reason: str) -> None:
    sealed = seal(KEY, IDENTITY, SIZES["one"], NONCE)
    found = unseal(KEY, IDENTITY, _header(sealed, **change), NOW)
    assert isinstance(found, Miss)
    assert found.reason == reason


def test_K2_another_key_is_foreign() -> None:
    sealed = seal(KEY, IDENTITY, SIZES["one"], NONCE)
    found = unseal(bytes(32), IDENTITY, sealed, NOW)
    assert isinstance(found, Miss)
    assert found.reason == "foreign"


NEIGHBOURS = [
    (b"1", b"github", b"github.com", b"octo/app", b"one"),
    (b"1", b"github", b"github.com", b"octo/app", b"two"),
    (b"2", b"github", b"github.com", b"octo/app", b"one"),
    (b"1", b"fly", b"github.com", b"octo/app", b"one"),
    (b"1", b"github", b"github.comocto", b"/app", b"one"),
    (b"1", b"github", b"github.com", b"octo/appo", b"ne"),
    (b"1", b"github", b"github.com", b"octo", b"app", b"one"),
    (b"1", b"github", b"github.com/octo/app", b"one"),
    (b"1", b"github", b"", b"github.com", b"octo/app", b"one"),
    (b"1", b"github", b"github.com", b"octo/app", b"one", b""),
    (b"1", b"github", b"github.com", b"octo\0app", b"one"),
    (b"1", b"github", b"github.com", "\u00e9".encode(), b"one"),
    (b"1", b"github", b"github.com", "e\u0301".encode(), b"one"),
    (b"1", b"github", b"github.com", b"x" * 10_000, b"one"),
]


def test_C1_no_record_answers_for_another_identity() -> None:
    sealed = {identity: seal(KEY, identity, SIZES["one"], os.urandom(24)) for identity in NEIGHBOURS}
    assert len({record.tag(KEY, identity) for identity in NEIGHBOURS}) == len(NEIGHBOURS)
    for identity in NEIGHBOURS:
        for written_for, blob in sealed.items():
            found = unseal(KEY, identity, blob, NOW)
            if written_for == identity:
                assert isinstance(found, Record)
                continue
            assert isinstance(found, Miss)
            assert found.reason == "foreign"
            # even with the other's mark in its header
            marked = _header(blob, tag=record.tag(KEY, identity))
            assert isinstance(unseal(KEY, identity, marked, NOW), Miss)


IDENTITIES = st.lists(
    st.binary(max_size=8) | st.sampled_from([b"a:b", b"a/b", b"\0", b"a", b"b"]), min_size=1, max_size=5
)


@given(IDENTITIES.map(tuple), IDENTITIES.map(tuple))
def test_C1_identities_that_differ_are_kept_apart(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> None:
    found = unseal(KEY, other, seal(KEY, one, SIZES["one"], NONCE), NOW)
    assert isinstance(found, Record) == (one == other)


@pytest.mark.parametrize(
    ("now", "outcome"),
    [
        (NOW, "fresh"),
        (NOW + 299, "fresh"),
        (NOW + 300, "stale"),
        (NOW + 86_399, "stale"),
        (NOW + 86_400, "expired"),
        (NOW + 10 * 365 * 86_400, "expired"),
        (4_294_967_296.0, "expired"),
        (NOW - 1, "fresh"),
        (NOW - 60, "fresh"),
        (NOW - 61, "future"),
        (NOW - 3600, "future"),
        (NOW - 10 * 365 * 86_400, "future"),
        (0.0, "future"),
    ],
)
def test_C7_a_clock_that_jumps_only_loses_records(now: float, outcome: str) -> None:
    found = unseal(KEY, IDENTITY, seal(KEY, IDENTITY, SIZES["one"], NONCE), now)
    if isinstance(found, Miss):
        assert found.reason == outcome
    else:
        assert outcome == ("fresh" if found.fresh else "stale")
        assert found.age(now) == max(0.0, now - NOW)
