"""The example action, workflows and Dockerfile are what their own linters and schemas accept."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import DOCS, fences
from tests.program import PROGRAM, Program

EXAMPLES = DOCS / "examples"
ACTION = EXAMPLES / "github-action" / "action.yml"
WORKFLOW = EXAMPLES / "github-action" / "workflow.yml"
DOCKERFILE = EXAMPLES / "container" / "Dockerfile"
HADOLINT = Path(sysconfig.get_path("scripts")) / "hadolint"
ACTIONLINT = os.environ.get("SOPHIA_TEST_ACTIONLINT") or shutil.which("actionlint")


def page_workflows() -> list[str]:
    """The whole workflows that the pages show."""
    shown = [fence for page in DOCS.rglob("*.md") for fence in fences(page.read_text(encoding="utf-8"))]
    return [fence.body for fence in shown if fence.title.startswith(".github/workflows/")]


def repository(root: Path) -> list[Path]:
    """A repository that uses the action, with every workflow that is shown; the workflows' files."""
    place = root / ".github" / "actions" / "run-with-secrets"
    place.mkdir(parents=True)
    shutil.copy(ACTION, place / "action.yml")
    workflows = root / ".github" / "workflows"
    workflows.mkdir()
    (root / ".git").mkdir()
    texts = [WORKFLOW.read_text(encoding="utf-8"), *page_workflows()]
    for number, text in enumerate(texts):
        (workflows / f"{number}.yml").write_text(text, encoding="utf-8")
    return sorted(workflows.iterdir())


def test_the_page_shows_the_files_themselves() -> None:
    shown = {fence.body for fence in fences((DOCS / "ready-made.md").read_text(encoding="utf-8"))}
    for path in (ACTION, WORKFLOW, DOCKERFILE):
        assert path.read_text(encoding="utf-8") in shown, path.name


def schema_check(kind: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    """The SchemaStore's schema as `check-jsonschema` carries it: no network."""
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        f"vendor.{kind}",
        *map(str, paths),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_action_and_every_workflow_shown_fit_githubs_schemas(tmp_path: Path) -> None:
    workflows = repository(tmp_path)
    assert len(workflows) >= 2
    for done in (schema_check("github-actions", ACTION), schema_check("github-workflows", *workflows)):
        assert done.returncode == 0, done.stdout
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOW.read_text(encoding="utf-8").replace("runs-on:", "runs_on:"))
    assert schema_check("github-workflows", wrong).returncode == 1


@pytest.mark.skipif(
    not ACTIONLINT, reason="actionlint is neither on PATH nor named by SOPHIA_TEST_ACTIONLINT"
)
def test_actionlint_finds_nothing_in_the_action_and_the_workflows(tmp_path: Path) -> None:
    workflows = repository(tmp_path)
    done = subprocess.run(
        [str(ACTIONLINT), "-no-color", *map(str, workflows)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_actions_last_step_gives_its_command_the_secrets_and_not_the_json(sophia: Program) -> None:
    step = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["runs"]["steps"][-1]
    given = {
        "${{ inputs.secrets-json }}": '{"DEPLOY_KEY":"d3pl0y-1234"}',
        "${{ inputs.trust }}": "1",
        "${{ inputs.run }}": 'test "${#DEPLOY_KEY}" = 11 && echo "json: ${SOPHIA_GITHUB_SECRETS_JSON:-none}"',
    }
    (sophia.root / "sophia-secrets" / "bin").mkdir(parents=True)
    (sophia.root / "sophia-secrets" / "bin" / "sophia-secrets").symlink_to(PROGRAM)
    environment = sophia.full_environment(
        CI="true",
        GITHUB_ACTIONS="true",
        GITHUB_REPOSITORY="octo/app",
        RUNNER_TEMP=str(sophia.root),
        **{name: given[value] for name, value in step["env"].items()},
    )
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
        env=environment, cwd=sophia.cwd, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "json: none\n"), done.stderr


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is not installed")
def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = subprocess.run([HADOLINT, DOCKERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_a_user_through_run_and_keeps_no_secret_in_a_layer() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    last = text.rpartition("\nFROM ")[2]
    assert text.count("\nFROM ") == 2
    assert re.search(r"^USER [1-9]\d+:[1-9]\d+$", last, re.MULTILINE)
    assert re.search(
        r'^ENTRYPOINT \["/opt/sophia-secrets/bin/sophia-secrets", "run", "--"\]$', last, re.MULTILINE
    )
    assert not re.search(r"^(ARG|ENV|ADD)\b", text, re.MULTILINE)
