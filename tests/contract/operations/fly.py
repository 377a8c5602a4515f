"""The operations of `flyctl`: the rows that `sophia_secrets.backends.fly` is built on, and the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.contract.operations.row import Row, document, text

APP = "--app=my-app"
STAGED = (
    "Secrets have been staged, but not set on VMs. "
    "Deploy or update machines in this app for the secrets to take effect.\n"
)


def _rows(*keys: str) -> Callable[[bytes], list[tuple[Any, ...]]]:
    return lambda out: sorted(tuple(row.get(key) for key in keys) for row in json.loads(out))


def _release(out: bytes) -> list[str]:
    return sorted(json.loads(out.decode().splitlines()[-1]))


FLY = [
    Row(
        "flyctl",
        "identify",
        ("version", "--json"),
        lambda out: [json.loads(out)["Name"], {"Version", "BuildDate"} <= json.loads(out).keys()],
        ["flyctl", True],
        met="test_fly_backend::test_doctor_sees_program_user_and_app",
    ),
    Row(
        "flyctl",
        "who am I",
        ("auth", "whoami", "--json"),
        document,
        {"email": "dev@example.com"},
        met="test_fly_backend::test_doctor_sees_program_user_and_app",
    ),
    Row(
        "flyctl",
        "list",
        ("secrets", "list", APP, "--json"),
        _rows("name"),
        [("KEPT",)],
        met="test_fly_backend::test_a_snapshot_has_the_names_and_no_value",
    ),
    Row(
        "flyctl",
        "write one",
        ("secrets", "set", APP, "--stage", "--", "ONE=-"),
        text,
        STAGED,
        stdin=b"a\nb",
        met="test_fly_backend::test_I4_a_nasty_value_arrives_exactly_or_is_refused",
    ),
    Row(
        "flyctl",
        "write many",
        ("secrets", "import", APP, "--stage"),
        text,
        STAGED,
        stdin=b'ONE="a b"\nTWO="""b\n"""\n',
        met="test_fly_backend::test_I4_all_nasty_values_arrive_together",
    ),
    Row(
        "flyctl",
        "write and roll out",
        ("secrets", "set", APP, "--", "ONE=-"),
        _release,
        ["id", "image_ref", "version"],
        stdin=b"a",
        unused="it is stored and rolled out in two calls, so that a failure says which of them failed",
    ),
    Row(
        "flyctl",
        "roll out",
        ("secrets", "deploy", APP),
        _release,
        ["id", "image_ref", "version"],
        met="test_fly_backend::test_one_roll_out_takes_all_that_is_staged_to_the_machines",
    ),
    Row(
        "flyctl",
        "delete",
        ("secrets", "unset", APP, "--stage", "--", "KEPT", "GONE"),
        text,
        STAGED,
        met="test_fly_backend::test_names_are_removed_and_absent_ones_are_told",
    ),
    Row(
        "flyctl",
        "machines",
        ("machine", "list", APP, "--json"),
        _rows("id", "state"),
        [("m1", "started")],
        met="test_fly_backend::test_of_several_machines_a_started_one_is_read",
    ),
    Row(
        "flyctl",
        "read a machine",
        ("machine", "exec", "m1", "env -0", APP, "--json", "--timeout", "20"),
        lambda out: {*json.loads(out)["stdout"].split("\0")} >= {"KEPT=old", "FLY_MACHINE_ID=m1"},
        True,
        met="test_fly_backend::test_values_are_read_from_a_running_machine",
    ),
]
