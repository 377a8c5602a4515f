"""`copy`, `move`, `sync` and `diff`, as a user runs them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.canary import kept_files, leaks
from tests.program import Done, Program
from tests.terminal import Terminal
from tests.world import ENVIRONMENT, World

CANARY = "canary-carried-0001"
ACTIONS = "repos/octo/app/actions"


def outcomes(done: Done) -> dict[str, tuple[str, str]]:
    """Each row as `backend name`: action and outcome."""
    rows: list[dict[str, Any]] = done.json["results"]
    for row in rows:
        assert set(row) == {"name", "backend", "target", "action", "outcome", "detail"}
    return {f"{row['backend']} {row['name']}": (row["action"], row["outcome"]) for row in rows}


def test_eleven_names_reach_fly_in_one_call_and_a_second_run_in_none(sophia: Program, vendors: World) -> None:
    values = {f"API_KEY_{number}": f"{CANARY}-{number}" for number in range(11)}
    vendors.define(values)
    done = sophia("copy", *values, "--from", "pulumi", "--to", "fly", "--yes", "--json")
    assert (done.code, set(outcomes(done).values())) == (0, {("set", "done")})
    assert vendors.fly.values() == values
    assert vendors.fly.commands().count("secrets import") == 1
    assert "secrets set" not in vendors.fly.commands()
    assert vendors.pulumi_opens() == 1
    again = sophia("copy", *values, "--from", "pulumi", "--to", "fly", "--yes", "--json")
    assert (again.code, set(outcomes(again).values())) == (0, {("unchanged", "unchanged")})
    assert vendors.fly.commands().count("secrets import") == 1
    found = [event["name"] for event in sophia.events() if event["outcome"] == "found"]
    assert sorted(found) == sorted(values)
    places = [("first", done.said.encode()), ("second", again.said.encode()), *kept_files(sophia.home)]
    assert leaks(CANARY, places) == []
    assert all(CANARY not in " ".join(call["arguments"]) for call in vendors.fly.calls)


def test_a_dry_run_shows_the_plan_and_changes_nothing(sophia: Program, vendors: World) -> None:
    for name in ("NEW_KEY", "SAME_KEY", "OTHER_KEY"):
        sophia.store(name, "here")
    sophia.store("SAME_KEY", "here", "fly")
    sophia.store("OTHER_KEY", "there", "fly")
    before = vendors.fly.values()
    names = ("NEW_KEY", "SAME_KEY", "OTHER_KEY")
    done = sophia("copy", *names, "--from", "local", "--to", "fly", "--dry-run")
    assert done.code == 0
    assert [line.split(maxsplit=2) for line in done.out.splitlines()[1:]] == [
        ["NEW_KEY", "set", "new"],
        ["SAME_KEY", "unchanged", "the same value"],
        ["OTHER_KEY", "set", "another value"],
    ]
    as_json = sophia("copy", *names, "--from", "local", "--to", "fly", "--dry-run", "--json")
    assert as_json.json["dry_run"] is True
    assert outcomes(as_json) == {
        "fly NEW_KEY": ("set", "not_started"),
        "fly SAME_KEY": ("unchanged", "unchanged"),
        "fly OTHER_KEY": ("set", "not_started"),
    }
    assert vendors.fly.values() == before
    assert not [event for event in sophia.events() if event["outcome"] == "found"]


def test_without_a_terminal_and_without_yes_nothing_is_asked_of_anybody(
    sophia: Program, vendors: World
) -> None:
    sophia.store("API_KEY", CANARY)
    starts = vendors.starts()
    for command in (("copy", "API_KEY"), ("move", "API_KEY"), ("sync",)):
        done = sophia(*command, "--from", "local", "--to", "fly")
        assert (done.code, done.out) == (2, "")
        assert "--dry-run" in done.err
        assert "--yes" in done.err
    assert vendors.starts() == starts


def test_the_plan_stands_on_the_screen_before_the_question(sophia: Program, vendors: World) -> None:
    sophia.store("API_KEY", CANARY)
    for answer, code, stored in (("n", 130, {}), ("y", 0, {"API_KEY": CANARY})):
        with Terminal(sophia, "copy", "API_KEY", "--from", "local", "--to", "fly", columns=120) as terminal:
            terminal.wait_for("[y/N]")
            assert "API_KEY  set     new" in terminal.screen
            assert "Write 1 name to fly (my-app)?" in terminal.screen
            terminal.type(f"{answer}\n")
            assert terminal.end() == code
            assert CANARY.encode() not in terminal.raw
        assert vendors.fly.values() == stored


def test_a_source_that_gives_no_values_is_refused_and_the_readable_ones_are_named(
    sophia: Program, vendors: World
) -> None:
    sophia.store("API_KEY", CANARY)
    for backend in ("fly", "github"):
        sophia.store("API_KEY", CANARY, backend)
        done = sophia("copy", "API_KEY", "--from", backend, "--to", "pulumi", "--yes")
        assert (done.code, done.out) == (2, "")
        assert f"{backend} (" in done.err
        assert "does not give the value of `API_KEY`" in done.err
        assert "Copy from where it can be read: `--from local`." in done.err
    done = sophia("sync", "--from", "fly", "--to", "local", "--yes")
    assert done.code == 2
    assert "`--from pulumi`" in done.err


def test_a_name_that_is_not_there_stops_the_copy_before_it_begins(sophia: Program, vendors: World) -> None:
    sophia.store("API_KEY", CANARY)
    done = sophia("copy", "API_KEY", "API_KEX", "--from", "local", "--to", "fly", "--yes", "--json")
    assert done.code == 3
    assert done.json["error"]["kind"] == "not_found"
    assert "API_KEY (local)" in done.json["error"]["hint"]
    assert vendors.fly.values() == {}


def test_a_value_that_the_destination_cannot_carry_stops_the_copy_before_it_begins(
    sophia: Program, vendors: World
) -> None:
    sophia.store("API_KEY", CANARY)
    sophia.store("BIG_KEY", "x" * 60_000)
    done = sophia("copy", "API_KEY", "BIG_KEY", "--from", "local", "--to", "github", "--yes")
    assert done.code == 2
    assert "`BIG_KEY` cannot be stored in github exactly" in done.err
    assert vendors.github.store[ACTIONS] == {}


def test_a_backend_that_does_not_answer_is_its_own_error(sophia: Program, vendors: World) -> None:
    sophia.store("API_KEY", CANARY)
    vendors.fly.update(token="another")
    done = sophia("copy", "API_KEY", "--from", "local", "--to", "fly", "--yes")
    assert done.code == 4
    assert "secrets set" not in vendors.fly.commands()
    assert sophia("copy", "API_KEY", "--from", "local", "--to", "fly", "--yes", "--offline").code == 5
    assert sophia("copy", "API_KEY", "--from", "local", "--to", "local", "--yes").code == 2
    assert sophia("copy", "API_KEY", "--from", "local", "--to", "env", "--yes").code == 2


def test_move_removes_from_the_source_what_is_proven_at_the_destination(
    sophia: Program, vendors: World
) -> None:
    for name in ("A_KEY", "B_KEY"):
        sophia.store(name, CANARY)
    done = sophia("move", "A_KEY", "B_KEY", "--from", "local", "--to", "fly", "--yes", "--json")
    assert done.code == 0
    assert outcomes(done) == {
        "fly A_KEY": ("set", "done"),
        "fly B_KEY": ("set", "done"),
        "local A_KEY": ("delete", "done"),
        "local B_KEY": ("delete", "done"),
    }
    assert vendors.fly.values() == {"A_KEY": CANARY, "B_KEY": CANARY}
    assert sophia("list", "--backend", "local", "--names").out == ""
    again = sophia("move", "A_KEY", "B_KEY", "--from", "local", "--to", "fly", "--yes", "--json")
    assert again.code == 0
    assert set(outcomes(again).values()) == {("unchanged", "unchanged")}


def test_move_shows_what_it_will_remove_before_it_does(sophia: Program, vendors: World) -> None:
    for name in ("A_KEY", "B_KEY"):
        sophia.store(name, CANARY)
    sophia.store("B_KEY", CANARY, "fly")
    wanted = ("move", "A_KEY", "B_KEY", "--from", "local", "--to", "fly")
    done = sophia(*wanted, "--dry-run")
    assert [line.split(maxsplit=2) for line in done.out.splitlines()[1:]] == [
        ["A_KEY", "set", "new"],
        ["B_KEY", "unchanged", "the same value"],
        ["A_KEY", "delete", "from local, once fly is seen to hold it"],
        ["B_KEY", "delete", "from local, once fly is seen to hold it"],
    ]
    assert outcomes(sophia(*wanted, "--dry-run", "--json")) == {
        "fly A_KEY": ("set", "not_started"),
        "fly B_KEY": ("unchanged", "unchanged"),
        "local A_KEY": ("delete", "not_started"),
        "local B_KEY": ("delete", "not_started"),
    }
    with Terminal(sophia, *wanted, columns=120) as terminal:
        terminal.wait_for("[y/N]")
        assert "A_KEY  delete     from local, once fly is seen to hold it" in terminal.screen
        assert "Write 1 name to fly (my-app), then remove what arrived from local (" in terminal.screen
        terminal.type("n\n")
        assert terminal.end() == 130
    assert sophia("list", "--backend", "local", "--names").out == "A_KEY\nB_KEY\n"
    assert sophia(*wanted, "--yes").code == 0
    idle = sophia(*wanted, "--dry-run")
    assert [line.split(maxsplit=2)[1] for line in idle.out.splitlines()[1:]] == ["unchanged"] * 2


def test_moving_what_was_moved_says_where_it_is(sophia: Program, vendors: World) -> None:
    for name in ("A_KEY", "B_KEY"):
        sophia.store(name, CANARY)
    names = ("A_KEY", "B_KEY")
    assert sophia("move", *names, "--from", "local", "--to", "pulumi", "--yes").code == 0
    again = sophia("move", *names, "--from", "local", "--to", "pulumi", "--yes")
    assert again.code == 0
    assert "There is nothing to move: local (" in again.err
    assert f"does not hold A_KEY, B_KEY, and pulumi ({ENVIRONMENT}) holds them." in again.err
    assert "already" not in again.said
    as_json = sophia("move", "A_KEY", "--from", "local", "--to", "pulumi", "--yes", "--json")
    assert outcomes(as_json) == {"pulumi A_KEY": ("unchanged", "unchanged")}
    assert as_json.json["results"][0]["detail"] == "local has none, pulumi holds it"
    sophia.store("C_KEY", CANARY)
    some = sophia("move", "A_KEY", "C_KEY", "--from", "local", "--to", "pulumi", "--yes", "--json")
    assert outcomes(some) == {
        "pulumi A_KEY": ("unchanged", "unchanged"),
        "pulumi C_KEY": ("set", "done"),
        "local C_KEY": ("delete", "done"),
    }
    nowhere = sophia("move", "D_KEY", "--from", "local", "--to", "pulumi", "--yes")
    assert nowhere.code == 3


def test_V11_move_leaves_in_the_source_what_nothing_proves(sophia: Program, vendors: World) -> None:
    sophia.store("A_KEY", CANARY)
    words = 'Error: update secrets: failed to update app secrets: Post "http://x": EOF\n'
    vendors.fly.update(faults=[{"on": "secrets set", "stderr": words}])
    done = sophia("move", "A_KEY", "--from", "local", "--to", "fly", "--yes", "--json")
    assert done.code == 5
    assert outcomes(done) == {"fly A_KEY": ("set", "unknown"), "local A_KEY": ("delete", "not_started")}
    assert "left in place" in done.json["results"][1]["detail"]
    assert sophia("get", "A_KEY", "--backend", "local").out == f"{CANARY}\n"
    assert vendors.fly.commands().count("secrets set") == 1
    again = sophia("move", "A_KEY", "--from", "local", "--to", "fly", "--yes")
    assert again.code == 0
    assert vendors.fly.values() == {"A_KEY": CANARY}
    assert sophia("get", "A_KEY", "--backend", "local").code == 3


def test_V11_move_takes_no_success_for_proof_where_the_vendor_shows_no_change(
    sophia: Program, vendors: World
) -> None:
    sophia.store("A_KEY", CANARY)
    sophia.store("A_KEY", "before", "github")
    vendors.github.fail("PUT", "A_KEY", 204, times=1)
    done = sophia("move", "A_KEY", "--from", "local", "--to", "github", "--yes", "--json")
    assert done.code == 5
    assert outcomes(done)["local A_KEY"] == ("delete", "not_started")
    assert vendors.github.store[ACTIONS] == {"A_KEY": b"before"}
    assert sophia("get", "A_KEY", "--backend", "local").out == f"{CANARY}\n"
    again = sophia("move", "A_KEY", "--from", "local", "--to", "github", "--yes", "--json")
    assert again.code == 0
    assert outcomes(again) == {"github A_KEY": ("set", "done"), "local A_KEY": ("delete", "done")}
    assert vendors.github.store[ACTIONS] == {"A_KEY": CANARY.encode()}


def test_V11_move_names_the_way_on_where_the_same_digest_proves_nothing(
    sophia: Program, vendors: World
) -> None:
    sophia.store("A_KEY", CANARY)
    elsewhere = str(sophia.home / "of-a-colleague")
    told = sophia("set", "A_KEY", "--backend", "fly", stdin=CANARY, SOPHIA_SECRETS_HOME=elsewhere)
    assert told.code == 0
    wanted = ("move", "A_KEY", "--from", "local", "--to", "fly", "--yes")
    for _ in range(2):
        done = sophia(*wanted)
        assert done.code == 5
        assert "Run `sophia-secrets delete A_KEY --backend fly`, then the same command again" in done.err
    assert sophia("get", "A_KEY", "--backend", "local").out == f"{CANARY}\n"
    assert sophia("delete", "A_KEY", "--backend", "fly", "--yes").code == 0
    assert sophia(*wanted).code == 0
    assert vendors.fly.values() == {"A_KEY": CANARY}
    assert sophia("get", "A_KEY", "--backend", "local").code == 3


def test_sync_makes_the_destination_hold_what_the_source_holds(sophia: Program, vendors: World) -> None:
    vendors.define({"A_ONE": "1", "A_TWO": "2", "B_ONE": "3", "lower": "4"})
    for name, value in (("A_ONE", "1"), ("A_OLD", "x"), ("B_OLD", "x")):
        sophia.store(name, value)
    done = sophia("sync", "--from", "pulumi", "--to", "local", "--only", "A_", "--yes", "--json")
    assert (done.code, outcomes(done)) == (
        0,
        {"local A_ONE": ("unchanged", "unchanged"), "local A_TWO": ("set", "done")},
    )
    everything = sophia("sync", "--from", "pulumi", "--to", "local", "--delete", "--yes", "--json")
    assert everything.code == 2
    assert outcomes(everything) == {
        "local A_ONE": ("unchanged", "unchanged"),
        "local A_TWO": ("unchanged", "unchanged"),
        "local B_ONE": ("set", "done"),
        "local lower": ("refused", "refused"),
        "local A_OLD": ("delete", "done"),
        "local B_OLD": ("delete", "done"),
    }
    assert sophia("list", "--backend", "local", "--names").out.split() == ["A_ONE", "A_TWO", "B_ONE"]


def test_sync_deletes_only_when_asked_and_says_so_before_it_asks(sophia: Program, vendors: World) -> None:
    sophia.store("A_KEY", "1")
    sophia.store("OLD_KEY", "1", "fly")
    kept = sophia("sync", "--from", "local", "--to", "fly", "--yes")
    assert kept.code == 0
    assert "OLD_KEY" in vendors.fly.values()
    with Terminal(sophia, "sync", "--from", "local", "--to", "fly", "--delete", columns=120) as terminal:
        terminal.wait_for("[y/N]")
        assert "OLD_KEY  delete     not in local" in terminal.screen
        assert "Delete 1 name from it?" in terminal.screen
        terminal.type("n\n")
        assert terminal.end() == 130
    assert "OLD_KEY" in vendors.fly.values()


def test_sync_never_empties_a_destination_because_its_source_lists_nothing(
    sophia: Program, vendors: World
) -> None:
    sophia.store("A_KEY", "1", "fly")
    done = sophia("sync", "--from", "local", "--to", "fly", "--delete", "--yes")
    assert done.code == 2
    assert "holds none of these names" in done.err
    from_env = ("sync", "--from", "env", "--to", "fly", "--only", "A_", "--delete", "--yes")
    assert sophia(*from_env, A_OTHER="1").code == 2
    assert vendors.fly.values() == {"A_KEY": "1"}


def test_an_interrupted_copy_says_what_is_not_known_and_a_second_run_finishes_it(
    sophia: Program, vendors: World
) -> None:
    sophia.store("A_KEY", CANARY)
    program = vendors.fly.directory / "interrupting"
    program.write_text(
        f'#!/bin/sh\ncase "$2" in set) kill -INT $PPID; sleep 5;; esac\nexec {vendors.fly.program} "$@"\n'
    )
    program.chmod(0o700)
    arguments = ("copy", "A_KEY", "--from", "local", "--to", "fly", "--yes", "--json")
    done = sophia(*arguments, SOPHIA_SECRETS_FLY=str(program))
    assert done.code == 130
    assert outcomes(done) == {"fly A_KEY": ("set", "unknown")}
    again = sophia(*arguments)
    assert (again.code, outcomes(again)) == (0, {"fly A_KEY": ("set", "done")})
    assert vendors.fly.values() == {"A_KEY": CANARY}


def test_a_copy_that_the_log_cannot_take_hands_out_nothing(sophia: Program, vendors: World) -> None:
    sophia.store("A_KEY", CANARY)
    (audit,) = sophia.sophia.rglob("audit")
    audit.chmod(0o755)
    (below,) = audit.iterdir()
    below.chmod(0o755)
    done = sophia("copy", "A_KEY", "--from", "local", "--to", "fly", "--yes")
    assert done.code == 6
    assert vendors.fly.values() == {}


def test_diff_tells_what_differs_and_what_cannot_be_known(sophia: Program, vendors: World) -> None:
    for name in ("SAME_KEY", "OTHER_KEY", "MOVED_KEY", "LOCAL_KEY"):
        sophia.store(name, "1")
    for name, value in (("SAME_KEY", "1"), ("OTHER_KEY", "2"), ("MOVED_KEY", "1"), ("FLY_KEY", "1")):
        sophia.store(name, value, "fly")
    apps = vendors.fly.state["apps"]
    apps["my-app"]["secrets"]["MOVED_KEY"] = {"value": "1", "digest": "elsewhere", "status": "Staged"}
    vendors.fly.update(apps=apps)
    done = sophia("diff", "local", "fly", "--json")
    assert done.code == 0
    assert done.json == {
        "schema": 1,
        "differences": [
            {"name": "FLY_KEY", "state": "only in fly"},
            {"name": "LOCAL_KEY", "state": "only in local"},
            {"name": "MOVED_KEY", "state": "unknown"},
            {"name": "OTHER_KEY", "state": "differs"},
            {"name": "SAME_KEY", "state": "same"},
        ],
    }
    table = sophia("diff", "local", "fly")
    assert [line.split(maxsplit=1) for line in table.out.splitlines()[1:]] == [
        [row["name"], row["state"]] for row in done.json["differences"]
    ]
    failing = sophia("diff", "local", "fly", "--exit-code", "--json")
    assert (failing.code, json.loads(failing.out)) == (7, done.json)
    for name in ("LOCAL_KEY", "MOVED_KEY", "OTHER_KEY"):
        sophia("copy", name, "--from", "local", "--to", "fly", "--yes")
    sophia("delete", "FLY_KEY", "--backend", "fly", "--yes")
    assert sophia("diff", "local", "fly", "--exit-code").code == 0


def test_what_the_source_does_not_hold_is_to_be_stored_in_the_source(sophia: Program, vendors: World) -> None:
    done = sophia("copy", "MISSING_KEY", "--from", "pulumi", "--to", "local", "--yes")
    assert done.code == 3
    assert "hint: Store it with `sophia-secrets set MISSING_KEY --backend pulumi`.\n" in done.err


def test_in_a_workflow_what_github_does_not_give_is_to_be_given_to_the_step(sophia: Program) -> None:
    for command in ("copy", "move"):
        done = sophia(
            command, "MISSING_KEY", "--from", "github", "--to", "local", "--yes",
            GITHUB_ACTIONS="true", GITHUB_REPOSITORY="octo/app", SOPHIA_GITHUB_SECRETS_JSON='{"OTHER": "x"}',
        )  # fmt: skip
        assert done.code == 3, done.said
        assert (
            "hint: Give it to the step under `env:`, as `MISSING_KEY: ${{ secrets.MISSING_KEY }}`" in done.err
        )


def test_a_source_that_gives_no_value_is_never_replaced_by_the_destination(
    sophia: Program, vendors: World
) -> None:
    sophia.store("API_KEY", CANARY)
    sophia.store("API_KEY", CANARY, "github")
    done = sophia("copy", "API_KEY", "--from", "github", "--to", "local", "--yes")
    assert done.code == 2
    assert "--from local" not in done.err
    assert "`sophia-secrets set API_KEY --backend local`" in done.err
    done = sophia("copy", "API_KEY", "--from", "github", "--to", "fly", "--yes")
    assert "hint: Copy from where it can be read: `--from local`.\n" in done.err


def test_diff_of_nothing_and_of_a_backend_with_itself(sophia: Program, vendors: World) -> None:
    done = sophia("diff", "local", "fly")
    assert done.code == 0
    assert "Neither local nor fly holds a secret." in done.err
    done = sophia("diff", "local", "local")
    assert done.code == 2
    assert "local is compared with itself." in done.err


def test_a_dry_run_with_nothing_to_do_says_so(sophia: Program, vendors: World) -> None:
    sophia.store("OTHER_KEY", "value")
    done = sophia("sync", "--from", "local", "--to", "fly", "--only", "A_", "--dry-run")
    assert done.code == 0
    assert "There is nothing to do. local (" in done.err
    assert done.err.endswith(" has none of these names.\n")
    for_real = sophia("sync", "--from", "local", "--to", "fly", "--only", "A_", "--yes")
    assert (for_real.code, for_real.err) == (0, done.err)
    assert vendors.fly.values() == {}


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("copy", "A_KEY", "--from", "nope", "--to", "local"), "There is no backend `nope`."),
        (("copy", "A_KEY", "--from", "local", "--to", "fly"), "fly is not configured"),
        (("sync", "--from", "local", "--to", "local"), "local is both the source and the destination."),
        (("move", "A_KEY", "--from", "env", "--to", "local"), "env (the environment) cannot be written"),
        (("import", "nothing.env", "--backend", "local"), "There is no file nothing.env here."),
        (("import", "nothing.env"), "Say where to write with `--backend`"),
        (("rotate", "A_KEY", "--backend", "nope"), "There is no backend `nope`."),
    ],
)
def test_what_cannot_be_done_is_said_before_a_terminal_is_asked_for(
    sophia: Program, command: tuple[str, ...], told: str
) -> None:
    done = sophia(*command)
    assert done.code == 2
    assert told in done.err
    assert "--yes" not in done.err
