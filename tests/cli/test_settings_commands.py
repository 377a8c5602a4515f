"""`config`, `trust`, `cache`, `backends`, `completion`, `help`, and the program alone."""

from __future__ import annotations

import subprocess
import tomllib

import pytest

from tests.program import PROGRAM, Program
from tests.world import World


def test_config_show_says_where_each_value_came_from(sophia: Program) -> None:
    sophia.user_settings('timeout = "9s"\n')
    (sophia.cwd / "sophia-secrets.toml").write_text("strict = true\n[secrets.API_KEY]\n")
    shape = sophia("config", "show", "--json", FLY_APP_NAME="my-app").json
    settings = shape["settings"]
    assert settings["fly.app"] == {"value": "my-app", "source": "variable FLY_APP_NAME"}
    assert settings["timeout"]["value"] == 9.0
    assert settings["timeout"]["source"].endswith("config.toml:1")
    assert settings["strict"]["source"].endswith("sophia-secrets.toml:1")
    assert settings["cache.ttl"] == {"value": 300.0, "source": "default"}
    assert shape["declared"] == ["API_KEY"]


def test_config_show_and_path_for_people(sophia: Program) -> None:
    sophia.user_settings('timeout = "9s"\n')
    project = sophia.cwd / "sophia-secrets.toml"
    project.write_text("[secrets.B_KEY]\n[secrets.A_KEY]\n")
    shown = sophia("config", "show").out
    assert "timeout" in shown
    assert "\nDeclared secrets: A_KEY, B_KEY\n" in shown
    user = sophia.sophia / "config" / "config.toml"
    assert sophia("config", "path").out == (
        f"user     {user}\nproject  {project}\nstate    {sophia.sophia / 'state'}\n"
        f"cache    {sophia.sophia / 'cache'}\n"
    )
    assert sophia("config", "path", "--json").json == {
        "schema": 1,
        "user": str(user),
        "project": [str(project)],
        "state": str(sophia.sophia / "state"),
        "cache": str(sophia.sophia / "cache"),
    }
    project.unlink()
    assert "\nproject  -\n" in sophia("config", "path").out


def test_config_show_with_a_profile_names_it_and_what_chose_it(sophia: Program) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text("[profiles.production]\nstrict = true\n")
    sophia("trust")
    shape = sophia("config", "show", "--profile", "production", "--json").json
    assert shape["profile"] == "production"
    assert shape["settings"]["strict"]["value"] is True
    assert shape["settings"].keys() == sophia("config", "show", "--json").json["settings"].keys()
    by_flag = sophia("config", "show", "--profile", "production").out.splitlines()
    assert by_flag[1].split(maxsplit=2) == ["profile", "production", "flag --profile"]
    by_variable = sophia("config", "show", SOPHIA_SECRETS_PROFILE="production").out.splitlines()
    assert by_variable[1].split(maxsplit=2) == ["profile", "production", "variable SOPHIA_SECRETS_PROFILE"]


def test_config_init_gives_an_example_of_what_is_declared_and_keeps_one_that_is_there(
    sophia: Program,
) -> None:
    (sophia.cwd / "sophia-secrets.local.toml").write_text(
        "[secrets.A_KEY]\nrequired = true\ntype = 'url'\nowner = 'ada'\n[secrets.B_KEY]\n"
    )
    shape = sophia("config", "init", "--json").json
    example = sophia.cwd / ".env.example"
    assert shape == {
        "schema": 1,
        "written": [str(sophia.cwd / "sophia-secrets.toml"), str(example)],
        "found": {},
    }
    assert "# required; type url; ask ada\nA_KEY=\n" in example.read_text()
    assert "B_KEY=\n" in example.read_text()
    example.write_text("mine")
    (sophia.cwd / "sophia-secrets.toml").unlink()
    assert sophia("config", "init").code == 0
    assert example.read_text() == "mine"
    assert sophia("config", "init", "--force").code == 0
    assert example.read_text() != "mine"


def test_trust_where_nothing_is_to_be_trusted_says_how_to_begin(sophia: Program) -> None:
    done = sophia("trust")
    assert done.code == 2
    assert "There is no project settings file here." in done.err
    assert "`sophia-secrets config init`" in done.err


