"""`rotate` and `rotation status`, as a user runs them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sophia_secrets.operations import due
from tests.canary import kept_files, leaks
from tests.program import Done, Program
from tests.terminal import Terminal
from tests.world import World

OLD, NEW = "canary-old-0001", "canary-new-0002"
ACTIONS = "repos/octo/app/actions"
HOLDERS = ("github", "fly", "local")


def hold(sophia: Program, name: str = "API_KEY", value: str = OLD) -> None:
    for backend in HOLDERS:
        sophia.store(name, value, backend)


def held(sophia: Program, vendors: World, name: str = "API_KEY") -> dict[str, str]:
    """The value at each holder, read behind the program's back where it is a vendor."""
    return {
        "github": vendors.github.store[ACTIONS].get(name, b"").decode(),
        "fly": vendors.fly.values().get(name, ""),
        "local": sophia("get", name, "--backend", "local").out.rstrip("\n"),
    }


def receipt(done: Done) -> dict[str, tuple[str, str]]:
    """Each backend's outcome and which value it holds."""
    rows: list[dict[str, Any]] = done.json["results"]
    return {row["backend"]: (row["outcome"], row["holds"]) for row in rows}


def test_a_rotation_reaches_every_backend_that_holds_the_secret_and_no_other(
    sophia: Program, vendors: World
) -> None:
    hold(sophia)
    sophia.store("OTHER_KEY", OLD)
    done = sophia("rotate", "API_KEY", "--yes", "--json", stdin=f"{NEW}\n")
    assert done.code == 0
    assert receipt(done) == dict.fromkeys(HOLDERS, ("done", "new"))
    assert held(sophia, vendors) == dict.fromkeys(HOLDERS, NEW)
    assert sophia("get", "OTHER_KEY").out == f"{OLD}\n"
    assert sophia("info", "API_KEY", "--json").json["version"] == 2
    assert sophia("rotation", "status", "--json").json["rotations"] == []
    log = sophia("audit", "log", "--json")
    places = [("receipt", done.said.encode()), ("log", log.said.encode()), *kept_files(sophia.home)]
    assert leaks(NEW, places) == []
    assert sophia("audit", "verify").code == 0


def test_each_vendor_is_called_once_for_the_value(sophia: Program, vendors: World) -> None:
    hold(sophia)
    sets = vendors.fly.commands().count("secrets set")
    puts = len(vendors.github.asked("PUT"))
    assert sophia("rotate", "API_KEY", "--yes", "--generate", "hex:16").code == 0
    assert vendors.fly.commands().count("secrets set") == sets + 1
    assert len(vendors.github.asked("PUT")) == puts + 1


def test_only_the_backends_named_get_the_new_value(sophia: Program, vendors: World) -> None:
    hold(sophia)
    arguments = ("rotate", "API_KEY", "--backend", "fly", "--backend", "local", "--yes", "--json")
    done = sophia(*arguments, stdin=NEW)
    assert receipt(done) == {"fly": ("done", "new"), "local": ("done", "new")}
    assert held(sophia, vendors) == {"github": OLD, "fly": NEW, "local": NEW}


def test_a_dry_run_shows_the_backends_and_takes_no_value(sophia: Program, vendors: World) -> None:
    hold(sophia)
    done = sophia("rotate", "API_KEY", "--dry-run", "--json", stdin=NEW)
    assert done.code == 0
    assert done.json["dry_run"] is True
    assert [(row["backend"], row["outcome"]) for row in done.json["results"]] == [
        (backend, "not_started") for backend in HOLDERS
    ]
    assert held(sophia, vendors) == dict.fromkeys(HOLDERS, OLD)
    assert sophia("rotation", "status", "--json").json["rotations"] == []


def test_L1_a_value_on_the_command_line_is_refused_and_not_repeated(sophia: Program, vendors: World) -> None:
    done = sophia("rotate", "API_KEY", NEW, "--yes")
    assert done.code == 2
    assert NEW not in done.said


