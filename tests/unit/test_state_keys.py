from __future__ import annotations

import base64
import copy
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.state import keys
from sophia_secrets.state.cache import Cache
from sophia_secrets.state.record import Item, Record
from tests.faults.children import Child

ZERO = bytes(32)


class Ring:
    """A keyring in memory."""

    def __init__(self, text: str | None = None) -> None:
        self.kept: dict[tuple[str, str], str | None] = {}
        self.text = text

    def get_password(self, service: str, account: str) -> str | None:
        return self.kept.get((service, account), self.text)

    def set_password(self, service: str, account: str, text: str) -> None:
        self.kept[service, account] = text


class LockedRing:
    def get_password(self, service: str, account: str) -> str | None:
        raise RuntimeError("the words of the platform, perhaps with a password")


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (b"cache", "d4906b46c7fd4acc6b41fd803bf2b8c1d1ac0e33b933fd3f1db8ce9c7f1abf69"),
        (b"fingerprint", "6508e055bf1d2e96b296806dc25b6076bd2e0f731636b692e95c375480346000"),
        (b"audit", "a075e5eab849c2e19272b9e91e79dde5b63224ad1a42926ecbc541ed5e6cef61"),
        (b"pending", "587bc50868520d9cbcb0a5e41673c81f1d456a650d09f6d0e6c5d4af11c0c6bc"),
        (b"metadata", "57d8795ed53ec41ab9e17d1afa0212f1ec6a9d752a57013023f5229800807825"),
        (b"route", "53052310e8812bde7c3eb57517fc1c71aff98e4476d47c64d4cebc797638a376"),
        (b"credential", "030e38e37b66ce09f0940baff2be039a2b04b44099b2030624d179811a95db6f"),
    ],
)
def test_K6_each_purpose_has_its_own_key_of_which_the_others_know_nothing(
    label: bytes, expected: str
) -> None:
    assert keys.derive(ZERO, label).hex() == expected


def test_K6_a_label_that_nobody_uses_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="known label"):
        keys.derive(ZERO, b"cash")
    with pytest.raises(ValueError, match="32 bytes"):
        keys.derive(b"short", b"cache")


def test_K6_what_one_purpose_sealed_another_cannot_open(tmp_path: Path) -> None:
    master = os.urandom(32)
    identity = (b"1", b"fly", b"app", b"who")
    one = Cache(str(tmp_path / "c"), keys.derive(master, b"cache"), ttl=60, stale_for=60)
    one.lead(identity).store(Record({"A": Item("r", b"v")}, 0.0))
    assert isinstance(one.read(identity), Record)
    for label in keys.LABELS - {b"cache"}:
        other = Cache(str(tmp_path / "c"), keys.derive(master, label), ttl=60, stale_for=60)
        assert not isinstance(other.read(identity), Record)


def test_a_mac_is_known() -> None:
    assert (
        keys.mac(ZERO, b"a", b"bc").hex()
        == "d6d3e0a97bb53b9e6502864d8b2c269941f06b66c60a778288d67771220140c6"
    )
    assert keys.mac(ZERO, b"ab", b"c") != keys.mac(ZERO, b"a", b"bc")


@given(st.lists(st.binary(max_size=20), max_size=5), st.lists(st.binary(max_size=20), max_size=5))
def test_C1_packing_tells_any_two_tuples_apart(one: list[bytes], other: list[bytes]) -> None:
    assert (keys.pack(*one) == keys.pack(*other)) == (one == other)


def test_C1_packing_tells_hard_neighbours_apart() -> None:
    tuples = [
        (), (b"",), (b"", b""), (b"a:b", b"c"), (b"a", b"b:c"), (b"a/b",), (b"a", b"/b"), (b"a\0b",),
        (b"a", b"b"), (b"\0" * 8,), ("é".encode(),), ("e\u0301".encode(),), (b"x" * 10_000,),
        (b"x" * 9_999, b"x"), (keys.pack(b"a"),), (b"a",), (b"b", b"a"),
    ]  # fmt: skip
    assert len({keys.pack(*fields) for fields in tuples}) == len(tuples)