def test_config_init_writes_what_was_found_and_only_once(sophia: Program) -> None:
    (sophia.cwd / ".git").mkdir()
    (sophia.cwd / ".git" / "config").write_text('[remote "origin"]\n\turl = git@github.com:octo/app.git\n')
    (sophia.cwd / "fly.toml").write_text("app = 'my-app'\n")
    done = sophia("config", "init")
    assert done.code == 0, done.said
    written = tomllib.loads((sophia.cwd / "sophia-secrets.toml").read_text())
    assert written["github"]["repository"] == "octo/app"
    assert written["fly"]["app"] == "my-app"
    assert "Found github.repository = octo/app (the git remote)" in done.err
    again = sophia("config", "init")
    assert again.code == 2
    assert "--force" in again.err
    assert sophia("trust").code == 0
    rows = {row["backend"]: row["target"] for row in sophia("backends", "--json").json["backends"]}
    assert (rows["github"], rows["fly"]) == ("octo/app", "my-app")


def test_config_init_finds_what_each_vendor_leaves_in_a_project(sophia: Program) -> None:
    (sophia.cwd / ".git").mkdir()
    remote = sophia.cwd / ".git" / "config"
    remote.write_text('[remote "origin"]\n\turl = https://git.example/octo/app.git\n')
    (sophia.cwd / "infra").mkdir()
    (sophia.cwd / "infra" / "Pulumi.yaml").write_text("name: shop\nruntime: yaml\n")
    (sophia.cwd / ".env").write_text("A_KEY=1\n")
    environment = {"FLY_APP_NAME": "my-app", "PULUMI_STACK": "acme/dev", "GITHUB_REPOSITORY": "octo/job"}
    found = sophia("config", "init", "--json", **environment).json["found"]
    assert found == {
        "pulumi.project": "shop",
        "pulumi.directory": "infra",
        "env.file": ".env",
        "github.repository": "octo/job",
        "pulumi.stack": "acme/dev",
        "fly.app": "my-app",
    }
    remote.write_text('[remote "origin"]\n\turl = https://github.example/octo/app.git\n')
    (sophia.cwd / "Pulumi.yaml").write_text("name: whole\nruntime: yaml\n")
    found = sophia("config", "init", "--force", "--json", **environment).json["found"]
    assert found["github.repository"] == "github.example/octo/app"
    assert (found["pulumi.project"], found["pulumi.directory"]) == ("whole", ".")


def test_trust_is_given_and_taken_back(sophia: Program) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text('[fly]\napp = "my-app"\n')

    def fly_is_configured() -> bool:
        rows = {row["backend"]: row["configured"] for row in sophia("backends", "--json").json["backends"]}
        return bool(rows["fly"])

    assert not fly_is_configured()
    assert sophia("trust", "--json").json["files"][0]["changed"] is True
    assert sophia("trust", "--json").json["files"][0]["changed"] is False
    assert fly_is_configured()
    assert sophia("trust", "--revoke").code == 0
    assert not fly_is_configured()
    assert sophia("trust", "/no/such.toml").code == 2


def test_trust_takes_the_file_that_config_names(sophia: Program) -> None:
    other = sophia.cwd / "other.toml"
    for file in (sophia.cwd / "sophia-secrets.toml", other):
        file.write_text('[fly]\napp = "my-app"\n')
    given = [{"file": str(other), "trusted": True, "changed": True}]
    assert sophia("trust", "--config", "other.toml", "--json").json["files"] == given
    assert (
        sophia("trust", "other.toml", "--config", "other.toml", "--json").json["files"][0]["changed"] is False
    )
    assert sophia("trust", "--revoke", "--config", "other.toml").err == f"note: No longer trusted: {other}\n"
    two = sophia("trust", "sophia-secrets.toml", "--config", "other.toml")
    assert (two.code, two.out) == (2, "")
    assert "`trust sophia-secrets.toml` and `--config other.toml` name two files." in two.err
    none = sophia("trust", "--config", "missing.toml")
    assert none.code == 2
    assert "missing.toml does not exist" in none.err
    assert not list((sophia.sophia / "state" / "trust").iterdir())


def test_config_init_takes_no_config_and_writes_nothing_then(sophia: Program) -> None:
    done = sophia("config", "init", "--config", "other.toml")
    assert (done.code, done.out) == (2, "")
    assert "takes no `--config`" in done.err
    assert not list(sophia.cwd.iterdir())


