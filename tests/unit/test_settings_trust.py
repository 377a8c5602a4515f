"""What an untrusted project may say, and what declared secrets come to."""

from pathlib import Path

import pytest

from sophia_secrets import errors
from sophia_secrets.settings import Declared, Group, Settings, TrustStore, find_project, load, locate

HOSTILE = """\
chain = ["env"]
default_backend = "fly"
strict = false
timeout = "1s"
[github]
repository = "evil/exfil"
[pulumi]
organization = "evil"
project = "evil"
environment = "evil"
stack = "evil"
directory = "evil"
[fly]
app = "evil"
read_from_machine = true
deploy = true
[local]
file = "evil.age"
recipients = ["age1evil"]
identity = "evil.txt"
[env]
file = ".env"
[cache]
ttl = "90d"
stale_for = "9000d"
[secrets.A_KEY]
type = "url"
[groups.g]
exactly_one = ["A_KEY", "B_KEY"]
[profiles.production]
chain = ["env"]
[profiles.production.fly]
app = "evil"
"""


class Clone:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = root / "clone"
        self.path = self.project / "sophia-secrets.toml"
        self.project.mkdir()
        self.environ = {"SOPHIA_SECRETS_HOME": str(root / "ours"), "HOME": "/nowhere"}

    def write(self, text: str) -> None:
        self.path.write_text(text, encoding="utf-8")

    def user(self, text: str) -> None:
        path = self.root / "ours" / "config" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def load(self, profile: str | None = None, config_file: str | None = None) -> Settings:
        return load(
            environ=self.environ,
            cwd=str(self.project),
            profile=profile,
            config_file=config_file,
            trust=TrustStore(locate(self.environ).state),
        )

    def trust(self) -> None:
        for each in find_project(str(self.project), "/nowhere").documents:
            TrustStore(locate(self.environ).state).trust(each.path, each.substance)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_C9_nothing_but_names_and_policies_of_an_untrusted_project_counts(clone: Clone) -> None:
    clone.write(HOSTILE)
    settings = clone.load()
    assert {source.place for source in settings.sources.values()} == {"default"}
    assert "evil" not in repr(dict(settings.values))
    assert settings.declared["A_KEY"].type == "url"
    assert settings.groups["g"] == Group("g", True, ("A_KEY", "B_KEY"), f"{clone.path}:28")
    assert settings.untrusted == str(clone.path)
    assert settings.notes == (f"Targets in {clone.path} are ignored until `sophia-secrets trust`.",)
    with pytest.raises(errors.NotTrusted) as refused:
        settings.require_trust()
    assert "sophia-secrets trust" in refused.value.hint


def test_C9_what_the_user_says_counts_beside_an_untrusted_project(clone: Clone) -> None:
    clone.write(HOSTILE)
    clone.user('[fly]\napp = "mine"\n')
    clone.environ["GITHUB_REPOSITORY"] = "me/mine"
    settings = clone.load()
    assert settings.section("fly")["app"] == "mine"
    assert settings.section("github")["repository"] == "me/mine"


def test_C9_trust_makes_it_count_and_an_edit_undoes_that(clone: Clone) -> None:
    clone.write(HOSTILE)
    clone.trust()
    settings = clone.load()
    assert settings.section("fly")["app"] == "evil"
    assert (settings.untrusted, settings.notes) == (None, ())
    settings.require_trust()
    clone.write(HOSTILE + "\n")
    assert clone.load().untrusted == str(clone.path)
    assert clone.load().section("fly") == {"read_from_machine": False, "deploy": False}


def test_C9_each_file_is_trusted_by_itself_and_there_is_one_note(clone: Clone) -> None:
    clone.write('[fly]\napp = "main"\n')
    clone.trust()
    local = clone.project / "sophia-secrets.local.toml"
    local.write_text('[fly]\napp = "local"\n', encoding="utf-8")
    settings = clone.load()
    assert settings.section("fly")["app"] == "main"
    assert settings.untrusted == str(local)
    clone.write('[fly]\napp = "other"\n')
    (note,) = clone.load().notes
    assert str(local) in note
    assert str(clone.path) in note


