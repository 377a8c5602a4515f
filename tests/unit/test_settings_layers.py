"""Which value counts, and where it is said to come from."""

import itertools
import pwd
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sophia_secrets import errors
from sophia_secrets.settings import ROWS, Layer, Row, Settings, TrustStore, find_project, load, locate
from sophia_secrets.settings.kinds import Kind
from sophia_secrets.settings.table import BACKENDS


@dataclass
class Machine:
    """A home and a project on a disk of its own."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environ.setdefault("SOPHIA_SECRETS_HOME", str(self.root / "ours"))
        self.environ.setdefault("HOME", str(self.root / "home"))
        for each in (self.project, self.root / "home", self.root / "ours" / "config"):
            each.mkdir(parents=True, exist_ok=True)

    @property
    def project(self) -> Path:
        return self.root / "project"

    def user(self, text: str) -> Path:
        return self._write(self.root / "ours" / "config" / "config.toml", text)

    def main(self, text: str, *, trusted: bool = True) -> Path:
        return self._trust(self._write(self.project / "sophia-secrets.toml", text), trusted)

    def local(self, text: str, *, trusted: bool = True) -> Path:
        return self._trust(self._write(self.project / "sophia-secrets.local.toml", text), trusted)

    def pyproject(self, text: str, *, trusted: bool = True) -> Path:
        return self._trust(self._write(self.project / "pyproject.toml", text), trusted)

    def store(self) -> TrustStore:
        return TrustStore(locate(self.environ).state)

    def load(self, cwd: Path | None = None, **more: object) -> Settings:
        where = str(cwd or self.project)
        return load(environ=self.environ, cwd=where, trust=self.store(), **more)  # type: ignore[arg-type]

    def _write(self, path: Path, text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        return path

    def _trust(self, path: Path, trusted: bool) -> Path:
        if trusted:
            for each in find_project(str(self.project), self.environ["HOME"]).documents:
                if each.path == str(path):
                    self.store().trust(each.path, each.substance)
        return path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def example(row: Row) -> str:
    """The row's example, as a variable or flag would say it."""
    text = row.example.strip('"')
    return text.strip("[]").replace('"', "") if row.kind is Kind.LIST else text


def as_toml(row: Row) -> str:
    return f"[{row.table}]\n{row.name} = {row.example}\n" if row.table else f"{row.name} = {row.example}\n"


def test_without_anything_there_are_the_defaults(machine: Machine) -> None:
    settings = machine.load()
    assert settings.chain == ("github", "pulumi", "fly", "local", "env") == BACKENDS
    assert settings.default_backend is None
    assert settings.strict is False
    assert settings.timeout == 30.0
    assert (settings.cache_ttl, settings.stale_for) == (300.0, 86400.0)
    assert (settings.audit_mode, settings.audit_sync, settings.cache_key) == ("required", "always", "file")
    assert settings.section("github") == {"app": "actions"}
    assert settings.section("env") == {}
    assert settings.program("gh") is None
    assert {source.place for source in settings.sources.values()} == {"default"}
    assert (settings.notes, settings.untrusted, settings.profile) == ((), None, None)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_every_setting_can_be_set_from_the_users_file(machine: Machine, row: Row) -> None:
    path = machine.user(as_toml(row))
    settings = machine.load()
    line = 2 if row.table else 1
    assert settings.sources[row.key].place == f"{path}:{line}"
    assert settings.sources[row.key].layer is Layer.USER


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_every_setting_can_be_set_by_a_flag(machine: Machine, row: Row) -> None:
    settings = machine.load(flags={row.key: example(row)})
    assert settings.sources[row.key].layer is Layer.FLAG
    machine.user(as_toml(row))
    assert machine.load().value(row.key) == machine.load(flags={row.key: example(row)}).value(row.key) or (
        row.kind is Kind.PATH
    )


@pytest.mark.parametrize(
    ("row", "variable"),
    [(row, variable) for row in ROWS for variable in row.variables],
    ids=lambda each: each if isinstance(each, str) else each.key,
)
def test_every_setting_can_be_set_by_each_of_its_variables(machine: Machine, row: Row, variable: str) -> None:
    machine.environ[variable] = example(row)
    settings = machine.load()
    assert settings.sources[row.key].place == f"variable {variable}"
    assert settings.sources[row.key].layer is Layer.VARIABLE


