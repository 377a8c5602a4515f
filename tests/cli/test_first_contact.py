"""What a newcomer is told, in an empty home and in projects that already say where secrets are."""

from __future__ import annotations

import pytest

from tests.program import Program

WORKFLOW = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo ${{ secrets.API_KEY }}\n"
FILES = {
    "fly.toml": 'app = "my-app"\n',
    "Pulumi.yaml": "name: infra\nruntime: python\n",
    ".env": "A_KEY=x\n",
    ".github/workflows/ci.yml": WORKFLOW,
}


@pytest.fixture
def sophia(tmp_path: object) -> Program:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    return Program(tmp_path)


def lay(sophia: Program, *names: str) -> None:
    for name in names:
        path = sophia.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FILES[name])


def steps(sophia: Program) -> list[str]:
    """The commands under `Next:`."""
    done = sophia()
    assert done.code == 0, done.said
    return [line.strip().partition("  ")[0] for line in done.out.partition("Next:\n")[2].splitlines()]


def test_an_empty_place_leads_to_a_first_secret(sophia: Program) -> None:
    assert steps(sophia)[0] == "sophia-secrets set MY_API_KEY --backend local"
    done = sophia("config", "init")
    assert done.err == "", "there is nothing to trust in a file that names no target"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fly.toml", "fly.app             my-app (from fly.toml)"),
        ("Pulumi.yaml", "pulumi.project      infra (from Pulumi.yaml)"),
        (".env", "env.file            .env (from a .env file)"),
    ],
)
def test_what_a_file_says_is_offered_as_settings(sophia: Program, name: str, told: str) -> None:
    lay(sophia, name)
    assert told in sophia().out
    assert steps(sophia)[0] == "sophia-secrets config init"
    done = sophia("config", "init")
    assert done.err.count("`sophia-secrets trust`") == 1, done.err
    assert steps(sophia)[0] == "sophia-secrets trust"
    assert sophia("trust").code == 0
    assert "sophia-secrets trust" not in steps(sophia)


def test_workflows_are_named_and_can_be_checked_once_the_targets_count(sophia: Program) -> None:
    lay(sophia, *FILES)
    assert "workflows           .github/workflows/ci.yml" in sophia().out
    check = "sophia-secrets check --workflow .github/workflows/ci.yml"
    assert check not in steps(sophia)
    sophia("config", "init")
    sophia("trust")
    assert check in steps(sophia)


def test_no_line_is_wider_than_80_columns(sophia: Program) -> None:
    lay(sophia, *FILES)
    (sophia.cwd / ".github/workflows/ci.yml").rename(sophia.cwd / f".github/workflows/{'x' * 30}.yml")
    sophia("config", "init")
    sophia("trust")
    assert [
        line
        for line in sophia().out.partition("Next:\n")[2].splitlines()
        if len(line) > 80 and "--workflow" not in line
    ] == []


def test_doctor_speaks_in_whole_sentences(sophia: Program) -> None:
    for line in sophia("doctor").out.splitlines():
        if line.startswith("  "):
            assert line.endswith((".", "?")), line