def test_a_profile_never_shares_a_target_by_accident(sophia: Program) -> None:
    sophia.user_settings(
        '[fly]\napp = "dev-app"\n[profiles.production]\nchain = ["fly"]\n[profiles.production.fly]\napp = "prod-app"\n'
    )
    rows = sophia("backends", "--json", "--profile", "production").json["backends"]
    assert [(row["backend"], row["target"]) for row in rows] == [("fly", "prod-app")]
    assert sophia("backends", "--json").json["backends"][2]["target"] == "dev-app"
    unknown = sophia("backends", "--profile", "prodution")
    assert unknown.code == 2
    assert "production" in unknown.err


def test_cache_status_clear_and_warm(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "v"})
    assert sophia("cache", "status", "--json").json["entries"] == []
    assert sophia("cache", "warm").code == 0
    shape = sophia("cache", "status", "--json").json
    assert shape["key_source"] == "file"
    assert [(e["backend"], e["target"], e["names"]) for e in shape["entries"]] == [
        ("fly", "my-app", 0),
        ("github", "octo/app", 0),
        ("pulumi", "acme/app/production", 1),
    ]
    assert sophia("cache", "clear", "--backend", "pulumi", "--json").json == {"schema": 1, "removed": 1}
    assert sophia("cache", "clear", "--json").json["removed"] == 2
    assert sophia("cache", "clear", "--backend", "nowhere").code == 2


def test_cache_for_people_and_what_is_warm_in_json(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "v"})
    assert "The cache is empty. Fill it with `sophia-secrets cache warm`." in sophia("cache", "status").err
    shape = sophia("cache", "warm", "--json").json
    warm = {row["backend"]: (row["target"], row["names"]) for row in shape["entries"]}
    assert warm == {
        "github": ("octo/app", 0), "pulumi": ("acme/app/production", 1), "fly": ("my-app", 0),
    }  # fmt: skip
    assert shape["failures"] == []
    rows = [line.split() for line in sophia("cache", "status").out.splitlines()]
    assert [row[:3] for row in rows[1:]] == [
        ["fly", "my-app", "0"], ["github", "octo/app", "0"], ["pulumi", "acme/app/production", "1"],
    ]  # fmt: skip
    assert "v" not in [word for row in rows for word in row]


def test_a_cache_that_is_switched_off_says_so_and_cannot_be_warmed(sophia: Program) -> None:
    sophia.user_settings('[cache]\nttl = "0s"\nstale_for = "0s"\n')
    assert sophia("cache", "status").err == "note: The cache is switched off.\n"
    done = sophia("cache", "warm")
    assert done.code == 2
    assert "Set `[cache] ttl` in the settings." in done.err


def test_where_no_backend_needs_the_cache_warming_says_so(sophia: Program) -> None:
    sophia.store("API_KEY", "v")
    done = sophia("cache", "warm")
    assert done.code == 0
    assert "No backend here needs the cache." in done.err


def test_warming_in_an_outage_keeps_what_was_cached(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "v"})
    assert sophia("cache", "warm").code == 0
    vendors.pulumi_fails(503, {"code": 503, "message": "down"})
    assert sophia("cache", "warm").code == 5
    assert sophia("get", "API_KEY", "--offline").out == "v\n"


def test_warming_asks_although_the_cache_is_fresh(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "old"})
    assert sophia("cache", "warm").code == 0
    vendors.define({"API_KEY": "new"})
    assert sophia("cache", "warm", "--max-stale", "1h").code == 0
    assert sophia("get", "API_KEY", "--offline").out == "new\n"


def test_metadata_survives_the_clearing_of_the_cache(sophia: Program, vendors: World) -> None:
    vendors.define({"API_KEY": "v"})
    sophia("get", "API_KEY")
    sophia("cache", "clear")
    assert sophia("info", "API_KEY", "--json").json["access_count"] == 1