@pytest.mark.parametrize("row", [row for row in ROWS if not row.user_only], ids=lambda row: row.key)
def test_every_other_setting_can_be_set_by_a_trusted_project(machine: Machine, row: Row) -> None:
    machine.main(as_toml(row))
    assert machine.load().sources[row.key].layer is Layer.PROJECT
    machine.local(as_toml(row))
    assert machine.load().sources[row.key].layer is Layer.LOCAL


@pytest.mark.parametrize("row", [row for row in ROWS if row.user_only], ids=lambda row: row.key)
@pytest.mark.parametrize("trusted", [False, True])
def test_C9_no_project_may_say_what_only_the_user_may(machine: Machine, row: Row, trusted: bool) -> None:
    path = machine.main("strict = true\n", trusted=False)
    path.write_text(as_toml(row), encoding="utf-8")
    machine.store().trust(str(path), path.read_bytes()) if trusted else None
    machine.environ |= {"CI": "true", "SOPHIA_SECRETS_TRUST": "1"} if trusted else {}
    with pytest.raises(errors.BadSettings) as refused:
        machine.load()
    assert f"{path}:2: `{row.key}`" in refused.value.message
    assert str(machine.root / "ours" / "config" / "config.toml") in refused.value.message


@pytest.mark.parametrize("row", [row for row in ROWS if row.profile], ids=lambda row: row.key)
def test_a_profile_may_set_the_chain_every_target_and_strict(machine: Machine, row: Row) -> None:
    table = f"profiles.p.{row.table}" if row.table else "profiles.p"
    machine.main(f"[{table}]\n{row.name} = {row.example}\n")
    assert machine.load().sources[row.key].place == "default"
    chosen = machine.load(profile="p")
    assert chosen.sources[row.key].place == f"{machine.project}/sophia-secrets.toml:2"
    assert chosen.profile == "p"


@pytest.mark.parametrize("row", [row for row in ROWS if not row.profile], ids=lambda row: row.key)
def test_a_profile_may_set_nothing_else(machine: Machine, row: Row) -> None:
    table = f"profiles.p.{row.table}" if row.table else "profiles.p"
    machine.user(f"[{table}]\n{row.name} = {row.example}\n")
    with pytest.raises(errors.BadSettings, match="may not stand in a profile"):
        machine.load()


def test_each_layer_stands_above_the_next(machine: Machine) -> None:
    machine.user('[fly]\napp = "user"\n[profiles.p.fly]\napp = "user-profile"\n')
    machine.main('[fly]\napp = "main"\n[profiles.p.fly]\napp = "main-profile"\n')
    machine.local('[fly]\napp = "local"\n[profiles.p.fly]\napp = "local-profile"\n')
    machine.environ["FLY_APP_NAME"] = "vendor"
    machine.environ["SOPHIA_SECRETS_FLY_APP"] = "variable"

    def app(**more: object) -> object:
        return machine.load(**more).value("fly.app")

    assert app(flags={"fly.app": "flag"}, profile="p") == "flag"
    assert app(profile="p") == "variable"
    del machine.environ["SOPHIA_SECRETS_FLY_APP"]
    assert app() == "vendor"
    assert app(profile="p") == "local-profile"
    machine.local('[fly]\napp = "local"\n')
    assert app(profile="p") == "main-profile"
    machine.main('[fly]\napp = "main"\n')
    assert app(profile="p") == "user-profile"
    del machine.environ["FLY_APP_NAME"]
    assert app() == "local"
    machine.local("")
    assert app() == "main"
    machine.main("")
    assert app() == "user"
    machine.user("")
    assert app() is None


def test_a_profile_says_which_vendors_variable_it_stands_above(machine: Machine) -> None:
    machine.main('[profiles.production.fly]\napp = "prod"\n')
    machine.environ["FLY_APP_NAME"] = "dev"
    machine.environ["GITHUB_REPOSITORY"] = "octo/app"
    (note,) = machine.load(profile="production").notes
    assert "FLY_APP_NAME" in note
    assert "`fly.app`" in note
    assert "dev" not in note


def test_a_profile_inherits_what_it_does_not_set(machine: Machine) -> None:
    machine.main('[pulumi]\norganization = "acme"\nstack = "dev"\n[profiles.p.pulumi]\nstack = "prod"\n')
    assert machine.load(profile="p").section("pulumi") == {"organization": "acme", "stack": "prod"}