@pytest.mark.parametrize("form", [base64.standard_b64encode, base64.urlsafe_b64encode])
def test_K5_a_key_in_a_variable_is_32_bytes_in_base64(tmp_path: Path, form: Callable[[bytes], bytes]) -> None:
    for key in (bytes(range(224, 256)), b"\xff\xfe" * 16, os.urandom(32)):
        text = form(key).decode()
        for written in (text, text.rstrip("="), f" {text}\n"):
            master = keys.load(str(tmp_path / "state"), written)
            assert (master.key, master.source) == (key, "variable")
    assert not (tmp_path / "state").exists()


@given(st.binary(max_size=80).filter(lambda raw: len(raw) != 32))
def test_K5_any_other_length_is_refused_and_never_repeated(raw: bytes) -> None:
    text = base64.b64encode(raw).decode()
    with pytest.raises(errors.BadSettings) as caught:
        keys.load("/nonexistent", text)
    assert caught.value.exit_code == 2
    assert caught.value.__context__ is None
    if len(text) > 8:
        assert text not in caught.value.message + caught.value.hint


@given(st.text(max_size=60))
def test_K5_text_that_is_not_base64_is_no_key(text: str) -> None:
    found = keys.decode(text)
    assert found is None or len(found) == 32


@pytest.mark.parametrize(
    "text",
    [
        "correct horse battery staple",
        "A" * 42,
        "A" * 44,
        "A" * 42 + "B",
        "A" * 20 + "\n" + "A" * 23,
        "é" * 43,
    ],
)
def test_K5_a_passphrase_or_an_inexact_encoding_is_no_key(text: str) -> None:
    assert keys.decode(text) is None


def test_K4_a_missing_key_is_made_and_then_stays(tmp_path: Path) -> None:
    home = str(tmp_path / "a" / "state")
    first = keys.load(home, None)
    assert (len(first.key), first.source) == (32, "file")
    assert keys.load(home, None).key == first.key
    assert (tmp_path / "a" / "state" / "key").stat().st_mode & 0o777 == 0o600


def test_K4_a_key_is_not_made_by_who_only_looks(tmp_path: Path) -> None:
    for home in (tmp_path / "state", tmp_path):
        with pytest.raises(errors.KeyMissing) as caught:
            keys.load(str(home), None, create=False) if home != tmp_path else keys.load(
                str(home / "made"), None, create=False, keyring=Ring()
            )
        assert caught.value.exit_code == 6
    assert list(tmp_path.iterdir()) == []


def test_K4_a_directory_without_a_key_is_left_without_one_by_who_only_looks(tmp_path: Path) -> None:
    home = tmp_path / "state"
    home.mkdir(mode=0o700)
    with pytest.raises(errors.KeyMissing) as caught:
        keys.load(str(home), None, create=False)
    assert caught.value.message == f"There is no key at {home}/key."
    with pytest.raises(errors.KeyMissing) as caught:
        keys.load(str(home), None, create=False, keyring=Ring())
    assert caught.value.message == f"There is no key for {home} in the keyring."
    assert list(home.iterdir()) == []


def test_K4_where_no_directory_can_be_the_error_is_the_systems() -> None:
    with pytest.raises(FileNotFoundError):
        keys.load("/proc/sophia-secrets/state", None)


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33, b"x" * 10_000])
def test_K4_a_key_of_the_wrong_size_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    keys.load(str(tmp_path / "s"), None)
    path = tmp_path / "s" / "key"
    path.write_bytes(content)
    with pytest.raises(errors.IntegrityFailed) as caught:
        keys.load(str(tmp_path / "s"), None)
    assert caught.value.exit_code == 6
    assert f"rm {path}" in caught.value.hint
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_K4_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    keys.load(str(tmp_path / "s"), None)
    (tmp_path / "s" / "key").chmod(mode)
    with pytest.raises(errors.UnsafeState, match="open to other users") as caught:
        keys.load(str(tmp_path / "s"), None)
    assert caught.value.hint == f"chmod 600 {tmp_path}/s/key"