def test_bash_completes_commands_and_names_without_asking_a_vendor(sophia: Program, vendors: World) -> None:
    sophia.store("API_KEY", "v")
    before = vendors.starts()
    script = sophia("completion", "bash").out
    ask = (
        f"PATH={PROGRAM.parent}:$PATH\n{script}\n"
        'COMP_WORDS=(sophia-secrets get AP); COMP_CWORD=2; _sophia_secrets; echo "${COMPREPLY[@]}"\n'
        'COMP_WORDS=(sophia-secrets expl); COMP_CWORD=1; _sophia_secrets; echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "-c", ask], env=sophia.full_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["API_KEY", "explain"]
    assert vendors.starts() == before
    assert all(sophia("completion", shell).code == 0 for shell in ("zsh", "fish"))


def test_alone_it_says_what_is_here_and_what_to_do_next(sophia: Program) -> None:
    done = sophia()
    assert done.code == 0
    assert "sophia-secrets set MY_API_KEY --backend local" in done.out
    (sophia.cwd / "fly.toml").write_text('app = "my-app"\n')
    assert "sophia-secrets config init" in sophia().out


def test_alone_in_a_project_it_leads_to_trust_then_to_a_check(sophia: Program) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text('[fly]\napp = "my-app"\n')
    (sophia.cwd / ".github" / "workflows").mkdir(parents=True)
    (sophia.cwd / ".github" / "workflows" / "ci.yml").write_text("jobs: {}\n")
    out = sophia().out
    assert ".github/workflows/ci.yml" in out
    assert "sophia-secrets trust" in out
    assert "sophia-secrets set MY_API_KEY --backend local" in out
    assert "sophia-secrets check --workflow" not in out
    assert sophia("trust").code == 0
    sophia.store("API_KEY", "v")
    assert "sophia-secrets list" in sophia().out
    assert "sophia-secrets check --workflow .github/workflows/ci.yml" in sophia().out
    shape = sophia("--json").json
    assert (shape["found"], shape["known_names"]) == ({}, 1)
    assert set(shape["programs"]) == {"gh", "pulumi", "fly"}


def test_help_pages_and_every_commands_help(sophia: Program) -> None:
    from sophia_secrets.cli.commands import COMMANDS

    assert "130  interrupted" in sophia("help", "exit-codes").out
    for command in COMMANDS:
        done = sophia(command, "--help")
        assert done.code == 0, command
        assert "Usage: sophia-secrets" in done.out
        assert sophia("help", command).code == 0


def test_version(sophia: Program) -> None:
    from sophia_secrets import __version__

    assert sophia("--version").out == f"sophia-secrets {__version__}\n"


def test_a_default_backend_of_a_file_that_is_not_trusted_asks_for_trust(sophia: Program) -> None:
    (sophia.cwd / "sophia-secrets.toml").write_text('default_backend = "local"\n')
    done = sophia("set", "API_KEY", "--generate", "uuid", "--json")
    assert (done.code, done.json["error"]["kind"]) == (2, "not_trusted")
    assert "`sophia-secrets trust`" in done.json["error"]["hint"]
    assert sophia("trust").code == 0
    assert sophia("set", "API_KEY", "--generate", "uuid").code == 0


@pytest.mark.parametrize("command", ["get", "set", "delete", "copy", "rotate", "render", "import", "diff"])
def test_the_usage_of_a_command_names_what_it_needs_and_nothing_hidden(sophia: Program, command: str) -> None:
    usage = sophia(command, "--help").out.splitlines()[0]
    assert "{" not in usage
    assert "extra" not in usage


def test_the_help_of_export_names_the_parser_of_each_format(sophia: Program) -> None:
    from sophia_secrets.formats import FORMATS

    page = sophia("export", "--help").out
    for format_name in FORMATS:
        assert f"`{format_name}` for" in " ".join(page.split())


@pytest.mark.parametrize(("typed", "meant"), [("gte", "get"), ("lsit", "list"), ("exprot", "export")])
def test_letters_that_changed_places_are_told(sophia: Program, typed: str, meant: str) -> None:
    assert f"hint: Did you mean `sophia-secrets {meant}`?" in sophia(typed).err


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (("completion", "zsh"), "script", "shell"),
        (("help", "exit-codes"), "text", "page"),
        (("help", "get"), "text", "page"),
    ],
)
def test_help_and_completion_as_JSON_hold_the_text_that_they_print(
    sophia: Program, words: tuple[str, ...], key: str, value: str
) -> None:
    shape = sophia(*words, "--json").json
    assert shape.pop(key) + "\n" == sophia(*words).out
    assert shape == {"schema": 1, value: words[1]}