def test_what_cannot_be_meant_is_refused_before_any_vendor(sophia: Program, vendors: World) -> None:
    starts = vendors.starts()
    for arguments in (
        ("rotate", "--yes"),
        ("rotate", "API_KEY", "--due", "--yes"),
        ("rotate", "--due", "--generate", "uuid", "--yes"),
        ("rotate", "API_KEY", "--abandon", "--backend", "fly", "--yes"),
        ("rotate", "API_KEY"),
    ):
        assert sophia(*arguments).code == 2, arguments
    assert vendors.starts() == starts


def test_nothing_on_standard_input_is_no_new_value(sophia: Program, vendors: World) -> None:
    hold(sophia)
    done = sophia("rotate", "API_KEY", "--yes")
    assert done.code == 2
    assert "Standard input is empty" in done.err
    assert held(sophia, vendors) == dict.fromkeys(HOLDERS, OLD)


@pytest.mark.parametrize(
    ("declared", "hint"),
    [
        ("", "Give the new value there, or add `--generate hex:32`."),
        ('[secrets.API_KEY]\npattern = "^sk-"\n', "Give the new value there."),
        ('[secrets.API_KEY]\ntype = "url"\n', "Give the new value there."),
        (
            '[secrets.API_KEY]\ngenerate = "hex:16"\n',
            "Add `--generate`, which makes one as declared (`hex:16`), or give it there.",
        ),
    ],
)
def test_where_no_new_value_is_given_the_hint_is_one_that_the_declaration_takes(
    sophia: Program, declared: str, hint: str
) -> None:
    sophia.store("API_KEY", OLD)
    (sophia.cwd / "sophia-secrets.toml").write_text(declared)
    done = sophia("rotate", "API_KEY", "--yes")
    assert (done.code, done.err.splitlines()[-1]) == (2, f"hint: {hint}")


@pytest.mark.parametrize("how", [("API_KEY", "--generate"), ("--due",)])
def test_a_holder_outside_the_chain_keeps_its_value_and_that_is_said(
    sophia: Program, vendors: World, how: tuple[str, ...]
) -> None:
    hold(sophia)
    (sophia.cwd / "sophia-secrets.toml").write_text(
        '[secrets.API_KEY]\ngenerate = "hex:16"\nrotate_every = "1s"\nbackends = ["local", "fly"]\n'
    )
    time.sleep(1.1)
    sophia.environment["SOPHIA_SECRETS_CHAIN"] = "fly"
    done = sophia("rotate", *how, "--yes")
    assert done.code == 0, done.said
    assert (
        "warning: API_KEY must be in local too, which the chain does not have: not rotated there.\n"
        in done.err
    )
    assert held(sophia, vendors)["local"] == OLD
    told = "sophia-secrets rotate API_KEY --backend fly --backend local"
    assert f"`{told}`" in done.err
    assert sophia(*told.split()[1:], "--generate", "--yes").code == 0
    now = held(sophia, vendors)
    assert now["local"] == now["fly"] != OLD


def test_a_name_that_nobody_holds_is_not_found(sophia: Program, vendors: World) -> None:
    assert sophia("rotate", "API_KEY", "--yes", stdin=NEW).code == 3
    only_here = sophia("rotate", "API_KEY", "--yes", stdin=NEW, API_KEY="variable")
    assert only_here.code == 2
    assert "cannot be written" in only_here.err


def test_a_value_that_one_backend_cannot_hold_goes_to_none(sophia: Program, vendors: World) -> None:
    hold(sophia)
    done = sophia("rotate", "API_KEY", "--yes", stdin="x" * 60_000)
    assert done.code == 2
    assert "github" in done.err
    assert held(sophia, vendors) == dict.fromkeys(HOLDERS, OLD)
    assert sophia("rotation", "status", "--json").json["rotations"] == []