def test_C9_a_profile_that_only_an_untrusted_project_knows_is_refused(clone: Clone) -> None:
    clone.write(HOSTILE)
    with pytest.raises(errors.NotTrusted) as refused:
        clone.load(profile="production")
    assert refused.value.exit_code == 2
    assert str(clone.path) in refused.value.message
    clone.trust()
    assert clone.load(profile="production").section("fly")["app"] == "evil"


def test_C9_of_a_profile_that_the_user_knows_too_only_the_users_part_counts(clone: Clone) -> None:
    clone.write(HOSTILE)
    clone.user('[profiles.production.fly]\napp = "mine"\n')
    settings = clone.load(profile="production")
    assert settings.section("fly")["app"] == "mine"
    assert settings.chain[0] == "github"
    assert settings.untrusted == str(clone.path)


def test_an_untrusted_project_may_ask_for_strictness_and_never_for_less(clone: Clone) -> None:
    clone.write("strict = true\n")
    settings = clone.load()
    assert settings.strict is True
    assert (settings.notes, settings.untrusted) == ((), None)
    clone.user("strict = true\n")
    clone.write("strict = false\n")
    assert clone.load().strict is True
    assert clone.load().notes == (f"Settings in {clone.path} are ignored until `sophia-secrets trust`.",)


def test_a_project_that_only_declares_names_needs_no_trust(clone: Clone) -> None:
    clone.write("[secrets.A_KEY]\nrequired = true\n")
    settings = clone.load()
    assert (settings.notes, settings.untrusted) == ((), None)
    settings.require_trust()


def test_C9_an_untrusted_project_adds_to_the_users_policies_and_never_changes_them(clone: Clone) -> None:
    clone.user('[secrets.A_KEY]\nrequired = true\npattern = "^sk-"\n[groups.g]\nexactly_one = ["A_KEY"]\n')
    clone.write('[secrets.A_KEY]\nrequired = false\nowner = "them"\n[groups.g]\nat_least_one = ["B_KEY"]\n')
    settings = clone.load()
    found = settings.declared["A_KEY"]
    assert (found.required, found.pattern, found.owner) == (True, "^sk-", "them")
    assert settings.groups["g"].exactly
    clone.trust()
    assert clone.load().declared["A_KEY"].required is False
    assert not clone.load().groups["g"].exactly


def test_C9_in_ci_the_checkout_is_trusted_when_asked_for(clone: Clone) -> None:
    clone.write('[fly]\napp = "x"\n')
    clone.environ["SOPHIA_SECRETS_TRUST"] = "1"
    settings = clone.load()
    assert settings.untrusted is not None
    assert "CI=true" in settings.notes[0]
    clone.environ["CI"] = "true"
    settings = clone.load()
    assert settings.section("fly")["app"] == "x"
    assert (settings.untrusted, settings.notes) == (None, ())


def test_C9_a_trusted_file_that_others_may_write_is_held_back_with_the_reason(clone: Clone) -> None:
    clone.write('[fly]\napp = "x"\n')
    clone.trust()
    clone.path.chmod(0o666)
    settings = clone.load()
    assert settings.untrusted == str(clone.path)
    assert "every user may write to it" in settings.notes[0]


def test_C9_a_link_to_a_trusted_file_elsewhere_is_held_back(clone: Clone) -> None:
    clone.write('[fly]\napp = "x"\n')
    clone.trust()
    other = clone.root / "other"
    other.mkdir()
    (other / "sophia-secrets.toml").symlink_to(clone.path)
    clone.project = other
    assert clone.load().untrusted == str(other / "sophia-secrets.toml")


def test_a_pyproject_is_trusted_by_its_own_table_alone(clone: Clone) -> None:
    clone.path = clone.project / "pyproject.toml"
    ours = '[tool.sophia-secrets.fly]\napp = "x"\n'
    clone.write('[project]\ndependencies = ["a"]\n' + ours)
    clone.trust()
    assert clone.load().section("fly")["app"] == "x"
    clone.write('[project]\ndependencies = ["a", "b"]\n' + ours)
    assert clone.load().section("fly")["app"] == "x"
    clone.write('[project]\ndependencies = ["a", "b"]\n' + ours.replace("x", "y"))
    assert clone.load().untrusted == str(clone.path)


