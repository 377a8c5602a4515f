"""`check` as a user runs it: the declared secrets, and what workflows use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.program import Done, Program
from tests.world import World


def declare(sophia: Program, text: str) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text(text)


def statuses(done: Done) -> dict[tuple[str, str], str]:
    return {(each["name"], each["rule"]): each["status"] for each in done.json["findings"]}


def workflow(sophia: Program, text: str, name: str = "ci.yml") -> str:
    path = sophia.cwd / ".github" / "workflows" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path.relative_to(sophia.cwd))


def test_without_a_declared_secret_it_says_how_to_declare_one(sophia: Program) -> None:
    done = sophia("check")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: No secret is declared, so there is nothing to check.\n"
        "hint: Declare one in sophia-secrets.toml (`[secrets.API_KEY]` and `required = true`), "
        "or start the file with `sophia-secrets config init`.\n"
    )


def test_all_is_well(sophia: Program) -> None:
    declare(sophia, '[secrets.API_KEY]\nrequired = true\npattern = "^sk-"\nrotate_every = "90d"\n')
    sophia.store("API_KEY", "sk-canary")
    done = sophia("check")
    assert done.code == 0
    assert "API_KEY  present  comes from local" in done.out
    assert done.err == "note: Everything that was checked is as declared.\n"
    shape = sophia("check", "--json").json
    assert list(shape) == ["schema", "ok", "findings"]
    assert (shape["schema"], shape["ok"]) == (1, True)
    assert [(f["rule"], f["status"]) for f in shape["findings"]] == [
        ("present", "ok"),
        ("pattern", "ok"),
        ("rotation", "ok"),
    ]
    assert set(shape["findings"][0]) == {"name", "rule", "status", "message", "hint"}


def test_what_is_missing_or_wrong_is_7_and_no_value_is_shown(sophia: Program) -> None:
    declare(
        sophia,
        '[secrets.NOPE]\nrequired = true\nowner = "platform"\n[secrets.DB_URL]\ntype = "url"\n'
        '[secrets.API_KEY]\npattern = "^sk-"\n',
    )
    sophia.store("DB_URL", "canary-one")
    sophia.store("API_KEY", "canary-two")
    done = sophia("check")
    assert done.code == 7
    assert "is required, and no backend gives it (local: absent, env: absent)" in done.out
    assert "its value is not a URL" in done.out
    assert "its value does not match its pattern" in done.out
    assert "NOPE: Store it with `sophia-secrets set NOPE --backend local`. Ask platform for it." in done.err
    assert "error: 3 checks failed: the table says which." in done.err
    shape = sophia("check", "--json")
    assert (shape.code, shape.json["ok"]) == (7, False)
    debug = sophia("check", "--debug")
    for text in (done.said, shape.said, debug.said):
        assert "canary" not in text


def test_a_secret_is_required_under_the_profiles_that_name_it(sophia: Program) -> None:
    declare(sophia, '[secrets.API_KEY]\nrequired = ["production"]\n[profiles.production]\nstrict = false\n')
    assert sophia("trust").code == 0
    assert statuses(sophia("check", "--json")) == {("API_KEY", "present"): "skip"}
    done = sophia("check", "--json", "--profile", "production")
    assert (done.code, statuses(done)) == (7, {("API_KEY", "present"): "fail"})


def test_groups_are_held_to_their_rule(sophia: Program) -> None:
    declare(sophia, '[groups.llm]\nexactly_one = ["A_KEY", "B_KEY"]\n')
    assert sophia("check").code == 7
    sophia.store("A_KEY", "1")
    assert sophia("check").code == 0
    done = sophia("check", B_KEY="2")
    assert done.code == 7
    assert "A_KEY, B_KEY are there" in done.out


def test_an_overdue_secret_is_7_and_one_of_unknown_age_is_a_warning(sophia: Program) -> None:
    declare(sophia, '[secrets.OLD]\nrotate_every = "0.001s"\n[secrets.UNSEEN]\nrotate_every = "1d"\n')
    sophia.store("OLD", "v")
    done = sophia("check", "--json", UNSEEN="v")
    assert done.code == 7
    assert statuses(done)["OLD", "rotation"] == "fail"
    assert statuses(done)["UNSEEN", "rotation"] == "warn"


def test_it_changes_nothing_asks_nothing_and_counts_as_no_access(sophia: Program) -> None:
    declare(sophia, '[secrets.API_KEY]\nrequired = true\nrotate_every = "90d"\n')
    sophia.store("API_KEY", "v")
    before = sophia("info", "API_KEY", "--json").json
    assert sophia("check").code == 0
    assert sophia("info", "API_KEY", "--json").json == before
    event = sophia.events()[-1]
    assert (event["command"], event["name"], event["outcome"]) == ("check", "API_KEY", "seen")


def test_R3_a_pattern_that_takes_for_ever_is_given_up(sophia: Program) -> None:
    declare(sophia, '[secrets.API_KEY]\npattern = ".*.*.*.*x"\n')
    sophia.store("API_KEY", "a" * 60_000)
    done = sophia("check", timeout=20)
    assert done.code == 7
    assert "takes too long" in done.out


def test_each_vendor_is_asked_once_for_the_backends_that_must_hold_it(
    sophia: Program, vendors: World
) -> None:
    declare(
        sophia,
        '[secrets.A_KEY]\nrequired = true\nbackends = ["github", "fly", "pulumi"]\n'
        '[secrets.B_KEY]\nbackends = ["github"]\nrequired = true\n',
    )
    vendors.define({"A_KEY": "v"})
    vendors.github.put("repos/octo/app/actions", "B_KEY", b"x")
    sophia.store("A_KEY", "v", "fly")
    sophia("cache", "clear")
    before = vendors.starts()
    done = sophia("check", "--json")
    after = vendors.starts()
    assert {name: after[name] - before[name] for name in after} == {"github": 1, "pulumi": 1, "fly": 1}
    messages = {
        (f["message"].split()[0], f["status"]) for f in done.json["findings"] if f["rule"] == "backends"
    }
    assert messages == {("github", "fail"), ("fly", "ok"), ("pulumi", "ok"), ("github", "ok")}
    assert statuses(done)["B_KEY", "present"] == "skip"
    assert done.code == 7


def test_a_backend_outside_the_chain_is_asked_where_it_must_hold_something(
    sophia: Program, vendors: World
) -> None:
    declare(sophia, '[secrets.A_KEY]\nbackends = ["github"]\n')
    vendors.github.put("repos/octo/app/actions", "A_KEY", b"x")
    done = sophia("check", "--json", SOPHIA_SECRETS_CHAIN="env", A_KEY="v")
    assert done.code == 0, done.said
    assert statuses(done)["A_KEY", "backends"] == "ok"
    assert vendors.starts() == {"github": 1, "pulumi": 0, "fly": 0}


PROFILED = """\
[fly]
app = "my-app"
[secrets.A_KEY]
required = true
backends = ["fly"]
[profiles.production]
chain = ["fly"]
[profiles.production.fly]
app = "my-app-prod"
"""


def test_the_command_of_a_hint_means_the_profile_that_was_checked(sophia: Program, vendors: World) -> None:
    apps = {app: {"secrets": {}, "machines": [], "deployed": False} for app in ("my-app", "my-app-prod")}
    vendors.fly.update(apps=apps)
    declare(sophia, PROFILED)
    sophia("trust")
    command = "sophia-secrets --profile production set A_KEY --backend fly"
    assert f"hint: A_KEY: Store it with `{command}`.\n" in sophia("check", "--profile", "production").err
    shape = sophia("--profile=production", "check", "--json").json
    assert [f["hint"] for f in shape["findings"] if f["rule"] == "backends"] == [
        f"Store it with `{command}`."
    ]
    done = sophia(*command.split()[1:], stdin="v-12345678")
    assert done.code == 0, done.said
    assert vendors.fly.values("my-app-prod") == {"A_KEY": "v-12345678"}
    assert vendors.fly.values("my-app") == {}
    named = sophia("get", "SESSION_SECRET", "--backend", "fly", "--profile", "production", "--json")
    assert (
        "`sophia-secrets --profile production set SESSION_SECRET --backend fly`"
        in named.json["error"]["hint"]
    )


@pytest.mark.parametrize(("status", "code"), [(503, 5), (401, 4)])
def test_a_backend_that_failed_makes_it_unknown_with_that_failures_code(
    sophia: Program, vendors: World, status: int, code: int
) -> None:
    declare(sophia, "[secrets.A_KEY]\nrequired = true\n[secrets.B_KEY]\n")
    vendors.pulumi_fails(status, {"code": status, "message": "no"})
    done = sophia("check", "--json")
    assert done.code == code
    assert done.json["ok"] is False
    assert statuses(done) == {("A_KEY", "present"): "unknown", ("B_KEY", "present"): "unknown"}
    sophia.store("A_KEY", "v")
    sophia.store("B_KEY", "v")
    assert sophia("check").code == 0
    declare(sophia, '[secrets.A_KEY]\n[groups.g]\nexactly_one = ["A_KEY", "B_KEY"]\n')
    assert sophia("check").code == 7


CI = """\
on: {push: {}, pull_request: {}}
env: {TOP: "${{ secrets.REPO_KEY }}", T: "${{ github.token }}", G: "${{ secrets.GITHUB_TOKEN }}"}
jobs:
  deploy:
    environment: production
    env: {A: "${{ secrets.env_key }}", B: "${{ secrets.ORG_KEY }}", C: "${{ secrets.MISSING_KEY }}"}
