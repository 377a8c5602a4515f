"""Finding settings files, and what is said about a file that is none."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sophia_secrets import errors
from sophia_secrets.settings import ROWS, Settings, find_project, load, template
from sophia_secrets.settings.declared import DECLARED
from sophia_secrets.settings.table import TABLES

HOME = "/nowhere"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def loaded(project: Path) -> Settings:
    ours = str(project.parent / "ours")
    return load(environ={"SOPHIA_SECRETS_HOME": ours, "HOME": HOME}, cwd=str(project))


def refused(project: Path) -> errors.BadSettings:
    with pytest.raises(errors.BadSettings) as caught:
        loaded(project)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    assert caught.value.__context__ is None or isinstance(caught.value.__context__, OSError)
    return caught.value


def found(cwd: Path, home: str = HOME) -> list[str]:
    return [each.path for each in find_project(str(cwd), home).documents]


def write(path: Path, text: str | bytes = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_nearest_directory_with_any_file_is_the_one(project: Path) -> None:
    write(project / "sophia-secrets.toml")
    inner = write(project / "a" / "b" / "sophia-secrets.local.toml")
    assert found(project / "a" / "b") == [str(inner)]
    assert found(project / "a") == [str(project / "sophia-secrets.toml")]


def test_the_local_file_stands_before_the_committed_one(project: Path) -> None:
    write(project / "sophia-secrets.toml")
    write(project / "sophia-secrets.local.toml")
    assert [os.path.basename(each) for each in found(project)] == [
        "sophia-secrets.local.toml",
        "sophia-secrets.toml",
    ]


def test_a_clone_inside_a_project_does_not_take_its_targets(project: Path) -> None:
    write(project / "sophia-secrets.toml")
    (project / "vendor" / "lib" / ".git").mkdir(parents=True)
    (project / "vendor" / "lib" / "src").mkdir()
    assert found(project / "vendor") == [str(project / "sophia-secrets.toml")]
    assert found(project / "vendor" / "lib" / "src") == []
    own = write(project / "vendor" / "lib" / "sophia-secrets.toml")
    assert found(project / "vendor" / "lib" / "src") == [str(own)]


def test_the_search_ends_at_the_home_directory(project: Path) -> None:
    write(project.parent / "sophia-secrets.toml")
    assert found(project, home=str(project)) == []
    assert found(project, home=str(project.parent)) == [str(project.parent / "sophia-secrets.toml")]


def test_all_that_was_looked_at_is_told_with_its_stamp(project: Path) -> None:
    path = write(project / "sophia-secrets.toml", "strict = true")
    (project / "a").mkdir()
    result = loaded(project / "a")
    looked = {each.path: each.stamp for each in result.files}
    status = path.stat()
    assert looked[str(path)] == (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
    assert looked[str(project / "a" / "sophia-secrets.toml")] is None
    assert looked[str(project / "a" / "sophia-secrets.local.toml")] is None
    assert looked[str(project / "a" / "pyproject.toml")] is None
    assert looked[result.paths.user_file] is None
    assert result.markers == ((str(project / "a" / ".git"), False),)


def test_a_pyproject_says_the_same_under_its_own_table(project: Path) -> None:
    path = write(
        project / "pyproject.toml",
        '[project]\nname = "x"\n[tool.sophia-secrets]\nstrict = true\n[tool.sophia-secrets.secrets.A_KEY]\n'
        'type = "url"\n',
    )
    result = loaded(project)
    assert result.sources["strict"].place == f"{path}:4"
    assert result.declared["A_KEY"].place == f"{path}:5"
    assert result.declared["A_KEY"].type == "url"


@pytest.mark.parametrize(
    "text", ["", "[project]\n", "not toml", b"\xff", '[project]\ndependencies = ["sophia-secrets"]\n']
)
def test_a_pyproject_without_that_table_is_not_ours(project: Path, text: str | bytes) -> None:
    write(project / "pyproject.toml", text)
    assert found(project) == []
    (project / "pyproject.toml").unlink()
    (project / "pyproject.toml").mkdir()
    assert found(project) == []


def test_a_pyproject_with_that_table_and_an_error_is_refused(project: Path) -> None:
    path = write(project / "pyproject.toml", "[tool.sophia-secrets]\nstrict = treu\n")
    assert refused(project).message.startswith(f"{path}:2: ")
    write(path, "[tool]\nsophia-secrets = 1\n")
    assert refused(project).message.startswith(f"{path}:2: ")
    write(path, "[tool.sophia-secrets]\nstirct = true\n")
    error = refused(project)
    assert error.message.startswith(f"{path}:2: `stirct`")
    assert "strict" in error.hint


def test_a_file_of_its_own_stands_above_the_pyproject_beside_it(project: Path) -> None:
    write(project / "pyproject.toml", "[tool.sophia-secrets]\nstrict = true\n")
    write(project / "sophia-secrets.local.toml")
    assert loaded(project).strict is True
    write(project / "sophia-secrets.toml")
    result = loaded(project)
    assert result.strict is False
    assert "pyproject.toml" in result.notes[0]


@pytest.mark.parametrize("name", ["sophia-secrets.toml", "sophia-secrets.local.toml"])
def test_a_directory_where_a_file_should_be_is_said(project: Path, name: str) -> None:
    (project / name).mkdir()
    assert refused(project).message == f"{project / name} is a directory, not a settings file."


def test_F1_a_named_pipe_or_device_is_refused_and_never_waited_for(project: Path) -> None:
    os.mkfifo(project / "sophia-secrets.toml")
    assert "is not a file" in refused(project).message
    (project / "sophia-secrets.toml").unlink()
    (project / "sophia-secrets.toml").symlink_to("/dev/zero")
    assert "is not a file" in refused(project).message


def test_a_link_that_leads_to_itself_is_said_and_one_that_leads_nowhere_is_nothing(project: Path) -> None:
    (project / "sophia-secrets.toml").symlink_to("sophia-secrets.toml")
    assert "symbolic link" in refused(project).message
    (project / "sophia-secrets.toml").unlink()
    (project / "sophia-secrets.toml").symlink_to("/nowhere/at/all")
    assert found(project) == []


def test_a_file_that_is_too_large_is_refused(project: Path) -> None:
    write(project / "sophia-secrets.toml", b"#" * (1 << 20))
    assert loaded(project).notes == ()
    write(project / "sophia-secrets.toml", b"#" * ((1 << 20) + 1))
    assert "larger" in refused(project).message


def test_a_file_that_may_not_be_read_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(project / "sophia-secrets.toml")
    path.chmod(0)
    if os.geteuid() == 0:
        # Root may read everything, so the kernel's answer is given here.
        real = os.open

        def denied(name: str, *rest: object, **more: object) -> int:
            if name == str(path):
                raise PermissionError(13, "Permission denied", name)
            return real(name, *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(os, "open", denied)
    assert refused(project).message == f"{path} may not be read."


def test_a_file_that_is_not_utf8_names_the_line(project: Path) -> None:
    path = write(project / "sophia-secrets.toml", b"# fine\n# also fine\nx = '\xe9'\n")
    assert refused(project).message == f"{path}:3: this is not UTF-8 text."
    write(path, "strict = true".encode("utf-16"))
    assert ":1: this is not UTF-8" in refused(project).message


def test_a_byte_order_mark_is_no_error(project: Path) -> None:
    write(project / "sophia-secrets.toml", b"\xef\xbb\xbfstrict = true\n")
    assert loaded(project).strict is True


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = canary\n", 2),
        ("a = 'canary\n", 2),
        ("[canary]\n[canary]\n", 2),
        ("canary = 1\ncanary = 2\n", 2),
        ("x = {canary = 1, canary = 2}", 1),
        ("[a]\nb = [canary", 2),
        ("\n\n=canary", 3),
        ('x = "\\canary"', 1),
        ("x = 1979-99-99 # canary", 1),
        ("x = 0xcanary", 1),
        ("x = " + "9" * 5000 + "# canary", 1),
        ("x = " + "[" * 5000 + "\n# canary", 1),
        ("x = 1\r# canary", 1),
        ('x = """\ncanary', 2),
    ],
)
def test_L3_a_syntax_error_names_the_line_and_quotes_nothing(project: Path, text: str, line: int) -> None:
    path = write(project / "sophia-secrets.toml", text)
    error = refused(project)
    assert error.message.startswith(f"{path}:{line}: this is not TOML: ")
    assert "canary" not in error.message + error.hint
    assert error.__context__ is None