def test_K4_a_key_that_is_a_link_is_refused(tmp_path: Path) -> None:
    keys.load(str(tmp_path / "s"), None)
    key = tmp_path / "s" / "key"
    key.rename(tmp_path / "elsewhere")
    key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(errors.UnsafeState, match="symbolic link"):
        keys.load(str(tmp_path / "s"), None)


def test_K4_fifty_processes_on_an_empty_home_agree_on_one_key(tmp_path: Path) -> None:
    home, cache = str(tmp_path / "home" / "state"), str(tmp_path / "home" / "cache")
    gate, opener = os.pipe()

    def work(number: int) -> Callable[[Callable[[bytes], None]], None]:
        def run(say: Callable[[bytes], None]) -> None:
            os.close(opener)
            os.read(gate, 1)
            master = keys.load(home, None)
            own = Cache(cache, keys.derive(master.key, b"cache"), ttl=60, stale_for=60)
            identity = (b"1", b"fly", b"app-%d" % number, b"who")
            assert own.lead(identity).store(Record({"N": Item("r", b"%d" % number)}, 0.0)) is None
            say(master.key)

        return run

    children = [Child(work(number)) for number in range(50)]
    os.close(opener)
    os.close(gate)
    ends = [child.end() for child in children]
    assert [code for code, _ in ends] == [0] * 50, ends
    (key,) = {report for _, report in ends}
    own = Cache(cache, keys.derive(key, b"cache"), ttl=60, stale_for=60)
    for number in range(50):
        record = own.read((b"1", b"fly", b"app-%d" % number, b"who"))
        assert isinstance(record, Record)
        assert record.find("N") == ("r", b"%d" % number)


def test_the_keyring_keeps_one_key_for_each_state_directory(tmp_path: Path) -> None:
    ring = Ring()
    one = keys.load(str(tmp_path / "one"), None, keyring=ring)
    other = keys.load(str(tmp_path / "other"), None, keyring=ring)
    assert one.source == "keyring"
    assert one.key != other.key
    assert keys.load(str(tmp_path / "one"), None, keyring=ring).key == one.key
    assert not (tmp_path / "one" / "key").exists()


def test_K4_a_key_that_another_process_put_into_the_keyring_meanwhile_is_taken(tmp_path: Path) -> None:
    class Late(Ring):
        asked = 0

        def get_password(self, service: str, account: str) -> str | None:
            self.asked += 1
            return None if self.asked == 1 else base64.b64encode(b"l" * 32).decode()

    ring = Late()
    assert keys.load(str(tmp_path / "s"), None, keyring=ring).key == b"l" * 32
    assert ring.kept == {}


def test_a_keyring_that_fails_is_said_without_its_words(tmp_path: Path) -> None:
    with pytest.raises(errors.BadSettings, match="RuntimeError") as caught:
        keys.load(str(tmp_path / "s"), None, keyring=LockedRing())
    assert "password" not in caught.value.message
    assert caught.value.__context__ is None


def test_a_keyring_with_something_else_in_our_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.IntegrityFailed) as caught:
        keys.load(str(tmp_path / "s"), None, keyring=Ring("somebody's password"))
    assert "somebody" not in caught.value.message + caught.value.hint


def test_a_master_key_shows_and_gives_nothing_away() -> None:
    master = keys.MasterKey(b"k" * 32, "file")
    assert repr(master) == str(master) == f"{master}" == "MasterKey(<secret>, 'file')"
    for attempt in (lambda: pickle.dumps(master), lambda: copy.copy(master), lambda: copy.deepcopy(master)):
        with pytest.raises(TypeError, match="never pickled"):
            attempt()


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_equal_is_equality(a: bytes, b: bytes) -> None:
    assert keys.equal(a, a)
    assert keys.equal(a, b) == (a == b)