def test_a_backend_that_cannot_say_what_it_holds_stops_the_rotation(sophia: Program, vendors: World) -> None:
    hold(sophia)
    vendors.pulumi_fails(500, {"code": 500, "message": "boom"})
    done = sophia("rotate", "API_KEY", "--yes", stdin=NEW)
    assert done.code == 5
    assert "nothing was rotated" in done.err
    assert done.err.endswith("hint: Try again, or name the backends to rotate with `--backend`.\n")
    named = sophia("rotate", "API_KEY", "--backend", "pulumi", "--yes", stdin=NEW)
    assert named.err.endswith("hint: Try again.\n")
    assert held(sophia, vendors) == dict.fromkeys(HOLDERS, OLD)
    told_exactly = sophia("rotate", "API_KEY", "--backend", "local", "--yes", stdin=NEW)
    assert told_exactly.code == 0


def test_the_environment_keeps_its_value_and_that_is_said(sophia: Program, vendors: World) -> None:
    hold(sophia)
    done = sophia("rotate", "API_KEY", "--yes", "--json", stdin=NEW, API_KEY=OLD)
    assert done.code == 0
    assert receipt(done) == dict.fromkeys(HOLDERS, ("done", "new")) | {"env": ("refused", "old")}
    assert "keeps the old value" in done.err


def test_a_failure_leaves_the_value_sealed_and_the_next_rotate_finishes_with_it(
    sophia: Program, vendors: World
) -> None:
    hold(sophia)
    vendors.fly.update(faults=[{"on": "secrets set", "stderr": "Error: unauthorized\n"}])
    done = sophia("rotate", "API_KEY", "--yes", "--json", stdin=NEW)
    assert done.code == 4
    assert receipt(done)["github"] == receipt(done)["local"] == ("done", "new")
    assert receipt(done)["fly"][1] in ("old", "unknown")
    assert "Resume with `sophia-secrets rotate API_KEY`" in done.err
    (standing,) = sophia("rotation", "status", "--json").json["rotations"]
    assert (standing["name"], standing["pending"]) == ("API_KEY", True)
    assert leaks(NEW, kept_files(sophia.home)) == []

    refused = sophia("rotate", "API_KEY", "--backend", "fly", "--yes")
    assert refused.code == 2
    again = sophia("rotate", "API_KEY", "--yes", "--generate", "uuid", "--json", stdin="another value")
    assert again.code == 0
    assert "the value that was sealed" in again.err
    assert receipt(again) == {
        "github": ("unchanged", "new"),
        "fly": ("done", "new"),
        "local": ("unchanged", "new"),
    }
    assert held(sophia, vendors) == dict.fromkeys(HOLDERS, NEW)
    assert sophia("rotation", "status", "--json").json["rotations"] == []


def test_an_interrupted_rotation_never_goes_to_another_target(sophia: Program, vendors: World) -> None:
    hold(sophia)
    vendors.fly.update(faults=[{"on": "secrets set", "stderr": "Error: unauthorized\n"}])
    assert sophia("rotate", "API_KEY", "--yes", stdin=NEW).code == 4
    vendors.fly.update(
        apps={**vendors.fly.state["apps"], "other": {"secrets": {}, "machines": [], "deployed": False}}
    )
    elsewhere = sophia("rotate", "API_KEY", "--yes", FLY_APP_NAME="other")
    assert elsewhere.code == 2
    assert "my-app" in elsewhere.err
    assert vendors.fly.values("other") == {}
    for variables in ({"FLY_APP_NAME": "other"}, {"FLY_APP_NAME": ""}):
        status = sophia("rotation", "status", **variables)
        assert "goes to fly (my-app), which is not what the settings point at" in status.err
        assert "`sophia-secrets rotate API_KEY`" not in status.err
        assert sophia("rotation", "status", "--json", **variables).json["rotations"][0]["pending"] is True
    assert "Resume it with `sophia-secrets rotate API_KEY`." in sophia("rotation", "status").err
    assert sophia("rotate", "API_KEY", "--yes").code == 0