@pytest.mark.parametrize(
    ("text", "line", "named", "hint"),
    [
        ("\nstirct = true\n", 2, "`stirct`", "`strict`"),
        ("[fly]\nap = 'x'\n", 2, "`fly.ap`", "`app`"),
        ("[flly]\napp = 'x'\n", 1, "`flly`", "`fly`"),
        ("repository = 'o/r'\n", 1, "`repository`", "`github.repository`"),
        ("[zzz]\n", 1, "`zzz`", "`chain`"),
        ("[secrets.A_KEY]\nrequird = true\n", 2, "`secrets.A_KEY.requird`", "`required`"),
        ("[secrets.A_KEY]\nvalue = 'canary'\n", 2, "`secrets.A_KEY.value`", "sophia-secrets set A_KEY"),
        ("[secrets]\nA_KEY = 'canary'\n", 2, "`secrets.A_KEY`", "sophia-secrets set A_KEY"),
        ("[groups.g]\nexactly_on = ['A']\n", 2, "`groups.g.exactly_on`", "`exactly_one`"),
        ("[profiles.p]\ntimeot = 3\n", 2, "`profiles.p.timeot`", "`timeout`"),
        ("[profiles.p.fly]\nap = 3\n", 2, "`profiles.p.fly.ap`", "`app`"),
        ("[fly]\napp = 3\n", 2, "`fly.app`", "app ="),
        ("fly = 3\n", 1, "`fly`", "[fly]"),
        ("strict = 'canary'\n", 1, "`strict`", "true"),
        ("timeout = 'canary'\n", 1, "`timeout`", "30s"),
        ("timeout = 0\n", 1, "`timeout`", "30s"),
        ("chain = []\n", 1, "`chain`", "github"),
        ("chain = ['githb']\n", 1, "`chain`", "`github`"),
        ("default_backend = 'flyio'\n", 1, "`default_backend`", "`fly`"),
        ("[github]\napp = 'canary'\n", 2, "`github.app`", "actions"),
        ("[secrets.A_KEY]\npattern = '(canary'\n", 2, "`secrets.A_KEY.pattern`", "^sk-"),
        ("[secrets.A_KEY]\ntype = 'canary'\n", 2, "`secrets.A_KEY.type`", "text"),
        ("[secrets.A_KEY]\nbackends = ['flyy']\n", 2, "`secrets.A_KEY.backends`", "`fly`"),
        ("[secrets.A_KEY]\nrotate_every = '0d'\n", 2, "`secrets.A_KEY.rotate_every`", "90d"),
        ("[secrets.'-x']\n", 1, "`secrets.-x`", "Rename"),
        ("[secrets.'a=b']\n", 1, "`secrets.a=b`", "Rename"),
        ("[groups.g]\nat_least_one = []\n", 2, "`groups.g.at_least_one`", "A_KEY"),
        ("[profiles.'a b']\n", 1, "`profiles.a b`", "Rename"),
        ("[groups.g]\nat_least_one = ['-x']\n", 2, "`groups.g.at_least_one`", "A_KEY"),
    ],
)
def test_what_cannot_be_meant_names_file_line_key_and_a_way_out(
    project: Path, text: str, line: int, named: str, hint: str
) -> None:
    path = write(project / "sophia-secrets.toml", text)
    error = refused(project)
    assert error.message.startswith(f"{path}:{line}: {named}")
    assert hint in error.hint
    assert "canary" not in error.message + error.hint


