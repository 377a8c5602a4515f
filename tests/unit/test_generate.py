"""Generated values: their alphabets, their sizes, and what is no specification."""

from __future__ import annotations

import base64
import re
import string
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.core import value_types
from sophia_secrets.core.generate import DEFAULT, KEY_PAIRS, KINDS, generate

SIZES = st.integers(min_value=8, max_value=4096)


def text(spec: str) -> str:
    return generate(spec).reveal()


@given(SIZES)
def test_characters_are_counted_where_the_kind_is_an_alphabet(size: int) -> None:
    assert re.fullmatch(f"[A-Za-z0-9]{{{size}}}", text(f"alnum:{size}"))
    assert re.fullmatch(f"[0-9]{{{size}}}", text(f"digits:{size}"))
    printable = text(f"ascii:{size}")
    assert len(printable) == size
    assert set(printable) <= set(string.printable[:94]) - set("\"'`\\$")


@given(SIZES)
def test_bytes_are_counted_where_the_kind_is_an_encoding(size: int) -> None:
    assert len(bytes.fromhex(text(f"hex:{size}"))) == size
    assert len(base64.b64decode(text(f"base64:{size}"), validate=True)) == size
    safe = text(f"urlsafe:{size}")
    assert "=" not in safe
    assert len(base64.urlsafe_b64decode(safe + "=" * (-len(safe) % 4))) == size


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_without_a_size_has_32(kind: str) -> None:
    sized = {len(text(f"{kind}:32")) for _ in range(3)}
    assert {len(text(kind))} == sized


def test_a_uuid_is_a_random_one() -> None:
    assert uuid.UUID(text("uuid")).version == 4


@pytest.mark.parametrize("spec", [DEFAULT, "uuid", *(f"{kind}:16" for kind in KINDS)])
def test_no_two_values_are_the_same(spec: str) -> None:
    assert len({text(spec) for _ in range(50)}) == 50


@given(st.text(max_size=12))
def test_any_other_text_is_refused_with_what_could_be_written(spec: str) -> None:
    kind, _, size = spec.partition(":")
    allowed = kind in KINDS and (not size or (size.isascii() and size.isdecimal() and 8 <= int(size) <= 4096))
    if allowed or spec == "uuid" or spec in KEY_PAIRS:
        assert text(spec)
        return
    with pytest.raises(errors.UsageError) as refused:
        generate(spec)
    assert all(word in refused.value.hint for word in (*KINDS, "uuid", *KEY_PAIRS))


@pytest.mark.parametrize(
    "spec",
    [
        *(
            "hex:7",
            "hex:4097",
            "hex:-8",
            "hex:٣٢",
            "hex: 32",
            "hex:" + "9" * 5000,
            "HEX:32",
            "uuid:8",
            "uuid:",
        ),
        *("rsa", "rsa:1024", "rsa:2049", "rsa:8192", "ed25519:32", "ed448", "default", ""),
    ],
)
def test_a_size_out_of_range_or_a_kind_unknown_is_a_usage_error(spec: str) -> None:
    with pytest.raises(errors.UsageError, match="is not a specification"):
        generate(spec)


@pytest.mark.parametrize("spec", KEY_PAIRS)
def test_a_key_pair_without_its_package_says_what_to_install(
    spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for loaded in [name for name in sys.modules if name.startswith("cryptography.")]:
        monkeypatch.delitem(sys.modules, loaded)
    with pytest.raises(errors.UsageError, match="is not installed") as refused:
        generate(spec)
    assert refused.value.hint == "Install it beside this program: `pip install cryptography`."
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("spec", KEY_PAIRS)
def test_a_key_pair_is_a_private_key_in_pkcs8_pem(spec: str) -> None:
    serialization = pytest.importorskip(
        "cryptography.hazmat.primitives.serialization", reason="needs the extra `keys`"
    )
    value = generate(spec)
    pem = value.reveal()
    assert pem.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert pem.endswith("\n-----END PRIVATE KEY-----")
    assert value_types.problem("pem", value) is None
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    kind, _, bits = spec.partition(":")
    if kind == "rsa":
        assert key.key_size == int(bits)
        assert key.public_key().public_numbers().e == 65537
    else:
        assert type(key).__name__ == "Ed25519PrivateKey"
    assert generate(spec) != value