def test_a_file_that_was_named_stands_in_the_projects_place_and_is_trusted(clone: Clone) -> None:
    clone.write(HOSTILE)
    (clone.project / "mine.toml").write_text('[fly]\napp = "mine"\n', encoding="utf-8")
    settings = clone.load(config_file="mine.toml")
    assert settings.section("fly")["app"] == "mine"
    assert settings.sources["fly.app"].place == f"{clone.project}/mine.toml:2"
    assert settings.declared == {}
    assert (settings.untrusted, settings.notes) == (None, ())
    (clone.project / "mine.toml").chmod(0o666)
    assert clone.load(config_file="mine.toml").untrusted is not None


def test_a_file_that_was_named_may_not_say_what_only_the_user_may(clone: Clone) -> None:
    (clone.project / "mine.toml").write_text('[programs]\ngh = "/x/gh"\n', encoding="utf-8")
    with pytest.raises(errors.BadSettings, match="which programs run"):
        clone.load(config_file=str(clone.project / "mine.toml"))
    clone.user('[programs]\ngh = "/x/gh"\n')
    assert (
        clone.load(config_file=str(clone.root / "ours" / "config" / "config.toml")).program("gh") == "/x/gh"
    )


def test_a_file_that_was_named_must_be_there(clone: Clone) -> None:
    with pytest.raises(errors.BadSettings, match="does not exist"):
        clone.load(config_file="absent.toml")
    (clone.project / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    with pytest.raises(errors.BadSettings, match="has no"):
        clone.load(config_file="pyproject.toml")


def test_a_declared_secret_has_everything_that_was_said(clone: Clone) -> None:
    clone.write(
        """
[secrets.OPENAI_API_KEY]
description = "Key of the LLM provider"
required = true
type = "text"
pattern = "^sk-"
rotate_every = "90d"
backends = ["github", "fly"]
scopes = ["web"]
generate = "hex:32"
owner = "platform"
[secrets.B_KEY]
"""
    )
    assert clone.load().declared == {
        "OPENAI_API_KEY": Declared(
            "OPENAI_API_KEY",
            description="Key of the LLM provider",
            required=True,
            type="text",
            pattern="^sk-",
            rotate_every=7776000.0,
            backends=("github", "fly"),
            scopes=("web",),
            generate="hex:32",
            owner="platform",
            place=f"{clone.path}:2",
        ),
        "B_KEY": Declared("B_KEY", place=f"{clone.path}:12"),
    }


def test_a_secret_may_be_required_under_some_profiles(clone: Clone) -> None:
    clone.write('[secrets.A_KEY]\nrequired = ["production"]\n[profiles.production]\nstrict = true\n')
    found = clone.load().declared["A_KEY"]
    assert found.is_required("production")
    assert not found.is_required(None)
    assert not found.is_required("staging")
    assert Declared("X", required=True).is_required(None)


def test_a_profile_that_a_secret_names_must_be_one(clone: Clone) -> None:
    clone.write('[secrets.A_KEY]\nrequired = ["prodution"]\n[profiles.production]\nstrict = true\n')
    with pytest.raises(errors.BadSettings) as refused:
        clone.load()
    assert refused.value.message.startswith(f"{clone.path}:1: ")
    assert "`production`" in refused.value.hint


def test_the_local_file_changes_single_keys_of_a_declared_secret(clone: Clone) -> None:
    clone.write('[secrets.A_KEY]\nowner = "a"\nscopes = ["web"]\n')
    local = clone.project / "sophia-secrets.local.toml"
    local.write_text('[secrets.A_KEY]\nowner = "b"\n', encoding="utf-8")
    found = clone.load().declared["A_KEY"]
    assert (found.owner, found.scopes) == ("b", ("web",))


def test_F5_without_any_directory_settings_are_read_all_the_same(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_uid: int) -> object:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", nobody)
    clone.write(HOSTILE)
    clone.environ = {"FLY_APP_NAME": "x"}
    settings = clone.load()
    assert settings.section("fly")["app"] == "x"
    assert settings.untrusted == str(clone.path)
    assert settings.paths.reason
