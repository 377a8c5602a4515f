"""
The hook that this repository offers to pre-commit, through the real pre-commit.

In every run the hook is taken as `.pre-commit-hooks.yaml` has it, but for its `language`: what is
real is pre-commit, its choice of files and its way with what is not staged; the program is the
installed one. `make soak` also has pre-commit build the hook's environment from a commit of this
repository, as it does for a user, which takes the network.
"""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml

from tests.faults.soak import SOAK
from tests.program import Done, Program

ROOT = Path(__file__).parents[2]
PRE_COMMIT = Path(sysconfig.get_path("scripts")) / "pre-commit"
VALUE = "canary-0123/value+xyz"

pytestmark = pytest.mark.skipif(not PRE_COMMIT.exists(), reason="pre-commit is not installed")


def run(sophia: Program, *command: str) -> Done:
    variables = {"PRE_COMMIT_HOME": str(sophia.root / "pre-commit"), "PRE_COMMIT_COLOR": "never"}
    author = {f"GIT_{who}_{what}": "u@e.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        command,
        cwd=sophia.cwd,
        env=sophia.full_environment(**variables, **author),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def repository(sophia: Program) -> Program:
    """A git repository with the hook installed, and a secret that is known here."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    settings = {"repos": [{"repo": "local", "hooks": [{**hook, "language": "system"}]}]}
    (sophia.cwd / ".pre-commit-config.yaml").write_text(yaml.safe_dump(settings))
    sophia.store("API_KEY", VALUE)
    for command in (("git", "init", "-q"), (str(PRE_COMMIT), "install")):
        assert run(sophia, *command).code == 0
    return sophia


def commit(repository: Program) -> Done:
    return run(repository, "git", "commit", "-qm", "x")


def test_a_commit_with_a_known_value_is_stopped_and_a_clean_one_is_made(repository: Program) -> None:
    leak = repository.cwd / "app.py"
    leak.write_text(f"import os\ntoken = '{VALUE}'\n")
    (repository.cwd / "-- a name.txt").write_text("clean")
    (repository.cwd / "link").symlink_to("app.py")
    run(repository, "git", "add", ".")
    done = commit(repository)
    assert done.code == 1
    assert "- exit code: 7" in done.said
    assert "app.py:2: API_KEY\n" in done.said
    assert "`sophia-secrets rotate API_KEY`" in done.said
    assert VALUE not in done.said
    leak.write_text("import os\ntoken = os.environ['API_KEY']\n")
    run(repository, "git", "add", ".")
    assert commit(repository).code == 0


def test_what_is_staged_counts_and_not_what_the_file_holds_now(repository: Program) -> None:
    file = repository.cwd / "app.py"
    file.write_text(VALUE)
    run(repository, "git", "add", ".")
    file.write_text("taken out, and not staged")
    assert commit(repository).code == 1
    run(repository, "git", "add", ".")
    file.write_text(VALUE)
    assert commit(repository).code == 0
    assert file.read_text() == VALUE


@pytest.mark.skipif(not SOAK, reason="takes the network: make soak")
def test_pre_commit_builds_the_hook_from_a_commit_of_this_repository(repository: Program) -> None:
    (repository.cwd / "app.py").write_text(VALUE)
    run(repository, "git", "add", ".")
    offered = repository.root / "offered"
    assert run(repository, "git", "clone", "-q", str(ROOT), str(offered)).code == 0
    done = run(repository, str(PRE_COMMIT), "try-repo", str(offered), "sophia-secrets-scan")
    assert done.code == 1
    assert "app.py:1: API_KEY\n" in done.said
    run(repository, "git", "rm", "-qf", "app.py")
    done = run(repository, str(PRE_COMMIT), "try-repo", str(offered), "sophia-secrets-scan")
    assert (done.code, "Passed" in done.said) == (0, True), done.said