def test_a_wrong_profile_never_means_no_profile(machine: Machine) -> None:
    machine.main("[profiles.production]\nstrict = true\n")
    for more in ({"profile": "prodcution"}, {"profile": ""}):
        with pytest.raises(errors.BadSettings) as refused:
            machine.load(**more)
        assert "production" in refused.value.hint
    machine.environ["SOPHIA_SECRETS_PROFILE"] = "Production"
    with pytest.raises(errors.BadSettings) as refused:
        machine.load()
    assert "SOPHIA_SECRETS_PROFILE" in refused.value.message
    assert machine.load(profile="production").strict is True


def test_a_profile_can_be_chosen_by_a_variable_and_an_empty_one_chooses_none(machine: Machine) -> None:
    machine.main("[profiles.ci]\nstrict = true\n")
    machine.environ["SOPHIA_SECRETS_PROFILE"] = "ci"
    assert machine.load().sources["profile"].place == "variable SOPHIA_SECRETS_PROFILE"
    machine.environ["SOPHIA_SECRETS_PROFILE"] = ""
    assert machine.load().profile is None


@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_C4_an_empty_variable_says_nothing(machine: Machine, blank: str) -> None:
    machine.main('[fly]\napp = "my-app"\n')
    for row in ROWS:
        for variable in row.variables:
            machine.environ[variable] = blank
    assert machine.load().section("fly")["app"] == "my-app"


TARGETS = [row for row in ROWS if row.table in BACKENDS and row.kind in (Kind.TEXT, Kind.PATH)]


@pytest.mark.parametrize("row", TARGETS, ids=lambda row: row.key)
@pytest.mark.parametrize("blank", ["", "  "])
def test_C4_an_empty_target_is_no_target_and_hides_the_one_below(
    machine: Machine, row: Row, blank: str
) -> None:
    machine.user(as_toml(row))
    machine.main(f'[{row.table}]\n{row.name} = "{blank}"\n')
    settings = machine.load()
    assert settings.value(row.key) is None
    assert row.name not in settings.section(row.table)
    assert settings.sources[row.key].layer is Layer.PROJECT


def test_C4_every_subset_of_missing_and_empty_targets_gives_a_section_without_empty_text(
    machine: Machine,
) -> None:
    for said in itertools.product([None, "", "x"], repeat=3):
        keys = ("organization", "project", "environment")
        text = "".join(
            f'{key} = "{value}"\n' for key, value in zip(keys, said, strict=True) if value is not None
        )
        machine.main(f"[pulumi]\n{text}")
        expected = {key: value for key, value in zip(keys, said, strict=True) if value}
        assert machine.load().section("pulumi") == expected


def test_an_empty_flag_is_an_error(machine: Machine) -> None:
    with pytest.raises(errors.BadSettings, match="is empty"):
        machine.load(flags={"fly.app": " "})
    with pytest.raises(errors.BadSettings, match="not a setting"):
        machine.load(flags={"fly.apps": "x"})


def test_a_wrong_variable_is_named_and_not_quoted(machine: Machine) -> None:
    machine.environ["SOPHIA_SECRETS_TIMEOUT"] = "sk-canary"
    with pytest.raises(errors.BadSettings) as refused:
        machine.load()
    assert "SOPHIA_SECRETS_TIMEOUT" in refused.value.message
    assert "canary" not in refused.value.message + refused.value.hint
    assert refused.value.__context__ is None


def test_a_nearly_right_variable_is_noted(machine: Machine) -> None:
    machine.environ["SOPHIA_SECRETS_TIMEOT"] = "5"
    machine.environ["SOPHIA_SECRETS_UNHEARD_OF_THING"] = "5"
    (note,) = machine.load().notes
    assert "Did you mean `SOPHIA_SECRETS_TIMEOUT`?" in note


def test_the_key_itself_is_never_a_value(machine: Machine) -> None:
    machine.environ["SOPHIA_SECRETS_CACHE_KEY"] = "canary"
    machine.user('[cache]\nkey = "keyring"\n')
    settings = machine.load()
    assert settings.cache_key == "variable"
    assert settings.sources["cache.key"].place == "variable SOPHIA_SECRETS_CACHE_KEY"
    assert "canary" not in repr(settings)


