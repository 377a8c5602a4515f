"""Looking for known values, as a user and as a git hook do it."""

from __future__ import annotations

import base64
import os
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.canary import kept_files, leaks
from tests.program import PROGRAM, Done, Program
from tests.world import World

VALUE = "canary-0123/value+xyz"
KEY = "-----BEGIN KEY-----\nMIIcanaryline0001aaaa\nMIIcanaryline0002bbbb\n-----END KEY-----\n"


def write(directory: Path, **files: str | bytes) -> None:
    for name, content in files.items():
        path = directory / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def git(sophia: Program, *arguments: str, check: bool = True) -> Done:
    done = subprocess.run(
        ["git", "-c", "user.name=u", "-c", "user.email=u@example.org", *arguments],
        cwd=sophia.cwd,
        env=sophia.full_environment(),
        capture_output=True,
        check=check,
        text=True,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def repository(sophia: Program) -> Program:
    sophia.store("API_KEY", VALUE)
    git(sophia, "init", "-q")
    return sophia


def assert_no_value_is_said(done: Done) -> None:
    for value in (VALUE, KEY):
        assert leaks(value, [("out", done.out.encode()), ("err", done.err.encode())]) == []


def test_a_value_in_a_file_is_told_by_name_and_place_with_exit_7(sophia: Program) -> None:
    sophia.store("API_KEY", VALUE)
    write(sophia.cwd, a__b__f_DOT_py=f"x = 1\ny = '{VALUE}'\n", clean="nothing\n")
    done = sophia("scan")
    assert (done.code, done.out) == (7, "a/b/f.py:2: API_KEY\n")
    assert done.err.startswith("error: Known values are in these files, at 1 place: API_KEY.\nhint: ")
    assert_no_value_is_said(done)


def test_clean_files_are_0(sophia: Program) -> None:
    sophia.store("API_KEY", VALUE)
    write(sophia.cwd, clean="nothing\n", other="x")
    done = sophia("scan")
    assert (done.code, done.out, done.err) == (0, "", "note: 2 files: no known value.\n")


def test_json_keeps_its_shape(sophia: Program) -> None:
    sophia.store("API_KEY", VALUE)
    write(sophia.cwd, f=f"\n{VALUE}\n")
    os.mkfifo(sophia.cwd / "pipe")
    done = sophia("scan", "f", "pipe", "--json")
    assert done.code == 7
    assert done.json == {
        "schema": 1,
        "files": 1,
        "findings": [{"name": "API_KEY", "file": "f", "line": 2}],
        "skipped": [{"file": "pipe", "reason": "it is not a regular file"}],
    }


def test_encoded_values_and_lines_of_a_key_are_found(sophia: Program) -> None:
    sophia.store("API_KEY", VALUE)
    sophia.store("PEM", KEY)
    encoded = base64.b64encode(f"admin:{VALUE}\n".encode()).decode()
    write(sophia.cwd, a=f"Basic {encoded}", b="x: |\n    MIIcanaryline0001aaaa\n", c="-----BEGIN KEY-----\n")
    done = sophia("scan")
    assert (done.code, done.out) == (7, "a:1: API_KEY\nb:2: PEM\n")
    assert_no_value_is_said(done)


def test_short_values_are_not_looked_for_and_named(sophia: Program) -> None:
    sophia.store("PIN", "1234567")
    write(sophia.cwd, f="1234567")
    done = sophia("scan")
    assert done.code == 0
    assert "Shorter than 8 characters, so not looked for: PIN." in done.err


def test_an_ignored_name_may_be_anywhere(sophia: Program) -> None:
    sophia.store("REGION", "eu-central-1")
    write(sophia.cwd, f="eu-central-1")
    assert sophia("scan").code == 7
    assert sophia("scan", "--ignore", "REGION").code == 0


def test_the_environment_counts_only_where_it_is_declared(sophia: Program) -> None:
    write(sophia.cwd, f="some-long-value\nother-long-value\n")
    (sophia.cwd / "sophia-secrets.toml").write_text("[secrets.A_KEY]\n")
    done = sophia("scan", "f", A_KEY="some-long-value", B_KEY="other-long-value")
    assert (done.code, done.out) == (7, "f:1: A_KEY\n")


def test_the_dotenv_file_that_is_read_from_is_no_finding_unless_it_is_named(repository: Program) -> None:
    write(repository.cwd, _DOT_env="ENV_KEY=from-dotenv-file\n", f="x")
    repository.user_settings(f'[env]\nfile = "{repository.cwd}/.env"\n')
    assert repository("scan").code == 0
    assert repository("scan", ".env").out == ".env:1: ENV_KEY\n"
    git(repository, "add", ".env")
    assert repository("scan", "--staged").out == ".env:1: ENV_KEY\n"


def test_links_git_and_special_files_are_not_walked_into(sophia: Program, tmp_path: Path) -> None:
    sophia.store("API_KEY", VALUE)
    write(tmp_path, outside=VALUE)
    write(sophia.cwd, _DOT_git__config=VALUE)
    (sophia.cwd / "link").symlink_to(tmp_path / "outside")
    (sophia.cwd / "loop").symlink_to(sophia.cwd)
    os.mkfifo(sophia.cwd / "pipe")
    assert sophia("scan").code == 0
    assert sophia("scan", "link").out == "link:1: API_KEY\n"


def test_a_value_in_a_files_name_is_found_and_not_repeated(sophia: Program) -> None:
    sophia.store("API_KEY", "canary-name-0123")
    write(sophia.cwd, **{"backup-canary-name-0123_DOT_txt": "x"})
    done = sophia("scan")
    assert (done.code, done.out) == (7, "backup-***.txt: API_KEY (in the file's name)\n")
    assert "canary-name" not in done.said


def test_I5_hostile_file_names_are_spelled_out(sophia: Program) -> None:
    sophia.store("API_KEY", VALUE)
    write(sophia.cwd, **{"a\x1b]0;x\x07\nb": VALUE, "::warning::x": VALUE})
    done = sophia("scan", GITHUB_ACTIONS="true")
    assert done.code == 7
    assert "\x1b" not in done.said
    assert not any(line.startswith("::") for line in done.said.splitlines())


def test_a_large_file_is_looked_into_to_its_end_and_a_large_binary_one_is_said(sophia: Program) -> None:
    sophia.store("API_KEY", VALUE)
    filler = b"0123456789abcde\n" * 720_000
    write(
        sophia.cwd,
        big=filler + VALUE.encode(),
        binary=b"\0" + filler + VALUE.encode(),
        small=b"\0" + VALUE.encode(),
    )
    before = time.monotonic()
    done = sophia("scan")
    assert (done.code, done.out) == (7, "big:720001: API_KEY\nsmall:1: API_KEY\n")
    assert "Not looked into, because it is binary and larger than 10485760 bytes: binary." in done.err
    assert time.monotonic() - before < 10


def test_a_path_that_is_not_there_is_2_before_anything_is_read(sophia: Program) -> None:
    sophia.store("API_KEY", VALUE)
    before = len(sophia.events())
    done = sophia("scan", "nope")
    assert (done.code, done.out) == (2, "")
    assert len(sophia.events()) == before


def test_reading_for_a_scan_is_audited_and_counts_as_no_access(sophia: Program) -> None:
    sophia.store("API_KEY", VALUE)
    write(sophia.cwd, f=VALUE)
    sophia("scan", "--reason", "before the release")
    (event,) = [e for e in sophia.events() if e["command"] == "scan"]
    assert (event["name"], event["outcome"], event["reason"]) == ("API_KEY", "seen", "before the release")
    assert sophia("info", "API_KEY", "--json").json["access_count"] == 0
    assert leaks(VALUE, kept_files(sophia.sophia)) == []


def test_values_of_every_readable_backend_count_and_write_only_ones_are_not_asked(
    sophia: Program, vendors: World
) -> None:
    vendors.define({"SHARED": "value-of-pulumi"})
    sophia.store("SHARED", "value-of-local")
    write(sophia.cwd, a="value-of-pulumi", b="value-of-local")
    before = vendors.starts()
    done = sophia("scan")
    assert (done.code, done.out) == (7, "a:1: SHARED\nb:1: SHARED\n")
    after = vendors.starts()
    assert (after["github"], after["fly"]) == (before["github"], before["fly"])


def test_a_scan_that_knows_no_value_because_a_backend_failed_is_not_clean(
    sophia: Program, vendors: World
) -> None:
    vendors.pulumi_fails(503, {"code": 503, "message": "down"})
    write(sophia.cwd, f="x")
    done = sophia("scan")
    assert (done.code, done.out) == (5, "")
    sophia.store("API_KEY", VALUE)
    degraded = sophia("scan")
    assert degraded.code == 0
    assert "warning: " in degraded.err
    assert sophia("scan", "--strict").code == 5


def test_staged_content_is_looked_at_and_not_the_working_tree(repository: Program) -> None:
    write(repository.cwd, f=f"\n{VALUE}\n", dir__g="clean")
    git(repository, "add", ".")
    write(repository.cwd, f="taken out, but not staged\n", dir__g=VALUE)
    done = repository("scan", "--staged")
    assert (done.code, done.out) == (7, "f:2: API_KEY\n")
    assert_no_value_is_said(done)
    assert repository("scan", "--staged", cwd=repository.cwd / "dir").out == "f:2: API_KEY\n"


def test_staged_finds_what_is_new_in_the_next_commit_alone(repository: Program) -> None:
    write(repository.cwd, old=VALUE, empty="", f="x")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "one")
    assert repository("scan", "--staged").code == 0
    write(repository.cwd, f="y\n")
    (repository.cwd / "link").symlink_to(VALUE)
    git(repository, "rm", "-q", "old")
    git(repository, "add", ".")
    done = repository("scan", "--staged")
    assert (done.code, done.out) == (7, "link:1: API_KEY\n")