"""


def shared(vendors: World, *names: str) -> None:
    rows = [
        {"name": n, "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z"} for n in names
    ]
    body: dict[str, Any] = {"total_count": len(rows), "secrets": rows}
    vendors.github.fail("GET", "organization-secrets", 200, body)


def test_a_workflows_secrets_are_looked_for_at_every_level(sophia: Program, vendors: World) -> None:
    path = workflow(sophia, CI)
    vendors.github.put("repos/octo/app/actions", "REPO_KEY", b"x")
    vendors.github.put("repos/octo/app/environments/production", "ENV_KEY", b"x")
    shared(vendors, "ORG_KEY")
    done = sophia("check", "--workflow", path, "--json")
    assert done.code == 7
    messages = {f["name"]: (f["status"], f["message"]) for f in done.json["findings"]}
    assert messages["REPO_KEY"] == ("ok", f"{path}:2 uses it; the repository octo/app has it")
    assert messages["ENV_KEY"] == ("ok", f"{path}:6 uses it; the environment production has it")
    assert messages["ORG_KEY"] == ("ok", f"{path}:6 uses it; the organisation has it")
    assert messages["MISSING_KEY"][0] == "fail"
    assert messages["ci.yml"][0] == "warn"
    assert "one from a fork gets none of ENV_KEY, MISSING_KEY, ORG_KEY, REPO_KEY" in messages["ci.yml"][1]
    assert "GITHUB_TOKEN" not in done.out
    assert len(vendors.github.requests) == 3
    assert vendors.starts()["pulumi"] == vendors.starts()["fly"] == 0


def test_the_organisation_is_asked_only_where_a_name_is_nowhere_else(sophia: Program, vendors: World) -> None:
    path = workflow(sophia, "on: push\njobs: {a: {env: {A: '${{ secrets.REPO_KEY }}'}}}\n")
    vendors.github.put("repos/octo/app/actions", "REPO_KEY", b"x")
    assert sophia("check", "--workflow", path).code == 0
    assert vendors.github.asked("GET") == ["/repos/octo/app/actions/secrets"]


def test_a_missing_name_gets_the_nearest_and_a_person_has_no_organisation(
    sophia: Program, vendors: World
) -> None:
    path = workflow(sophia, "on: push\njobs: {a: {env: {A: '${{ secrets.OPENAI_KEY }}'}}}\n")
    vendors.github.put("repos/octo/app/actions", "OPENAI_API_KEY", b"x")
    done = sophia("check", "--workflow", path)
    assert done.code == 7
    assert "OPENAI_KEY: Did you mean OPENAI_API_KEY?" in done.err


@pytest.mark.parametrize(("status", "code"), [(503, 5), (401, 4)])
def test_a_level_that_failed_makes_its_names_unknown(
    sophia: Program, vendors: World, status: int, code: int
) -> None:
    path = workflow(sophia, CI)
    vendors.github.put("repos/octo/app/environments/production", "ENV_KEY", b"x")
    vendors.github.fail("GET", "app/actions/(organization-)?secrets", status, {"message": "no"})
    done = sophia("check", "--workflow", path, "--json")
    assert done.code == code
    states = statuses(done)
    assert states["ENV_KEY", "workflow"] == "ok"
    assert states["REPO_KEY", "workflow"] == states["ORG_KEY", "workflow"] == "unknown"


def test_offline_no_level_is_asked(sophia: Program, vendors: World) -> None:
    path = workflow(sophia, CI)
    done = sophia("check", "--workflow", path, "--offline")
    assert done.code == 5
    assert vendors.github.requests == []


def test_called_workflows_are_followed_and_what_is_not_handed_on_fails(
    sophia: Program, vendors: World
) -> None:
    workflow(
        sophia,
        "on:\n  workflow_call:\n    secrets:\n      token: {required: true}\n      extra: {}\n"
        "jobs:\n  a:\n    env: {T: '${{ secrets.token }}', E: '${{ secrets.extra }}', O: '${{ secrets.OTHER }}'}\n"
        "  b:\n    environment: production\n    env: {P: '${{ secrets.ENV_KEY }}'}\n",
        "called.yml",
    )
    path = workflow(
        sophia,
        "on: push\njobs:\n"
        "  mapped: {uses: ./.github/workflows/called.yml, secrets: {token: '${{ secrets.REPO_KEY }}'}}\n"
        "  far: {uses: octo/x/.github/workflows/y.yml@v1, secrets: inherit}\n",
    )
    vendors.github.put("repos/octo/app/actions", "REPO_KEY", b"x")
    vendors.github.put("repos/octo/app/environments/production", "ENV_KEY", b"x")
    done = sophia("check", "--workflow", path, "--json")
    assert done.code == 7
    assert statuses(done) == {
        ("REPO_KEY", "workflow"): "ok",
        ("ENV_KEY", "workflow"): "ok",
        ("EXTRA", "workflow"): "skip",
        ("OTHER", "workflow"): "fail",
        ("secrets", "workflow"): "warn",
    }
    assert "cannot be seen here" in done.out

    bare = workflow(sophia, "on: push\njobs: {a: {uses: ./.github/workflows/called.yml}}\n", "bare.yml")
    told = {
        (f["name"], f["status"]): f["message"]
        for f in sophia("check", "--workflow", bare, "--json").json["findings"]
    }
    assert "without it, which requires it" in told["TOKEN", "fail"]

    inherit = workflow(
        sophia, "on: push\njobs: {a: {uses: ./.github/workflows/called.yml, secrets: inherit}}\n", "all.yml"
    )
    shared(vendors, "TOKEN", "EXTRA", "OTHER")
    assert sophia("check", "--workflow", inherit).code == 0
    alone = sophia("check", "--workflow", ".github/workflows/called.yml", "--json")
    assert statuses(alone)["TOKEN", "workflow"] == "skip"


def test_workflows_that_call_each_other_end(sophia: Program, vendors: World) -> None:
    text = "on: [push, workflow_call]\njobs: {a: {uses: ./.github/workflows/ci.yml, secrets: inherit}}\n"
    assert sophia("check", "--workflow", workflow(sophia, text)).code == 0
    for n in range(12):
        workflow(
            sophia,
            f"on: workflow_call\njobs: {{a: {{uses: ./.github/workflows/w{n + 1}.yml, secrets: inherit}}}}\n",
            f"w{n}.yml",
        )
    done = sophia("check", "--workflow", ".github/workflows/w0.yml")
    assert done.code == 2
    assert "more than 10 deep" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file"),
        ("jobs: [", "is not YAML"),
        ("on: push\njobs: {a: {uses: ./../../x.yml}}\n", "outside of the repository"),
    ],
)
def test_a_file_that_cannot_be_used_is_2(sophia: Program, text: str | None, said: str) -> None:
    path = "gone.yml" if text is None else workflow(sophia, text)
    done = sophia("check", "--workflow", path)
    assert done.code == 2
    assert said in done.err


def test_without_a_repository_a_workflows_secrets_cannot_be_looked_for(sophia: Program) -> None:
    done = sophia("check", "--workflow", workflow(sophia, CI))
    assert done.code == 2
    assert "GITHUB_REPOSITORY" in done.err


def test_inside_a_workflow_what_the_job_was_given_answers(sophia: Program, tmp_path: Path) -> None:
    path = workflow(sophia, CI)
    done = sophia(
        "check", "--workflow", path, "--json",
        GITHUB_ACTIONS="true", GITHUB_REPOSITORY="octo/app", GITHUB_SERVER_URL="https://github.com",
        SOPHIA_GITHUB_SECRETS_JSON='{"github_token": "t", "REPO_KEY": "canary", "ENV_KEY": "canary", "ORG_KEY": "x"}',
    )  # fmt: skip
    assert done.code == 7
    states = statuses(done)
    assert states["REPO_KEY", "workflow"] == states["ENV_KEY", "workflow"] == "ok"
    assert states["MISSING_KEY", "workflow"] == "fail"
    assert "canary" not in done.said


def test_I5_names_and_paths_from_a_file_cannot_act_on_the_terminal(sophia: Program, vendors: World) -> None:
    text = 'on: push\njobs: {a: {environment: "\\e]0;x\\a", env: {A: "${{ secrets[\'\\e[31m\'] }}"}}}\n'
    done = sophia("check", "--workflow", workflow(sophia, text))
    assert r"\x1b[31M" in done.out
    assert "\x1b" not in done.said


def test_a_workflow_that_takes_all_or_computes_a_name_is_told_as_what_cannot_be_known(
    sophia: Program,
) -> None:
    path = workflow(
        sophia,
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo\n        env:\n"
        "          ALL: ${{ toJSON(secrets) }}\n          ONE: ${{ secrets[matrix.name] }}\n"
        "  b: {uses: octo/x/.github/workflows/y.yml@v1, secrets: inherit}\n"
        "  c: {uses: octo/x/.github/workflows/z.yml@v1}\n",
    )
    done = sophia("check", "--workflow", path, "--json")
    told = [(row["status"], row["message"]) for row in done.json["findings"]]
    assert [(status, message.partition(":")[2].partition(" ")[2]) for status, message in told] == [
        ("skip", "takes every secret that there is"),
        ("warn", "computes the name, which cannot be known here"),
        (
            "warn",
            "hands every secret to octo/x/.github/workflows/y.yml@v1; which of them it uses cannot be seen here",
        ),
    ]