def test_a_group_has_one_rule(project: Path) -> None:
    write(project / "sophia-secrets.toml", "[groups.g]\nat_least_one = ['A']\nexactly_one = ['A']\n")
    assert "one of" in refused(project).message
    write(project / "sophia-secrets.toml", "[groups.g]\n")
    assert "one of" in refused(project).message


def test_I5_a_hostile_key_is_spelled_out_in_the_message(project: Path) -> None:
    write(project / "sophia-secrets.toml", '"\\u001b]52;c;x\\u0007" = 1\n')
    message = refused(project).message
    assert "\x1b" not in message
    assert "\\x1b" in message


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
NAMES = st.sampled_from(
    [
        *TABLES,
        *(row.name for row in ROWS),
        *(row.name for row in DECLARED),
        "secrets",
        "groups",
        "profiles",
        "A_KEY",
    ]
) | st.text(max_size=5)


def written(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{template.toml(key)} = {written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, float):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(str(value), f"{value:f}")
    return "{}" if value is None else str(value) if type(value) is int else template.toml(value)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        NAMES,
        st.recursive(
            PLAIN,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
            max_leaves=8,
        ),
        max_size=4,
    ),
    st.sampled_from(["project", "user"]),
)
def test_any_document_is_settings_or_bad_settings(
    tmp_path: Path, document: dict[str, object], where: str
) -> None:
    text = "".join(f"{template.toml(key)} = {written(value)}\n" for key, value in document.items())
    for old in tmp_path.rglob("*.toml"):
        old.unlink()
    path = "sophia-secrets.toml" if where == "project" else "ours/config/config.toml"
    write(tmp_path / path, text.encode("utf-8", "replace"))
    try:
        result = load(
            environ={"SOPHIA_SECRETS_HOME": str(tmp_path / "ours"), "HOME": HOME}, cwd=str(tmp_path)
        )
    except errors.BadSettings as error:
        message = error.message
    else:
        assert set(result.values) >= {row.key for row in ROWS}
        return
    assert str(tmp_path) in message


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet="[]{}=\"'.#\\ab1\n", max_size=60).map(str.encode))
def test_any_bytes_are_settings_or_bad_settings(tmp_path: Path, content: bytes) -> None:
    write(tmp_path / "sophia-secrets.toml", content)
    try:
        load(environ={"SOPHIA_SECRETS_HOME": str(tmp_path / "ours"), "HOME": HOME}, cwd=str(tmp_path))
    except errors.BadSettings as error:
        message = error.message
    else:
        return
    assert str(tmp_path) in message


def test_F4_a_users_file_that_others_may_write_is_refused(project: Path) -> None:
    path = write(project.parent / "ours" / "config" / "config.toml", '[programs]\ngh = "/tmp/gh"\n')
    path.chmod(0o666)
    with pytest.raises(errors.UnsafeState) as caught:
        loaded(project)
    assert caught.value.exit_code == 6
    path.chmod(0o644)
    assert loaded(project).program("gh") == "/tmp/gh"
    if os.geteuid() == 0:
        os.chown(path, 54321, -1)
        with pytest.raises(errors.UnsafeState, match="54321"):
            loaded(project)


def test_a_users_file_may_be_a_link_to_where_it_is_kept(project: Path) -> None:
    kept = write(project.parent / "dotfiles" / "config.toml", "strict = true\n")
    (project.parent / "ours" / "config").mkdir(parents=True)
    (project.parent / "ours" / "config" / "config.toml").symlink_to(kept)
    assert loaded(project).strict is True


def test_reading_makes_and_changes_no_file(project: Path) -> None:
    path = write(project / "sophia-secrets.toml", "strict = true\n")
    before = path.stat()
    loaded(project)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(before.st_mode)
    assert sorted(each.name for each in project.parent.iterdir()) == ["project"]