def test_staged_outside_a_repository_is_2(sophia: Program) -> None:
    sophia.store("API_KEY", VALUE)
    sophia.store("PIN", "12")
    done = sophia("scan", "--staged")
    assert (done.code, done.out) == (2, "")
    assert "not a git repository" in done.err


def a_git(sophia: Program, script: str) -> str:
    """A PATH on which `git` is this script."""
    place = sophia.root / "bin"
    place.mkdir(exist_ok=True)
    (place / "git").write_text(f"#!/bin/sh\n{script}\n")
    (place / "git").chmod(0o755)
    return f"{place}:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("echo 'fatal: it is broken' >&2; exit 128", 5, "git failed: fatal: it is broken."),
        ("sleep 60", 5, "git did not answer in time."),
        ("echo nonsense", 5, "`git diff` printed output that cannot be parsed"),
        (
            r"printf ':000000 100644 0 %040d A\0' 1",
            5,
            "`git diff` printed output that cannot be parsed",
        ),
        (r"printf ': 100644 0\0path\0'", 5, "`git diff` printed output that cannot be parsed"),
        (
            r"case $* in *diff*) printf ':000000 100644 0 %040d A\0path\0' 1;; *) echo;; esac",
            5,
            "`git cat-file` printed output that cannot be parsed",
        ),
        (
            r"case $* in *diff*) printf ':000000 100644 0 %040d A\0path\0' 1;; *) printf '%040d blob 3\n' 1;; esac",
            5,
            "`git cat-file` printed output that cannot be parsed",
        ),
    ],
)
def test_V4_a_git_that_answers_otherwise_is_said_and_not_taken_for_clean(
    sophia: Program, script: str, code: int, said: str
) -> None:
    sophia.store("API_KEY", VALUE)
    done = sophia("scan", "--staged", "--timeout", "3", PATH=a_git(sophia, script))
    assert done.code == code
    assert said in done.err
    assert done.out == ""


