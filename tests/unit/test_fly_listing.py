"""V4, V5: flyctl's answers are read strictly, in all their versions' shapes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_secrets.backends.fly import listing
from sophia_secrets.core.model import EntryState
from sophia_secrets.core.strict_json import BadJSON

LISTED = b"""[
    {
        "name": "API_KEY",
        "digest": "914388feff8f83c6",
        "status": "Staged"
    },
    {
        "name": "URL",
        "digest": "e7cf0a7a59fa1317",
        "status": "Partial"
    }
]
"""
MACHINES = b"""[
    {
        "id": "m2",
        "state": "stopped",
        "region": "ams",
        "image_ref": {},
        "config": {
            "init": {},
            "metadata": {
                "fly_platform_version": "v2",
                "fly_process_group": "app"
            }
        },
        "cordoned": false
    },
    {"id": "m1", "state": "started"}
]
"""
EXECUTED = b'{\n    "stdout": "FLY_MACHINE_ID=m1\\u0000A=1=2\\u0000B=x\\ny\\u0000"\n}\n'
VERSION = (
    b'{"Name":"flyctl","Version":"0.4.87","Commit":"\\u003cnone\\u003e","BranchName":"",'
    b'"BuildDate":"2026-08-20T00:00:00Z","OS":"linux","Architecture":"amd64","Environment":"production"}\n'
)
WHO = b'{\n    "email": "dev@example.com"\n}\n'


def _variables(stdout: bytes) -> dict[str, str] | None:
    return listing.variables(stdout, "m1")


READERS: list[tuple[Callable[[bytes], object], bytes]] = [
    (listing.entries, LISTED),
    (listing.machines, MACHINES),
    (_variables, EXECUTED),
    (listing.version, VERSION),
    (listing.email, WHO),
]


def test_a_list_has_names_digests_and_status_and_no_value() -> None:
    found = listing.entries(LISTED)
    assert list(found) == ["API_KEY", "URL"]
    assert found["API_KEY"].state is EntryState.WRITE_ONLY
    assert found["API_KEY"].digest == "914388feff8f83c6"
    assert [entry.detail for entry in found.values()] == ["staged", "partly deployed"]
    assert all(entry.value is None for entry in found.values())


@pytest.mark.parametrize(
    ("stdout", "detail"),
    [
        (b'[{"Name":"A","Digest":"d","CreatedAt":"2026-01-01T00:00:00Z"}]', ""),
        (b'[{"name":"A","digest":"d"}]', ""),
        (b'[{"name":"A","digest":"d","created_at":"x","updated_at":"y"}]', ""),
        (b'[{"name":"A","digest":"d","status":"Deployed"}]', "deployed"),
        (b'[{"name":"A","digest":"d","status":"Unknown"}]', "deployment unknown"),
        (b'Error loading config x\n[{"name":"A","digest":"d"}]', ""),
    ],
)
def test_the_shapes_of_all_versions_are_read(stdout: bytes, detail: str) -> None:
    found = listing.entries(stdout)
    assert found["A"].digest == "d"
    assert found["A"].detail == detail


@pytest.mark.parametrize("stdout", [b"null", b"[]", b" null\n"])
def test_an_empty_list_is_empty(stdout: bytes) -> None:
    assert listing.entries(stdout) == {}


@pytest.mark.parametrize(
    "stdout",
    [
        b"",
        b"{}",
        b"[1]",
        b'["A"]',
        b'[{"name":1,"digest":"d"}]',
        b'[{"name":"","digest":"d"}]',
        b'[{"digest":"d"}]',
        b'[{"name":"A"}]',
        b'[{"name":"A","digest":"d"},{"name":"A","digest":"e"}]',
        b'[{"name":"A","name":"B","digest":"d"}]',
        b'[{"name":"A","digest":"d","status":"Shipped"}]',
        b'[{"name":"A","digest":"d","status":null}]',
        b'[{"name":"\\ud800","digest":"d"}]',
        b'[{"name":"A","digest":NaN}]',
        b"[] []",
        b"[]\nA new release is out",
        b"\xef\xbb\xbf[]",
        b"\xff",
        "[]".encode("utf-16"),
        b"<html>sign in</html>",
        b"[" * 100_000,
    ],
)
def test_V5_an_odd_list_is_bad_output(stdout: bytes) -> None:
    with pytest.raises(BadJSON):
        listing.entries(stdout)


@pytest.mark.parametrize(("read", "recorded"), READERS)
def test_V4_every_beginning_of_an_answer_is_bad_output(
    read: Callable[[bytes], object], recorded: bytes
) -> None:
    whole = recorded.rstrip()
    read(whole)
    for length in range(len(whole)):
        with pytest.raises(BadJSON):
            read(whole[:length])


@given(
    st.binary()
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_V4_no_bytes_raise_anything_else(stdout: bytes) -> None:
    for read, _ in READERS:
        try:
            read(stdout)
        except BadJSON:
            pass


def test_machines_come_in_a_steady_order_with_their_group() -> None:
    found = listing.machines(MACHINES)
    assert [(machine.id, machine.state, machine.group) for machine in found] == [
        ("m1", "started", ""),
        ("m2", "stopped", "app"),
    ]


def test_I1_a_machine_id_that_flyctl_may_misread_is_bad_output() -> None:
    with pytest.raises(BadJSON):
        listing.machines(b'[{"id":"--app=x","state":"started"}]')


def test_the_environment_of_a_machine_is_read_whole() -> None:
    assert _variables(EXECUTED) == {"FLY_MACHINE_ID": "m1", "A": "1=2", "B": "x\ny"}


@pytest.mark.parametrize(
    "stdout", [b'{"exit_code": 127, "stderr": "env: not found"}', b'{"exit_code": 1, "stdout": "A=1\\u0000"}']
)
def test_V6_a_command_that_failed_on_the_machine_is_not_an_environment(stdout: bytes) -> None:
    assert _variables(stdout) is None


def test_another_machines_environment_is_bad_output() -> None:
    with pytest.raises(BadJSON):
        listing.variables(EXECUTED, "m2")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("0.4.87", (0, 4, 87)), ("v0.3.178", (0, 3, 178)), ("2026.11.24-dev.17955", (2026, 11, 24))],
)
def test_versions_are_compared_as_numbers(text: str, wanted: tuple[int, ...]) -> None:
    assert listing.version(VERSION.replace(b"0.4.87", text.encode())) == wanted


@pytest.mark.parametrize("stdout", [b"7.9.1\n", b"{}", b'{"Name":"flyctl","Version":"x","BuildDate":""}'])
def test_another_programs_version_is_bad_output(stdout: bytes) -> None:
    with pytest.raises(BadJSON):
        listing.version(stdout)


@pytest.mark.parametrize(
    ("stdout", "wanted"),
    [
        (b'Updating [1/2]\n{"id":"r","version":12,"image_ref":"i"}\n', "12"),
        (b"Updating [1/2]\n", ""),
        (b'{"version":12}\n', ""),
        (b"", ""),
    ],
)
def test_the_release_of_a_roll_out_is_found_behind_its_progress(stdout: bytes, wanted: str) -> None:
    assert listing.release(stdout) == wanted