def test_an_interrupted_rotation_can_be_abandoned(sophia: Program, vendors: World) -> None:
    hold(sophia)
    vendors.fly.update(faults=[{"on": "secrets set", "stderr": "Error: unauthorized\n"}])
    assert sophia("rotate", "API_KEY", "--yes", stdin=NEW).code == 4
    with Terminal(sophia, "rotate", "--abandon", "API_KEY", columns=140) as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("n\n")
        assert terminal.end() == 130
    assert sophia("rotation", "status", "--json").json["rotations"] != []
    assert sophia("rotate", "--abandon", "API_KEY", "--yes").code == 0
    assert sophia("rotation", "status", "--json").json["rotations"] == []
    assert sophia("rotate", "--abandon", "API_KEY", "--yes").code == 3
    assert [event["outcome"] for event in sophia.events()].count("abandoned") == 1
    assert sophia("rotate", "API_KEY", "--yes", stdin="third").code == 0
    assert held(sophia, vendors) == dict.fromkeys(HOLDERS, "third")


def test_a_person_sees_where_the_value_goes_before_it_is_asked_for(sophia: Program, vendors: World) -> None:
    sophia.store("API_KEY", OLD)
    with Terminal(sophia, "rotate", "API_KEY", columns=120) as terminal:
        terminal.wait_for("hidden")
        assert "API_KEY → local" in terminal.screen
        for prompt in ("hidden", "Again"):
            terminal.wait_for(prompt)
            terminal.type(f"{NEW}\n")
        terminal.wait_for("[y/N]")
        terminal.type("y\n")
        assert terminal.end() == 0
        assert NEW.encode() not in terminal.raw
    assert sophia("get", "API_KEY").out == f"{NEW}\n"


POLICIES = """
[secrets.OLD_KEY]
rotate_every = "1s"
generate = "hex:32"
[secrets.SECOND_KEY]
rotate_every = "1s"
generate = "alnum:20"
[secrets.FRESH_KEY]
rotate_every = "90d"
generate = "hex:32"
[secrets.HAND_KEY]
rotate_every = "1s"
[secrets.NOBODY_KEY]
rotate_every = "1s"
generate = "uuid"
[secrets.FREE_KEY]
generate = "uuid"
"""


def test_what_is_due_and_can_be_generated_is_rotated_in_one_call_a_backend(
    sophia: Program, vendors: World
) -> None:
    sophia.user_settings(POLICIES)
    for name in ("OLD_KEY", "SECOND_KEY", "FRESH_KEY", "HAND_KEY", "FREE_KEY"):
        sophia.store(name, OLD)
        sophia.store(name, OLD, "fly")
    time.sleep(1)
    states = {row["name"]: row["state"] for row in sophia("rotation", "status", "--json").json["rotations"]}
    assert states == {
        "FRESH_KEY": "ok",
        "HAND_KEY": "overdue",
        "NOBODY_KEY": "never_rotated",
        "OLD_KEY": "overdue",
        "SECOND_KEY": "overdue",
    }
    done = sophia("rotate", "--due", "--yes", "--json")
    assert done.code == 0
    assert {(row["name"], row["backend"], row["outcome"], row["holds"]) for row in done.json["results"]} == {
        (name, backend, "done", "new") for name in ("OLD_KEY", "SECOND_KEY") for backend in ("fly", "local")
    }
    assert "left to you: HAND_KEY" in done.err
    assert "NOBODY_KEY" in done.err
    assert vendors.fly.commands().count("secrets import") == 1
    values = vendors.fly.values()
    assert len(values["OLD_KEY"]) == 64
    assert len(values["SECOND_KEY"]) == 20
    assert values["FRESH_KEY"] == values["HAND_KEY"] == values["FREE_KEY"] == OLD
    assert sophia("get", "OLD_KEY").out == values["OLD_KEY"] + "\n"


def test_the_status_names_when_it_was_rotated_and_when_it_is_due(sophia: Program, vendors: World) -> None:
    sophia.user_settings('[secrets.API_KEY]\nrotate_every = "90d"\n')
    hold(sophia)
    (row,) = sophia("rotation", "status", "--json").json["rotations"]
    assert set(row) == {
        "name",
        "state",
        "last_rotated",
        "rotate_every",
        "due",
        "generated",
        "pending",
        "holders",
    }
    assert [holder["backend"] for holder in row["holders"]] == list(HOLDERS)
    assert row["last_rotated"] == min(holder["last_rotated"] for holder in row["holders"])
    assert row["due"] > row["last_rotated"]
    table = sophia("rotation", "status").out.splitlines()[1].split()
    assert table[:2] == ["API_KEY", "ok"]
    assert table[-3:] == ["github,", "fly,", "local"]
    assert row["due"][:10] in table


