"""The operations of `pulumi`: the rows that `sophia_secrets.backends.pulumi` is built on, and the rest."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.operations.row import Row, document, matches, text

REF = "acme/app/production"
LOGGED_IN = "Logging in using access token from PULUMI_ACCESS_TOKEN\n"
A_VARIABLE = 'environmentVariables["A"]'


def _plain(out: bytes) -> Any:
    """A detailed node: names with their values and whether they are marked secret."""
    found = json.loads(out)["value"]
    return {name: (node["value"], node.get("secret", False)) for name, node in found.items()}


PULUMI = [
    Row(
        "pulumi",
        "read all",
        ("env", "open", REF, "environmentVariables", "--format", "detailed", "-l", "5m"),
        _plain,
        {"A": ("first", True), "PORT": (8080, False)},
        err=LOGGED_IN,
        met="test_real_pulumi::test_one_open_gives_every_name_and_leaves_no_file",
    ),
    Row(
        "pulumi",
        "read one",
        ("env", "open", REF, A_VARIABLE, "--format", "json"),
        document,
        "first",
        err=LOGGED_IN,
        unused="it opens all the same, and does not tell an absent name from a null",
    ),
    Row(
        "pulumi",
        "read one that is absent",
        ("env", "open", REF, 'environmentVariables["GONE"]', "--format", "json"),
        document,
        None,
        err=LOGGED_IN,
        unused="it opens all the same, and does not tell an absent name from a null",
    ),
    Row(
        "pulumi",
        "names without opening",
        ("env", "get", REF, "environmentVariables", "--value", "json"),
        document,
        {"A": "[secret]", "PORT": 8080},
        err=LOGGED_IN,
        unused="the names that a provider adds are missing, and an open is needed for the values anyway",
    ),
    Row(
        "pulumi",
        "write",
        ("env", "set", REF, A_VARIABLE, "--secret", "--string", "--file", "-"),
        text,
        "",
        stdin=b"second\n",
        err=LOGGED_IN,
        met="test_real_pulumi::test_set_stores_a_secret_and_reads_it_back",
    ),
    Row(
        "pulumi",
        "delete",
        ("env", "rm", REF, A_VARIABLE),
        text,
        "",
        err=LOGGED_IN,
        met="test_real_pulumi::test_delete_removes_what_is_there_wherever_it_stands",
    ),
    Row(
        "pulumi",
        "revision",
        ("env", "version", "tag", "ls", REF, "--output", "json", "--utc"),
        lambda out: [(tag["name"], tag["revision"]) for tag in json.loads(out)["tags"]],
        [("latest", 1)],
        err=LOGGED_IN,
        unused="a revision is the whole environment's: it says nothing of one name",
    ),
    Row(
        "pulumi",
        "revision of none",
        ("env", "version", "tag", "ls", "acme/app/gone", "--output", "json", "--utc"),
        text,
        "",
        code=1,
        err=f"{LOGGED_IN}error: [404] Not Found: /api/esc/environments/acme/app/gone/versions/tags\n",
        unused="a revision is the whole environment's: it says nothing of one name",
    ),
    Row(
        "pulumi",
        "list environments",
        ("env", "ls", "-o", "acme", "--output", "json"),
        document,
        {"environments": ["acme/app/base", REF]},
        err=LOGGED_IN,
        unused="a target is named in the settings, never guessed from what there is",
    ),
    Row(
        "pulumi",
        "read a stack",
        ("-C", "infra", "config", "--json", "--show-secrets", "--stack", "dev"),
        document,
        {"shop:port": {"value": "8080", "secret": False}},
        err=LOGGED_IN,
        met="test_real_pulumi::test_a_stack_is_written_read_and_deleted",
    ),
    Row(
        "pulumi",
        "write to a stack",
        ("-C", "infra", "config", "set", "A", "--secret", "--stack", "dev"),
        text,
        "",
        stdin=b"second\n",
        err=LOGGED_IN,
        met="test_real_pulumi::test_a_stack_is_written_read_and_deleted",
    ),
    Row(
        "pulumi",
        "delete from a stack",
        ("-C", "infra", "config", "rm", "GONE", "--stack", "dev"),
        text,
        "",
        err=LOGGED_IN,
        met="test_real_pulumi::test_a_stack_is_written_read_and_deleted",
    ),
    Row(
        "pulumi",
        "who am I",
        ("whoami", "--json"),
        document,
        {"user": "user", "organizations": ["acme"], "url": ""},
        err=LOGGED_IN,
        met="test_real_pulumi::test_probe_tells_version_user_and_both_places",
    ),
    Row(
        "pulumi",
        "version",
        ("version",),
        matches(r"v3\.\d+\.\d+\S*\n"),
        True,
        met="test_real_pulumi::test_probe_tells_version_user_and_both_places",
    ),
]