def test_paths_are_relative_to_what_names_them(machine: Machine) -> None:
    machine.user('[pulumi]\ndirectory = "infra"\n[local]\nidentity = "~/key.txt"\n')
    machine.main('[env]\nfile = "./.env"\n')
    below = machine.project / "src"
    below.mkdir()
    machine.environ["SOPHIA_SECRETS_LOCAL_FILE"] = "vault.age"
    settings = machine.load(below)
    assert settings.section("pulumi")["directory"] == str(machine.root / "ours" / "config" / "infra")
    assert settings.section("env")["file"] == str(machine.project / ".env")
    assert settings.section("local") == {
        "file": str(below / "vault.age"),
        "identity": str(machine.root / "home" / "key.txt"),
        "recipients": (),
    }


@pytest.mark.parametrize("path", ["gh", "./gh", "bin/gh", "~root/gh"])
def test_I9_a_program_is_an_absolute_path(machine: Machine, path: str) -> None:
    machine.environ["SOPHIA_SECRETS_GH"] = path
    with pytest.raises(errors.BadSettings, match="SOPHIA_SECRETS_GH"):
        machine.load()


def test_programs_come_from_variables_and_the_users_file(machine: Machine) -> None:
    machine.user('[programs]\ngh = "/u/gh"\nfly = "~/bin/flyctl"\n')
    machine.environ["SOPHIA_SECRETS_GH"] = "/v/gh"
    settings = machine.load()
    assert settings.program("gh") == "/v/gh"
    assert settings.program("fly") == str(machine.root / "home" / "bin" / "flyctl")


def test_G6_a_plug_in_is_known_only_where_the_user_named_it(machine: Machine) -> None:
    machine.main(
        'chain = ["vault", "env"]\n[vault]\naddress = "https://x"\ndepth = 3\nall = true\n', trusted=False
    )
    with pytest.raises(errors.BadSettings):
        machine.load()
    machine.user('[backends]\nextra = ["vault"]\n')
    machine.environ |= {"CI": "true", "SOPHIA_SECRETS_TRUST": "1"}
    settings = machine.load()
    assert settings.extra == ("vault",)
    assert settings.chain == ("vault", "env")
    assert settings.section("vault") == {"address": "https://x", "depth": 3, "all": True}


@pytest.mark.parametrize("name", ["env", "secrets", "cache", "chain", "Vault", "a-b", "a b", "ʷ"])
def test_G6_a_plug_in_cannot_take_a_name_of_ours(machine: Machine, name: str) -> None:
    machine.user(f'[backends]\nextra = ["{name}"]\n')
    with pytest.raises(errors.BadSettings, match="no plug-in"):
        machine.load()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("2024-01-01", "must be text, a number, true, false or a list of text"),
        ("9007199254740992", "must be text, a number, true, false or a list of text"),
        ("{a = 1}", "must be text, a number, true, false or a list of text"),
        ("[1]", "must be text in quotes"),
        ('"\\u0001"', "holds a control character"),
    ],
)
def test_what_no_plug_in_can_be_told_names_the_line_and_its_documentation(
    machine: Machine, said: str, problem: str
) -> None:
    path = machine.user(f'[backends]\nextra = ["vault"]\n[vault]\ndepth = {said}\nhosts = ["a", "b"]\n')
    with pytest.raises(errors.BadSettings) as caught:
        machine.load()
    assert caught.value.message.startswith(f"{path}:4: `vault.depth` {problem}")
    assert caught.value.hint == "The documentation of `vault` says what it takes."
    machine.user('[backends]\nextra = ["vault"]\n[vault]\nhosts = ["a", "b"]\n')
    assert machine.load().section("vault") == {"hosts": ("a", "b")}


@pytest.mark.parametrize("extra", ["3", '"vault"', "[3]"])
def test_G6_a_list_of_plug_ins_that_is_none_is_named_as_what_it_is(machine: Machine, extra: str) -> None:
    path = machine.user(f"[backends]\nextra = {extra}\n")
    with pytest.raises(errors.BadSettings) as caught:
        machine.load()
    assert caught.value.message.startswith(f"{path}:2: `backends.extra`")


def test_F5_a_path_from_home_needs_a_home(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    machine.user('[env]\nfile = "~/.env"\n')
    machine.environ["HOME"] = ""
    with pytest.raises(errors.BadSettings, match="begins with `~/`, and there is no home directory"):
        machine.load()


def test_who_pointed_a_backend_is_known(machine: Machine) -> None:
    machine.main('[fly]\napp = "x"\n')
    machine.environ["GITHUB_REPOSITORY"] = "octo/app"
    settings = machine.load()
    assert settings.sources["fly.app"].layer is Layer.PROJECT
    assert settings.sources["github.repository"].layer is Layer.VARIABLE