@pytest.mark.parametrize(
    ("rotated", "every", "now", "state"),
    [
        (None, 100.0, 0.0, due.NEVER),
        (0.0, None, 1e9, due.OK),
        (1000.0, 100.0, 1089.0, due.OK),
        (1000.0, 100.0, 1090.0, due.DUE),
        (1000.0, 100.0, 1099.9, due.DUE),
        (1000.0, 100.0, 1100.0, due.OVERDUE),
        (0.0, 365 * 86400.0, 357 * 86400.0, due.OK),
        (0.0, 365 * 86400.0, 358 * 86400.0, due.DUE),
        (2000.0, 100.0, 1000.0, due.OK),
    ],
)
def test_a_secret_is_due_before_it_is_overdue(
    rotated: float | None, every: float | None, now: float, state: str
) -> None:
    assert due.state_of(rotated, every, now) == state


def test_where_nothing_is_declared_or_due_that_is_said(sophia: Program) -> None:
    none = "No secret is declared with `rotate_every`, and no rotation was interrupted."
    assert none in sophia("rotation", "status").err
    assert "Nothing is due that can be rotated without you." in sophia("rotate", "--due", "--yes").err
    done = sophia("rotate", "--due", "--yes", "--json")
    assert (done.code, done.json["results"]) == (0, [])
    done = sophia("rotation", "status", SOPHIA_SECRETS_AUDIT="off")
    assert done.code == 6
    assert "on record in the audit log, which is switched off" in done.err


def test_what_was_interrupted_and_is_due_is_finished_with_the_value_it_had(
    sophia: Program, vendors: World
) -> None:
    sophia.user_settings('[secrets.API_KEY]\nrotate_every = "1s"\ngenerate = "hex:32"\n')
    hold(sophia)
    vendors.fly.update(faults=[{"on": "secrets set", "stderr": "Error: unauthorized\n"}])
    assert sophia("rotate", "API_KEY", "--yes", "--not-as-declared", stdin=NEW).code == 4
    time.sleep(1)
    planned = sophia("rotate", "--due", "--dry-run")
    assert planned.code == 0
    done = sophia("rotate", "--due", "--yes", "--json")
    assert done.code == 0
    assert receipt(done)["fly"] == ("done", "new")
    assert held(sophia, vendors) == dict.fromkeys(HOLDERS, NEW)


def test_K4_a_sealed_value_whose_key_is_lost_is_counted_and_can_be_dropped(
    sophia: Program, vendors: World
) -> None:
    hold(sophia)
    vendors.fly.update(faults=[{"on": "secrets set", "stderr": "Error: unauthorized\n"}])
    assert sophia("rotate", "API_KEY", "--yes", stdin=NEW).code == 4
    dry = sophia("rotate", "--abandon", "API_KEY", "--dry-run")
    assert dry.code == 0
    assert "fly" in dry.err
    (record,) = [path for path in (sophia.sophia / "state" / "pending").iterdir() if not path.suffix]
    sealed = record.read_bytes()
    record.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    status = sophia("rotation", "status")
    assert "1 sealed rotation records cannot be opened" in status.err
    assert sophia("rotation", "status", "--json").json["unreadable"] == 1
    assert sophia("rotate", "API_KEY", "--yes", stdin="third").code == 6
    dropped = sophia("rotate", "--abandon", "API_KEY", "--yes", "--json")
    assert dropped.code == 0
    assert dropped.json == {"schema": 1, "name": "API_KEY", "abandoned": True}
    assert "cannot be opened" in dropped.err
    assert sophia("rotate", "API_KEY", "--yes", stdin="third").code == 0
