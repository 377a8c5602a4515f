"""The chain over all three vendors, through the installed program."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.program import PROGRAM, Program
from tests.world import World


def test_pulumi_answers_and_the_write_only_vendors_are_not_asked(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "from pulumi"})
    vendors.github.put("repos/octo/app/actions", "API_KEY", b"x")
    done = sophia("get", "API_KEY", "--json")
    assert (done.code, done.json["value"], done.json["backend"]) == (0, "from pulumi", "pulumi")
    assert vendors.starts()["github"] == 0
    assert vendors.starts()["fly"] == 0
    assert vendors.starts()["pulumi"] == 1


def test_a_warm_get_starts_nothing(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "v"})
    sophia("get", "API_KEY")
    before = vendors.starts()
    done = sophia("get", "API_KEY", "--json").json
    assert (done["value"], done["cached"]) == ("v", True)
    assert vendors.starts() == before


def test_no_cache_neither_reads_nor_writes_it(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "v"})
    for _ in range(2):
        assert sophia("get", "API_KEY", "--no-cache", "--json").json["cached"] is False
    assert vendors.starts()["pulumi"] == 2
    assert sophia("cache", "status", "--json").json["entries"] == []


def test_list_asks_each_vendor_once_and_shows_who_holds_what(sophia: Program, vendors: World) -> None:
    vendors.define({"A_KEY": "1"})
    vendors.github.put("repos/octo/app/actions", "B_KEY", b"2")
    sophia.store("C_KEY", "3", "fly")
    sophia("cache", "clear")
    before = vendors.starts()
    shape = sophia("list", "--json").json
    states = {s["name"]: {b: held["state"] for b, held in s["backends"].items()} for s in shape["secrets"]}
    assert states["A_KEY"]["pulumi"] == "readable"
    assert states["B_KEY"]["github"] == "write_only"
    assert states["C_KEY"]["fly"] == "write_only"
    assert states["C_KEY"]["github"] == "absent"
    after = vendors.starts()
    assert {name: after[name] - before[name] for name in after} == {"github": 1, "pulumi": 1, "fly": 1}


def test_a_list_of_one_backend_that_is_empty_speaks_of_that_backend(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "v"})
    assert sophia("list", "--backend", "fly").err == (
        "note: fly (my-app) holds no secret yet. Store one with `sophia-secrets set NAME --backend fly`.\n"
    )
    assert (
        "env (the environment) holds no secret that begins with Q yet." in sophia("ls", "Q", "-b", "env").err
    )


def test_names_without_a_group_stand_among_the_groups_by_name(sophia: Program) -> None:
    for name in ("PORT", "API_KEY", "ZONE", "DB_URL", "DB_USER"):
        sophia.store(name, "v")
    rows = [line.split()[0] for line in sophia("list").out.splitlines()[1:] if line]
    assert rows == ["API_KEY", "DB_URL", "DB_USER", "PORT", "ZONE"]


def test_drift_is_told_from_fingerprints_and_the_vendors_marks(sophia: Program, vendors: World) -> None:
    sophia.store("API_KEY", "same", "github")
    sophia.store("API_KEY", "same", "local")
    assert "github" in sophia("list", "--json").json["secrets"][0]["backends"]

    def drift() -> object:
        secrets = sophia("list", "--json", "--no-cache").json["secrets"]
        return secrets[0]["backends"]["github"]["drift"]

    assert drift() == "same"
    sophia.store("API_KEY", "other", "local")
    assert drift() == "differs"
    vendors.github.put("repos/octo/app/actions", "API_KEY", b"by someone else")
    assert drift() == "unknown"


def test_a_change_at_the_vendor_is_a_version_that_is_not_ours(sophia: Program, vendors: World) -> None:
    sophia.store("API_KEY", "v", "github")
    vendors.github.put("repos/octo/app/actions", "API_KEY", b"by someone else")
    sophia("list", "--no-cache")
    held = sophia("info", "API_KEY", "--json").json["backends"]["github"]
    assert (held["version"], held["written_by_us"]) == (2, False)


def test_an_outage_degrades_and_says_so(sophia: Program, vendors: World) -> None:
    vendors.pulumi_fails(503, {"code": 503, "message": "down"})
    sophia.store("API_KEY", "lower", "local")
    done = sophia("get", "API_KEY", "--json")
    assert (done.code, done.json["value"], done.json["degraded"]) == (0, "lower", True)
    assert "warning: " in done.err
    strict = sophia("get", "API_KEY", "--strict")
    assert (strict.code, strict.out) == (5, "")
    events = sophia.events()
    assert next(e["kind"] for e in events if e["outcome"] == "backend_failed") == "unreachable"


def test_a_stale_value_of_the_right_backend_stands_in_for_an_outage(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "right"})
    sophia.store("API_KEY", "wrong", "local")
    assert sophia("get", "API_KEY").out == "right\n"
    vendors.pulumi_fails(503, {"code": 503, "message": "down"})
    done = sophia("get", "API_KEY", "--json", SOPHIA_SECRETS_CACHE_TTL="0.001s")
    assert (done.json["value"], done.json["backend"], done.json["stale"]) == ("right", "pulumi", True)
    assert "stands in" in done.err
    told = sophia("explain", "API_KEY", SOPHIA_SECRETS_CACHE_TTL="0.001s").out
    assert "above it failed" not in told
    assert "degraded: a backend could not be reached)." in told
    assert sophia("get", "API_KEY", "--strict", SOPHIA_SECRETS_CACHE_TTL="0.001s").code == 5
    none_kept = sophia("get", "API_KEY", SOPHIA_SECRETS_CACHE_TTL="0.001s", SOPHIA_SECRETS_STALE_FOR="0")
    assert none_kept.out == "wrong\n"


@pytest.mark.parametrize(("status", "code"), [(401, 4), (403, 4), (404, 4)])
def test_C5_lost_rights_are_no_outage_and_the_cached_value_goes(
    sophia: Program, vendors: World, status: int, code: int
) -> None:
    vendors.define({"API_KEY": "revoked"})
    sophia("get", "API_KEY")
    vendors.pulumi_fails(status, {"code": status, "message": "no"})
    done = sophia("get", "API_KEY", SOPHIA_SECRETS_CACHE_TTL="0.001s")
    assert (done.code, done.out) == (code, "")
    assert "revoked" not in done.said
    assert sophia("cache", "status", "--json").json["entries"] == []
    assert sophia("get", "API_KEY", "--offline").code == 5


def test_offline_answers_from_the_cache_and_starts_nothing(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "v"})
    assert sophia("get", "API_KEY", "--offline").code == 5
    assert vendors.starts()["pulumi"] == 0
    sophia("get", "API_KEY")
    before = vendors.starts()
    assert sophia("get", "API_KEY", "--offline", SOPHIA_SECRETS_CACHE_TTL="0.001s").out == "v\n"
    tight = sophia("get", "API_KEY", "--offline", "--max-stale", "0.001s", SOPHIA_SECRETS_CACHE_TTL="0.001s")
    assert tight.code == 5
    assert vendors.starts() == before


@pytest.mark.parametrize(
    "command",
    [
        ("set", "API_KEY", "--backend", "github", "--generate", "uuid"),
        ("set", "API_KEY", "--backend", "pulumi", "--generate", "uuid"),
        ("delete", "API_KEY", "--backend", "fly", "--yes"),
        ("copy", "API_KEY", "--from", "local", "--to", "github", "--yes"),
        ("sync", "--from", "pulumi", "--to", "local", "--yes"),
        ("move", "API_KEY", "--from", "pulumi", "--to", "local", "--yes"),
        ("import", "secrets.env", "--backend", "fly", "--yes"),
        ("rotate", "API_KEY", "--generate", "--yes"),
        ("rotate", "API_KEY", "--backend", "pulumi", "--generate", "--yes"),
        ("diff", "pulumi", "local"),
    ],
)
def test_offline_nothing_is_written_to_a_vendor_and_what_needs_one_says_so(
    sophia: Program, vendors: World, command: tuple[str, ...]
) -> None:
    vendors.define({"API_KEY": "v"})
    sophia.store("API_KEY", "l")
    (sophia.cwd / "secrets.env").write_text("API_KEY=x\n")
    sophia("cache", "warm")
    before = vendors.starts()
    done = sophia(*command, "--offline")
    assert done.code == 5, done.said
    assert vendors.starts() == before
    assert done.err.splitlines()[-1].startswith("hint: Run the command without `--offline`")
    assert "cache warm" not in done.err
    assert "nothing recent enough is cached" not in done.err


def test_offline_doctor_asks_no_vendor(sophia: Program, vendors: World) -> None:
    checks = sophia("doctor", "--offline", "--json").json["checks"]
    assert vendors.starts() == {"github": 0, "pulumi": 0, "fly": 0}
    skipped = {check["id"] for check in checks if "`--offline`" in check["message"]}
    assert skipped == {"github.target", "pulumi.target", "fly.target"}
    assert {check["status"] for check in checks if check["id"] in skipped} == {"skip"}
    assert "local.file" in {check["id"] for check in checks}


def test_C2_another_credential_never_gets_the_cached_value(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "for user one"})
    assert sophia("get", "API_KEY").code == 0
    done = sophia("get", "API_KEY", PULUMI_ACCESS_TOKEN="somebody-else")
    assert (done.code, done.out) == (4, "")
    assert "for user one" not in done.said


def test_what_was_cached_with_reading_from_a_machine_is_not_used_without_it_nor_the_other_way_round(
    sophia: Program, vendors: World
) -> None:
    sophia.store("API_KEY", "v", "fly")
    none = sophia("get", "API_KEY", "--no-cache", SOPHIA_SECRETS_FLY_READ_FROM_MACHINE="true")
    assert "note: No Machine of the app is started, so no value can be read.\n" in none.err
    machine = {"id": "m1", "state": "started", "environment": {"API_KEY": "v"}}
    app = {**vendors.fly.state["apps"]["my-app"], "machines": [machine], "deployed": True}
    vendors.fly.update(apps={"my-app": app})
    sophia.environment["SOPHIA_SECRETS_CHAIN"] = "fly"
    switched_on = {"SOPHIA_SECRETS_FLY_READ_FROM_MACHINE": "true"}
    assert "write-only" in sophia("list").out
    assert sophia("get", "API_KEY", **switched_on).out == "v\n"
    assert sophia("get", "API_KEY").code == 3
    calls = len(vendors.fly.calls)
    assert sophia("get", "API_KEY", **switched_on).out == "v\n"
    assert len(vendors.fly.calls) == calls
    sophia.store("API_KEY", "new", "fly")
    machine["environment"] = {"API_KEY": "new"}
    app = {**vendors.fly.state["apps"]["my-app"], "machines": [machine]}
    vendors.fly.update(apps={"my-app": app})
    assert sophia("get", "API_KEY", **switched_on).out == "new\n"


def test_a_write_drops_what_was_cached_before_it(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "old"})
    assert sophia("get", "API_KEY").out == "old\n"
    sophia.store("API_KEY", "new", "pulumi")
    assert sophia("get", "API_KEY").out == "new\n"


def test_a_vendor_that_reports_success_and_stores_nothing_is_not_believed(
    sophia: Program, vendors: World
) -> None:
    sophia.store("API_KEY", "old", "github")
    vendors.github.fail("PUT", "secrets/API_KEY", 204)
    done = sophia("set", "API_KEY", "--backend", "github", "--json", stdin="new")
    assert (done.code, done.json["verified"]) == (0, False)
    assert vendors.github.store["repos/octo/app/actions"]["API_KEY"] == b"old"
    sophia.store("API_KEY", "new", "local")
    drift = sophia("list", "--json", "--no-cache").json["secrets"][0]["backends"]["github"]["drift"]
    assert drift != "same"


def test_set_never_falls_back_to_another_backend(sophia: Program, vendors: World) -> None:
    vendors.github.fail(
        "PUT", "secrets/API_KEY", 403, {"message": "Resource not accessible by personal access token"}
    )
    done = sophia("set", "API_KEY", "--backend", "github", stdin="v")
    assert done.code == 4
    assert vendors.fly.values() == {}
    assert sophia("list", "--names", "--no-cache").out == ""
    (intent, outcome) = [e for e in sophia.events() if e["command"] == "set"]
    assert (intent["outcome"], outcome["outcome"]) == ("intent", "failed")


def test_a_write_that_cannot_be_read_back_says_that_it_was_made(sophia: Program, vendors: World) -> None:
    vendors.pulumi_fails(503, {"code": 503, "message": "Service Unavailable"})
    done = sophia("set", "API_KEY", "--backend", "pulumi", stdin="v")
    assert done.code == 5
    assert "API_KEY was changed, and is not verified." in done.err
    told = sophia("set", "API_KEY", "--backend", "pulumi", "--json", stdin="v").json["error"]["message"]
    assert told.endswith("API_KEY was changed, and is not verified.")


def test_a_program_that_is_missing_is_said_once(sophia: Program, vendors: World) -> None:
    done = sophia("set", "API_KEY", "--backend", "pulumi", stdin="v", SOPHIA_SECRETS_PULUMI="/nowhere/pulumi")
    assert done.code == 5
    assert done.err.splitlines()[1] == (
        "error: The Pulumi CLI is not installed: /nowhere/pulumi does not exist or is not a file. API_KEY is as it was."
    )


def test_a_name_that_only_write_only_vendors_hold_is_not_found_and_says_where_it_is(
    sophia: Program, vendors: World
) -> None:
    sophia.store("ONLY_FLY", "v", "fly")
    sophia("list")
    done = sophia("get", "ONLY_FLY")
    assert done.code == 3
    assert "fly (my-app) holds it" in done.err


def test_inside_a_workflow_the_json_of_secrets_answers_first(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "from pulumi"})
    workflow = {
        "GITHUB_ACTIONS": "true",
        "SOPHIA_GITHUB_SECRETS_JSON": '{"github_token":"t","API_KEY":"from github","EMPTY":""}',
    }
    done = sophia("get", "API_KEY", "--json", **workflow).json
    assert (done["value"], done["backend"]) == ("from github", "github")
    assert vendors.starts() == {"github": 0, "pulumi": 0, "fly": 0}


def test_C8_an_empty_variable_in_a_workflow_is_absent(sophia: Program) -> None:
    done = sophia("get", "X_KEY", GITHUB_ACTIONS="true", GITHUB_REPOSITORY="octo/app", X_KEY="")
    assert (done.code, done.out) == (3, "")


def test_in_a_workflow_a_missing_name_is_to_be_given_to_the_step(sophia: Program) -> None:
    (sophia.cwd / "t").write_text("{{ X_KEY }}")
    for command in (
        ("get",),
        ("explain",),
        ("run", "--only"),
        ("render", "t"),
        ("export", "--format", "json"),
    ):
        arguments = command if command[0] == "render" else (*command, "X_KEY")
        ending = ("--", "true") if command[0] == "run" else ()
        done = sophia(*arguments, *ending, GITHUB_ACTIONS="true")
        assert done.code == 3
        assert "under `env:`, as `X_KEY: ${{ secrets.X_KEY }}`" in done.err
        assert "--backend local" not in done.err
        assert "--backend local" in sophia(*arguments, *ending).err


@pytest.mark.parametrize("flags", [(), ("--raw",), ("--json",), ("--backend", "local")])
def test_G1_in_a_workflow_the_mask_comes_before_the_value(sophia: Program, flags: tuple[str, ...]) -> None:
    sophia.store("API_KEY", 'line1\n"line2"')
    done = subprocess.run(
        [str(PROGRAM), "get", "API_KEY", *flags],
        env=sophia.full_environment(GITHUB_ACTIONS="true"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout
    masked, _, shown = done.rpartition("::add-mask::")
    assert "::add-mask::line1\n" in masked
    assert "line1" in shown
    hidden = [line.removeprefix("::add-mask::") for line in done.splitlines() if line.startswith("::")]
    assert {"line1", '"line2"', r"line1\n\"line2\""} <= set(hidden)


def test_a_list_that_shows_nothing_for_a_failure_ends_with_an_error(sophia: Program, vendors: World) -> None:
    missing = {"SOPHIA_SECRETS_GH": "/no/gh", "SOPHIA_SECRETS_PULUMI": "/no/pulumi"}
    alone = sophia("list", "--backend", "github", **missing)
    assert alone.code == 5
    assert alone.err.startswith("error: The GitHub CLI")
    assert "warning: " not in alone.err
    none = sophia("list", **missing)
    assert none.code == 5
    assert [line.split(":")[0] for line in none.err.splitlines()] == ["warning", "hint", "error", "hint"]
    sophia.store("API_KEY", "v")
    some = sophia("list", **missing)
    assert some.code == 0
    assert "API_KEY" in some.out
    assert "error: " not in some.err


def test_the_hint_of_a_write_only_name_leads_to_a_value(sophia: Program, vendors: World) -> None:
    sophia.store("API_KEY", "v-fly", "fly")
    sophia("cache", "warm")
    for chain, place in (
        ("fly,local,env", "local"),
        ("fly,pulumi", "pulumi"),
        ("github,pulumi,fly,local", "local"),
    ):
        sophia.environment["SOPHIA_SECRETS_CHAIN"] = chain
        hint = sophia("get", "API_KEY", "--json").json["error"]["hint"]
        command = f"sophia-secrets set API_KEY --backend {place}"
        assert f"store a readable copy with `{command}`." in hint
        assert sophia(*command.split()[1:], stdin="v-copy").code == 0
        assert sophia("get", "API_KEY").out == "v-copy\n"
        assert sophia("delete", "API_KEY", "--backend", place, "--yes").code == 0
    sophia.environment["SOPHIA_SECRETS_CHAIN"] = "fly,env"
    hint = sophia("get", "API_KEY", "--json").json["error"]["hint"]
    assert "sophia-secrets set" not in hint
    assert "add `local` to `chain`" in hint


def test_the_hint_of_a_name_that_is_nowhere_names_no_backend_that_gives_nothing_back(
    sophia: Program, vendors: World
) -> None:
    sophia.environment["SOPHIA_SECRETS_CHAIN"] = "github,fly,pulumi"
    hint = sophia("get", "SESSION_SECRET", "--json").json["error"]["hint"]
    assert "`sophia-secrets set SESSION_SECRET --backend pulumi`" in hint
    sophia.environment["SOPHIA_SECRETS_CHAIN"] = "github,fly"
    hint = sophia("get", "SESSION_SECRET", "--json").json["error"]["hint"]
    assert hint == "See who holds it with `sophia-secrets explain SESSION_SECRET`."


def test_an_error_about_one_backend_alone_names_it_and_its_target(sophia: Program) -> None:
    error = sophia("get", "API_KEY", "--backend", "local", "--json").json["error"]
    assert (error["backend"], error["target"]) == (
        "local",
        str(sophia.sophia / "state/secrets.env.age").replace(str(sophia.home), "~"),
    )
    error = sophia("get", "API_KEY", "--json").json["error"]
    assert (error["backend"], error["target"]) == (None, None)


def test_X1_fifty_processes_that_miss_at_once_make_one_vendor_call(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "v"})
    environment = sophia.full_environment()
    children = [
        subprocess.Popen(
            [str(PROGRAM), "get", "API_KEY"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(50)
    ]
    outputs = [child.communicate(timeout=120) for child in children]
    assert [(child.returncode, out, err) for child, (out, err) in zip(children, outputs, strict=True)] == [
        (0, b"v\n", b"")
    ] * 50
    assert vendors.starts()["pulumi"] == 1
    assert sophia("audit", "verify").code == 0
    assert len([e for e in sophia.events() if e["outcome"] == "found"]) == 50
    assert sophia("info", "API_KEY", "--json").json["access_count"] == 50


def test_R1_few_descriptors_are_enough(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "v"})
    done = subprocess.run(
        ["sh", "-c", f"ulimit -n 32; exec {PROGRAM} list --names"],
        env=sophia.full_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "API_KEY\n"), done.stderr


def test_C4_blank_targets_are_not_configured_and_start_nothing(sophia: Program, vendors: World) -> None:
    blank = {"GITHUB_REPOSITORY": " ", "PULUMI_ENVIRONMENT": "", "FLY_APP_NAME": ""}
    rows = sophia("backends", "--json", **blank).json["backends"]
    assert {row["backend"]: row["configured"] for row in rows} == {
        "github": False, "pulumi": False, "fly": False, "local": True, "env": True,
    }  # fmt: skip
    assert sophia("list", **blank).code == 0
    assert vendors.starts() == {"github": 0, "pulumi": 0, "fly": 0}


def test_doctor_without_any_vendor_program_names_each_and_its_fix(sophia: Program, vendors: World) -> None:
    gone = {f"SOPHIA_SECRETS_{word}": "/no/such/program" for word in ("GH", "PULUMI", "FLY")}
    done = sophia("doctor", "--json", **gone)
    assert (done.code, done.json["ok"]) == (7, False)
    failed = {check["id"]: check for check in done.json["checks"] if check["status"] == "fail"}
    assert {"github.cli", "pulumi.cli", "fly.cli"} <= set(failed)
    assert all(check["hint"] for check in failed.values())


def test_the_vendors_are_asked_side_by_side(
    sophia: Program, vendors: World, tmp_path: os.PathLike[str]
) -> None:
    """Each waits until the other has started: one after the other, both would run into the timeout."""
    meeting = os.path.join(tmp_path, "meeting")
    os.mkdir(meeting)
    for word, other, real in (("PULUMI", "FLY", vendors.pulumi.path), ("FLY", "PULUMI", vendors.fly.program)):
        script = os.path.join(tmp_path, f"{word.lower()}-gate")
        with open(script, "w") as file:
            file.write(
                f"#!/bin/sh\n: > {meeting}/{word}\n"
                f'while [ ! -e {meeting}/{other} ]; do sleep 0.02; done\nexec {real} "$@"\n'
            )
        os.chmod(script, 0o755)
        sophia.environment[f"SOPHIA_SECRETS_{word}"] = script
    vendors.define({"API_KEY": "v"})
    done = sophia("list", "--json", "--timeout", "15s")
    assert done.json["failures"] == []