def test_V9_without_git_nothing_staged_can_be_looked_at(sophia: Program) -> None:
    sophia.store("API_KEY", VALUE)
    done = sophia("scan", "--staged", PATH=str(sophia.root))
    assert done.code == 5
    assert "git cannot be started" in done.err
    assert "scan files by their paths" in done.err


def test_I9_a_hostile_repository_runs_nothing(repository: Program, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    evil = repository.cwd / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    evil.chmod(0o755)
    (repository.cwd / ".gitattributes").write_text("* diff=evil filter=evil\n")
    write(repository.cwd, f="text")
    git(repository, "add", ".")
    for key, value in {
        "core.fsmonitor": str(evil), "core.pager": str(evil), "diff.external": str(evil),
        "diff.evil.command": str(evil), "diff.evil.textconv": str(evil), "filter.evil.clean": str(evil),
        "filter.evil.smudge": str(evil), "filter.evil.process": str(evil), "core.sshCommand": str(evil),
        "pager.diff": str(evil), "core.alternateRefsCommand": str(evil), "alias.diff": f"!{evil}",
        "alias.cat-file": f"!{evil}",
    }.items():  # fmt: skip
        git(repository, "config", key, value)
    (repository.cwd / "git").symlink_to(evil)
    assert repository("scan", "--staged", PATH=f".:{repository.full_environment()['PATH']}").code == 0
    assert repository("scan", "--install-hook").code == 0
    assert not trap.exists()


def test_the_hook_stops_a_commit_and_lets_a_clean_one_through(repository: Program) -> None:
    done = repository("scan", "--install-hook")
    hook = repository.cwd / ".git" / "hooks" / "pre-commit"
    assert (done.code, done.out) == (0, "")
    assert str(hook) in done.err
    assert os.access(hook, os.X_OK)
    write(repository.cwd, f=VALUE)
    git(repository, "add", ".")
    refused = git(repository, "commit", "-m", "x", check=False)
    assert refused.code != 0
    assert "f:1: API_KEY" in refused.out + refused.err
    assert VALUE not in refused.said
    # `commit -a` commits another index than the one on disk.
    write(repository.cwd, f="clean")
    git(repository, "commit", "-qam", "clean")
    write(repository.cwd, f=VALUE)
    assert git(repository, "commit", "-qam", "x", check=False).code != 0
    write(repository.cwd, f="clean again")
    git(repository, "commit", "-qam", "clean again")


def test_the_hook_is_installed_once_and_never_over_a_foreign_one(repository: Program) -> None:
    hook = repository.cwd / ".git" / "hooks" / "pre-commit"
    assert repository("scan", "--install-hook", "--json").json["outcome"] == "installed"
    assert repository("scan", "--install-hook", "--json").json["outcome"] == "unchanged"
    hook.write_text(hook.read_text().replace(str(PROGRAM), "/moved/away"))
    assert repository("scan", "--install-hook", "--json").json["outcome"] == "updated"
    hook.write_text("#!/bin/sh\nmake lint\n")
    done = repository("scan", "--install-hook")
    assert done.code == 2
    assert "`sophia-secrets scan --staged || exit $?`" in done.err
    assert hook.read_text() == "#!/bin/sh\nmake lint\n"
    hook.unlink()
    hook.symlink_to(repository.cwd / "elsewhere")
    assert repository("scan", "--install-hook").code == 2
    git(repository, "config", "core.hooksPath", ".husky")
    assert repository("scan", "--install-hook").code == 2


def test_paths_and_staged_exclude_each_other(sophia: Program) -> None:
    assert sophia("scan", "--staged", "f").code == 2
    assert sophia("scan", "--staged", "--install-hook").code == 2


def test_the_pre_commit_hook_scans_the_files_it_is_given_whatever_their_names(sophia: Program) -> None:
    (hook,) = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text())
    program, *arguments = [*hook["entry"].split(), *hook["args"]]
    assert program == PROGRAM.name
    sophia.store("API_KEY", VALUE)
    write(sophia.cwd, **{"--staged": VALUE, "--json": "clean", "other": VALUE})
    done = sophia(*arguments, "--staged", "--json")
    assert (done.code, done.out) == (7, "--staged:1: API_KEY\n")


def test_a_large_staged_file_is_looked_into_to_its_end(repository: Program) -> None:
    write(repository.cwd, big=b"0123456789abcde\n" * 1_300_000 + VALUE.encode(), small="x")
    git(repository, "add", ".")
    done = repository("scan", "--staged")
    assert (done.code, done.out) == (7, "big:1300001: API_KEY\n")
